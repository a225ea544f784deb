/**
 * Goal: memory is given back once after each time of work, and never in the middle of it.
 * Method: a played clock of processor time under virtual timers.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startMemoryRest } from '../../../src/supervisor/processes/memory-rest.ts';

let used = 0;
let collections = 0;
let stop: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  used = 0;
  collections = 0;
  stop = startMemoryRest(
    { lookMs: 1_000, restCpuMs: 150, workCpuMs: 200 },
    { cpuMs: () => used, collect: () => void (collections += 1) },
  );
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

/** @param cpuMs Processor time in each of these seconds. */
const seconds = (count: number, cpuMs: number): void => {
  for (let second = 0; second < count; second += 1) {
    used += cpuMs;
    vi.advanceTimersByTime(1_000);
  }
};

test('once after work, not during it, and not again while it rests', () => {
  seconds(10, 500);
  expect(collections).toBe(0);
  seconds(1, 5);
  expect(collections).toBe(1);
  seconds(20, 5);
  expect(collections).toBe(1);
  seconds(3, 500);
  expect(collections).toBe(1);
  seconds(2, 5);
  expect(collections).toBe(2);
});

test('what little a resting supervisor uses is work too, in the end', () => {
  seconds(10, 100);
  expect(collections).toBe(5);
});

test('stopped, it does nothing', () => {
  seconds(10, 500);
  stop();
  seconds(10, 0);
  expect(collections).toBe(0);
});
