/** What every adapter checks of a batch before it writes: gaps in the journal, and a store that is closed or has another owner. */
import { ConductorError } from '../machines/errors.ts';
import type { CommitBatch, CommitResult, Owner } from './store.ts';

/** Requests are answered again for this long. */
export const REQUEST_KEPT_MS = 86_400_000;
/** Old requests removed per commit: small steps, so that no commit pays for a quiet day. */
export const REQUESTS_PRUNED_MAX = 16;
/** Largest page of any list. */
export const PAGE_MAX = 1_000;

/** The cause when the batch's journal does not go on at `lastSeq + 1` without a gap; else null. */
export const journalGap = (batch: CommitBatch, lastSeq: number): ConductorError | null => {
  for (const [index, { seq }] of batch.journal.entries()) {
    const wanted = lastSeq + 1 + index;
    if (seq !== wanted) {
      return new ConductorError('internal', `Journal entry ${seq} came where ${wanted} belongs; nothing was written.`, {
        details: { seq, wanted },
      });
    }
  }
  return null;
};

export const failed = (cause: unknown): CommitResult => ({ kind: 'failed', io: false, code: 'internal', cause });

/** A page size within 1..PAGE_MAX. @throws ConductorError `invalid_params`. */
export const pageSize = (limit: number): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return limit;
  throw new ConductorError('invalid_params', `A page has 1 to ${PAGE_MAX} items, not ${limit}.`, {
    details: { limit },
  });
};

export const storeClosed = (): ConductorError => new ConductorError('internal', 'The store is closed.');

export const isSameOwner = (held: Owner | null, other: Owner): boolean =>
  held?.epoch === other.epoch && held.instance === other.instance;

/** Refuses to hand the store to an owner that is not newer than the one it has. @throws ConductorError `owned_elsewhere`. */
export const assertNewerOwner = (held: Owner | null, next: Owner): void => {
  if (held === null || held.epoch < next.epoch || isSameOwner(held, next)) return;
  throw new ConductorError(
    'owned_elsewhere',
    `The store was last owned under epoch ${held.epoch}; epoch ${next.epoch} cannot take it over.`,
    { details: { held: held.epoch, epoch: next.epoch } },
  );
};
