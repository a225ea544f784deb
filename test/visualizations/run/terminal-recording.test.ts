/**
 * Goal: a recording shows at any time what the terminal showed then, forwards and back.
 * Method: what is written to a screen is collected; seeking anywhere must give what playing from the start gives.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  clockText,
  drawTo,
  parseCast,
  PAUSE_MAX_S,
  playOn,
} from '../../../visualizations/src/views/run/terminal/cast.ts';

const text = [
  '{"version": 2, "width": 100, "height": 30, "timestamp": 1}',
  '[0.1, "o", "a"]',
  '[0.2, "r", "120x40"]',
  '[0.2, "o", "b"]',
  '[9.5, "o", "c"]',
  '[9.6, "m", "ends"]',
  '[9.7, "o", "to',
].join('\n');

test('a recording with a torn last line is read up to there; other files are none', () => {
  const cast = parseCast(text)!;
  expect(cast).toMatchObject({ cols: 100, rows: 30, startedAt: 1, duration: 9.6 });
  expect(cast.events.map(({ kind }) => kind)).toEqual(['output', 'resize', 'output', 'output', 'note']);
  for (const wrong of ['', '{}', '[1]', 'x', '{"version": 1}']) expect(parseCast(wrong)).toBeNull();
  expect(parseCast('{"version": 2, "width": -5, "height": "x"}')).toMatchObject({ cols: 80, rows: 24, duration: 0 });
});

test('seeking from anywhere shows what playing from the start shows', () => {
  const cast = parseCast(text)!;
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1 }), (times) => {
      let shown = { text: '', size: { cols: 0, rows: 0 }, next: 0 };
      for (const time of times) {
        const step = drawTo(cast, shown.next, time);
        const before = step.fromStart ? '' : shown.text;
        shown = { text: before + step.text, size: step.size ?? shown.size, next: step.next };
      }
      const last = times.at(-1)!;
      const all = cast.events.filter(({ at }) => at <= last);
      expect(shown.text).toBe(all.map((event) => (event.kind === 'output' ? event.text : '')).join(''));
      expect(shown.size).toEqual(last >= 0.2 ? { cols: 120, rows: 40 } : { cols: 100, rows: 30 });
    }),
  );
});

test('long pauses are jumped over, the end is the end', () => {
  const cast = parseCast(text)!;
  expect(playOn(cast, 0, 0.1)).toBeCloseTo(0.1);
  expect(playOn(cast, 0.3, 0.1)).toBeCloseTo(9.5 - PAUSE_MAX_S);
  expect(playOn(cast, 9.6, 5)).toBe(9.6);
  expect([0, 61, 3_727].map(clockText)).toEqual(['0:00', '1:01', '1:02:07']);
});
