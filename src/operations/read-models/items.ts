/** Makes the shown item of a stored actor. Pure: what is not in the snapshot is passed in. */
import { RUN_ENDS } from '../../machines/run/ends.ts';
import type { ArtifactRow, JournalEntry, StoredActor } from '../../persistence/store.ts';
import { contextOf, type LiveRunFacts } from '../operation-context.ts';
import type {
  ArtifactItem,
  EventItem,
  GateItem,
  ObjectiveItem,
  RunItem,
  TaskItem,
  WorkerItem,
} from './item-schemas.ts';

/** @param reason why it is not running (reasons.ts) */
export const taskItem = (actor: StoredActor, reason: string | null): TaskItem => {
  const task = contextOf(actor, 'task');
  return {
    taskId: task.taskId,
    title: task.title,
    planId: task.planId,
    state: actor.facts.state,
    reason,
    objectiveId: task.objectiveId,
    workerId: task.workerId,
    workerName: task.workerName,
    runId: task.activeRunId ?? task.lastRunId,
    activeRunId: task.activeRunId,
    gateId: task.reviewGateId,
    attempts: task.attempts,
    maxAttempts: task.retry.maxAttempts,
    runs: task.runs,
    waitingOn: task.waitingOn,
    notBefore: task.notBefore,
    progress: task.progress,
    progressAt: task.progressAt,
    branch: task.branch,
    commit: task.commit,
    acceptedBy: task.acceptedBy,
    revision: task.revision,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
  };
};

export const runItem = (actor: StoredActor, live: LiveRunFacts | null): RunItem => {
  const run = contextOf(actor, 'run');
  return {
    runId: run.runId,
    taskId: run.taskId,
    objectiveId: run.objectiveId,
    workerId: run.workerId,
    status: actor.facts.state,
    attempt: run.attempt,
    epoch: run.epoch,
    end: run.end,
    reason: run.message ?? (run.end === null ? null : RUN_ENDS[run.end].says),
    branch: run.branch,
    worktreePath: run.worktreePath,
    baseCommit: run.baseCommit,
    commit: run.commit,
    changedFiles: run.changedFiles,
    outsideScope: run.outsideScope,
    verificationTouched: run.verificationTouched,
    exitCode: run.exitCode,
    signal: run.signal,
    completion: run.completion,
    progress: run.progress,
    progressAt: run.progressAt,
    gateId: run.waitingGateId,
    live: actor.facts.settled ? null : live,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
  };
};

export const gateItem = (actor: StoredActor): GateItem => {
  const gate = contextOf(actor, 'gate');
  return {
    gateId: gate.gateId,
    state: actor.facts.state,
    type: gate.gateType,
    operation: gate.operation,
    ask: gate.ask,
    askedBy: gate.askedBy,
    humanOnly: gate.humanOnly,
    taskId: gate.taskId,
    runId: gate.runId,
    workerId: gate.workerId,
    objectiveId: gate.objectiveId,
    targetRevision: gate.targetRevision,
    answer: gate.answer,
    reason: gate.reason,
    resolvedBy: gate.resolvedBy,
    expiresAt: gate.expiresAt,
    createdAt: gate.createdAt,
    resolvedAt: gate.resolvedAt,
    usedAt: gate.usedAt,
  };
};

export const workerItem = (actor: StoredActor): WorkerItem => {
  const worker = contextOf(actor, 'worker');
  return {
    workerId: worker.workerId,
    name: worker.name,
    state: actor.facts.state,
    reason: worker.reason,
    objectiveId: worker.objectiveId,
    taskId: worker.heldFor,
    runId: worker.reservedBy ?? worker.lastRunId,
    branch: worker.branch,
    worktreePath: worker.worktreePath,
    prepared: worker.prepared,
    baseCommit: worker.baseCommit,
    rescueRef: worker.rescueRef,
    createdAt: worker.createdAt,
    updatedAt: worker.updatedAt,
  };
};

export const objectiveItem = (actor: StoredActor): ObjectiveItem => {
  const objective = contextOf(actor, 'objective');
  return {
    objectiveId: objective.objectiveId,
    title: objective.title,
    state: actor.facts.state,
    reason: objective.reason,
    maxConcurrency: objective.maxConcurrency,
    baseCommit: objective.baseCommit,
    tasks: objective.counts,
    openGates: objective.openGates,
    revision: objective.revision,
    createdAt: objective.createdAt,
    updatedAt: objective.updatedAt,
  };
};

export const artifactItem = (row: ArtifactRow): ArtifactItem => ({ ...row });

export const eventItem = (entry: JournalEntry): EventItem => ({ ...entry, taken: [...entry.taken] });
