/**
 * Which worker a task gets. Pure.
 *
 * H1. A task that comes back gets the worker that holds its work, if that worker is usable.
 * H2. A named task uses the worker of its name and no other; who is busy is waited for.
 * H3. An unnamed idle worker of the same objective is reused before a new one is made.
 * H4. Workers that hold unfinished work of other tasks do not count against `maxConcurrency`: they wait for a person.
 */
export type WorkerFacts = {
  readonly workerId: string;
  readonly state: string;
  readonly name: string | null;
  readonly objectiveId: string | null;
  readonly heldFor: string | null;
  readonly branch: string;
};

export type TaskWish = {
  readonly taskId: string;
  readonly objectiveId: string | null;
  readonly workerName: string | null;
  /** Set when a person assigned it. */
  readonly assignedTo: string | null;
  /** Set when it ran before. */
  readonly lastWorkerId: string | null;
};

export type WorkerChoice =
  | { readonly kind: 'existing'; readonly workerId: string }
  | { readonly kind: 'new'; readonly name: string | null }
  | { readonly kind: 'wait'; readonly reason: string };

/** @param workers All that are not archived. */
export function chooseWorker(wish: TaskWish, workers: Iterable<WorkerFacts>, maxConcurrency: number): WorkerChoice {
  const known = [...workers];
  const named = (id: string | null): WorkerFacts | undefined => known.find((worker) => worker.workerId === id);
  const assigned = named(wish.assignedTo);
  if (wish.assignedTo !== null) return assigned === undefined ? gone(wish.assignedTo) : useOrWait(wish, assigned);
  if (wish.workerName !== null) {
    const worker = known.find((candidate) => candidate.name === wish.workerName);
    return worker === undefined ? { kind: 'new', name: wish.workerName } : useOrWait(wish, worker);
  }
  const last = named(wish.lastWorkerId);
  if (last !== undefined && last.heldFor === wish.taskId && isUsable(wish, last)) return use(last);
  const own = known.filter((worker) => worker.name === null && worker.objectiveId === wish.objectiveId);
  const idle = own.find((worker) => worker.heldFor === null && isUsable(wish, worker));
  if (idle !== undefined) return use(idle);
  const counted = own.filter((worker) => worker.heldFor === null && worker.state !== 'broken').length;
  if (counted >= maxConcurrency) {
    return { kind: 'wait', reason: `all ${String(counted)} workers of its objective are busy` };
  }
  return { kind: 'new', name: null };
}

const use = (worker: WorkerFacts): WorkerChoice => ({ kind: 'existing', workerId: worker.workerId });
const gone = (workerId: string): WorkerChoice => ({
  kind: 'wait',
  reason: `its worker ${workerId} is archived; assign another`,
});

const isUsable = (wish: TaskWish, worker: WorkerFacts): boolean =>
  worker.state === 'idle' && (worker.heldFor === null || worker.heldFor === wish.taskId);

function useOrWait(wish: TaskWish, worker: WorkerFacts): WorkerChoice {
  if (isUsable(wish, worker)) return use(worker);
  const who = worker.name ?? worker.workerId;
  if (worker.state === 'idle')
    return { kind: 'wait', reason: `worker ${who} holds unfinished work of ${worker.heldFor ?? ''}` };
  if (worker.state === 'broken') {
    return { kind: 'wait', reason: `worker ${who} is broken; run: conductor workers recover ${who}` };
  }
  return { kind: 'wait', reason: `worker ${who} is ${worker.state}` };
}
