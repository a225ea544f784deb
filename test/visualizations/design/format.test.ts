/**
 * Goal: numbers are said as people read them.
 * Method: examples at the edges of every unit.
 */
import { expect, test } from 'vitest';
import { counted, formatBytes, formatDuration, formatPercent } from '../../../visualizations/src/design/format.ts';

test.each([
  [-5_000, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h'],
  [4_320_000, '1 h 12 min'],
  [86_400_000, '1 d'],
  [273_600_000, '3 d 4 h'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0 B'],
  [0.4, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [14_541, '14.2 KiB'],
  [2 ** 50, '1024.0 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0.0 %'],
  [9.94, '9.9 %'],
  [9.96, '10 %'],
  [812.5, '813 %'],
])('%d are %s', (percent, text) => {
  expect(formatPercent(percent)).toBe(text);
});

test('one is singular', () => {
  expect([counted(1, 'task'), counted(0, 'task'), counted(1_200, 'task')]).toEqual([
    '1 task',
    '0 tasks',
    '1,200 tasks',
  ]);
});
