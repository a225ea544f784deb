/**
 * Which ready tasks are started now, and in which worker: the order of start-order.ts and the choice of worker-choice.ts together.
 * Pure.
 *
 * P1. A task that must wait for a worker takes no slot and no files from the tasks behind it.
 * P2. A worker that one start of the plan takes is busy for the next ones.
 */
import type { TaskContext } from '../../machines/task/model.ts';
import type { StoredActor } from '../../persistence/store.ts';
import { orderStarts, type Candidate, type Lane } from './start-order.ts';
import { chooseWorker, type TaskWish, type WorkerChoice, type WorkerFacts } from './worker-choice.ts';

export type WishingCandidate = Candidate & { readonly wish: TaskWish };

export type PlannedStart = {
  readonly candidate: WishingCandidate;
  readonly choice: Exclude<WorkerChoice, { kind: 'wait' }>;
};

export type StartPlan = {
  readonly starts: readonly PlannedStart[];
  /** Why the others wait, by task. */
  readonly waits: ReadonlyMap<string, string>;
};

/** What a task asks of a worker. */
export function wishOf(task: StoredActor): TaskWish {
  const { objectiveId, workerName, workerId } = task.snapshot.context as unknown as TaskContext;
  const assignedTo = task.facts.state === 'assigned' ? workerId : null;
  return { taskId: task.id, objectiveId, workerName, assignedTo, lastWorkerId: workerId };
}

export function planStarts(given: {
  readonly lanes: readonly Lane<WishingCandidate>[];
  readonly workers: ReadonlyMap<string, WorkerFacts>;
  readonly limits: { readonly projectMax: number; readonly running: number };
}): StartPlan {
  const withoutWorker = new Map<string, string>();
  // Each round but the last sets at least one candidate aside, so that this ends.
  for (;;) {
    const lanes = given.lanes.map((lane) => ({
      ...lane,
      candidates: lane.candidates.filter(({ taskId }) => !withoutWorker.has(taskId)),
    }));
    const { starts, waits } = orderStarts(lanes, given.limits);
    const planned = assign(starts, given, withoutWorker);
    if (planned.length === starts.length) {
      return { starts: planned, waits: new Map([...waits, ...withoutWorker]) };
    }
  }
}

function assign(
  starts: readonly WishingCandidate[],
  given: Pick<Parameters<typeof planStarts>[0], 'lanes' | 'workers'>,
  withoutWorker: Map<string, string>,
): readonly PlannedStart[] {
  const workers = new Map(given.workers);
  const planned: PlannedStart[] = [];
  for (const candidate of starts) {
    const { taskId, objectiveId } = candidate;
    const lane = given.lanes.find((one) => one.objectiveId === objectiveId);
    const choice = chooseWorker(candidate.wish, workers.values(), lane?.maxConcurrency ?? 0);
    if (choice.kind === 'wait') {
      withoutWorker.set(taskId, choice.reason);
      continue;
    }
    const workerId = choice.kind === 'existing' ? choice.workerId : `of ${taskId}`;
    const known = workers.get(workerId);
    const name = choice.kind === 'existing' ? (known?.name ?? null) : choice.name;
    workers.set(workerId, { workerId, state: 'busy', name, objectiveId, heldFor: null, branch: known?.branch ?? '' });
    planned.push({ candidate, choice });
  }
  return planned;
}
