/**
 * The links that let a browser in: made for a human at a terminal, kept in memory as hashes.
 *
 * L1. A link counts once and for LINK_MS; a restart of the supervisor ends all of them.
 * L2. What is kept does not give a link back, and the time of a look does not depend on what was given.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LINK_MS } from './protocol.ts';

/** Links that were made and not used; the oldest is dropped for a new one. */
const OPEN_MAX = 16;
const TOKEN_BYTES = 32;

export type LinkTokens = {
  /** @param onEnd called once: when it was used, dropped, or found to be over. */
  make(onEnd?: () => void): string;
  /** @returns whether it counted; from now on it does not. */
  redeem(token: string): boolean;
};

type Open = { readonly hash: Buffer; readonly until: number; readonly onEnd: () => void };

/** `now` in ms since 1970. */
export const createLinkTokens = (now: () => number): LinkTokens => {
  let open: readonly Open[] = [];
  const keep = (next: readonly Open[]): void => {
    const ended = open.filter((each) => !next.includes(each));
    open = next;
    for (const { onEnd } of ended) onEnd();
  };
  return {
    make: (onEnd = () => undefined) => {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      keep([...open.slice(-(OPEN_MAX - 1)), { hash: hashOf(token), until: now() + LINK_MS, onEnd }]);
      return token;
    },
    redeem: (token) => {
      const given = hashOf(token);
      const found = open.filter(({ hash }) => timingSafeEqual(hash, given));
      keep(open.filter((each) => !found.includes(each) && each.until >= now()));
      return found.some(({ until }) => until >= now());
    },
  };
};

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
