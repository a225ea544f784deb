/**
 * Goal: limits count the agent's time only.
 * Method: a clock of our own, looked at as often as the timer would.
 */
import { expect, test } from 'vitest';
import { RunLimits } from '../../../src/hosts/runner/run-limits.ts';

const begin = (timeoutMs: number, idleMs: number) => {
  let now = 0;
  let waiting = false;
  const said: string[] = [];
  const limits = new RunLimits(
    {
      timeoutMs,
      idleMs,
      isWaiting: () => waiting,
      onWarned: (limit) => said.push(`${limit} warned`),
      onExceeded: (limit) => said.push(`${limit} exceeded`),
    },
    () => now,
  );
  limits.start();
  limits.stop();
  const pass = (ms: number, stepMs = 1_000): void => {
    for (let left = ms; left > 0; left -= stepMs) {
      now += Math.min(stepMs, left);
      limits.look();
    }
  };
  return { limits, said, pass, wait: (value: boolean) => (waiting = value) };
};

test('M1: each limit warns once at 80 % and acts once', () => {
  const { said, pass } = begin(100_000, 0);
  pass(79_000);
  expect(said).toEqual([]);
  pass(1_000);
  expect(said).toEqual(['time warned']);
  pass(60_000);
  expect(said).toEqual(['time warned', 'time exceeded']);
});

test('activity puts the idle limit back, its warning too', () => {
  const { limits, said, pass } = begin(0, 100_000);
  pass(85_000);
  limits.touch();
  pass(85_000);
  expect(said).toEqual(['idle warned', 'idle warned']);
  expect(limits.idleForMs).toBe(85_000);
  pass(15_000);
  expect(said.at(-1)).toBe('idle exceeded');
});

test('M2: three hours of suspend count for nothing', () => {
  const { said, pass } = begin(100_000, 100_000);
  pass(70_000);
  pass(10_800_000, 10_800_000);
  expect(said).toEqual([]);
  pass(10_000);
  expect(said).toEqual(['time warned', 'idle warned']);
});

test('M3: waiting for a person stops the idle limit, not the time limit', () => {
  const { said, pass, wait } = begin(300_000, 100_000);
  pass(70_000);
  wait(true);
  pass(150_000);
  expect(said).toEqual([]);
  wait(false);
  pass(20_000);
  expect(said).toEqual(['idle warned', 'time warned']);
});
