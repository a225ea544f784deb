/**
 * Goal: ids are well formed, rise, and come from nowhere but the caller's clock and chance.
 * Method: a source of its own per test, with bytes that the test chooses.
 */
import { expect, test } from 'vitest';
import { ACTOR_KINDS, idPattern, kindOfId } from '../../src/machines/ids.ts';
import { createIdSource, newId } from '../../src/persistence/id-source.ts';

const bytes = (value: number) => (size: number) => new Uint8Array(size).fill(value);

test('an id of every kind has the form that the schemas ask for', () => {
  const draw = createIdSource();
  for (const kind of ACTOR_KINDS) {
    const id = draw(kind, 1_795_000_000_000);
    expect(id).toMatch(new RegExp(idPattern(kind)));
    expect(kindOfId(id)).toBe(kind);
  }
  expect(draw('artifact', 1_795_000_000_000)).toMatch(new RegExp(idPattern('artifact')));
});

test('time comes first, in ten characters, then what the random bytes say', () => {
  expect(createIdSource()('task', 0, bytes(0))).toBe(`task-${'0'.repeat(20)}`);
  expect(createIdSource()('task', 33, bytes(31))).toBe(`task-${'0'.repeat(8)}11${'z'.repeat(10)}`);
});

test('I1: ids of one millisecond rise, also past the last random value', () => {
  const draw = createIdSource();
  const ids = Array.from({ length: 100 }, () => draw('run', 5_000, bytes(31)));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(100);
});

test('I1: a clock that steps back does not make newer ids look older', () => {
  const draw = createIdSource();
  const before = draw('run', 5_000, bytes(7));
  const after = draw('run', 4_000, bytes(1));
  expect(after > before).toBe(true);
  expect(draw('run', 5_001, bytes(1)) > after).toBe(true);
});

test('two sources with the same clock and bytes draw the same ids', () => {
  const [one, two] = [createIdSource(), createIdSource()];
  const times = [1, 1, 3, 2, 9];
  expect(times.map((now) => one('gate', now, bytes(3)))).toEqual(times.map((now) => two('gate', now, bytes(3))));
});

test('I2: the shared source draws different ids at one time', () => {
  const now = Date.now();
  expect(new Set(Array.from({ length: 1_000 }, () => newId('task', now))).size).toBe(1_000);
});
