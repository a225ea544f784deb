/**
 * The secrets of open pages: signed, not stored, so that they outlive the supervisor.
 *
 * S1. A secret names its session and when it began, and the key's HMAC over both and the port: it is good for this project, this
 *     port and SESSION_MS.
 * S2. Whoever holds it acts as the human that opened the page; compared in constant time.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { isSameSecret } from '../../supervisor/runners/token.ts';

/** How long a page works without a new link, in ms. */
export const SESSION_MS = 12 * 3_600_000;
const ID_BYTES = 16;
/** A clock that was set back a little must not end a session that has just begun, in ms. */
const CLOCK_SLACK_MS = 60_000;
const SECRET = /^([A-Za-z0-9_-]{22})\.([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/;

export type PageSession = { readonly id: string; readonly expiresAt: number };

export type PageSessions = {
  /** @returns the secret of a new session. */
  begin(): string;
  /** Null when it does not count, or no more. */
  check(secret: unknown): PageSession | null;
};

/** `now` in ms since 1970; `key` from `inspector.json`. */
export const createPageSessions = (given: {
  readonly key: string;
  readonly port: number;
  readonly now: () => number;
}): PageSessions => {
  const { key, port, now } = given;
  const sign = (id: string, begun: string): string =>
    createHmac('sha256', key)
      .update(`session/${String(port)}/${id}/${begun}`)
      .digest('base64url');
  return {
    begin: () => {
      const id = randomBytes(ID_BYTES).toString('base64url');
      const begun = now().toString(36);
      return `${id}.${begun}.${sign(id, begun)}`;
    },
    check: (secret) => {
      const parts = typeof secret === 'string' ? SECRET.exec(secret) : null;
      if (parts === null) return null;
      const [, id = '', begun = '', signature = ''] = parts;
      if (!isSameSecret(sign(id, begun), signature)) return null;
      const begunAt = Number.parseInt(begun, 36);
      const expiresAt = begunAt + SESSION_MS;
      return begunAt <= now() + CLOCK_SLACK_MS && now() < expiresAt ? { id, expiresAt } : null;
    },
  };
};
