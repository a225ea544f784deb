/** Pure questions that the task chart asks: where it counts, what an end means for it, when it may come back. */
import type { DurationMs, EpochMs } from '../ids.ts';
import { RUN_ENDS, type EndReason, type TaskConsequence } from '../run/ends.ts';
import type { RetryPolicy, TaskBucket, TaskContext } from './model.ts';

export const consequenceOf = (end: EndReason): TaskConsequence => RUN_ENDS[end].task;

/** Ready and assigned tasks are counted by what they still wait for. */
export function readyBucket(context: Pick<TaskContext, 'waitingOn' | 'notBefore'>): TaskBucket {
  if (context.waitingOn > 0) return 'waiting';
  return context.notBefore === null ? 'ready' : 'delayed';
}

/**
 * Exponential backoff with full-range jitter of ±25 %: `attempts` failed ones so far (1 = the first retry), `rand` in [0, 1).
 * @returns the earliest time of the next attempt.
 */
export function nextAttemptAt(
  policy: RetryPolicy,
  attempts: number,
  from: { readonly at: EpochMs; readonly rand: number },
): EpochMs {
  return (from.at + backoffMs(policy, attempts, from.rand)) as EpochMs;
}

/** `backoffMs` doubled per earlier attempt, at most `backoffMaxMs`, times 0.75…1.25. */
export function backoffMs(
  policy: { readonly backoffMs: number; readonly backoffMaxMs: number },
  attempts: number,
  rand: number,
): DurationMs {
  const doublings = Math.min(Math.max(attempts - 1, 0), 30);
  const delay = Math.min(policy.backoffMs * 2 ** doublings, policy.backoffMaxMs);
  return Math.round(delay * (0.75 + rand / 2)) as DurationMs;
}
