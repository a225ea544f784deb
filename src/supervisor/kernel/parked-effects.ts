/**
 * Brings parked effects back into the queue, when somebody says that what killed us is gone.
 *
 * R1. One caller after the other: the later one finds what the earlier one made of the outbox, and neither puts a row back that
 *     is being tried, nor takes back the count of that try.
 * R2. What counts is what the store holds after the change: a row that somebody finished meanwhile is not tried again.
 */
import type { OutboxRow, OutboxUpdate } from '../../persistence/store.ts';

export type ParkedParts = {
  /** The outbox as it is stored now. */
  readonly read: () => Promise<readonly OutboxRow[]>;
  /** Makes the change durable before anything is tried. */
  readonly commit: (updates: readonly OutboxUpdate[]) => Promise<unknown>;
  /** Takes the rows that wait for their next try. */
  readonly accept: (rows: readonly OutboxRow[]) => void;
};

/** @returns brings them all back. Each may end in our death as often as before; its tries count on. */
export function parkedRetry(parts: ParkedParts): () => Promise<readonly OutboxRow[]> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const retried = last.then(() => retry(parts));
    // Whoever asks next is not told of an earlier one's trouble.
    last = retried.catch(() => undefined);
    return retried;
  };
}

async function retry({ read, commit, accept }: ParkedParts): Promise<readonly OutboxRow[]> {
  const parked = (await read()).filter(({ state }) => state === 'parked');
  if (parked.length === 0) return [];
  await commit(parked.map(({ key, tries }) => ({ key, state: 'waiting', tries, deaths: 0 })));
  const keys = new Set(parked.map(({ key }) => key));
  const waiting = (await read()).filter(({ key, state }) => keys.has(key) && state === 'waiting');
  accept(waiting);
  return waiting;
}
