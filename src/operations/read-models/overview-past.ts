/**
 * Gathers what was shown of a project at a moment that is over: who may have been there is found by indexes, who was and how by time
 * travel.
 *
 * M1. Nothing that came later is in it, nor anything that an actor became later.
 * M2. The cost grows with what is shown, never with the length of the journal, nor with what came before the moment or after it.
 * M3. What was live is found among the newest of its kind at that moment, and among what is live still. What was older and has ended
 *     since is found by what waited for it or counts it: a gate by its task, its run or its objective, a run by its task.
 */
import type { ActorKind } from '../../machines/ids.ts';
import type { StoreReader } from '../../persistence/store.ts';
import { OVERVIEW_LIMITS, SAD_ENDS, Shelf, tasksCounted, type Gathered, type OverviewScope } from './overview-scope.ts';
import { contextIn, type Seen } from './overview-seen.ts';
import type { PastMoments } from './past-moments.ts';

/** A moment, and where to look it up. */
export type Look = { readonly reader: StoreReader; readonly moments: PastMoments; readonly seq: number };

type Past = Look & {
  /** Behind the id of the newest of a kind that may have been there; null where none was. */
  readonly ends: Map<ActorKind, string | null>;
};

/** Actors of one kind; of one objective, in one state now, where these are named. */
type Group = { readonly kind: ActorKind; readonly objectiveId?: string; readonly state?: string };

/** Members that the store gives at one time. */
const MEMBERS_MAX = 1_000;
/** Newest entries that made an actor of a kind: what was made at one time may have been committed in another order. */
const CREATED_MAX = 20;

export const gatherPast = async (look: Look, scope: OverviewScope): Promise<Gathered> => {
  const past: Past = { ...look, ends: new Map() };
  const shelf = new Shelf();
  const of = scope.objectiveId === null ? {} : { objectiveId: scope.objectiveId };
  const { chosen, others } = await objectivesOf(past, scope);
  shelf.put(chosen);
  for (const { id } of chosen) shelf.put(await tasksOf(past, id, scope.tasksMax - shelf.of('task').length));
  if (scope.objectiveId === null) shelf.put(await looseTasks(past));
  shelf.put(await liveOnes(past, { kind: 'run', ...of }));
  shelf.put(await failuresOf(past, { kind: 'run', ...of }));
  shelf.put(await asTheyWere(past, shelf.tasksOfRuns()));
  shelf.put(await asTheyWere(past, shelf.runsOfTasks()));
  shelf.put(await asTheyWere(past, shelf.gatesWaitedFor()));
  shelf.put((await liveOnes(past, { kind: 'gate', ...of })).filter(isOpen));
  for (const objective of chosen) shelf.put(await hiddenGates(past, objective, shelf));
  const workers = await asTheyWere(past, [...(await workersOf(past, chosen)), ...shelf.workersOfLiveRuns()]);
  shelf.put(workers.filter(isLive));
  const inObjectives = shelf.of('task').filter((task) => contextIn(task, 'task').objectiveId !== null).length;
  const omitted = { objectives: others, tasks: Math.max(0, tasksCounted(chosen) - inObjectives) };
  return { seen: shelf.all(), omitted };
};

/** Who was not there yet is left out. */
const asTheyWere = async ({ moments, seq }: Past, ids: Iterable<string>): Promise<Seen[]> =>
  moments.of([...new Set(ids)], seq);

const isLive = ({ settled }: Seen): boolean => !settled;
const isOpen = ({ state }: Seen): boolean => state === 'open';

/** Ids of those that may have been there, newest first. Ids rise with age. */
const newestOf = async (past: Past, group: Group, limit: number): Promise<readonly string[]> => {
  const after = await endOf(past, group.kind);
  return after === null ? [] : past.reader.listActorIds({ ...group, after, limit });
};

const endOf = async ({ reader, seq, ends }: Past, kind: ActorKind): Promise<string | null> => {
  const known = ends.get(kind);
  if (known !== undefined) return known;
  const created = await reader.listJournal({
    type: `${kind}.created`,
    until: seq,
    order: 'newest',
    limit: CREATED_MAX,
  });
  const newest = created.map(({ actor }) => actor).reduce((a, b) => (a > b ? a : b), '');
  // `~` follows every character of an id.
  const end = newest === '' ? null : `${newest}~`;
  ends.set(kind, end);
  return end;
};

/** M3. */
const candidatesOf = async (past: Past, group: Group): Promise<Seen[]> => {
  const limit = OVERVIEW_LIMITS.candidates;
  const newest = await newestOf(past, group, limit);
  if (newest.length === 0) return [];
  const still = await past.reader.listActorIds({ ...group, live: true, order: 'oldest', limit });
  return asTheyWere(past, [...newest, ...still]);
};

const liveOnes = async (past: Past, group: Group): Promise<Seen[]> => (await candidatesOf(past, group)).filter(isLive);

/** Live ones before others, newest first; `others` counts the candidates that have no room. */
const objectivesOf = async (
  past: Past,
  { objectiveId }: OverviewScope,
): Promise<{ readonly chosen: readonly Seen[]; readonly others: number }> => {
  if (objectiveId !== null) return { chosen: await asTheyWere(past, [objectiveId]), others: 0 };
  const candidates = (await candidatesOf(past, { kind: 'objective' })).toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const chosen = [...candidates.filter(isLive), ...candidates.filter(({ settled }) => settled)].slice(
    0,
    OVERVIEW_LIMITS.objectives,
  );
  return { chosen, others: candidates.length - chosen.length };
};

/** Members stand in the order of their creation: behind one that was not there yet, none was. */
const tasksOf = async (past: Past, objectiveId: string, room: number): Promise<Seen[]> => {
  const found: Seen[] = [];
  let after = 0;
  while (found.length < room) {
    const limit = Math.min(MEMBERS_MAX, room - found.length);
    const rows = await past.reader.listRelation('member', objectiveId, { after, limit });
    const tasks = await asTheyWere(
      past,
      rows.map(({ to }) => to),
    );
    found.push(...tasks);
    if (tasks.length < limit) break;
    after = rows.at(-1)!.row;
  }
  return found;
};

const looseTasks = async (past: Past): Promise<Seen[]> => {
  const newest = await asTheyWere(past, await newestOf(past, { kind: 'task' }, OVERVIEW_LIMITS.loose));
  return newest.filter((task) => contextIn(task, 'task').objectiveId === null);
};

/** The newest of each sad end. A run that has ended stays as it ended, so what it is now says how it may have ended by then. */
const failuresOf = async (past: Past, group: Group): Promise<Seen[]> => {
  const found: Seen[] = [];
  for (const state of SAD_ENDS) {
    const ended = (await asTheyWere(past, await newestOf(past, { ...group, state }, OVERVIEW_LIMITS.ends))).filter(
      (run) => run.state === state,
    );
    found.push(...ended.slice(0, OVERVIEW_LIMITS.failures));
  }
  return found;
};

/** Open gates that the objective counted and that were not found yet, however old: looked for as far as `hidden` goes. */
const hiddenGates = async (past: Past, objective: Seen, shelf: Shelf): Promise<Seen[]> => {
  // A canceled one counts no more.
  if (objective.state === 'canceled') return [];
  const known = shelf.of('gate').filter((gate) => isOpen(gate) && contextIn(gate, 'gate').objectiveId === objective.id);
  const missing = contextIn(objective, 'objective').openGates - known.length;
  const found: Seen[] = [];
  const group = { kind: 'gate', objectiveId: objective.id } as const;
  const limit = OVERVIEW_LIMITS.candidates;
  let looked = 0;
  let page = missing <= 0 ? [] : await newestOf(past, group, limit);
  while (page.length > 0 && found.length < missing && looked < OVERVIEW_LIMITS.hidden) {
    found.push(...(await asTheyWere(past, shelf.missing(page))).filter(isOpen));
    looked += page.length;
    page = await past.reader.listActorIds({ ...group, after: page.at(-1)!, limit });
  }
  return found;
};

const workersOf = async (past: Past, objectives: readonly Seen[]): Promise<string[]> => {
  const found: string[] = [];
  for (const { id } of objectives) {
    found.push(...(await newestOf(past, { kind: 'worker', objectiveId: id }, OVERVIEW_LIMITS.workers)));
  }
  return found;
};
