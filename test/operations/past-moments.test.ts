/**
 * Goal: what is kept of the past is right for its moment, bounded, and goes when nobody looks any more.
 * Method: a store that makes any actor of any moment up, and counts how many are asked of it; a clock that stands still.
 */
import { expect, test } from 'vitest';
import { IDLE_MS, PastMoments } from '../../src/operations/read-models/past-moments.ts';
import type { StoreReader } from '../../src/persistence/store.ts';
import { idOf, snapshotOf } from '../persistence/store-builders.ts';
import { createVirtualClock } from '../supervisor/kernel/virtual-clock.ts';
import { counting, noReads } from './counting-reader.ts';

/** Gates with a long question, at one moment; counts those that are rebuilt. */
const store = (askLength: number) => {
  const reads = noReads();
  const snapshot = snapshotOf({ ask: 'x'.repeat(askLength), createdAt: 1 }, 'open');
  const reader = {
    lastEntriesAt: async (ids: readonly string[], seq: number) => new Map(ids.map((id) => [id, seq])),
    momentsAt: async (ids: readonly string[], seq: number) =>
      new Map(ids.map((id) => [id, { snapshot, seq, at: 1, version: '1' }])),
  } as unknown as StoreReader;
  return { reads, reader: counting(reader, reads) };
};
const gates = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => idOf('gate', from + n));

test('K3: no more than its bound, and what was used last stays', async () => {
  const { reads, reader } = store(16_000);
  const moments = new PastMoments(reader, createVirtualClock());
  // 32 KB each: less than 800 have room.
  for (let from = 0; from < 2_000; from += 500) await moments.of(gates(from, from + 500), 1);
  expect(reads.momentsAt).toBe(2_000);
  await moments.of(gates(1_500, 2_000), 1);
  expect(reads.momentsAt).toBe(2_000);
  await moments.of(gates(0, 500), 1);
  expect(reads.momentsAt).toBe(2_500);
  // They took the place of all but the last of those before them.
  await moments.of(gates(1_900, 2_000), 1);
  expect(reads.momentsAt).toBe(2_500);
  await moments.of(gates(1_500, 1_600), 1);
  expect(reads.momentsAt).toBe(2_600);
});

test('K3: what is used again stays before what is not', async () => {
  const { reads, reader } = store(16_000);
  const moments = new PastMoments(reader, createVirtualClock());
  for (const [from, to] of [
    [0, 300],
    [300, 600],
    [0, 300],
    [600, 900],
    [0, 300],
  ] as const) {
    await moments.of(gates(from, to), 1);
  }
  expect(reads.momentsAt).toBe(900);
});

test('K3: it goes when nobody has looked for a while, and not before', async () => {
  const clock = createVirtualClock();
  const { reads, reader } = store(10);
  const moments = new PastMoments(reader, clock);
  for (let look = 0; look < 5; look += 1) {
    await moments.of(gates(0, 10), 1);
    expect(clock.waiting).toBe(1);
    await clock.advance(IDLE_MS - 1);
  }
  expect(reads.momentsAt).toBe(10);
  await clock.advance(1);
  expect(clock.waiting).toBe(0);
  await moments.of(gates(0, 10), 1);
  expect(reads.momentsAt).toBe(20);
});

test('another moment of the same actor is another thing', async () => {
  const { reads, reader } = store(10);
  const moments = new PastMoments(reader, createVirtualClock());
  const revisions = async (seq: number) => (await moments.of(gates(0, 2), seq)).map(({ revision }) => revision);
  expect([await revisions(1), await revisions(2), await revisions(1)]).toEqual([
    [1, 1],
    [2, 2],
    [1, 1],
  ]);
  expect(reads.momentsAt).toBe(4);
});
