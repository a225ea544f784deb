/**
 * Goal: after an upgrade nobody who reads the store sees what an older machine left out, and nothing stored is touched by reading.
 * Method: golden snapshots of old versions in a real store, read beside the kernel.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ActorFacts, PersistedSnapshot, Store } from '../../../src/persistence/store.ts';
import { MACHINES } from '../../../src/machines/registry.ts';
import { openSqliteStore } from '../../../src/persistence/sqlite-store.ts';
import { checkOf, MACHINE_SET } from '../../../src/supervisor/kernel/machine-set.ts';
import { upgradedStore } from '../../../src/supervisor/kernel/upgraded-store.ts';
import { LiveView } from '../../../src/supervisor/scheduler/live-view.ts';
import { actorOf, batchOf, firstOwner, idOf } from '../../persistence/store-builders.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const id = idOf('task', 1);

/** A store in which a ready task of no objective stands as this version wrote it. */
const storeOf = async (version: string): Promise<Store> => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  const store = await openSqliteStore({ path: join(folder, 'conductor.db'), owner: firstOwner, writer: 'in-place' });
  closing.push(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const golden = readFileSync(new URL('./golden/v1/task.json', import.meta.url), 'utf8');
  const written = (JSON.parse(golden) as { snapshot: PersistedSnapshot }[]).find(
    ({ snapshot: { value } }) => value === 'ready',
  )!;
  const context = { ...written.snapshot.context, taskId: id, objectiveId: null };
  const snapshot = { ...written.snapshot, context };
  const facts: ActorFacts = MACHINE_SET.describe({ kind: 'task', id }, snapshot);
  await store.commit(batchOf({ actors: [{ ...actorOf(id), version, snapshot, facts }] }));
  return store;
};

test('actors are read at the version of the code, by each way of reading them', async () => {
  const store = await storeOf('1');
  const upgraded = upgradedStore(store);
  const read = [
    await upgraded.getActor(id),
    (await upgraded.getActors([id])).get(id),
    (await upgraded.listActors({ kind: 'task', limit: 10 })).items[0],
  ];
  for (const actor of read) {
    expect(actor?.version).toBe(MACHINES.task.version);
    expect(checkOf(MACHINES.task.contextSchema).Check(actor?.snapshot.context)).toBe(true);
  }
  expect(await upgraded.getActor(idOf('task', 2))).toBe(null);
});

test('U1: what is stored stays as it is; everything else is the store’s own', async () => {
  const store = await storeOf('1');
  const upgraded = upgradedStore(store);
  await upgraded.getActor(id);
  expect((await store.getActor(id))?.version).toBe('1');
  expect(await upgraded.counts()).toEqual(await store.counts());
  expect(upgraded.owner).toBe(store.owner);
  expect(await upgraded.lastSeq()).toBe(0);
});

test('U2: a newer actor is read as it is', async () => {
  const store = await storeOf('99');
  expect(await upgradedStore(store).getActor(id)).toEqual(await store.getActor(id));
});

test('a task that nobody asked for by name is not started by an upgrade', async () => {
  const view = new LiveView();
  await view.load(upgradedStore(await storeOf('1')));
  expect([...view.queued.keys()]).toEqual([]);
});
