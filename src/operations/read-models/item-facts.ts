/**
 * What lists and the overview say alike of each kind of thing: their fields, and how they are read from a context. What only one of them
 * says stands in `items.ts` and `overview-items.ts`.
 *
 * F1. A context is one that is or was: nothing is read from it but what overviews keep of the past (`overview-seen.ts`).
 */
import { Type } from 'typebox';
import { whyOf } from '../../machines/run/ends.ts';
import { TASK_BUCKETS } from '../../machines/task/model.ts';
import type { Shown } from './overview-seen.ts';
import { closed, count, maybe, text, time } from './schema-parts.ts';

export const objectiveFields = {
  objectiveId: text,
  title: text,
  state: text,
  reason: maybe(text),
  /** Tasks by where they stand. */
  tasks: Type.Unsafe<Readonly<Record<string, number>>>(
    closed(Object.fromEntries(TASK_BUCKETS.map((bucket) => [bucket, count]))),
  ),
  openGates: count,
  createdAt: time,
  updatedAt: time,
};

export const objectiveFacts = (objective: Shown['objective'], state: string) => ({
  objectiveId: objective.objectiveId,
  title: objective.title,
  state,
  reason: objective.reason,
  tasks: objective.counts,
  openGates: objective.openGates,
  createdAt: objective.createdAt,
  updatedAt: objective.updatedAt,
});

export const taskFields = {
  taskId: text,
  objectiveId: maybe(text),
  title: text,
  planId: maybe(text),
  state: text,
  /** Why it is not running; null while it runs and when it is completed. Never what its agent says. */
  reason: maybe(text),
  /** What the agent itself said when its last run ended so. */
  said: maybe(text),
  /** The run that carries it out, or its last one. */
  runId: maybe(text),
  /** The open question whether to accept it. */
  gateId: maybe(text),
  attempts: count,
  maxAttempts: count,
  progress: maybe(text),
  progressAt: maybe(time),
  notBefore: maybe(time),
  commit: maybe(text),
  branch: maybe(text),
  createdAt: time,
  updatedAt: time,
};

/** @param shown `reason`: why it is not running (task-reasons.ts) */
export const taskFacts = (task: Shown['task'], shown: { readonly state: string; readonly reason: string | null }) => ({
  taskId: task.taskId,
  objectiveId: task.objectiveId,
  title: task.title,
  planId: task.planId,
  state: shown.state,
  reason: shown.reason,
  said: task.said,
  runId: task.activeRunId ?? task.lastRunId,
  gateId: task.reviewGateId,
  attempts: task.attempts,
  maxAttempts: task.retry.maxAttempts,
  progress: task.progress,
  progressAt: task.progressAt,
  notBefore: task.notBefore,
  commit: task.commit,
  branch: task.branch,
  createdAt: task.createdAt,
  updatedAt: task.updatedAt,
});

export const runFields = {
  runId: text,
  taskId: text,
  objectiveId: maybe(text),
  workerId: text,
  status: text,
  attempt: count,
  epoch: count,
  /** How it ended, as one of the known ends, in words that are not its agent's, and what the agent itself said of it. */
  end: maybe(text),
  reason: maybe(text),
  said: maybe(text),
  progress: maybe(text),
  progressAt: maybe(time),
  startedAt: maybe(time),
  endedAt: maybe(time),
  createdAt: time,
};

export const runFacts = (run: Shown['run'], status: string) => ({
  runId: run.runId,
  taskId: run.taskId,
  objectiveId: run.objectiveId,
  workerId: run.workerId,
  status,
  attempt: run.attempt,
  epoch: run.epoch,
  end: run.end,
  ...whyOf(run.end, run.message),
  progress: run.progress,
  progressAt: run.progressAt,
  startedAt: run.startedAt,
  endedAt: run.endedAt,
  createdAt: run.createdAt,
});

export const gateFields = {
  gateId: text,
  state: text,
  type: text,
  /** Written by whoever asked: a model's words when that is a `child_run` or `parent_agent`. */
  ask: text,
  askedBy: text,
  humanOnly: Type.Boolean(),
  taskId: maybe(text),
  runId: maybe(text),
  workerId: maybe(text),
  objectiveId: maybe(text),
  expiresAt: maybe(time),
  createdAt: time,
  resolvedAt: maybe(time),
};

export const gateFacts = (gate: Shown['gate'], state: string) => ({
  gateId: gate.gateId,
  state,
  type: gate.gateType,
  ask: gate.ask,
  askedBy: gate.askedBy,
  humanOnly: gate.humanOnly,
  taskId: gate.taskId,
  runId: gate.runId,
  workerId: gate.workerId,
  objectiveId: gate.objectiveId,
  expiresAt: gate.expiresAt,
  createdAt: gate.createdAt,
  resolvedAt: gate.resolvedAt,
});

export const workerFields = {
  workerId: text,
  name: maybe(text),
  state: text,
  reason: maybe(text),
  objectiveId: maybe(text),
  /** The run that has it, or had it last. */
  runId: maybe(text),
  branch: text,
  worktreePath: text,
  updatedAt: time,
};

export const workerFacts = (worker: Shown['worker'], state: string) => ({
  workerId: worker.workerId,
  name: worker.name,
  state,
  reason: worker.reason,
  objectiveId: worker.objectiveId,
  runId: worker.reservedBy ?? worker.lastRunId,
  branch: worker.branch,
  worktreePath: worker.worktreePath,
  updatedAt: worker.updatedAt,
});
