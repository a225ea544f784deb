/**
 * Requests that were answered before: the same id with the same parameters gets the first answer, with others a conflict.
 *
 * Q1. The result is stored in the commit of what it answers; a request that changed nothing is not remembered.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { EpochMs } from '../../machines/ids.ts';
import type { StoredRequest } from '../../persistence/store.ts';
import type { Outcome, Post } from './kernel.ts';

type Request = NonNullable<Post['request']>;

/** The answer that was given before, or null when this is the first time. @throws ConductorError `idempotency_conflict`. */
export function repeatedAnswer(
  stored: StoredRequest | null,
  request: Request,
  keep: { readonly now: number; readonly keptMs: number },
): Outcome | null {
  if (stored === null || keep.now - stored.at > keep.keptMs) return null;
  if (stored.hash === request.hash) return { kind: 'repeated', result: stored.result };
  throw new ConductorError(
    'idempotency_conflict',
    `Request ${request.id} was made before with other parameters; use a new id for a new request.`,
    { details: { requestId: request.id } },
  );
}

export const storedRequest = (request: Request, at: EpochMs): StoredRequest => ({
  requestId: request.id,
  hash: request.hash,
  result: request.result,
  at,
});
