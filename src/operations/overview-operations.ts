/** The project on one page: how it is now or was at any moment, and single entries of it as they stand. */
import { Type } from 'typebox';
import type { StoredActor, StoreReader } from '../persistence/store.ts';
import { anyId, momentSeq } from './moment-parameters.ts';
import type { HandlerContext } from './operation-context.ts';
import { defineOperation, READERS, said } from './operation.ts';
import { closed, objectiveId, optional } from './parameter-schemas.ts';
import { overviewItems } from './read-models/overview-items.ts';
import { gatherNow } from './read-models/overview-now.ts';
import { gatherPast } from './read-models/overview-past.ts';
import { OVERVIEW_LIMITS, requireObjective } from './read-models/overview-scope.ts';
import { seenNow } from './read-models/overview-seen.ts';
import { pastMomentsOf } from './read-models/past-moments.ts';
import { OverviewItemsSchema, OverviewSchema, type Overview, type OverviewItems } from './read-models/overview.ts';
import { statusOf } from './read-models/project-status.ts';

/** Entries that are asked for at one time: what two messages of a feed can change. */
const IDS_MAX = 200;

/**
 * Now, `seq` is read before everything else: whatever is shown is as new as it or newer, because other commits happen meanwhile. A
 * feed that begins after `seq` tells of those once more, and `revision` says which word is the later one.
 */
export const getOverview = defineOperation({
  name: 'conductor_get_overview',
  title: 'Show the project on one page',
  description:
    'Live objectives, then the newest, with their tasks, workers and the last run of each task; all that runs, waits for a decision, ' +
    'or failed lately. With seq: how all this was at that moment. What is left out is counted.',
  params: closed({
    seq: momentSeq,
    objectiveId: optional(objectiveId, 'Only this one and what belongs to it.'),
    limit: optional(
      Type.Integer({ minimum: 1, maximum: OVERVIEW_LIMITS.tasks }),
      `Most tasks, beside those of runs that are shown anyway. Default: ${String(OVERVIEW_LIMITS.tasks)}.`,
    ),
  }),
  result: OverviewSchema,
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const overview = await overviewOf(context, params);
    return said(overviewText(overview), overview);
  },
});

export const getOverviewItems = defineOperation({
  name: 'conductor_get_overview_items',
  title: 'Show entries of the overview',
  description: 'Objectives, tasks, runs, gates and workers as conductor_get_overview shows them, by their ids.',
  params: closed({ ids: Type.Array(anyId, { minItems: 1, maxItems: IDS_MAX }) }),
  result: OverviewItemsSchema,
  principals: READERS,
  mutates: false,
  handler: async (context, { ids }) => {
    const reader = liveReader(context);
    const actors = await reader.getActors(ids);
    const items = await overviewItems(reader, [...actors.values()].map(seenNow));
    return said(itemsText(items), items);
  },
});

/** What a feed asks for has just changed, so it is in memory; the store would read and parse it again, for every page and batch. */
const liveReader = ({ kernel, reader }: HandlerContext): Pick<StoreReader, 'getActors' | 'getBlob'> => ({
  getBlob: (hash) => reader.getBlob(hash),
  getActors: async (ids) => {
    const known = new Map<string, StoredActor>();
    for (const id of ids) {
      const actor = kernel?.peek(id) ?? null;
      if (actor !== null) known.set(id, actor);
    }
    const missing = ids.filter((id) => !known.has(id));
    return missing.length === 0 ? known : new Map([...known, ...(await reader.getActors(missing))]);
  },
});

const overviewOf = async (
  context: HandlerContext,
  params: { readonly seq?: number; readonly objectiveId?: string; readonly limit?: number },
): Promise<Overview> => {
  const { reader } = context;
  const lastSeq = await reader.lastSeq();
  const scope = { objectiveId: params.objectiveId ?? null, tasksMax: params.limit ?? OVERVIEW_LIMITS.tasks };
  await requireObjective(reader, scope);
  const seq = Math.min(params.seq ?? lastSeq, lastSeq);
  const isNow = seq === lastSeq;
  const { seen, omitted } = await (isNow
    ? gatherNow(reader, scope)
    : gatherPast({ reader, moments: pastMomentsOf(context), seq }, scope));
  const [last] = seq === 0 ? [] : await reader.listJournal({ until: seq, order: 'newest', limit: 1 });
  return {
    seq,
    at: last?.at ?? null,
    lastSeq,
    counts: isNow ? (await statusOf(reader, context)).counts : null,
    items: await overviewItems(reader, seen),
    omitted,
  };
};

const itemsText = ({ objectives, tasks, runs, gates, workers }: OverviewItems): string =>
  `${String(objectives.length)} objectives, ${String(tasks.length)} tasks, ${String(runs.length)} runs, ` +
  `${String(gates.length)} gates, ${String(workers.length)} workers`;

const overviewText = ({ seq, lastSeq, items, omitted }: Overview): string => {
  const running = items.runs.filter(({ settled }) => !settled).length;
  const open = items.gates.filter(({ state }) => state === 'open').length;
  const done = items.tasks.filter(({ state }) => state === 'completed').length;
  const left =
    omitted.objectives + omitted.tasks === 0
      ? ''
      : `\nnot shown: ${String(omitted.objectives)} objectives, ${String(omitted.tasks)} tasks`;
  return (
    `${String(running)} running, ${String(open)} waiting for a decision, ${String(done)} done` +
    `${seq === lastSeq ? '' : ` after entry ${String(seq)} of ${String(lastSeq)}`}\nshown: ${itemsText(items)}${left}`
  );
};

export const overviewOperations = [getOverview, getOverviewItems] as const;
