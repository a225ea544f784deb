/** Brings parked effects back into the queue, when somebody says that what killed us is gone. */
import type { OutboxRow, OutboxUpdate } from '../../persistence/store.ts';

/**
 * Each may end in our death as often as before; its tries count on. A second caller finds nothing parked any more.
 * @param commit Makes the change durable before anything is tried.
 * @returns those that wait for their next try now.
 */
export async function retryParked(
  rows: readonly OutboxRow[],
  commit: (updates: readonly OutboxUpdate[]) => Promise<unknown>,
): Promise<readonly OutboxRow[]> {
  const waiting = rows
    .filter(({ state }) => state === 'parked')
    .map((row) => ({ ...row, state: 'waiting' as const, deaths: 0 }));
  if (waiting.length === 0) return [];
  await commit(waiting.map(({ key, state, tries, deaths }) => ({ key, state, tries, deaths })));
  return waiting;
}
