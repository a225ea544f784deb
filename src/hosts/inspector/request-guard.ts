/**
 * What every request and every upgrade must be before anything is done with it, and what every answer carries. Pure.
 *
 * G1. It was sent to this address by name or number: a foreign name that resolves to this machine is refused.
 * G2. It was sent by our own page, or by no page at all; a socket is opened by our own page only. Any page may lead a browser to ours,
 *     as the file does that `inspect` opens: ours is the same for everybody, and in a tab of its own.
 * G3. A browser that shows an answer loads and sends nothing outside of this origin, and nobody frames it.
 */
import type { IncomingHttpHeaders } from 'node:http';

export type GuardedRequest = {
  readonly headers: IncomingHttpHeaders;
  readonly isUpgrade: boolean;
  readonly method: string | undefined;
  readonly url: string | undefined;
};

/** `same-site` is another port of this machine: as foreign as any. */
const FOREIGN_SITES = ['cross-site', 'same-site'];

/** Names of one port of this machine, as a browser writes them. */
const hostsOf = (port: number): readonly string[] => [`127.0.0.1:${String(port)}`, `localhost:${String(port)}`];

/** @returns why it is refused, as a sentence; null when it is not. */
export const refusalOf = (request: GuardedRequest, port: number): string | null => {
  const { headers, isUpgrade } = request;
  const { host, origin } = headers;
  if (host === undefined || !hostsOf(port).includes(host)) return 'This address is not served here.';
  if (origin !== undefined && origin !== `http://${host}`) return 'Another page has no business here.';
  if (origin === undefined && isUpgrade) return 'A socket is opened by the inspector’s own page only.';
  const site = headers['sec-fetch-site'];
  const isForeign = typeof site === 'string' && FOREIGN_SITES.includes(site);
  return isForeign && !isArrival(request) ? 'Another page has no business here.' : null;
};

/** A whole tab goes to the page. */
const isArrival = ({ headers, method, url, isUpgrade }: GuardedRequest): boolean =>
  !isUpgrade &&
  method === 'GET' &&
  url === '/' &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document';

/** Headers of every answer. `host` that is not ours counts as the number. */
export const securityHeaders = (host: string | undefined, port: number): Readonly<Record<string, string>> => {
  const known = hostsOf(port);
  const own = known.find((each) => each === host) ?? known[0]!;
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      // The terminal sets styles on its cells one by one.
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "font-src 'self'",
      `connect-src 'self' ws://${own}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Files of the page with a name of their content say otherwise.
    'cache-control': 'no-store',
  };
};
