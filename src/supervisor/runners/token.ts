/**
 * The secrets that stand in a contract: made from the project's secret, so that a repeated effect writes the same contract.
 *
 * T1. Compared in constant time, through a hash: neither content nor length shows in the time it takes. The length of a token is no
 *     secret: two of them are compared as they are.
 */
import { nodeCrypto } from '../processes/node-crypto.ts';

/** Who a token speaks for. */
export type TokenSubject = { readonly runId: string; readonly epoch: number };

/** HMAC-SHA-256(project secret, `<runId>/<epoch>`), 64 hexadecimal digits. */
export const runnerToken = (secret: string | Uint8Array, { runId, epoch }: TokenSubject): string =>
  nodeCrypto()
    .createHmac('sha256', secret)
    .update(`${runId}/${String(epoch)}`)
    .digest('hex');

/** True when the token is the subject's own. */
export const isRunnerToken = (secret: string | Uint8Array, subject: TokenSubject, token: string): boolean =>
  isSameSecret(runnerToken(secret, subject), token);

/** Of two runner tokens, one of them proven (T1). */
export const isSameToken = (proven: string, given: string): boolean => {
  const [one, other] = [Buffer.from(proven), Buffer.from(given)];
  return one.length === other.length && nodeCrypto().timingSafeEqual(one, other);
};

/** What `viewer/attach` asks for: lets its holder see (and, asked for, type into) the terminal, and nothing else. */
export const viewerTicket = (token: string): string =>
  nodeCrypto().createHmac('sha256', token).update('viewer').digest('hex');

/** Constant-time comparison of two texts (T1). */
export const isSameSecret = (expected: string, given: string): boolean =>
  nodeCrypto().timingSafeEqual(digest(expected), digest(given));

const digest = (text: string): Buffer => nodeCrypto().createHash('sha256').update(text).digest();
