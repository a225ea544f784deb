/**
 * Goal: a store of an older version is brought to this one when it is owned, with everything that it holds, or not at all.
 * Method: a database that version 1 of the tables wrote, kept beside this file, and the same rows read through the port.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SCHEMA_VERSION } from '../../src/persistence/sqlite-schema.ts';
import { openSqliteReader } from '../../src/persistence/sqlite-reader.ts';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { artifactOf, at, batchOf, entryOf, idOf, outboxOf, snapshotOf } from './store-builders.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  path = join(folder, 'conductor.db');
  writeFileSync(path, gunzipSync(readFileSync(new URL('./fixtures/store-v1.db.gz', import.meta.url))));
});
afterEach(() => rmSync(folder, { recursive: true }));

const versionOf = (file: string): unknown => {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare('PRAGMA user_version').get()!['user_version'];
  } finally {
    db.close();
  }
};
/** The tables and indexes of a database, as it says them itself. */
const schemaOf = (file: string): unknown => {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  } finally {
    db.close();
  }
};

test('version 1 opens with everything in it, and works on', async () => {
  expect(versionOf(path)).toBe(1);
  const store = await openSqliteStore({ path });
  const [objective, task, run] = [idOf('objective', 1), idOf('task', 1), idOf('run', 1)];
  expect(store.owner.epoch).toBe(2);
  expect((await store.listJournal({ limit: 100 })).map(({ seq, actor }) => [seq, actor])).toEqual([
    [1, objective],
    [2, task],
    [3, run],
    [4, idOf('task', 2)],
    [5, 'supervisor'],
  ]);
  expect(await store.getActor(task)).toMatchObject({ revision: 1, facts: { state: 'completed', settled: true } });
  expect(await store.snapshotAt(run, 3)).toEqual(snapshotOf({ n: 1, none: null }, 'succeeded'));
  expect(await store.counts()).toMatchObject({ objective: { completed: 1 }, task: { completed: 1, ready: 1 } });
  expect(await store.listRelation('member', objective, { after: 0, limit: 9 })).toEqual([{ row: 1, to: task }]);
  expect(await store.listOutbox()).toEqual([outboxOf('run-x/5/0')]);
  expect(await store.listTimers()).toHaveLength(1);
  expect(await store.listContinuations()).toHaveLength(1);
  expect(await store.listDeadLetters(9)).toHaveLength(1);
  expect(await store.getRequest('request')).toMatchObject({ result: { ok: true } });
  expect((await store.listArtifacts({ limit: 9 })).items).toEqual([
    artifactOf(1, { objectiveId: objective, taskId: task, runId: run }),
  ]);
  expect((await store.listArchived({ limit: 9 })).items).toEqual([]);
  expect(await store.findArchived(task)).toBeNull();
  const batch = batchOf({ owner: store.owner, at: at(1), journal: [entryOf(6, task)] });
  expect(await store.commit(batch)).toEqual({ kind: 'committed' });
  await store.close();
  expect(versionOf(path)).toBe(SCHEMA_VERSION);
  const again = await openSqliteStore({ path });
  expect(await again.lastSeq()).toBe(6);
  await again.close();
});

test('what is migrated has the tables of what is new', async () => {
  const fresh = join(folder, 'fresh.db');
  await (await openSqliteStore({ path: fresh })).close();
  await (await openSqliteStore({ path })).close();
  expect(schemaOf(path)).toEqual(schemaOf(fresh));
});

test('every blob that an older version holds knows who uses it, whatever names it', async () => {
  const [one, two] = [idOf('task', 1), idOf('task', 2)];
  const db = new DatabaseSync(path);
  const blob = db.prepare('INSERT INTO blob VALUES (?, ?)');
  const prompts = { first: 'no JSON {', now: '{"promptBlob":"of nobody"}' };
  for (const [name, text] of Object.entries(prompts)) blob.run(`${name} prompt`, Buffer.from(text));
  blob.run('first spec', Buffer.from('{"promptBlob":"first prompt"}'));
  blob.run('changed spec', Buffer.from('{"promptBlob":"now prompt"}'));
  blob.run('spec now', Buffer.from('{"promptBlob":null}'));
  blob.run('full copy', Buffer.from('{}'));
  const entry = db.prepare('UPDATE journal SET type = ?, actor = ?, body = ? WHERE seq = ?');
  entry.run('task.created', one, '{"event":{"type":"task.created","input":{"spec":"first spec"}},"patch":null}', 2);
  entry.run('task.update', one, '{"event":{"type":"task.update","spec":"changed spec"},"patch":null}', 3);
  entry.run('task.started', two, '{"event":{"type":"task.started"},"patch":{"blob":"full copy"}}', 4);
  db.exec(`UPDATE actor SET snapshot = json_set(snapshot, '$.context.spec', 'spec now') WHERE id = '${one}'`);
  db.close();
  const store = await openSqliteStore({ path });
  expect((await store.blobsOf([one])).toSorted()).toEqual([
    'changed spec',
    'first prompt',
    'first spec',
    'now prompt',
    'spec now',
  ]);
  expect(await store.blobsOf([two])).toEqual(['full copy']);
  await store.close();
});

test('a reader leaves an older version as it is, and says who brings it on', async () => {
  const before = readFileSync(path);
  await expect(openSqliteReader(path)).rejects.toMatchObject({
    code: 'invalid_state',
    message: expect.stringContaining('conductor start'),
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('a migration that fails leaves version 1', async () => {
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE archive (in_the_way)');
  db.close();
  await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'internal' });
  expect(versionOf(path)).toBe(1);
});
