/**
 * Who the page is to the supervisor: a link from the terminal, exchanged once for a session that lives as long as the tab.
 *
 * S1. The link leaves the address before anything else happens, and is kept nowhere.
 * S2. The session lies in `sessionStorage` while the supervisor is known to be here, and is said to nobody: requests carry a pass.
 *     What answers here otherwise could be a page of another program, and one that is loaded anew would read what lies there.
 * S3. Only the supervisor ends a session: one that is away does not, nor does another program at its address.
 */
import {
  API,
  type ProjectFacts,
  type SessionAnswer,
  type SessionRequest,
} from '../../../src/hosts/inspector/protocol.ts';
import { greet, type Greeting } from './greeting.ts';

export type SessionState =
  | { readonly kind: 'opening' }
  /** The tab has no session and came without a link. */
  | { readonly kind: 'none' }
  /** The link or the session no longer counts. */
  | { readonly kind: 'expired' }
  /** `project` null: the feed says it as soon as the supervisor answers. */
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

let known: Promise<Greeting> | null = null;

/** Some browsers end the sockets of a page that is loaded anew while it still hears of it; a page that stays is told within this time, in ms. */
const LEAVING_MS = 2_000;
let isLeaving = false;
globalThis.addEventListener('beforeunload', () => {
  isLeaving = true;
  setTimeout(() => {
    isLeaving = false;
  }, LEAVING_MS);
});

/** What is kept in the tab's storage (S2). */
const keep = (isHere: boolean): void => {
  if (isHere && secret !== null) globalThis.sessionStorage.setItem(STORED, secret);
  else if (!isLeaving) globalThis.sessionStorage.removeItem(STORED);
};

/** The supervisor says that the session is over: nothing on this page works until a new link is opened. */
const endSession = (): void => {
  secret = null;
  globalThis.sessionStorage.removeItem(STORED);
  become({ kind: 'expired' });
};

const greetNow = async (): Promise<Greeting> => {
  if (secret === null) return { kind: 'over' };
  const answer = await greet(secret);
  if (answer.kind === 'over') endSession();
  else keep(answer.kind === 'known');
  if (answer.kind !== 'known') known = null;
  return answer;
};

/** Whether the supervisor is here, with the pass that it takes. Asked again only after `forgetPass`, or while it is not. */
export const greeting = (): Promise<Greeting> => {
  known ??= greetNow();
  return known;
};

/** A socket ended, or nobody took the pass: whoever is here now has to show who it is. */
export const forgetPass = (): void => {
  known = null;
  keep(false);
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

/** Called once, first of all. */
export const openSession = async (): Promise<void> => {
  const link = takeLink();
  secret = globalThis.sessionStorage.getItem(STORED);
  if (link !== null) {
    const answer = await exchange(link);
    if (answer !== null) {
      secret = answer.session;
      keep(true);
      become({ kind: 'open', project: answer.project });
      return;
    }
  }
  if (secret === null) {
    become({ kind: link === null ? 'none' : 'expired' });
    return;
  }
  const { kind } = await greeting();
  if (kind !== 'over') become({ kind: 'open', project: null });
};
