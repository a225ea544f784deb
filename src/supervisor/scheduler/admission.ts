/** Whether the machine has memory for one more run. */
import type { RunParts } from '../runs/run-parts.ts';

/** Left free for everything that is not ours, in bytes. */
const RESERVE_BYTES = 512 * 1_048_576;
/** Cost of a runner until one was measured, in bytes: a bare Node process and its agent's shell. */
const COST_BYTES_DEFAULT = 64 * 1_048_576;

/**
 * At least one run is always admitted: a machine short of memory still makes progress.
 * @param starts Runs to be started in this pass, this one included.
 */
export function hasMemoryFor(parts: RunParts, starts: number, running: number): boolean {
  if (running === 0 && starts === 1) return true;
  return parts.table.memoryFreeBytes() >= RESERVE_BYTES + starts * costOf(parts);
}

/** Mean resident memory of the runners that can be seen. */
function costOf(parts: RunParts): number {
  let bytes = 0;
  let count = 0;
  for (const { runner } of parts.live.all()) {
    const rss = runner === null ? null : parts.table.rssBytes(runner.pid);
    if (rss === null) continue;
    bytes += rss;
    count += 1;
  }
  return count === 0 ? COST_BYTES_DEFAULT : bytes / count;
}
