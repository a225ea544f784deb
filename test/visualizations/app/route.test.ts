/**
 * Goal: N1, every address leads somewhere, and an address says everything that the page shows.
 * Method: examples, and a round trip of any route.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRoute, placeKey, routeHref, type Route } from '../../../visualizations/src/app/route.ts';

const overview: Route = { view: 'overview', id: '', seq: null, query: {} };

test.each([
  ['', overview],
  ['#/', overview],
  ['#/nowhere/at/all', overview],
  ['#/run', overview],
  ['#/gates?seq=12', { ...overview, view: 'gates', seq: 12 }],
  ['#/run/run-1?tab=log&seq=0', { view: 'run', id: 'run-1', seq: 0, query: { tab: 'log' } }],
  ['#/entity/%E0%A4%A', { ...overview, view: 'entity', id: '%E0%A4%A' }],
  ['#/tree?seq=-1', { ...overview, view: 'tree' }],
  ['#/tree?seq=1e9', { ...overview, view: 'tree' }],
] as const)('N1: %s', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
});

const withId = fc.record({
  view: fc.constantFrom('objective', 'entity', 'run', 'gate', 'machine'),
  id: fc.string({ minLength: 1, unit: 'grapheme' }),
});
const withoutId = fc.record({ view: fc.constantFrom('overview', 'gates', 'tree', 'coverage'), id: fc.constant('') });
const query = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => key !== 'seq' && key !== '__proto__'),
  fc.string(),
  { noNullPrototype: true },
);

test('an address that is written is read as the same route', () => {
  const place = fc.oneof(withId, withoutId);
  fc.assert(
    fc.property(place, fc.option(fc.nat()), query, (where, seq, rest) => {
      // A path is split at slashes, and empty parts of it do not count.
      fc.pre(!/^\/*$/.test(where.id) || where.id === '');
      const route = { ...where, seq, query: rest } as Route;
      expect(parseRoute(routeHref(route))).toEqual(route);
    }),
  );
});

test('tabs and moments do not make another place', () => {
  expect(placeKey(parseRoute('#/run/run-1?tab=log&seq=4'))).toBe(placeKey(parseRoute('#/run/run-1')));
  expect(placeKey(parseRoute('#/run/run-2'))).not.toBe(placeKey(parseRoute('#/run/run-1')));
});
