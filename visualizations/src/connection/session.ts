/**
 * Who the page is to the supervisor: a link from the terminal, exchanged once for a secret that lives as long as the tab.
 *
 * S1. The link leaves the address before anything else happens, and is kept nowhere.
 * S2. The secret lies in `sessionStorage` and travels in a header; never in an address or a cookie.
 * S3. Only a supervisor that says so ends a session: one that is away does not.
 */
import {
  API,
  SESSION_HEADER,
  type ProjectFacts,
  type SessionAnswer,
  type SessionRequest,
} from '../../../src/hosts/inspector/protocol.ts';

export type SessionState =
  | { readonly kind: 'opening' }
  /** The tab has no session and came without a link. */
  | { readonly kind: 'none' }
  /** The link or the session no longer counts. */
  | { readonly kind: 'expired' }
  /** `project` null: there is a secret, and the supervisor did not answer yet. */
  | { readonly kind: 'open'; readonly project: ProjectFacts | null };

const STORED = 'conductor.session';
/** How often an unanswered link is tried again, and after how long, in ms: a supervisor may just be starting. */
const LINK_TRIES = 4;
const LINK_RETRY_MS = 400;

let state: SessionState = { kind: 'opening' };
let secret: string | null = null;
const listeners = new Set<() => void>();

const become = (next: SessionState): void => {
  state = next;
  for (const listener of listeners) listener();
};

export const sessionState = (): SessionState => state;
export const sessionSecret = (): string | null => secret;
export const onSession = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** The supervisor refused the secret: nothing on this page works until a new link is opened. */
export const endSession = (): void => {
  secret = null;
  globalThis.sessionStorage.removeItem(STORED);
  become({ kind: 'expired' });
};

/** A route begins with `#/`; anything else in the fragment is a link, alone or as `name=link`. */
const takeLink = (): string | null => {
  const fragment = globalThis.location.hash.slice(1);
  if (fragment === '' || fragment.startsWith('/')) return null;
  globalThis.history.replaceState(null, '', '#/');
  return fragment.replace(/^[a-z]+=/, '');
};

const pause = async (ms: number): Promise<void> => {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
};

const exchange = async (link: string, tries = LINK_TRIES): Promise<SessionAnswer | null> => {
  let response: Response;
  try {
    response = await fetch(API.session, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link } satisfies SessionRequest),
    });
  } catch {
    // Nobody answers: the link was not used up by this try.
    if (tries <= 1) return null;
    await pause(LINK_RETRY_MS);
    return exchange(link, tries - 1);
  }
  return response.ok ? ((await response.json()) as SessionAnswer) : null;
};

/** Whether the kept secret counts, and for which project. */
export const checkSession = async (): Promise<'valid' | 'gone' | 'unreachable'> => {
  if (secret === null) return 'gone';
  try {
    const response = await fetch(API.whoami, { headers: { [SESSION_HEADER]: secret } });
    if (response.status === 401 || response.status === 403) return 'gone';
    if (!response.ok) return 'unreachable';
    const { project } = (await response.json()) as { readonly project: ProjectFacts };
    become({ kind: 'open', project });
    return 'valid';
  } catch {
    return 'unreachable';
  }
};

/** Called once, first of all. */
export const openSession = async (): Promise<void> => {
  const link = takeLink();
  secret = globalThis.sessionStorage.getItem(STORED);
  if (link !== null) {
    const answer = await exchange(link);
    if (answer !== null) {
      secret = answer.session;
      globalThis.sessionStorage.setItem(STORED, secret);
      become({ kind: 'open', project: answer.project });
      return;
    }
  }
  if (secret === null) {
    become({ kind: link === null ? 'none' : 'expired' });
    return;
  }
  const checked = await checkSession();
  if (checked === 'gone') endSession();
  else if (checked === 'unreachable') become({ kind: 'open', project: null });
};
