/** Makes the shown item of a stored actor. Pure: what is not in the snapshot is passed in. */
import type { ArtifactRow, JournalEntry, StoredActor } from '../../persistence/store.ts';
import { contextOf, type LiveRunFacts } from '../operation-context.ts';
import { gateFacts, objectiveFacts, runFacts, taskFacts, workerFacts } from './item-facts.ts';
import type {
  ArtifactItem,
  EventItem,
  GateItem,
  ObjectiveItem,
  RunItem,
  TaskItem,
  WorkerItem,
} from './item-schemas.ts';

/** @param reason why it is not running (task-reasons.ts) */
export const taskItem = (actor: StoredActor, reason: string | null): TaskItem => {
  const task = contextOf(actor, 'task');
  return {
    ...taskFacts(task, { state: actor.facts.state, reason }),
    workerId: task.workerId,
    workerName: task.workerName,
    activeRunId: task.activeRunId,
    runs: task.runs,
    waitingOn: task.waitingOn,
    acceptedBy: task.acceptedBy,
    revision: task.revision,
  };
};

export const runItem = (actor: StoredActor, live: LiveRunFacts | null): RunItem => {
  const run = contextOf(actor, 'run');
  return {
    ...runFacts(run, actor.facts.state),
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
    gateId: run.waitingGateId,
    live: actor.facts.settled ? null : live,
  };
};

export const gateItem = (actor: StoredActor): GateItem => {
  const gate = contextOf(actor, 'gate');
  return {
    ...gateFacts(gate, actor.facts.state),
    operation: gate.operation,
    targetRevision: gate.targetRevision,
    answer: gate.answer,
    reason: gate.reason,
    resolvedBy: gate.resolvedBy,
    usedAt: gate.usedAt,
  };
};

export const workerItem = (actor: StoredActor): WorkerItem => {
  const worker = contextOf(actor, 'worker');
  return {
    ...workerFacts(worker, actor.facts.state),
    taskId: worker.heldFor,
    prepared: worker.prepared,
    baseCommit: worker.baseCommit,
    rescueRef: worker.rescueRef,
    createdAt: worker.createdAt,
  };
};

export const objectiveItem = (actor: StoredActor): ObjectiveItem => {
  const objective = contextOf(actor, 'objective');
  return {
    ...objectiveFacts(objective, actor.facts.state),
    maxConcurrency: objective.maxConcurrency,
    baseCommit: objective.baseCommit,
    revision: objective.revision,
  };
};

export const artifactItem = (row: ArtifactRow): ArtifactItem => ({ ...row });

export const eventItem = (entry: JournalEntry): EventItem => ({ ...entry, taken: [...entry.taken] });
