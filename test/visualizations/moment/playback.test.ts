/**
 * Goal: playing shows every entry in order at the pace it was written, without waiting through idle hours.
 * Method: made-up times and a clock that the test turns.
 */
import { expect, test } from 'vitest';
import { advance, PAUSE_MAX_MS, pauseAfter } from '../../../visualizations/src/moment/playback.ts';

const entries = [0, 100, 100, 3_600_000, 3_600_050].map((at, index) => ({ seq: index + 1, at }));

test('P1: an entry stands as long as it stood, at most PAUSE_MAX_MS, and never less than nothing', () => {
  expect([0, 1, 2, 3].map((index) => pauseAfter(entries, index))).toEqual([100, 0, PAUSE_MAX_MS, 50]);
  expect(
    pauseAfter(
      [
        { seq: 1, at: 9 },
        { seq: 2, at: 3 },
      ],
      0,
    ),
  ).toBe(0);
});

test('time left over counts for the next entry, and several may pass in one step', () => {
  expect(advance(entries, { index: 0, spent: 0 }, 60)).toEqual({ index: 0, spent: 60 });
  expect(advance(entries, { index: 0, spent: 60 }, 60)).toEqual({ index: 2, spent: 20 });
  expect(advance(entries, { index: 2, spent: 20 }, PAUSE_MAX_MS)).toEqual({ index: 3, spent: 20 });
});

test('the last entry is the end, however much time is left', () => {
  expect(advance(entries, { index: 0, spent: 0 }, 1e9)).toEqual({ index: 4, spent: 0 });
  expect(advance([], { index: 0, spent: 0 }, 5)).toEqual({ index: 0, spent: 0 });
});
