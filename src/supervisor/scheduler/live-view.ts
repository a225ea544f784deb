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
import type { StoredActor, StoreReader } from '../../persistence/store.ts';
import type { ActorKind } from '../../machines/ids.ts';
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

export class LiveView {
  readonly runs = new Map<string, LiveRunFacts>();
  readonly workers = new Map<string, WorkerFacts>();
  readonly objectives = new Map<string, LiveObjective>();
  /** Tasks of no objective that were started by name and are to run again. */
  readonly loose = new Set<string>();
  /** Ids that commits spoke of since the loading began; null when it is over. */
  #news: Set<string> | null = new Set();

  async load(reader: StoreReader): Promise<void> {
    for (const kind of ['objective', 'worker', 'run'] as const) {
      for await (const actor of liveActors(reader, kind)) this.#applyOld(actor);
    }
    const ready = await reader.listActors({ kind: 'task', bucket: 'ready', limit: 1_000, order: 'oldest' });
    for (const actor of ready.items) this.#applyOld(actor);
    this.#news = null;
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

  #applyTask({ id, snapshot }: StoredActor): void {
    const { objectiveId, bucket, runs } = snapshot.context as unknown as TaskContext;
    if (objectiveId === null && bucket === 'ready' && runs > 0) this.loose.add(id);
    else this.loose.delete(id);
  }
}

async function* liveActors(reader: StoreReader, kind: ActorKind): AsyncGenerator<StoredActor> {
  let after: string | undefined;
  for (;;) {
    const page = await reader.listActors({ kind, live: true, limit: 1_000, ...(after === undefined ? {} : { after }) });
    yield* page.items;
    if (page.nextCursor === null) return;
    after = page.nextCursor;
  }
}
