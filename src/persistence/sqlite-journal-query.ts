/**
 * Turns a JournalQuery into one statement over the indexes that fit best.
 *
 * What an actor wrote itself is found by actor; `about` indexes hold only what others wrote about a task, or about a run that names no
 * task. Everything else about a run stands with its task, which the run's own first entry names.
 */
import { pageSize } from './commit-check.ts';
import type { Value } from './sqlite-wire.ts';
import type { JournalQuery } from './store.ts';

type Statement = { readonly sql: string; readonly values: readonly Value[] };
/** One range of one index, or a table. */
type Place = { readonly from: string; readonly condition: string; readonly values: readonly Value[] };

const COLUMNS = {
  runId: 'run_id',
  actor: 'actor',
  taskId: 'task_id',
  type: 'type',
  objectiveId: 'objective_id',
} as const;
type Field = keyof typeof COLUMNS;

/** From few rows to many: the first field that is asked for leads. */
const FIELDS = Object.keys(COLUMNS) as Field[];

export const journalStatement = (query: JournalQuery): Statement => {
  const limit = pageSize(query.limit);
  const lead = FIELDS.find((field) => query[field] !== undefined);
  const order = `ORDER BY seq ${query.order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?`;
  const fields = FIELDS.filter((field) => query[field] !== undefined);
  const wanted = [...fields.map((field) => `${COLUMNS[field]} = ?`), 'seq > ?', 'seq <= ?'].join(' AND ');
  const until = query.until ?? Number.MAX_SAFE_INTEGER;
  const values: Value[] = [...fields.map((field) => query[field]!), query.after ?? 0, until, limit];
  const indexed = lead === undefined ? [WHOLE] : placesOf(lead, query[lead]!);
  const places = [...indexed, TAIL].map((place) => ({
    sql: `SELECT * FROM ${place.from} WHERE ${place.condition} AND ${wanted} ${order}`,
    values: [...place.values, ...values],
  }));
  const union = places.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ');
  return { sql: `SELECT * FROM (${union}) ${order}`, values: [...places.flatMap((place) => place.values), limit] };
};

const WHOLE: Place = { from: 'journal', condition: 'TRUE', values: [] };
/** The newest entries, in no index yet: all that is wanted is among the few. */
const TAIL: Place = { from: 'journal_tail', condition: 'TRUE', values: [] };

/** While a run's first entry is in the tail, everything about it is: nothing names a run before the commit that makes it. */
const TASK_OF_RUN = '(SELECT task_id FROM journal INDEXED BY journal_by_actor WHERE actor = ? ORDER BY seq LIMIT 1)';

/** No entry stands in two places. */
const placesOf = (lead: Field, id: string): readonly Place[] => {
  switch (lead) {
    case 'runId':
      return [
        { from: 'journal INDEXED BY journal_by_actor', condition: 'actor = ?', values: [id] },
        { from: 'journal INDEXED BY journal_by_actor', condition: `actor = ${TASK_OF_RUN}`, values: [id] },
        {
          from: 'journal INDEXED BY journal_about_task',
          condition: `task_id = ${TASK_OF_RUN} AND task_id <> actor AND actor <> ?`,
          values: [id, id],
        },
        { from: 'journal INDEXED BY journal_about_run', condition: 'run_id <> actor AND task_id IS NULL', values: [] },
      ];
    case 'taskId':
      return [
        { from: 'journal INDEXED BY journal_by_actor', condition: 'actor = ?', values: [id] },
        { from: 'journal INDEXED BY journal_about_task', condition: 'task_id <> actor', values: [] },
      ];
    case 'actor':
    case 'type':
    case 'objectiveId':
    default:
      return [{ from: `journal INDEXED BY ${INDEXES[lead]}`, condition: 'TRUE', values: [] }];
  }
};

const INDEXES = {
  actor: 'journal_by_actor',
  type: 'journal_by_type',
  objectiveId: 'journal_by_objective',
} as const;
