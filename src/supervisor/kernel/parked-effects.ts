/** Brings parked effects back into the queue, when somebody says that what killed us is gone. */
import type { OutboxRow, OutboxUpdate } from '../../persistence/store.ts';

/**
 * Each may end in our death as often as before; its tries count on. Of two callers at once neither brings back what the other's
 * retry has finished meanwhile: what counts is what the store holds after the change.
 * @param read The outbox as it is stored now.
 * @param commit Makes the change durable before anything is tried.
 * @returns those that wait for their next try now.
 */
export async function retryParked(
  read: () => Promise<readonly OutboxRow[]>,
  commit: (updates: readonly OutboxUpdate[]) => Promise<unknown>,
): Promise<readonly OutboxRow[]> {
  const parked = (await read()).filter(({ state }) => state === 'parked');
  if (parked.length === 0) return [];
  await commit(parked.map(({ key, tries }) => ({ key, state: 'waiting', tries, deaths: 0 })));
  const keys = new Set(parked.map(({ key }) => key));
  return (await read()).filter(({ key, state }) => keys.has(key) && state === 'waiting');
}
