/**
 * Goal: the store in memory keeps the port's promises, and fails exactly as it is told to.
 * Method: the suite of all adapters; then every kind of fault at a chosen commit, and a look at the disk through a new opening.
 */
import { describe, expect, test } from 'vitest';
import { createMemoryDisk } from '../../src/persistence/memory-disk.ts';
import { openMemoryStore, type MemoryFault } from '../../src/persistence/memory-store.ts';
import { actorOf, batchOf, entryOf, firstOwner, idOf } from './store-builders.ts';
import { describeStore } from './store-suite.ts';

describeStore('memory store', async () => {
  const disk = createMemoryDisk();
  return { open: async (owner) => openMemoryStore({ disk, owner }), remove: async () => undefined };
});

const step = (n: number) =>
  batchOf({ actors: [actorOf(idOf('task', 1), { revision: n })], journal: [entryOf(n, idOf('task', 1))] });
const openWithFault = (fault: MemoryFault, number: number) => {
  const disk = createMemoryDisk();
  const store = openMemoryStore({ disk, owner: firstOwner, faults: (commit) => (commit === number ? fault : null) });
  return { disk, store };
};

describe('memory store, faults', () => {
  test.each([
    ['full', { io: true, code: 'store_full' }],
    ['io', { io: true, code: 'internal' }],
    ['internal', { io: false, code: 'internal' }],
  ] as const)(
    'a commit that fails before it is written (%s) is rolled back, and the next one is not',
    async (cause, result) => {
      const { store } = openWithFault({ kind: 'before', cause }, 2);
      expect(await store.commit(step(1))).toEqual({ kind: 'committed' });
      expect(await store.commit(step(2))).toMatchObject({ kind: 'failed', ...result });
      expect((await store.getActor(idOf('task', 1)))?.revision).toBe(1);
      expect(await store.commit(step(2))).toEqual({ kind: 'committed' });
    },
  );

  test.each([true, false])('S2: after an unknown outcome nothing more is written (written: %s)', async (written) => {
    const { disk, store } = openWithFault({ kind: 'unknown', written }, 2);
    await store.commit(step(1));
    expect((await store.commit(step(2))).kind).toBe('unknown');
    expect((await store.commit(step(written ? 3 : 2))).kind).toBe('unknown');
    const next = openMemoryStore({ disk, owner: { epoch: 2, instance: 'next' } });
    expect(await next.lastSeq()).toBe(written ? 2 : 1);
    expect((await next.getActor(idOf('task', 1)))?.revision).toBe(written ? 2 : 1);
  });

  test('a refused commit is not counted', async () => {
    const { store } = openWithFault({ kind: 'before', cause: 'io' }, 1);
    expect((await store.commit(step(2))).kind).toBe('failed');
    expect((await store.commit(batchOf({ owner: { epoch: 9, instance: 'x' } }))).kind).toBe('lost');
    expect((await store.commit(step(1))).kind).toBe('failed');
    expect((await store.commit(step(1))).kind).toBe('committed');
  });
});
