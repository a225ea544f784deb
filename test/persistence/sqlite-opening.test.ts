/**
 * Goal: a store that cannot be opened says what it is and the way out, and stays as it is; a full disk is an answer, not an end.
 * Method: real files, damaged by hand; a page limit for the full disk; another user for what cannot be written.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listBackups } from '../../src/persistence/sqlite-backup.ts';
import { openSqliteReader } from '../../src/persistence/sqlite-reader.ts';
import { openSqliteStore, type SqliteStore } from '../../src/persistence/sqlite-store.ts';
import type { CommitBatch } from '../../src/persistence/store.ts';
import { endPrograms, startProgram } from './child-program.ts';
import { actorOf, at, batchOf, entryOf, idOf, startOfTime } from './store-builders.ts';
import { waitFor } from './wait-for.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  path = join(folder, 'conductor.db');
});
afterEach(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const commitTo = (store: SqliteStore, rest: Partial<CommitBatch>) =>
  store.commit(batchOf({ owner: store.owner, ...rest }));

/** A closed store with some hundred entries. */
const fill = async (): Promise<void> => {
  const store = await openSqliteStore({ path });
  const task = idOf('task', 1);
  for (let step = 0; step < 10; step += 1) {
    const journal = Array.from({ length: 50 }, (_, index) => entryOf(step * 50 + index + 1, task));
    expect(await commitTo(store, { journal, actors: [actorOf(task, { revision: step + 1 })] })).toEqual({
      kind: 'committed',
    });
  }
  await store.close();
};

const answerOf = async (
  as: 'store' | 'reader',
  uid?: number,
): Promise<{ lastSeq?: number; error?: { code: string; message: string } }> => {
  const program = startProgram('open-store.ts', [as, path], uid === undefined ? {} : { uid });
  return JSON.parse(await program.line((line) => line.startsWith('{'))) as { lastSeq?: number };
};

describe('files', () => {
  test('a closed store is one file, for this user alone', async () => {
    const store = await openSqliteStore({ path });
    expect(store.wasClean).toBe(true);
    for (let seq = 1; seq <= 200; seq += 1) await commitTo(store, { journal: [entryOf(seq, 'x')] });
    await store.backup();
    await store.close();
    expect(readdirSync(folder).toSorted()).toEqual(['backups', 'conductor.db']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('the log does not grow without end', async () => {
    const store = await openSqliteStore({ path });
    const data = new Uint8Array(200_000);
    for (let n = 1; n <= 400; n += 1) {
      expect((await commitTo(store, { blobs: [{ hash: `blob ${n}`, data, usedBy: [] }] })).kind).toBe('committed');
    }
    expect(statSync(`${path}-wal`).size).toBeLessThan(60 * 2 ** 20);
    await store.close();
  });

  test('a commit comes back although its disk is slow, and the loop goes on turning', async () => {
    const store = await openSqliteStore({ path, limits: { fsyncDelayMs: 50 } });
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    for (let seq = 1; seq <= 10; seq += 1) await commitTo(store, { journal: [entryOf(seq, 'x')] });
    isOver = true;
    expect(turns).toBeGreaterThan(500);
    await store.close();
  });
});

describe('readers', () => {
  test('without a database everything is empty, and nothing is made', async () => {
    const reader = await openSqliteReader(path);
    expect(await reader.lastSeq()).toBe(0);
    expect((await reader.listActors({ kind: 'task', limit: 10 })).total).toBe(0);
    await reader.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('without a supervisor the database is read as it is, and nothing is made', async () => {
    await fill();
    const before = hashOf(path);
    const reader = await openSqliteReader(path);
    expect(await reader.lastSeq()).toBe(500);
    expect(readdirSync(folder)).toEqual(['conductor.db']);
    await reader.close();
    expect(readdirSync(folder)).toEqual(['conductor.db']);
    expect(hashOf(path)).toBe(before);
  });

  test('beside a living supervisor every commit is seen, also by one that was there before', async () => {
    await fill();
    const early = await openSqliteReader(path);
    expect(await early.lastSeq()).toBe(500);
    const store = await openSqliteStore({ path });
    const late = await openSqliteReader(path);
    await commitTo(store, { journal: [entryOf(501, 'x')] });
    expect(await late.lastSeq()).toBe(501);
    expect(await early.lastSeq()).toBe(501);
    await early.close();
    await late.close();
    await store.close();
    expect(readdirSync(folder)).toEqual(['conductor.db']);
  });

  test('after kill -9 the log is read too', async () => {
    const program = startProgram('commit-in-a-loop.ts', [path]);
    await program.line((line) => line.startsWith('acknowledged 30'));
    program.kill('SIGKILL');
    await program.ended;
    const reader = await openSqliteReader(path);
    expect(await reader.lastSeq()).toBeGreaterThanOrEqual(30);
    await reader.close();
  });
});

describe('damage', () => {
  const damages: [string, () => void | Promise<void>][] = [
    ['garbage', () => writeFileSync(path, 'not a database at all '.repeat(500))],
    ['an empty file', () => writeFileSync(path, '')],
    ['a torn header', () => writeFileSync(path, readFileSync(path).subarray(0, 50))],
    ['a file cut short', () => truncateSync(path, Math.floor(statSync(path).size / 8_192) * 4_096)],
    [
      'a journal that lost its end',
      () => {
        const db = new DatabaseSync(path);
        db.exec('DELETE FROM journal WHERE seq > 490; DELETE FROM journal_tail WHERE seq > 490');
        db.close();
      },
    ],
    [
      'the database of another program',
      () => {
        rmSync(path);
        const db = new DatabaseSync(path);
        db.exec('CREATE TABLE precious (x)');
        db.close();
      },
    ],
  ];

  test.each(damages)('%s is named, kept as it is, and never replaced', async (_, damage) => {
    await fill();
    await damage();
    const before = hashOf(path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'store_damaged',
      message: expect.stringContaining('conductor doctor'),
    });
    expect(hashOf(path)).toBe(before);
    expect(readdirSync(folder).filter((name) => !name.startsWith('conductor.db'))).toEqual([]);
  });

  test('a newer version is refused by store and reader, and kept', async () => {
    await fill();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    const before = hashOf(path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_too_new', details: { version: 99 } });
    await expect(openSqliteReader(path)).rejects.toMatchObject({ code: 'store_too_new' });
    expect(hashOf(path)).toBe(before);
  });

  test.each(['conductor.db-wal', 'backups/2026-01-01T00-00-00-000Z.db'])(
    'a database that is gone while %s is there is not begun anew',
    async (name) => {
      mkdirSync(join(folder, 'backups'));
      writeFileSync(join(folder, name), 'evidence');
      await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_damaged' });
      expect(existsSync(path)).toBe(false);
      expect(readFileSync(join(folder, name), 'utf8')).toBe('evidence');
    },
  );

  test('a creation that was killed half way is begun again', async () => {
    writeFileSync(`${path}.${process.pid}.new`, 'half');
    const store = await openSqliteStore({ path });
    await store.close();
    expect(readdirSync(folder)).toEqual(['conductor.db']);
  });
});

describe('another user', () => {
  const nobody = 65_534;

  test('what cannot be written cannot be owned, and can be read when it may be', async () => {
    await fill();
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    const before = hashOf(path);
    expect((await answerOf('store', nobody)).error?.code).toBe('home_read_only');
    expect(await answerOf('reader', nobody)).toEqual({ lastSeq: 500 });
    chmodSync(path, 0o600);
    expect((await answerOf('store', nobody)).error?.code).toBe('home_read_only');
    expect((await answerOf('reader', nobody)).error?.code).toBe('home_read_only');
    expect(hashOf(path)).toBe(before);
    expect(readdirSync(folder)).toEqual(['conductor.db']);
    expect(await answerOf('store')).toEqual({ lastSeq: 500 });
  });

  test('a store cannot be made where nothing can be written', async () => {
    chmodSync(folder, 0o755);
    expect((await answerOf('store', nobody)).error?.code).toBe('home_read_only');
    expect(readdirSync(folder)).toEqual([]);
  });
});

const large = (n: number): Partial<CommitBatch> => ({
  requests: [{ requestId: `r ${n}`, hash: 'h', result: 'x'.repeat(100_000), at: startOfTime }],
});

describe('a full disk', () => {
  test('is answered, rolls the whole batch back, and the store is usable when there is space again', async () => {
    const store = await openSqliteStore({ path, limits: { maxPages: 200 } });
    let stored = 0;
    let last = await commitTo(store, large(stored));
    while (last.kind === 'committed') {
      stored += 1;
      last = await commitTo(store, { ...large(stored), actors: [actorOf(idOf('task', stored))] });
    }
    expect(stored).toBeGreaterThan(2);
    expect(last).toMatchObject({ kind: 'failed', io: true, code: 'store_full' });
    expect(await store.getRequest(`r ${stored}`)).toBeNull();
    expect(await store.getActor(idOf('task', stored))).toBeNull();
    expect(await commitTo(store, large(stored))).toMatchObject({ kind: 'failed', code: 'store_full' });
    // A day later the old results are dropped: that is space.
    expect(await commitTo(store, { ...large(stored), at: at(startOfTime + 2 * 86_400_000) })).toEqual({
      kind: 'committed',
    });
    expect(await store.getRequest('r 0')).toBeNull();
    expect(await store.getRequest(`r ${stored}`)).not.toBeNull();
    await store.close();
    const again = await openSqliteStore({ path });
    expect(await commitTo(again, { blobs: [{ hash: 'big', data: new Uint8Array(2_000_000), usedBy: [] }] })).toEqual({
      kind: 'committed',
    });
    await again.close();
  });
});

describe('backups', () => {
  test('are verified copies of one moment, for this user alone, the newest three', async () => {
    const store = await openSqliteStore({ path });
    const made: string[] = [];
    for (let seq = 1; seq <= 5; seq += 1) {
      await commitTo(store, { journal: [entryOf(seq, 'x')] });
      made.push(await store.backup());
      // Names are times in ms: the next backup needs another one.
      await waitFor(
        'the next millisecond',
        () => new Date().toISOString().replaceAll(/[:.]/g, '-') > made.at(-1)!.slice(-27, -3),
      );
    }
    expect(listBackups(path)).toEqual(made.slice(2).toReversed());
    expect(readdirSync(join(folder, 'backups')).toSorted()).toEqual(made.slice(2).map((file) => file.slice(-27)));
    for (const [index, file] of made.slice(2).entries()) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const reader = await openSqliteReader(file);
      expect(await reader.lastSeq()).toBe(index + 3);
      await reader.close();
    }
    await store.close();
    expect(listBackups(join(folder, 'none', 'conductor.db'))).toEqual([]);
  });

  test('a backup goes on beside commits, and holds none of them half', async () => {
    const store = await openSqliteStore({ path });
    let seq = 0;
    const next = (): Promise<unknown> => {
      seq += 2;
      return commitTo(store, { journal: [entryOf(seq - 1, 'x'), entryOf(seq, 'x')] });
    };
    for (let step = 0; step < 50; step += 1) await next();
    const copying = { isOver: false };
    const copy = store.backup().finally(() => {
      copying.isOver = true;
    });
    while (!copying.isOver) await next();
    const reader = await openSqliteReader(await copy);
    const copied = await reader.lastSeq();
    expect(copied).toBeGreaterThanOrEqual(100);
    expect(copied % 2).toBe(0);
    await reader.close();
    await store.close();
  });
});
