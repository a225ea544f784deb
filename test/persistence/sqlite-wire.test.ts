/** Goal: what crosses between threads arrives as it was. Method: properties over tables of awkward values. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packTables, unpackTables } from '../../src/persistence/sqlite-wire.ts';

const value = fc.oneof(
  fc.constant(null),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', '\ud800', 'é😀', -1, -2, -3, 0, 1e21),
  fc.double({ noNaN: true }),
  fc.uint8Array({ maxLength: 5 }),
);

test('unpacking undoes packing, through a structured clone', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.array(value, { maxLength: 5 }), { maxLength: 5 }), { maxLength: 5 }), (tables) => {
      expect(unpackTables(structuredClone(packTables(tables)))).toEqual(tables);
    }),
    { numRuns: 500 },
  );
});
