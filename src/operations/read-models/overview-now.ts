/**
 * Gathers what is shown of a project now: live objectives before the newest others, their tasks with the last run of each, and
 * whatever runs, waits or failed lately, wherever it belongs.
 *
 * N1. Each page is read from committed state, none before the overview's `seq` was read: everything is at least as new as it.
 */
import type { ActorKind } from '../../machines/ids.ts';
import type { ActorQuery, StoreReader } from '../../persistence/store.ts';
import { ITEMS_PER_TURN, nextTurn } from './overview-items.ts';
import { OVERVIEW_LIMITS, SAD_ENDS, Shelf, tasksCounted, type Gathered, type OverviewScope } from './overview-scope.ts';
import { seenNow, type Seen } from './overview-seen.ts';

/** Rows of a page that the store gives at most. */
const PAGE_MAX = 1_000;

export const gatherNow = async (reader: StoreReader, scope: OverviewScope): Promise<Gathered> => {
  const shelf = new Shelf();
  const of = scope.objectiveId === null ? {} : { objectiveId: scope.objectiveId };
  const objectives = await objectivesOf(reader, scope);
  shelf.put(objectives);
  for (const objective of objectives) {
    shelf.put(await tasksOf(reader, objective, scope.tasksMax - shelf.of('task').length));
    shelf.put(await workersOf(reader, objective.id));
  }
  if (scope.objectiveId === null) shelf.put(await looseTasks(reader));
  await nextTurn();
  shelf.put(await page(reader, { kind: 'run', live: true, ...of, limit: OVERVIEW_LIMITS.runs }));
  for (const state of SAD_ENDS) {
    shelf.put(await page(reader, { kind: 'run', state, ...of, limit: OVERVIEW_LIMITS.failures }));
  }
  shelf.put(await page(reader, { kind: 'gate', state: 'open', ...of, limit: OVERVIEW_LIMITS.gates }));
  shelf.put(await named(reader, shelf.tasksOfRuns()));
  shelf.put(await named(reader, shelf.runsOfTasks()));
  shelf.put(await named(reader, shelf.gatesWaitedFor()));
  shelf.put(await named(reader, shelf.workersOfLiveRuns()));
  return { seen: shelf.all(), omitted: await omittedOf(reader, scope, shelf) };
};

const page = async (reader: StoreReader, query: ActorQuery): Promise<Seen[]> =>
  (await reader.listActors(query)).items.map(seenNow);

const named = async (reader: StoreReader, ids: readonly string[]): Promise<Seen[]> => {
  const found: Seen[] = [];
  for (let first = 0; first < ids.length; first += ITEMS_PER_TURN) {
    found.push(...[...(await reader.getActors(ids.slice(first, first + ITEMS_PER_TURN))).values()].map(seenNow));
    await nextTurn();
  }
  return found;
};

const objectivesOf = async (reader: StoreReader, { objectiveId }: OverviewScope): Promise<Seen[]> => {
  if (objectiveId !== null) return named(reader, [objectiveId]);
  const limit = OVERVIEW_LIMITS.objectives;
  const live = await page(reader, { kind: 'objective', live: true, limit });
  const newest = await page(reader, { kind: 'objective', limit });
  return [...live, ...newest.filter(({ settled }) => settled)].slice(0, limit);
};

/** In the order of their creation where all have room; else the live ones and the newest. */
const tasksOf = async (reader: StoreReader, objective: Seen, room: number): Promise<Seen[]> => {
  const wanted = Math.min(room, tasksCounted([objective]));
  const found = new Map<string, Seen>();
  const add = (tasks: readonly Seen[]): void => tasks.forEach((task) => void found.set(task.id, task));
  const query = { kind: 'task', objectiveId: objective.id } as const;
  if (wanted === room && wanted > 0) add(await page(reader, { ...query, live: true, limit: Math.min(room, PAGE_MAX) }));
  let after: string | null = '';
  while (after !== null && found.size < wanted) {
    const limit = Math.min(ITEMS_PER_TURN, wanted);
    const next: Awaited<ReturnType<StoreReader['listActors']>> = await reader.listActors({
      ...query,
      limit,
      ...(after === '' ? {} : { after }),
    });
    add(next.items.map(seenNow));
    after = next.nextCursor;
    await nextTurn();
  }
  return [...found.values()].slice(0, room).toSorted((a, b) => (a.id < b.id ? -1 : 1));
};

const workersOf = async (reader: StoreReader, objectiveId: string): Promise<Seen[]> =>
  (await page(reader, { kind: 'worker', objectiveId, limit: OVERVIEW_LIMITS.workers })).filter(
    ({ settled }) => !settled,
  );

/** Tasks of no objective, among those that are live and the newest. */
const looseTasks = async (reader: StoreReader): Promise<Seen[]> => {
  const limit = OVERVIEW_LIMITS.loose;
  const query = { kind: 'task' as ActorKind, limit };
  const live = await reader.listActors({ ...query, live: true });
  const newest = await reader.listActors(query);
  return [...live.items, ...newest.items].filter(({ facts }) => facts.objectiveId === null).map(seenNow);
};

const omittedOf = async (
  reader: StoreReader,
  { objectiveId }: OverviewScope,
  shelf: Shelf,
): Promise<Gathered['omitted']> => {
  const shown = shelf.of('task').length;
  if (objectiveId !== null) {
    return { objectives: 0, tasks: Math.max(0, tasksCounted(shelf.of('objective')) - shown) };
  }
  const [objectives, tasks] = [
    (await reader.listActors({ kind: 'objective', limit: 1 })).total ?? 0,
    (await reader.listActors({ kind: 'task', limit: 1 })).total ?? 0,
  ];
  return { objectives: Math.max(0, objectives - shelf.of('objective').length), tasks: Math.max(0, tasks - shown) };
};
