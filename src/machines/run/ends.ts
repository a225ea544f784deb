/**
 * The one table that decides every end of a run: what the run becomes, what its task becomes, and who may try again.
 *
 * N1. An end is named once, here; machines, hosts and tests read it from this table.
 * N2. `interrupt` ends use no attempt: nothing the run did or failed to do caused them.
 * N3. Whose word the message of an end is stands here: what an agent said is never shown as what the system says.
 */
export const RUN_FINALS = [
  'succeeded',
  'partial',
  'blocked',
  'failed',
  'aborted',
  'stale',
  'interrupted',
  'unknown_dispatch',
] as const;
export type RunFinal = (typeof RUN_FINALS)[number];

/**
 * What the end means for the task. `complete`: completed. `review`: needs_review with a gate. `retry`: ready again while
 * attempts are left, else failed. `retry_review`: the same, else needs_review with a gate. `fail`: failed. `block`: blocked.
 * `cancel`: canceled. `interrupt`: ready again, the attempt is not counted.
 */
export type TaskConsequence =
  | 'complete'
  | 'review'
  | 'retry'
  | 'retry_review'
  | 'fail'
  | 'block'
  | 'cancel'
  | 'interrupt';

export type EndRow = {
  readonly run: RunFinal;
  readonly task: TaskConsequence;
  /** One sentence for people; follows the run's id. */
  readonly says: string;
  /** The message that such a run carries, where it carries one, is the agent's own word. Default: the system wrote it. */
  readonly isSaid?: true;
};

export const RUN_ENDS = {
  succeeded: { run: 'succeeded', task: 'complete', says: 'completed and verified' },
  partial: { run: 'partial', task: 'review', says: 'reported a partial result', isSaid: true },
  exit_without_completion: {
    run: 'partial',
    task: 'review',
    says: 'ended with exit code 0 without saying that it is complete',
  },
  scope_violated: { run: 'partial', task: 'review', says: 'changed files outside its write scope' },
  verification_red: { run: 'partial', task: 'retry_review', says: 'failed its verification' },
  exit_nonzero: { run: 'failed', task: 'retry', says: 'ended with an exit code other than 0' },
  killed: { run: 'failed', task: 'retry', says: 'was killed by a signal' },
  setup_red: { run: 'failed', task: 'retry', says: 'failed in its setup' },
  idle_limit: { run: 'failed', task: 'retry', says: 'was silent for longer than its idle limit' },
  time_limit: { run: 'failed', task: 'retry', says: 'took longer than its time limit' },
  completion_failed: { run: 'failed', task: 'retry', says: 'reported a failure', isSaid: true },
  program_not_found: { run: 'failed', task: 'fail', says: 'could not start: the program was not found' },
  worktree_refused: { run: 'failed', task: 'fail', says: 'could not start: its worktree was refused' },
  credentials_missing: { run: 'blocked', task: 'block', says: 'could not start: a granted variable has no value' },
  dependency_conflict: { run: 'blocked', task: 'review', says: 'could not start: the branches it depends on conflict' },
  completion_blocked: { run: 'blocked', task: 'block', says: 'reported that it is blocked', isSaid: true },
  completion_aborted: { run: 'aborted', task: 'cancel', says: 'gave up by its own word', isSaid: true },
  canceled: { run: 'aborted', task: 'cancel', says: 'was canceled' },
  stopped: { run: 'interrupted', task: 'interrupt', says: 'was interrupted by a stop of the supervisor' },
  signalled: { run: 'interrupted', task: 'interrupt', says: 'was interrupted by a signal from outside' },
  rebooted: { run: 'interrupted', task: 'interrupt', says: 'was interrupted by a restart of the machine' },
  restart_budget: { run: 'stale', task: 'review', says: 'was lost more often than its restart budget allows' },
  runner_unstartable: { run: 'stale', task: 'review', says: 'could not start a runner' },
  census_leftover: { run: 'stale', task: 'review', says: 'left processes behind that could not be ended' },
  effect_failed: { run: 'stale', task: 'review', says: 'could not be carried on: a step of the system failed' },
  dispatch_unknown: {
    run: 'unknown_dispatch',
    task: 'review',
    says: 'may or may not have run: its start record cannot be read',
  },
} as const satisfies Record<string, EndRow>;

export type EndReason = keyof typeof RUN_ENDS;
export const END_REASONS = Object.keys(RUN_ENDS) as readonly EndReason[];

/** Why something stands where it stands: in the words of the system or of who decided it, and in the agent's own (N3). */
export type Why = { readonly reason: string | null; readonly said: string | null };

/** N3. @param message What came with the end; null and '' when nothing did. */
export const whyOf = (end: EndReason | null, message: string | null): Why => {
  if (end === null) return { reason: message, said: null };
  const row: EndRow = RUN_ENDS[end];
  if (message === null || message === '' || message === row.says) return { reason: row.says, said: null };
  return row.isSaid === true ? { reason: row.says, said: message } : { reason: message, said: null };
};

/** Signals that mean «somebody wants this to stop», not «this program failed». */
const INTERRUPTING_SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** How an agent's exit reads when nobody here asked for it and it said nothing before. */
export function endOfExit(
  exit: { readonly code: number | null; readonly signal: string | null; readonly spawnError: string | null },
  completion: 'explicit' | 'exit-code',
): EndReason {
  if (exit.spawnError !== null) return 'program_not_found';
  if (exit.signal !== null) return INTERRUPTING_SIGNALS.includes(exit.signal) ? 'signalled' : 'killed';
  if (exit.code !== 0) return 'exit_nonzero';
  return completion === 'exit-code' ? 'succeeded' : 'exit_without_completion';
}
