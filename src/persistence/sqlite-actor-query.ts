/** Turns an ActorQuery into one statement over the index that fits best. Named, because without statistics the planner guesses. */
import { pageSize } from './commit-check.ts';
import type { Value } from './sqlite-wire.ts';
import type { ActorQuery } from './store.ts';

export type ActorStatement = { readonly sql: string; readonly values: readonly Value[]; readonly limit: number };

const COLUMNS = [
  ['state', 'state'],
  ['bucket', 'bucket'],
  ['name', 'name'],
  ['objectiveId', 'objective_id'],
  ['taskId', 'task_id'],
  ['runId', 'run_id'],
  ['workerId', 'worker_id'],
] as const;

/** One row more than the page is asked for: it says whether there is a next page. */
export const actorStatement = (query: ActorQuery): ActorStatement => {
  const limit = pageSize(query.limit);
  return { ...statementOf(query, '*', limit + 1), limit };
};

/** Just the page, from the index alone where that holds all that is asked for. */
export const actorIdStatement = (query: ActorQuery): Omit<ActorStatement, 'limit'> =>
  statementOf(query, 'id', pageSize(query.limit));

const statementOf = (query: ActorQuery, what: string, rows: number): Omit<ActorStatement, 'limit'> => {
  const isNewest = query.order !== 'oldest';
  const values: Value[] = [];
  const conditions: string[] = [];
  for (const [field, column] of COLUMNS) {
    const value = query[field];
    if (value === undefined) continue;
    conditions.push(value === null ? `${column} IS NULL` : `${column} = ?`);
    if (value !== null) values.push(value);
  }
  if (query.live === true) conditions.push('settled = 0');
  // `.` follows `-`: the range is all ids of the kind.
  const low = isNewest || query.after === undefined ? `${query.kind}-` : query.after;
  const high = isNewest && query.after !== undefined ? query.after : `${query.kind}.`;
  conditions.push('id > ?', 'id < ?');
  values.push(low, high, rows);
  const order = isNewest ? 'DESC' : 'ASC';
  const sql = `SELECT ${what} FROM actor INDEXED BY ${indexOf(query)} WHERE ${conditions.join(' AND ')} ORDER BY id ${order} LIMIT ?`;
  return { sql, values };
};

type Field = (typeof COLUMNS)[number][0] | 'live';

/** From few rows to many; what is live stays few, however long the history is. */
const INDEXES: readonly (readonly [index: string, ...fields: Field[]])[] = [
  ['actor_by_run', 'runId'],
  ['actor_by_task', 'taskId'],
  ['actor_by_name', 'name'],
  ['actor_by_objective_bucket', 'objectiveId', 'bucket'],
  ['actor_by_objective_state', 'objectiveId', 'state'],
  ['actor_live', 'live'],
  ['actor_by_worker', 'workerId'],
  ['actor_by_objective', 'objectiveId'],
  ['actor_by_bucket', 'bucket'],
  ['actor_by_state', 'state'],
  ['sqlite_autoindex_actor_1'],
];

const indexOf = (query: ActorQuery): string => {
  if (query.objectiveId === null) return 'actor_loose';
  return INDEXES.find(([, ...fields]) =>
    fields.every((field) => query[field] !== undefined && query[field] !== false),
  )![0];
};
