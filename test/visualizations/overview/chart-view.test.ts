/**
 * Goal: charts move as hands expect: what is pointed at stays, what is wanted comes into sight, what is seen is drawn.
 * Method: properties over any place, and the cases at the edges.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  atFullSize,
  begun,
  fitted,
  isSeen,
  revealed,
  zoomed,
} from '../../../visualizations/src/views/overview/chart-view.ts';

const coordinate = fc.integer({ min: -5_000, max: 5_000 });
const place = fc.record({ x: coordinate, y: coordinate, scale: fc.double({ min: 0.2, max: 2, noNaN: true }) });
const box = { width: 900, height: 420 };

test('a zoom leaves the point under the pointer where it is', () => {
  fc.assert(
    fc.property(place, fc.double({ min: 0.5, max: 2, noNaN: true }), coordinate, (from, factor, x) => {
      const to = zoomed(from, { factor, at: { x, y: 10 }, least: 1 });
      expect((x - to.x) / to.scale).toBeCloseTo((x - from.x) / from.scale, 4);
    }),
  );
});

test('what is revealed is seen wholly when it fits, and nothing moves when it was', () => {
  const part = fc.record({ x: coordinate, y: coordinate, width: fc.constant(200), height: fc.constant(52) });
  fc.assert(
    fc.property(part, place, (wanted, from) => {
      const to = revealed(wanted, from, box);
      const left = wanted.x * to.scale + to.x;
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + wanted.width * to.scale).toBeLessThanOrEqual(box.width);
      expect(isSeen(wanted, to, box)).toBe(true);
      expect(revealed(wanted, to, box).x).toBeCloseTo(to.x, 6);
      expect(revealed(wanted, to, box).y).toBeCloseTo(to.y, 6);
    }),
  );
});

const large = { width: 20_000, height: 9_000 };

test('a small chart begins whole and in the middle, a large one where it begins and no smaller than text can be read', () => {
  expect(begun({ width: 300, height: 100 }, box)).toEqual({ scale: 1, x: 300, y: 160 });
  expect(fitted({ width: 300, height: 100 }, box)).toEqual({ scale: 1, x: 300, y: 160 });
  expect(begun(large, box)).toEqual({ scale: 0.72, x: 16, y: 16 });
});

test('fitted is all of a chart, however large it is, and nobody zooms out further', () => {
  const whole = fitted(large, box);
  expect(whole.x).toBeGreaterThan(0);
  expect(whole.y).toBeGreaterThan(0);
  expect(whole.x + large.width * whole.scale).toBeLessThan(box.width);
  expect(whole.y + large.height * whole.scale).toBeLessThan(box.height);
  const middle = { x: 450, y: 210 };
  expect(zoomed(whole, { factor: 0.5, at: middle, least: whole.scale }).scale).toBe(whole.scale);
  expect(zoomed({ ...whole, scale: 1 }, { factor: 0.001, at: middle, least: 1 }).scale).toBe(0.12);
});

test('at full size what was pointed at is in the middle', () => {
  fc.assert(
    fc.property(place, coordinate, coordinate, (from, x, y) => {
      const to = atFullSize(from, { x, y }, box);
      expect(to.scale).toBe(1);
      expect(box.width / 2 - to.x).toBeCloseTo((x - from.x) / from.scale, 4);
      expect(box.height / 2 - to.y).toBeCloseTo((y - from.y) / from.scale, 4);
    }),
  );
});
