/**
 * What an overview is about, how much of it is shown, and the shelf on which it is gathered.
 *
 * L1. Whatever the project holds, the work and the answer are bounded by these limits.
 */
import type { ActorKind } from '../../machines/ids.ts';
import type { StoreReader } from '../../persistence/store.ts';
import { notFound } from '../operation-context.ts';
import { contextIn, type Seen } from './overview-seen.ts';

export const OVERVIEW_LIMITS = {
  objectives: 50,
  tasks: 2_000,
  /** Runs that are under way. */
  runs: 500,
  /** Open gates. */
  gates: 500,
  /** Of one objective. */
  workers: 100,
  /** Newest tasks, and gates, among which those without an objective are looked for. */
  loose: 200,
  /** Newest runs of each sad end; in the past they are found among so many that have ended so by now. */
  failures: 10,
  ends: 50,
  /** Newest of a kind at a moment that is over, and oldest that are live still, among which the live ones are found. */
  candidates: 200,
  /** Gates of one objective that are looked through for those that it counted as open. */
  hidden: 2_000,
} as const;

/** Ends after which somebody looks: newest ones are shown, also of objectives that are not. */
export const SAD_ENDS = ['failed', 'partial', 'blocked', 'stale', 'unknown_dispatch'] as const;

export type OverviewScope = {
  /** Only this one and what belongs to it; null: the project. */
  readonly objectiveId: string | null;
  readonly tasksMax: number;
};

export type Gathered = {
  readonly seen: readonly Seen[];
  readonly omitted: { readonly objectives: number; readonly tasks: number };
};

/** @throws ConductorError `not_found` for an objective that never was */
export const requireObjective = async (reader: StoreReader, scope: OverviewScope): Promise<void> => {
  if (scope.objectiveId === null || (await reader.getActor(scope.objectiveId)) !== null) return;
  throw await notFound(reader, scope.objectiveId);
};

/** Each actor once, in the order in which they were put there. */
export class Shelf {
  readonly #seen = new Map<string, Seen>();
  readonly #byKind = new Map<ActorKind, Seen[]>();

  put(found: Iterable<Seen>): void {
    for (const seen of found) {
      if (this.#seen.has(seen.id)) continue;
      this.#seen.set(seen.id, seen);
      const others = this.#byKind.get(seen.kind);
      if (others === undefined) this.#byKind.set(seen.kind, [seen]);
      else others.push(seen);
    }
  }

  of(kind: ActorKind): readonly Seen[] {
    return this.#byKind.get(kind) ?? [];
  }

  all(): Seen[] {
    return [...this.#seen.values()];
  }

  /** Those of `ids` that are not here yet, each once. */
  missing(ids: Iterable<string | null>): string[] {
    return [...new Set(ids)].filter((id): id is string => id !== null && !this.#seen.has(id));
  }

  /** The run that carries each task out, or its last one. */
  runsOfTasks(): string[] {
    return this.missing(
      this.of('task').map((task) => contextIn(task, 'task').activeRunId ?? contextIn(task, 'task').lastRunId),
    );
  }

  tasksOfRuns(): string[] {
    return this.missing(this.of('run').map((run) => contextIn(run, 'run').taskId));
  }

  /** Gates that a task or a run here waits for. */
  gatesWaitedFor(): string[] {
    return this.missing([
      ...this.of('task').map((task) => contextIn(task, 'task').reviewGateId),
      ...this.of('run').map((run) => contextIn(run, 'run').waitingGateId),
    ]);
  }

  workersOfLiveRuns(): string[] {
    return this.missing(
      this.of('run')
        .filter(({ settled }) => !settled)
        .map((run) => contextIn(run, 'run').workerId),
    );
  }
}

/** Tasks that these objectives count. */
export const tasksCounted = (objectives: readonly Seen[]): number =>
  objectives.flatMap((one) => Object.values(contextIn(one, 'objective').counts)).reduce((sum, count) => sum + count, 0);
