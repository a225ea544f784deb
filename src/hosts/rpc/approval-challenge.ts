/**
 * The typed challenge before a high-risk approval: one of these per connection. Pure but for the time and chance it is given.
 *
 * A1. A challenge belongs to its connection and its gate, can be answered once, right or wrong, and for two minutes.
 * A2. No answer but the last six characters of the gate's id confirms it; no flag replaces them.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { Challenge, ChallengeAnswer } from './wire.ts';

/** How long a human has to type, in ms. */
export const CHALLENGE_MS = 120_000;
/** How many characters of the gate's id are to be typed. */
export const CHALLENGE_CHARACTERS = 6;
/** Open challenges of one connection; the oldest is dropped for a new one. */
const OPEN_MAX = 16;

export type ApprovalChallenges = {
  open(gateId: string): Challenge;
  /** @returns the confirmed gate. @throws not_permitted with the reason in `details.reason`. */
  redeem(answer: ChallengeAnswer): string;
};

/** `now` in ms; `nonce` makes an unguessable text. */
export const createApprovalChallenges = (source: { now(): number; nonce(): string }): ApprovalChallenges => {
  const open = new Map<string, Challenge>();
  return {
    open: (gateId) => {
      const oldest = open.keys().next().value;
      if (open.size >= OPEN_MAX && oldest !== undefined) open.delete(oldest);
      const challenge = { nonce: source.nonce(), gateId, expiresAt: source.now() + CHALLENGE_MS };
      open.set(challenge.nonce, challenge);
      return challenge;
    },
    redeem: ({ nonce, gateId, typed }) => {
      const challenge = open.get(nonce);
      open.delete(nonce);
      if (challenge === undefined)
        throw refused('unknown', 'this challenge was not made for this connection, or is used');
      if (challenge.gateId !== gateId) throw refused('other_gate', `this challenge was made for ${challenge.gateId}`);
      if (source.now() > challenge.expiresAt) throw refused('expired', 'the two minutes for this challenge are over');
      const wanted = gateId.slice(-CHALLENGE_CHARACTERS);
      if (typed.trim() !== wanted)
        throw refused('mistyped', `what was typed are not the last six characters of ${gateId}`);
      return gateId;
    },
  };
};

const refused = (reason: string, text: string): ConductorError =>
  new ConductorError('not_permitted', `Not approved: ${text}. Ask for a new challenge and try again.`, {
    details: { reason },
  });
