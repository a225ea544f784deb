/**
 * The operations that commands call, by what they are for. `call` reaches all others by name.
 */
import type { ActorKind } from '../../machines/ids.ts';
import type { ItemPage } from '../../operations/read-models/item-schemas.ts';
import type { Shown } from '../../operations/read-models/show.ts';
import type { ConductorPort } from './conductor-port.ts';

export const LIST_OPERATIONS = {
  objective: 'conductor_list_objectives',
  task: 'conductor_list_tasks',
  run: 'conductor_list_runs',
  worker: 'conductor_list_workers',
  gate: 'conductor_list_gates',
  artifact: 'conductor_list_artifacts',
  event: 'conductor_list_events',
} as const;

/** One page of a list. */
export const listPage = async <Item>(
  port: ConductorPort,
  kind: keyof typeof LIST_OPERATIONS,
  params: Readonly<Record<string, unknown>>,
): Promise<ItemPage<Item>> => (await port.call(LIST_OPERATIONS[kind], params)).details as ItemPage<Item>;

/** One thing with all that belongs to it; `prefix` is an id or enough of its beginning. */
export const showById = async (port: ConductorPort, prefix: string): Promise<Shown> =>
  (await port.call('conductor_show', { id: prefix })).details as Shown;

/** The whole id and the kind of what begins with `prefix`. */
export const resolvePrefix = async (
  port: ConductorPort,
  prefix: string,
): Promise<{ readonly kind: ActorKind | 'artifact'; readonly id: string; readonly shown: Shown }> => {
  const shown = await showById(port, prefix);
  const item = shown.item as unknown as Readonly<Record<string, unknown>>;
  return { kind: shown.kind, id: String(item[`${shown.kind}Id`]), shown };
};
