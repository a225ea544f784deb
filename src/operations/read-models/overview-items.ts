/**
 * Makes the entries of an overview from what actors are, or were at some moment: one way for both, so that time travel shows what
 * was shown then.
 *
 * V1. Two entries of one actor are ordered by `revision`, within what is live and within what is past: live ones count commits, past
 *     ones name the entry of the journal that made them.
 */
import { RUN_ENDS } from '../../machines/run/ends.ts';
import type { StoreReader } from '../../persistence/store.ts';
import type {
  OverviewGate,
  OverviewItems,
  OverviewObjective,
  OverviewRun,
  OverviewTask,
  OverviewWorker,
} from './overview.ts';
import { contextIn, seenNow, type Seen, type Shown } from './overview-seen.ts';
import { specFacts, type SpecFacts } from './spec-facts.ts';
import { ownReason } from './task-reasons.ts';

/** Entries made in one turn of the loop: a few milliseconds, then others may go on. */
export const ITEMS_PER_TURN = 100;

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** In the order given. The way a run works is in the spec of its task: that is read when it is not among them. */
export const overviewItems = async (
  reader: Pick<StoreReader, 'getBlob' | 'getActors'>,
  seen: readonly Seen[],
): Promise<OverviewItems> => {
  const specs = await specsOf(reader, seen);
  const items: OverviewItems = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };
  for (const one of seen) {
    switch (one.kind) {
      case 'objective':
        items.objectives.push(objectiveOf(one));
        break;
      case 'task':
        items.tasks.push(taskOf(one, specs.get(one.id)));
        break;
      case 'run':
        items.runs.push(runOf(one, specs.get(contextIn(one, 'run').taskId)));
        break;
      case 'gate':
        items.gates.push(gateOf(one));
        break;
      case 'worker':
        items.workers.push(workerOf(one));
        break;
    }
  }
  return items;
};

/** By task. */
const specsOf = async (
  reader: Pick<StoreReader, 'getBlob' | 'getActors'>,
  seen: readonly Seen[],
): Promise<ReadonlyMap<string, SpecFacts>> => {
  const hashes = new Map(
    seen.filter(({ kind }) => kind === 'task').map((one) => [one.id, contextIn(one, 'task').spec]),
  );
  const wanted = seen.filter(({ kind }) => kind === 'run').map((one) => contextIn(one, 'run').taskId as string);
  const missing = [...new Set(wanted)].filter((id) => !hashes.has(id));
  const others = missing.length === 0 ? [] : (await reader.getActors(missing)).values();
  for (const task of others) hashes.set(task.id, contextIn(seenNow(task), 'task').spec);
  const facts = new Map<string, SpecFacts>();
  for (const [id, hash] of hashes) {
    facts.set(id, await specFacts(reader, hash));
    if (facts.size % ITEMS_PER_TURN === 0) await nextTurn();
  }
  return facts;
};

const objectiveOf = (seen: Seen): OverviewObjective => {
  const objective = contextIn(seen, 'objective');
  return {
    objectiveId: objective.objectiveId,
    title: objective.title,
    state: seen.state,
    reason: objective.reason,
    tasks: objective.counts,
    openGates: objective.openGates,
    revision: seen.revision,
    createdAt: objective.createdAt,
    updatedAt: objective.updatedAt,
  };
};

const taskOf = (seen: Seen, spec: SpecFacts | undefined): OverviewTask => {
  const task = contextIn(seen, 'task');
  return {
    taskId: task.taskId,
    objectiveId: task.objectiveId,
    title: task.title,
    planId: task.planId,
    state: seen.state,
    reason: reasonOf(seen.state, task),
    runId: task.activeRunId ?? task.lastRunId,
    gateId: task.reviewGateId,
    attempts: task.attempts,
    maxAttempts: task.retry.maxAttempts,
    progress: task.progress,
    progressAt: task.progressAt,
    notBefore: task.notBefore,
    commit: task.commit,
    branch: task.branch,
    dependsOn: [...(spec?.dependsOn ?? [])],
    revision: seen.revision,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
  };
};

const reasonOf = (state: string, task: Shown['task']): string | null => {
  const own = ownReason(state, task);
  if (own !== undefined) return own;
  return task.waitingOn === 0
    ? null
    : `waiting for ${String(task.waitingOn)} ${task.waitingOn === 1 ? 'task' : 'tasks'}`;
};

const runOf = (seen: Seen, spec: SpecFacts | undefined): OverviewRun => {
  const run = contextIn(seen, 'run');
  return {
    runId: run.runId,
    taskId: run.taskId,
    objectiveId: run.objectiveId,
    workerId: run.workerId,
    status: seen.state,
    settled: seen.settled,
    attempt: run.attempt,
    epoch: run.epoch,
    end: run.end,
    reason: run.message ?? (run.end === null ? null : RUN_ENDS[run.end].says),
    progress: run.progress,
    progressAt: run.progressAt,
    runtimeMode: spec?.runtimeMode ?? 'headless',
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    revision: seen.revision,
    createdAt: run.createdAt,
    updatedAt: seen.updatedAt,
  };
};

const gateOf = (seen: Seen): OverviewGate => {
  const gate = contextIn(seen, 'gate');
  return {
    gateId: gate.gateId,
    state: seen.state,
    type: gate.gateType,
    ask: gate.ask,
    askedBy: gate.askedBy,
    humanOnly: gate.humanOnly,
    taskId: gate.taskId,
    runId: gate.runId,
    workerId: gate.workerId,
    objectiveId: gate.objectiveId,
    expiresAt: gate.expiresAt,
    revision: seen.revision,
    createdAt: gate.createdAt,
    resolvedAt: gate.resolvedAt,
  };
};

const workerOf = (seen: Seen): OverviewWorker => {
  const worker = contextIn(seen, 'worker');
  return {
    workerId: worker.workerId,
    name: worker.name,
    state: seen.state,
    reason: worker.reason,
    objectiveId: worker.objectiveId,
    runId: worker.reservedBy ?? worker.lastRunId,
    branch: worker.branch,
    worktreePath: worker.worktreePath,
    revision: seen.revision,
    updatedAt: worker.updatedAt,
  };
};
