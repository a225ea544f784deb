/**
 * Goal: a patch carries every difference between two snapshots, null values too.
 * Method: properties over generated JSON with awkward keys, and the cases of RFC 7386's appendix that do not use null as a value.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyJson, applyPatch, diffJson, diffSnapshot, patchOwned } from '../../src/persistence/merge-patch.ts';
import type { PersistedSnapshot } from '../../src/persistence/store.ts';

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '$set', '$null', '__proto__', 'constructor', 'toString'),
  fc.string({ maxLength: 3 }),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, 1, 'x', ''),
    fc.array(tie('value'), { maxLength: 3 }),
    // From text, as from a database: only there is `__proto__` a property like any other.
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 4 })
      .map((entries) => JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`)),
  ),
})).value;

const text = (value: unknown): string => JSON.stringify(sorted(value));
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
};

const snapshot = (context: Record<string, unknown>): PersistedSnapshot => ({
  status: 'active',
  value: 'ready',
  context,
});

const copyOf = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

test('M1: apply undoes diff, through JSON text', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const patch: unknown = JSON.parse(JSON.stringify(diffJson(before, after)));
      expect(text(applyJson(before, patch))).toBe(text(after));
    }),
    { numRuns: 2_000 },
  );
});

test('M1: a chain of patches leads from the first to the last', () => {
  fc.assert(
    fc.property(json, fc.array(json, { minLength: 1, maxLength: 6 }), (first, rest) => {
      let value: unknown = first;
      let known: unknown = first;
      for (const next of rest) {
        value = applyJson(value, diffJson(known, next));
        known = next;
      }
      expect(text(value)).toBe(text(rest.at(-1)));
    }),
  );
});

test('M2: neither side is changed', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const texts = [JSON.stringify(before), JSON.stringify(after)];
      applyJson(before, diffJson(before, after));
      expect([JSON.stringify(before), JSON.stringify(after)]).toEqual(texts);
    }),
  );
});

test('M2: what is owned is changed in its place, to the same', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 2, maxLength: 6 }), (contexts) => {
      const states = contexts.map((value) => snapshot({ value }));
      const owned = states
        .slice(1)
        .reduce(
          (before, after, index) => patchOwned(before, copyOf(diffSnapshot(states[index]!, after))),
          copyOf(states[0]!),
        );
      expect(text(owned)).toBe(text(states.at(-1)));
    }),
    { numRuns: 1_000 },
  );
  const mine = snapshot({ n: 1, same: {} });
  const { context } = mine;
  expect(patchOwned(mine, { context: { n: 2 } })).toBe(mine);
  expect(mine.context).toBe(context);
});

test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'foo' }, 'bar', 'bar'],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('a patch of RFC 7386 does what the RFC says: %j with %j', (before, patch, after) => {
  expect(applyJson(before, patch)).toEqual(after);
});

test('a patch names what changed and nothing else', () => {
  const before = snapshot({ n: 1, gone: 1, end: 'x', deep: { same: [1, { a: null }], n: null } });
  const after = snapshot({ n: 2, end: null, deep: { same: [1, { a: null }], n: 3 } });
  const patch = diffSnapshot(before, after);
  expect(patch).toEqual({ context: { n: 2, gone: null, end: { $set: null }, deep: { n: 3 } } });
  expect(applyPatch(before, patch)).toEqual(after);
  expect(diffSnapshot(after, after)).toEqual({});
});

test('M3: undefined is absent', () => {
  expect(diffJson({ a: 1, b: undefined }, { a: undefined, c: undefined })).toEqual({ a: null });
  expect(diffJson({ a: [{ b: undefined }] }, { a: [{}] })).toEqual({});
});
