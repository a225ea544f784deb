/**
 * Goal: the past is whole although the journal's tail may be moved at any time.
 * Method: tables as the writer leaves them, and the move at the worst moment: after the tail was read, before the journal is.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastEntriesAt, momentsAt } from '../../src/persistence/sqlite-history.ts';
import { settleTail } from '../../src/persistence/sqlite-journal-tail.ts';
import { createSchema } from '../../src/persistence/sqlite-schema.ts';
import { idOf, snapshotOf } from './store-builders.ts';

const [a, b] = [idOf('task', 1), idOf('run', 1)];
let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  createSchema(db);
});
afterEach(() => db.close());

const write = (table: 'journal' | 'journal_tail', seq: number, actor: string): void => {
  const patch = seq <= 2 ? { keyframe: snapshotOf({ n: seq }) } : { merge: { context: { [`k${seq}`]: seq } } };
  db.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, 'transition', ?, 't', NULL, NULL, NULL, ?)`).run(
    seq,
    seq * 10,
    seq,
    actor,
    JSON.stringify({ version: '1', patch }),
  );
};

const tables = (beforeStatement: (sql: string) => void = () => undefined) => ({
  statement: (sql: string): StatementSync => {
    beforeStatement(sql);
    return db.prepare(sql);
  },
  blob: () => null,
});

test('H2: what moves between the two reads is counted once', () => {
  write('journal', 1, a);
  write('journal', 2, b);
  write('journal', 3, a);
  for (const seq of [4, 6]) write('journal_tail', seq, a);
  write('journal_tail', 5, b);
  const still = momentsAt(tables(), [a, b], 6);
  expect(still.get(a)).toEqual({ seq: 6, at: 60, version: '1', snapshot: snapshotOf({ n: 1, k3: 3, k4: 4, k6: 6 }) });
  let moves = 0;
  const moving = tables((sql) => {
    if (sql.includes('FROM journal_tail')) return;
    moves += 1;
    settleTail(db);
  });
  expect(momentsAt(moving, [a, b], 6)).toEqual(still);
  expect(moves).toBe(1);
  expect(momentsAt(tables(), [a, b], 6)).toEqual(still);
});

test('the newest entry of each, wherever it stands', () => {
  write('journal', 1, a);
  write('journal', 2, b);
  write('journal_tail', 3, a);
  expect(lastEntriesAt(tables(), [a, b], 9)).toEqual(
    new Map([
      [a, 3],
      [b, 2],
    ]),
  );
  expect(lastEntriesAt(tables(), [b, a], 2)).toEqual(
    new Map([
      [a, 1],
      [b, 2],
    ]),
  );
  expect(lastEntriesAt(tables(), [a], 0)).toEqual(new Map());
});
