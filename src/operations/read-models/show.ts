/** One thing with everything that belongs to it, found by its id or by enough of its beginning. */
import { Type, type Static } from 'typebox';
import { ConductorError } from '../../machines/errors.ts';
import { ACTOR_KINDS, kindOfId, type ActorKind } from '../../machines/ids.ts';
import type { StoredActor } from '../../persistence/store.ts';
import {
  ArtifactItemSchema,
  EventItemSchema,
  GateItemSchema,
  ObjectiveItemSchema,
  RunItemSchema,
  TaskItemSchema,
  WorkerItemSchema,
} from './item-schemas.ts';
import { notFound } from '../operation-context.ts';
import { artifactItem } from './items.ts';
import { itemsOf, listArtifacts, listEvents, listItems, type ReadSources } from './lists.ts';

export const SHOWN_KINDS = [...ACTOR_KINDS, 'artifact'] as const;
export type ShownKind = (typeof SHOWN_KINDS)[number];

/** Related things that are shown of each kind. */
const RELATED_MAX = 50;

const shown = <Kind extends ShownKind, Item extends Parameters<typeof Type.Union>[0][number]>(kind: Kind, item: Item) =>
  Type.Object(
    {
      kind: Type.Literal(kind),
      item,
      tasks: Type.Optional(Type.Array(TaskItemSchema)),
      runs: Type.Optional(Type.Array(RunItemSchema)),
      gates: Type.Optional(Type.Array(GateItemSchema)),
      artifacts: Type.Optional(Type.Array(ArtifactItemSchema)),
      /** The newest, oldest first. */
      events: Type.Array(EventItemSchema),
    },
    { additionalProperties: false },
  );

export const ShownSchema = Type.Union([
  shown('objective', ObjectiveItemSchema),
  shown('task', TaskItemSchema),
  shown('worker', WorkerItemSchema),
  shown('run', RunItemSchema),
  shown('gate', GateItemSchema),
  shown('artifact', ArtifactItemSchema),
]);
export type Shown = Static<typeof ShownSchema>;

/**
 * The id that begins with `prefix`; `task-0a1` and `0a1` both find a task.
 * @throws ConductorError `not_found`, or `invalid_params` when several begin like that
 */
export const resolveId = async (
  { reader }: Pick<ReadSources, 'reader'>,
  prefix: string,
  kinds: readonly ActorKind[] = ACTOR_KINDS,
): Promise<string> => {
  const kind = kindOfId(prefix);
  if (kind !== null && kinds.includes(kind)) return prefix;
  const named = kinds.filter((one) => prefix.startsWith(`${one}-`));
  const found = await reader.resolvePrefix(named.length > 0 ? named : kinds, prefix);
  if (found.length === 1) return found[0]!;
  const what = kinds.length === 1 ? `${kinds[0]!} id` : 'id';
  if (found.length === 0) {
    throw new ConductorError('not_found', `no ${what} begins with ${prefix}`, { details: { id: prefix } });
  }
  const many = found.length >= 20 ? 'at least 20' : String(found.length);
  const examples = found.slice(0, 3).join(', ');
  throw new ConductorError(
    'invalid_params',
    `${prefix} is the beginning of ${many} ids: give more of it (${examples})`,
    {
      details: { id: prefix, candidates: found.slice(0, 5) },
    },
  );
};

/** @throws ConductorError `not_found`, `invalid_params` */
export const showItem = async (sources: ReadSources, prefix: string): Promise<Shown> => {
  if (prefix.startsWith('artifact-')) return showArtifact(sources, prefix);
  const id = await resolveId(sources, prefix);
  const actor = await sources.reader.getActor(id);
  if (actor === null) throw await notFound(sources.reader, id);
  const [item] = await itemsOf(sources, actor.kind, [actor]);
  return { kind: actor.kind, item, ...(await relatedTo(sources, actor)) } as Shown;
};

const showArtifact = async (sources: ReadSources, id: string): Promise<Shown> => {
  const row = await sources.reader.getArtifact(id);
  if (row === null) throw new ConductorError('not_found', `there is no ${id} in this project`, { details: { id } });
  return { kind: 'artifact', item: artifactItem(row), events: [] };
};

const relatedTo = async (sources: ReadSources, { kind, id }: StoredActor): Promise<Omit<Shown, 'kind' | 'item'>> => {
  const page = { limit: RELATED_MAX };
  const events = (filter: Parameters<typeof listEvents>[1]) => listEvents(sources, { ...filter, ...page, tail: true });
  const scope = kind === 'objective' ? { objectiveId: id } : kind === 'task' ? { taskId: id } : { runId: id };
  if (kind === 'gate') return { events: (await events({ actor: id })).items };
  if (kind === 'worker') {
    const runs = await listItems(sources, 'run', { workerId: id, ...page });
    return { runs: runs.items, events: (await events({ actor: id })).items };
  }
  const [gates, artifacts, entries] = await Promise.all([
    listItems(sources, 'gate', { ...scope, ...page }),
    listArtifacts(sources, { ...scope, ...page }),
    events(scope),
  ]);
  const common = { gates: gates.items, artifacts: artifacts.items, events: entries.items };
  if (kind === 'run') return common;
  const runs = await listItems(sources, 'run', { ...scope, ...page });
  if (kind === 'task') return { runs: runs.items, ...common };
  const tasks = await listItems(sources, 'task', { ...scope, limit: 100 });
  return { tasks: tasks.items, runs: runs.items, ...common };
};
