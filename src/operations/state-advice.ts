/** What can be done with something in a state, in one sentence: the way out that every refusal names. */
import type { ActorKind } from '../machines/ids.ts';

const ADVICE: { readonly [Kind in ActorKind]: Readonly<Record<string, string>> } = {
  task: {
    draft: 'Submit it first, or update or cancel it.',
    ready: 'It can be started, assigned, updated or canceled; it starts by itself when its objective is active.',
    assigned: 'It can be started, assigned to another worker, updated or canceled.',
    running: 'Wait for its run, or cancel it.',
    needs_review: 'Accept it, retry it or cancel it.',
    blocked: 'Retry or cancel it; blocked by a dependency, it returns when that is retried.',
    completed: 'Completed work stays as it is: make a new task.',
    failed: 'Retry it, or update it first.',
    canceled: 'Retry it to bring it back.',
  },
  objective: {
    draft: 'Activate it with conductor_update_objective, or cancel it.',
    active: 'Its tasks start by themselves; it can be updated or canceled.',
    needs_review: 'Decide its open gates; conductor gates shows them.',
    blocked: 'Retry or cancel its failed and blocked tasks.',
    completed: 'A new task reopens it.',
    canceled: 'That is final: make a new objective.',
  },
  run: {
    dispatch_pending: 'It waits for a slot and can be canceled.',
    completing: 'Its outcome is decided; wait until its processes are gone.',
  },
  gate: {
    open: 'It can be approved, rejected or canceled by whoever may decide it.',
    approved: 'It was approved and waits to be used.',
    used: 'It was approved and used; a gate is used once.',
    rejected: 'It was rejected; retry the task, or ask again with a new gate.',
    canceled: 'It was withdrawn; ask again with a new gate.',
    expired: 'It expired; ask again with a new gate.',
  },
  worker: {
    creating: 'Its worktree is being made; wait for it.',
    idle: 'It can be used or cleaned up; held for an unfinished task, it is cleaned up with an approved gate only.',
    busy: 'Wait for its run, or cancel that.',
    broken: 'Recover it or clean it up.',
    recovering: 'It is being recovered; wait for it.',
    cleaning: 'It is being cleaned up.',
    archived: 'Its worktree is gone, its branch is kept: make a new worker.',
  },
};

/** Anything that is not listed runs on by itself. */
export const possibleIn = (kind: ActorKind | null, state: string | null): string => {
  if (kind === null || state === null) return 'Look at it with conductor show.';
  if (kind === 'run') return ADVICE.run[state] ?? adviceOfRun(state);
  return ADVICE[kind][state] ?? 'Look at it with conductor show.';
};

const adviceOfRun = (state: string): string =>
  ['queued', 'starting', 'running', 'waiting_input', 'verifying'].includes(state)
    ? 'It runs and can be canceled.'
    : 'It is over: retry its task for a new run.';
