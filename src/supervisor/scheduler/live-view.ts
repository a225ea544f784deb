/**
 * The unsettled part of the project as the scheduler needs it, kept up by commits. Its size follows live work, not history.
 *
 * B1. Built once from indexed pages at the start; from then on every commit is applied in order. What a commit said while the
 *     pages were read counts, not the page: it may be older.
 */
import type { ObjectiveContext } from '../../machines/objective/model.ts';
import type { RunContext } from '../../machines/run/model.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { WorkerContext } from '../../machines/worker/model.ts';
import { QUEUED_TASK } from '../../machines/registry.ts';
import type { ActorQuery, StoredActor, StoreReader } from '../../persistence/store.ts';
import type { WorkerFacts } from './worker-choice.ts';

export type LiveRunFacts = {
  readonly runId: string;
  readonly taskId: string;
  readonly objectiveId: string | null;
  readonly state: string;
};
export type LiveObjective = {
  readonly objectiveId: string;
  readonly state: string;
  readonly maxConcurrency: number;
  readonly ready: number;
  readonly delayed: number;
};

export type QueuedTask = {
  readonly objectiveId: string | null;
  readonly queuedAt: number;
  /** Any worker will do; else it waits for one of its own. */
  readonly anyWorker: boolean;
};

/** Concurrency of tasks that belong to no objective that is known here. */
const LOOSE_CONCURRENCY = 4;

/** Whether its tasks start by themselves, and one may. */
export const hasReady = ({ state, ready }: LiveObjective): boolean => state !== 'draft' && ready > 0;

export class LiveView {
  readonly runs = new Map<string, LiveRunFacts>();
  readonly workers = new Map<string, WorkerFacts>();
  readonly objectives = new Map<string, LiveObjective>();
  /** Tasks of no objective that were started by name and are to run again. */
  readonly loose = new Set<string>();
  /** Tasks that were asked for by name while no worker was there for them, and since when. */
  readonly queued = new Map<string, QueuedTask>();
  /** Ids that commits spoke of since the loading began; null when it is over. */
  #news: Set<string> | null = new Set();

  async load(reader: StoreReader): Promise<void> {
    const queries: readonly Omit<ActorQuery, 'limit'>[] = [
      ...(['objective', 'worker', 'run'] as const).map((kind) => ({ kind, live: true })),
      ...['ready', 'assigned'].map((state) => ({ kind: 'task', state, objectiveId: null }) as const),
      { kind: 'task', name: QUEUED_TASK },
    ];
    for (const query of queries) {
      for await (const actor of actorsOf(reader, query)) this.#applyOld(actor);
    }
    this.#news = null;
  }

  /** Of one objective, or of none: who was asked for first comes first. */
  queuedOf(objectiveId: string | null): readonly string[] {
    return [...this.queued]
      .filter(([, task]) => task.objectiveId === objectiveId)
      .toSorted(([a, one], [b, other]) => one.queuedAt - other.queuedAt || (a < b ? -1 : 1))
      .map(([taskId]) => taskId);
  }

  /** Objectives, and null for no objective, in which tasks may start: first where one was asked for by name, then in turn. */
  lanes(turn: number): readonly (string | null)[] {
    const asked = [...this.queued.values()].map(({ objectiveId }) => objectiveId);
    const ready = [...this.objectives.values()].filter(hasReady).map(({ objectiveId }) => objectiveId);
    const from = ready.length === 0 ? 0 : turn % ready.length;
    const loose = this.loose.size === 0 ? [] : [null];
    return [...new Set([...asked, ...ready.slice(from), ...ready.slice(0, from), ...loose])];
  }

  /** Runs that have a slot. */
  running(): number {
    let running = 0;
    for (const run of this.runs.values()) if (run.state !== 'dispatch_pending') running += 1;
    return running;
  }

  runningOf(objectiveId: string | null): number {
    let running = 0;
    for (const run of this.runs.values()) {
      if (run.objectiveId === objectiveId && run.state !== 'dispatch_pending') running += 1;
    }
    return running;
  }

  concurrencyOf(objectiveId: string | null): number {
    if (objectiveId === null) return LOOSE_CONCURRENCY;
    return this.objectives.get(objectiveId)?.maxConcurrency ?? LOOSE_CONCURRENCY;
  }

  /** As a commit made it. */
  apply(actor: StoredActor): void {
    this.#news?.add(actor.id);
    this.#apply(actor);
  }

  #applyOld(actor: StoredActor): void {
    if (this.#news?.has(actor.id) !== true) this.#apply(actor);
  }

  #apply(actor: StoredActor): void {
    switch (actor.kind) {
      case 'run':
        return this.#applyRun(actor);
      case 'worker':
        return this.#applyWorker(actor);
      case 'objective':
        return this.#applyObjective(actor);
      case 'task':
        return this.#applyTask(actor);
      case 'gate':
      default:
    }
  }

  #applyRun({ id, facts, snapshot }: StoredActor): void {
    if (facts.settled) return void this.runs.delete(id);
    const { taskId, objectiveId } = snapshot.context as unknown as RunContext;
    this.runs.set(id, { runId: id, taskId, objectiveId, state: facts.state });
  }

  #applyWorker({ id, facts, snapshot }: StoredActor): void {
    if (facts.settled) return void this.workers.delete(id);
    const { name, objectiveId, heldFor, branch } = snapshot.context as unknown as WorkerContext;
    this.workers.set(id, { workerId: id, state: facts.state, name, objectiveId, heldFor, branch });
  }

  #applyObjective({ id, facts, snapshot }: StoredActor): void {
    if (facts.settled) return void this.objectives.delete(id);
    const { maxConcurrency, counts } = snapshot.context as unknown as ObjectiveContext;
    this.objectives.set(id, {
      objectiveId: id,
      state: facts.state,
      maxConcurrency,
      ready: counts.ready,
      delayed: counts.delayed,
    });
  }

  #applyTask({ id, facts, snapshot }: StoredActor): void {
    const { objectiveId, bucket, runs, queuedAt, workerName } = snapshot.context as unknown as TaskContext;
    const anyWorker = workerName === null && facts.state !== 'assigned';
    if (queuedAt === null) this.queued.delete(id);
    else this.queued.set(id, { objectiveId, queuedAt, anyWorker });
    if (objectiveId === null && bucket === 'ready' && runs > 0) this.loose.add(id);
    else this.loose.delete(id);
  }
}

async function* actorsOf(reader: StoreReader, query: Omit<ActorQuery, 'limit'>): AsyncGenerator<StoredActor> {
  let after: string | undefined;
  for (;;) {
    const page = await reader.listActors({ ...query, limit: 1_000, ...(after === undefined ? {} : { after }) });
    yield* page.items;
    if (page.nextCursor === null) return;
    after = page.nextCursor;
  }
}
