/**
 * The sessions of open pages: signed, not stored, so that they outlive the supervisor.
 *
 * S1. The key of a session is the project's HMAC over its name and the port: it is good for this project, this port and SESSION_MS.
 * S2. Whoever has a pass acts as the human that opened the page; compared in constant time.
 * S3. A pass counts for this instance alone: whoever hears one can use it only while nobody but us could have heard it.
 * S4. A greeting tells nothing of use to whoever does not know the key, and is good for its nonce alone.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { isSameSecret } from '../../supervisor/runners/token.ts';
import { SIGNED, type GreetAnswer, type GreetRequest } from './protocol.ts';

/** How long a page works without a new link, in ms. */
export const SESSION_MS = 12 * 3_600_000;
const RANDOM_BYTES = 16;
/** A clock that was set back a little must not end a session that has just begun, in ms. */
const CLOCK_SLACK_MS = 60_000;
const NAME = /^([A-Za-z0-9_-]{22})\.([0-9a-z]{1,11})$/;
const PASS = /^([A-Za-z0-9_-]{22}\.[0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/;

export type PageSession = { readonly id: string; readonly name: string; readonly expiresAt: number };

export type PageSessions = {
  /** @returns name and key of a new session, to be said once. */
  begin(): string;
  /** Null for what is no name of a session. */
  greet(request: GreetRequest): GreetAnswer | null;
  /** Null when it does not count, or no more. */
  check(pass: unknown): PageSession | null;
  /** The proof for a socket of this session. */
  welcome(session: PageSession, nonce: string): string;
};

/** `now` in ms since 1970; `key` from `inspector.json`. */
export const createPageSessions = (given: {
  readonly key: string;
  readonly port: number;
  readonly now: () => number;
}): PageSessions => {
  const { key, port, now } = given;
  const instance = randomBytes(RANDOM_BYTES).toString('base64url');
  const keyOf = (name: string): string => sign(key, `session/${String(port)}/${name}`);
  const sessionOf = (name: string): PageSession | null => {
    const [, id = '', begun = ''] = NAME.exec(name) ?? [];
    const begunAt = Number.parseInt(begun, 36);
    const expiresAt = begunAt + SESSION_MS;
    return begunAt <= now() + CLOCK_SLACK_MS && now() < expiresAt ? { id, name, expiresAt } : null;
  };
  return {
    begin: () => {
      const name = `${randomBytes(RANDOM_BYTES).toString('base64url')}.${now().toString(36)}`;
      return `${name}.${keyOf(name)}`;
    },
    greet: ({ name, nonce }) => {
      if (!NAME.test(name)) return null;
      const answer = { instance, isOver: sessionOf(name) === null };
      return { ...answer, proof: sign(keyOf(name), SIGNED.greeting(nonce, answer)) };
    },
    check: (pass) => {
      const [, name = '', signature = ''] = (typeof pass === 'string' ? PASS.exec(pass) : null) ?? [];
      return isSameSecret(sign(keyOf(name), SIGNED.pass(instance)), signature) ? sessionOf(name) : null;
    },
    welcome: ({ name }, nonce) => sign(keyOf(name), SIGNED.welcome(nonce)),
  };
};

const sign = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');
