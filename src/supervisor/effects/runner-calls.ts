/** Instructions to a runner, whether it is connected, away for a moment, or gone. */
import { ConductorError } from '../../machines/errors.ts';
import type { LiveRun } from '../runs/live-runs.ts';
import type { RunParts } from '../runs/run-parts.ts';
import type { RunnerLink } from '../runs/runner-link.ts';
import { learnFromStartRecord } from '../runs/start-record.ts';

/** How long an instruction waits for a living runner to connect again, in ms. */
const RELINK_MS = 10_000;

/** @returns null when the runner's process is gone: then there is nobody to instruct. */
export async function instruct(
  parts: RunParts,
  run: LiveRun,
  instruction: {
    readonly method: string;
    readonly params: unknown;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<unknown> {
  const link = await linkOf(parts, run, instruction.signal);
  if (link === null) return null;
  return link.call(instruction.method, instruction.params, instruction.timeoutMs);
}

export const isRunnerGone = (parts: RunParts, run: LiveRun): boolean => {
  if (run.link !== null || run.runner === null) return false;
  const liveness = parts.table.liveness(run.runner);
  return liveness === 'gone' || liveness === 'zombie';
};

/** @returns null when the runner's process is gone. @throws supervisor_unreachable when it lives and does not connect in time. */
export async function linkOf(parts: RunParts, run: LiveRun, signal: AbortSignal): Promise<RunnerLink | null> {
  if (run.link !== null) return run.link;
  await learnFromStartRecord(parts, run);
  if (isRunnerGone(parts, run)) return null;
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      forget();
      cancel();
      resolve();
    };
    const forget = parts.live.onLinked(run.runId, wake);
    const cancel = parts.clock.after(RELINK_MS, wake);
    signal.addEventListener('abort', wake, { once: true });
  });
  const { link } = parts.live.of(run.runId, run.epoch);
  if (link !== null) return link;
  if (isRunnerGone(parts, run) || run.runner === null) return null;
  throw new ConductorError('supervisor_unreachable', `the runner of ${run.runId} lives but is not connected`, {
    retryable: true,
  });
}
