/**
 * Pages of everything, newest first (events oldest first): what `list` operations and the command line show.
 *
 * L1. A page costs the same however many there are; filters are indexed, or read over a bounded number of rows.
 * L2. Pages follow one another without gaps or repeats for what existed when the first was read.
 */
import type { ActorKind } from '../../machines/ids.ts';
import type { JournalEntry, StoredActor } from '../../persistence/store.ts';
import type { OperationContext } from '../operation-context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type {
  ArtifactItem,
  EventItem,
  GateItem,
  ItemPage,
  ObjectiveItem,
  RunItem,
  TaskItem,
  WorkerItem,
} from './item-schemas.ts';
import { artifactItem, eventItem, gateItem, objectiveItem, runItem, taskItem, workerItem } from './items.ts';
import { taskReasons } from './task-reasons.ts';

export type ReadSources = Pick<OperationContext, 'reader' | 'scheduler' | 'supervisor' | 'runs'>;

/** Items of a page, when nobody says. */
export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 100;
/** Rows read for one page under a filter that no index has. */
const SCAN_ROWS_MAX = 1_000;

export type PageQuery = { readonly limit?: number | undefined; readonly after?: string | undefined };
export type ActorFilter = PageQuery & {
  readonly state?: string | undefined;
  readonly objectiveId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly workerId?: string | undefined;
  readonly runId?: string | undefined;
  readonly name?: string | undefined;
  /** Only what is not settled. */
  readonly live?: boolean | undefined;
};

export type Items = {
  readonly objective: ObjectiveItem;
  readonly task: TaskItem;
  readonly worker: WorkerItem;
  readonly run: RunItem;
  readonly gate: GateItem;
};

/** @throws ConductorError `invalid_params` for a cursor of another list */
export const listItems = async <Kind extends ActorKind>(
  sources: ReadSources,
  kind: Kind,
  { limit, after, ...filter }: ActorFilter,
): Promise<ItemPage<Items[Kind]>> => {
  const page = await sources.reader.listActors({
    ...given(filter),
    kind,
    limit: limit ?? PAGE_DEFAULT,
    ...(after === undefined ? {} : { after: decodeCursor(kind, after) }),
  });
  return {
    items: await itemsOf(sources, kind, page.items),
    nextCursor: page.nextCursor === null ? null : encodeCursor(kind, page.nextCursor),
    total: page.total,
  };
};

export const itemsOf = async <Kind extends ActorKind>(
  sources: ReadSources,
  kind: Kind,
  actors: readonly StoredActor[],
): Promise<Items[Kind][]> => {
  const reasons = kind === 'task' ? await taskReasons(sources, actors) : null;
  const makers: { readonly [K in ActorKind]: (actor: StoredActor) => Items[K] } = {
    objective: objectiveItem,
    task: (actor) => taskItem(actor, reasons?.get(actor.id) ?? null),
    worker: workerItem,
    run: (actor) => runItem(actor, sources.runs.facts(actor.id)),
    gate: gateItem,
  };
  return actors.map(makers[kind]);
};

/** Gates by type: no index has it, so rows are read until the page is full or `SCAN_ROWS_MAX` are seen. */
export const listGates = async (
  sources: ReadSources,
  { type, ...filter }: ActorFilter & { readonly type?: string | undefined },
): Promise<ItemPage<GateItem>> => {
  if (type === undefined) return listItems(sources, 'gate', filter);
  const limit = filter.limit ?? PAGE_DEFAULT;
  const items: GateItem[] = [];
  let after = filter.after;
  for (let seen = 0; seen < SCAN_ROWS_MAX; seen += PAGE_MAX) {
    const page = await listItems(sources, 'gate', { ...filter, after, limit: PAGE_MAX });
    for (const item of page.items) {
      if (item.type !== type) continue;
      items.push(item);
      if (items.length === limit) return { items, nextCursor: encodeCursor('gate', item.gateId), total: null };
    }
    after = page.nextCursor ?? undefined;
    if (after === undefined) return { items, nextCursor: null, total: null };
  }
  return { items, nextCursor: after ?? null, total: null };
};

export type ArtifactFilter = PageQuery & {
  readonly type?: string | undefined;
  readonly objectiveId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly runId?: string | undefined;
};

export const listArtifacts = async (
  { reader }: Pick<ReadSources, 'reader'>,
  { limit, after, ...filter }: ArtifactFilter,
): Promise<ItemPage<ArtifactItem>> => {
  const page = await reader.listArtifacts({
    ...given(filter),
    limit: limit ?? PAGE_DEFAULT,
    ...(after === undefined ? {} : { after: decodeCursor('artifact', after) }),
  });
  return {
    items: page.items.map(artifactItem),
    nextCursor: page.nextCursor === null ? null : encodeCursor('artifact', page.nextCursor),
    total: page.total,
  };
};

export type EventFilter = PageQuery & {
  /** Entries after this number; a cursor beats it. */
  readonly afterSequence?: number | undefined;
  readonly type?: string | undefined;
  readonly objectiveId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly runId?: string | undefined;
  /** Entries of exactly this objective, task, worker, run or gate. */
  readonly actor?: string | undefined;
  /** No entry after this number. */
  readonly until?: number | undefined;
  /** The newest page, still oldest first; it has no next page but what will happen. */
  readonly tail?: boolean | undefined;
};

/** `nextCursor` is never null: what happens next is the next page. */
export const listEvents = async (
  { reader }: Pick<ReadSources, 'reader'>,
  { limit = PAGE_DEFAULT, after, afterSequence, tail, ...filter }: EventFilter,
): Promise<ItemPage<EventItem> & { nextCursor: string }> => {
  const start = after === undefined ? (afterSequence ?? 0) : Number(decodeCursor('event', after));
  // Read before the page: what is committed in between then belongs to the next page, and nothing is passed over.
  const lastSeq = await reader.lastSeq();
  const query = { ...given(filter), after: start, limit };
  const entries: readonly JournalEntry[] =
    tail === true
      ? (await reader.listJournal({ ...query, order: 'newest' })).toReversed()
      : await reader.listJournal(query);
  const isFull = tail !== true && entries.length === limit;
  const next = isFull ? entries.at(-1)!.seq : Math.max(start, lastSeq, entries.at(-1)?.seq ?? 0);
  return { items: entries.map(eventItem), nextCursor: encodeCursor('event', String(next)), total: null };
};

type Given<Filter> = { readonly [Key in keyof Filter]?: NonNullable<Filter[Key]> };

/** Without the members that nobody gave. */
const given = <Filter extends object>(filter: Filter): Given<Filter> =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Given<Filter>;
