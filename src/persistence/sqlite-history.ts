/**
 * The past, read from the journal's tables: for many actors at once, because a step of time travel looks at thousands of them.
 *
 * H1. The tail has no indexes: it is read once for all that are asked about, never once for each.
 * H2. The tail is read before the journal. What is moved between the two is then found twice, and taken from the tail.
 */
import type { StatementSync } from 'node:sqlite';
import { pageSize } from './commit-check.ts';
import { rebuildMoment, type ActorMoment } from './snapshot-history.ts';
import { patchOfRow, type SqliteRow } from './sqlite-rows.ts';

type Tables = {
  readonly statement: (sql: string) => StatementSync;
  readonly blob: (hash: string) => Uint8Array | null;
};

const TAIL_ENTRIES = `SELECT seq, at, actor, body FROM journal_tail
  WHERE seq <= ?2 AND actor IN (SELECT value FROM json_each(?1)) ORDER BY seq DESC`;

/** Up to, but without, a place. */
const ENTRIES_BEFORE = `SELECT seq, at, body FROM journal INDEXED BY journal_by_actor
  WHERE actor = ? AND seq < ? ORDER BY seq DESC`;

/** From the indexes alone: no entry is read. An actor of the tail comes in both parts, the tail's number last. */
const LAST_ENTRIES = `SELECT value AS actor,
    (SELECT max(seq) FROM journal INDEXED BY journal_by_actor WHERE actor = value AND seq <= ?2) AS seq FROM json_each(?1)
  UNION ALL
  SELECT actor, max(seq) AS seq FROM journal_tail
    WHERE seq <= ?2 AND actor IN (SELECT value FROM json_each(?1)) GROUP BY actor`;

export const momentsAt = (tables: Tables, actors: readonly string[], seq: number): ReadonlyMap<string, ActorMoment> => {
  pageSize(actors.length);
  const tail = Map.groupBy(
    tables.statement(TAIL_ENTRIES).all(JSON.stringify(actors), seq) as SqliteRow[],
    (row) => row['actor'] as string,
  );
  const before = tables.statement(ENTRIES_BEFORE);
  const newestFirst = function* (actor: string) {
    const rows = tail.get(actor) ?? [];
    for (const row of rows) yield patchOfRow(row);
    const end = (rows.at(-1)?.['seq'] as number | undefined) ?? seq + 1;
    for (const row of before.iterate(actor, end)) yield patchOfRow(row as SqliteRow);
  };
  const moments = new Map<string, ActorMoment>();
  for (const actor of actors) {
    const moment = rebuildMoment(newestFirst(actor), tables.blob);
    if (moment !== null) moments.set(actor, moment);
  }
  return moments;
};

export const lastEntriesAt = (tables: Tables, actors: readonly string[], seq: number): ReadonlyMap<string, number> => {
  pageSize(actors.length);
  const found = new Map<string, number>();
  for (const row of tables.statement(LAST_ENTRIES).all(JSON.stringify(actors), seq) as SqliteRow[]) {
    if (row['seq'] !== null) found.set(row['actor'] as string, row['seq'] as number);
  }
  return found;
};
