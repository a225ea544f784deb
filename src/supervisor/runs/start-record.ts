/** What the files of a run say about processes that this supervisor has not met yet. */
import type { LiveRun } from './live-runs.ts';
import type { RunParts } from './run-parts.ts';

/** After a restart of the supervisor the record is all that names runner and agent, until the runner connects. */
export async function learnFromStartRecord(parts: RunParts, run: LiveRun): Promise<void> {
  run.scope ??= await parts.platform.readScope(run.runId, run.epoch);
  if (run.agent !== null && run.runner !== null) return;
  run.runner ??= await parts.platform.readRunner(run.runId, run.epoch);
  const start = await parts.platform.readStart(run.runId, run.epoch);
  if (start.kind !== 'present') return;
  run.runner ??= start.record.runner;
  run.agent ??= { identity: start.record.agent, pgid: start.record.pgid, sid: start.record.sid };
}
