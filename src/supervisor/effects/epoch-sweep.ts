/**
 * Ends the processes of one epoch of a run and says what could not be ended.
 *
 * E1. A listing of all processes is spared where it can tell nothing new: processes of a run come from processes of the run, so
 *     once nobody but the runner was left, and that has started nothing since, the run is empty as soon as the runner is gone.
 */
import type { ProcessIdentity } from '../processes/process-identity.ts';
import type { ProcessSnapshot } from '../processes/process-snapshot.ts';
import { sweep, type SweepResult } from '../processes/sweep.ts';
import { cookieOf } from '../project.ts';
import type { LiveRun } from '../runs/live-runs.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { learnFromStartRecord } from '../runs/start-record.ts';

/**
 * @param spareRunner The runner still has work to do: it is neither counted nor signalled.
 * @param seenEmpty A listing that found nobody but the runner already, taken when the agent could not be started any more.
 * @returns what survived `limits.sweepMs`.
 */
export async function sweepProcesses(
  parts: RunParts,
  run: LiveRun,
  { spareRunner, seenEmpty = null }: { readonly spareRunner: boolean; readonly seenEmpty?: ProcessSnapshot | null },
): Promise<SweepResult> {
  await learnFromStartRecord(parts, run);
  const isEmpty = run.emptied && run.runner !== null && parts.table.liveness(run.runner) !== 'alive';
  const result = isEmpty ? NOTHING_LEFT : await sweepNow(parts, run, { spareRunner, seenEmpty });
  const left = result.leftover.length > 0;
  if (spareRunner) run.emptied = !left;
  // A runner that left by itself took its socket away; a killed one could not.
  else if (!left) await parts.platform.removeSocket(parts.runnerSocket(run.runId, run.epoch));
  return result;
}

const NOTHING_LEFT: SweepResult = { leftover: [], signalled: 0 };

async function sweepNow(
  parts: RunParts,
  run: LiveRun,
  { spareRunner, seenEmpty }: { readonly spareRunner: boolean; readonly seenEmpty: ProcessSnapshot | null },
): Promise<SweepResult> {
  const subject = parts.live.subject(cookieOf(parts.project, run.runId, run.epoch), run, parts.table.self());
  const isRunner = (id: ProcessIdentity): boolean => run.runner !== null && id.pid === run.runner.pid;
  const spared = spareRunner && run.runner !== null ? [...subject.spare, run.runner] : subject.spare;
  return sweep(
    {
      table: parts.table,
      clock: { now: () => parts.clock.monotonic(), sleep: (ms) => parts.clock.sleep(ms) },
      snapshot: parts.snapshot,
    },
    {
      ...subject,
      recorded: spareRunner ? subject.recorded.filter((id) => !isRunner(id)) : subject.recorded,
      spare: spared,
    },
    {
      graceMs: parts.limits.leaveMs,
      sweepMs: parts.limits.sweepMs,
      ...(seenEmpty === null ? {} : { seenEmpty }),
      ...(run.scope === null ? {} : { killScope: () => run.scope?.kill() ?? false }),
      ...(run.runner === null || spareRunner ? {} : { keepLast: run.runner }),
    },
  );
}
