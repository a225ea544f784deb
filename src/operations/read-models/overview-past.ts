/**
 * Gathers what was shown of a project at a moment that is over, from the journal alone: who was there is found by the entries that
 * made them, what they were by time travel.
 *
 * M1. Nothing that came later is in it, nor anything that an actor became later.
 * M2. The cost grows with what is shown, never with the length of the journal.
 */
import { kindOfId, type ActorKind } from '../../machines/ids.ts';
import { SETTLED_STATES } from '../../machines/registry.ts';
import type { StoreReader } from '../../persistence/store.ts';
import { contextIn, ITEMS_PER_TURN, nextTurn, seenAt, type Seen } from './overview-items.ts';
import { OVERVIEW_LIMITS, SAD_ENDS, Shelf, tasksCounted, type Gathered, type OverviewScope } from './overview-scope.ts';

type Moment = { readonly reader: StoreReader; readonly seq: number };

export const gatherPast = async (reader: StoreReader, seq: number, scope: OverviewScope): Promise<Gathered> => {
  const moment: Moment = { reader, seq };
  const shelf = new Shelf();
  const { chosen, others } = await objectivesOf(moment, scope);
  const objectives = await asTheyWere(moment, chosen);
  shelf.put(objectives);
  for (const { id } of objectives) shelf.put(await tasksOf(moment, id, scope.tasksMax - shelf.of('task').length));
  if (scope.objectiveId === null) shelf.put(await asTheyWere(moment, await looseTasks(moment)));
  shelf.put(await asTheyWere(moment, shelf.runsOfTasks()));
  shelf.put(await asTheyWere(moment, shelf.missing(await failuresOf(moment, scope))));
  shelf.put(await asTheyWere(moment, shelf.tasksOfRuns()));
  shelf.put(await asTheyWere(moment, shelf.gatesWaitedFor()));
  const gates = await asTheyWere(moment, shelf.missing(await gatesOf(moment, scope)));
  shelf.put(gates.filter(({ state }) => state === 'open'));
  const workers = await asTheyWere(moment, [...(await workersOf(moment, objectives)), ...shelf.workersOfLiveRuns()]);
  shelf.put(workers.filter(({ settled }) => !settled));
  const inObjectives = shelf.of('task').filter((task) => contextIn(task, 'task').objectiveId !== null).length;
  const omitted = { objectives: others, tasks: Math.max(0, tasksCounted(objectives) - inObjectives) };
  return { seen: shelf.all(), omitted };
};

/** Who was not there yet is left out. */
const asTheyWere = async ({ reader, seq }: Moment, ids: readonly string[]): Promise<Seen[]> => {
  const found: Seen[] = [];
  for (let first = 0; first < ids.length; first += ITEMS_PER_TURN) {
    const moments = await reader.momentsAt(ids.slice(first, first + ITEMS_PER_TURN), seq);
    for (const [id, moment] of moments) found.push(seenAt(id, kindOfId(id)!, moment));
    await nextTurn();
  }
  return found;
};

/** Newest first, as far as `limit` goes. */
const createdBefore = async ({ reader, seq }: Moment, kind: ActorKind, limit: number) =>
  reader.listJournal({ type: `${kind}.created`, until: seq, order: 'newest', limit });

/** Live ones before others, newest first; `others` counts the candidates that have no room. */
const objectivesOf = async (
  moment: Moment,
  { objectiveId }: OverviewScope,
): Promise<{ readonly chosen: readonly string[]; readonly others: number }> => {
  if (objectiveId !== null) return { chosen: [objectiveId], others: 0 };
  const candidates = (await createdBefore(moment, 'objective', OVERVIEW_LIMITS.candidates)).map(({ actor }) => actor);
  const states = await Promise.all(candidates.map((id) => stateThen(moment, id)));
  const isSettled = (index: number): boolean => SETTLED_STATES.objective.includes(states[index] ?? '');
  const live = candidates.filter((_, index) => !isSettled(index));
  const chosen = [...live, ...candidates.filter((_, index) => isSettled(index))].slice(0, OVERVIEW_LIMITS.objectives);
  return { chosen, others: candidates.length - chosen.length };
};

/** By its last entry: much less to read than what it was. */
const stateThen = async ({ reader, seq }: Moment, actor: string): Promise<string | null> =>
  (await reader.listJournal({ actor, until: seq, order: 'newest', limit: 1 }))[0]?.to ?? null;

/** Members stand in the order of their creation: behind one that was not there yet, none was. */
const tasksOf = async (moment: Moment, objectiveId: string, room: number): Promise<Seen[]> => {
  const found: Seen[] = [];
  let after = 0;
  while (found.length < room) {
    const limit = Math.min(ITEMS_PER_TURN, room - found.length);
    const rows = await moment.reader.listRelation('member', objectiveId, { after, limit });
    const tasks = await asTheyWere(
      moment,
      rows.map(({ to }) => to),
    );
    found.push(...tasks);
    if (tasks.length < limit) break;
    after = rows.at(-1)!.row;
  }
  return found;
};

const looseTasks = async (moment: Moment): Promise<string[]> => {
  const created = await createdBefore(moment, 'task', OVERVIEW_LIMITS.loose);
  return created.filter(({ objectiveId }) => objectiveId === null).map(({ actor }) => actor);
};

/** Newest runs of each sad end. Every run ends with the same event. */
const failuresOf = async ({ reader, seq }: Moment, { objectiveId }: OverviewScope): Promise<string[]> => {
  const of = objectiveId === null ? {} : { objectiveId };
  const query = { type: 'runner.ended', until: seq, order: 'newest', limit: OVERVIEW_LIMITS.ends, ...of } as const;
  const ends = Map.groupBy(await reader.listJournal(query), ({ to }) => to ?? '');
  return SAD_ENDS.flatMap((state) =>
    (ends.get(state) ?? []).slice(0, OVERVIEW_LIMITS.failures).map(({ actor }) => actor),
  );
};

/** Among the newest that were there; those which a task or a run waited for are found by it, however old. */
const gatesOf = async (moment: Moment, { objectiveId }: OverviewScope): Promise<readonly string[]> => {
  if (objectiveId === null) {
    return (await createdBefore(moment, 'gate', OVERVIEW_LIMITS.loose)).map(({ actor }) => actor);
  }
  const gates = await moment.reader.listActors({ kind: 'gate', objectiveId, limit: OVERVIEW_LIMITS.loose });
  return gates.items.map(({ id }) => id);
};

const workersOf = async ({ reader }: Moment, objectives: readonly Seen[]): Promise<string[]> => {
  const pages = await Promise.all(
    objectives.map(({ id }) =>
      reader.listActors({ kind: 'worker', objectiveId: id, limit: OVERVIEW_LIMITS.workers, order: 'oldest' }),
    ),
  );
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
};
