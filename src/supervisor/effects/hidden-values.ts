/**
 * The values that nobody may see in what a run leaves.
 *
 * H1. What runners write is redacted by themselves, with what they were given. What is copied from worktree, repository and the folder
 *     that children write into is redacted here, so that every value that any runner of the run was given must be known.
 * H2. A supervisor that began after a runner learns them when it connects. When both ended before that, nobody knows them: then
 *     nothing that may hold one is copied or shown.
 */
import { SECRET_ALLOWED_NAMES } from '../runners/environment.ts';
import { SECRET_BYTES_MAX } from '../runners/redaction.ts';
import type { LiveRun } from '../runs/live-runs.ts';
import { learnFromStartRecord } from '../runs/start-record.ts';
import type { RunParts } from '../runs/run-parts.ts';
import type { RunFacts } from './run-facts.ts';
import { linkOf } from './runner-calls.ts';

export type HiddenValues = {
  readonly values: readonly string[];
  /** Why some of them cannot be taken out of what runners have not redacted; null: all can. */
  readonly missing: string | null;
};

const FORGOTTEN =
  'this run was given secret values that nobody knows any more, because its supervisor and its runner both ended';
const TOO_LARGE = 'the secret values that this task was given are too large together to be taken out';

type Facts = Pick<RunFacts, 'run' | 'task' | 'spec'>;

export async function hiddenValues(
  parts: Pick<RunParts, 'granted' | 'platform'>,
  { run, task, spec }: Facts,
): Promise<HiddenValues> {
  const values = parts.granted.secretsOf(task.taskId, [...spec.envNames, ...SECRET_ALLOWED_NAMES], spec.env);
  if (Buffer.byteLength(values.join('')) > SECRET_BYTES_MAX) return { values: [], missing: TOO_LARGE };
  for (let epoch = 1; epoch <= run.epoch; epoch += 1) {
    if (await isForgotten(parts, run, epoch)) return { values, missing: FORGOTTEN };
  }
  return { values, missing: null };
}

const isForgotten = async (
  { granted, platform }: Pick<RunParts, 'granted' | 'platform'>,
  { taskId, runId }: Facts['run'],
  epoch: number,
): Promise<boolean> => !granted.isKnown({ taskId, runId, epoch }) && (await platform.hides(runId, epoch));

/** Before the runner is told to leave: one that lives and is not connected yet is waited for, for it may be the last to know (H2). */
export async function learnHiddenValues(
  parts: RunParts,
  live: LiveRun,
  { facts, signal }: { readonly facts: RunFacts; readonly signal: AbortSignal },
): Promise<void> {
  if (live.link !== null || !(await isForgotten(parts, facts.run, live.epoch))) return;
  await learnFromStartRecord(parts, live);
  if (live.runner === null) return;
  try {
    await linkOf(parts, live, signal);
  } catch {
    // It lives and does not come: what it knows stays unknown.
  }
}
