/**
 * Goal: a share of a processor is what was used between two looks, and nothing is made up.
 * Method: a table that says what it is told to, and a clock that is moved by hand.
 */
import { expect, test } from 'vitest';
import type { ProcessUsage } from '../../../src/supervisor/processes/process-table.ts';
import { UsageMeter } from '../../../src/supervisor/processes/usage-meter.ts';

const bench = () => {
  const world = { now: 0, cpuMs: new Map<number, number>() };
  const usage = (pids: readonly number[]): ReadonlyMap<number, ProcessUsage> =>
    new Map(
      pids.flatMap((pid) => {
        const cpuMs = world.cpuMs.get(pid);
        return cpuMs === undefined ? [] : [[pid, { rssBytes: pid * 1_000, cpuMs }]];
      }),
    );
  const meter = new UsageMeter({ usage }, () => world.now);
  return {
    world,
    look: (...pids: number[]) => [...meter.look(pids)].map(([pid, { cpuPercent }]) => [pid, cpuPercent]),
    meter,
  };
};

test('nothing at the first look, then the share between two', () => {
  const { world, look, meter } = bench();
  world.cpuMs.set(7, 400);
  expect(look(7, 8)).toEqual([[7, null]]);
  Object.assign(world, { now: 2_000 });
  world.cpuMs.set(7, 1_400);
  expect(look(7)).toEqual([[7, 50]]);
  expect(meter.look([7]).get(7)!.memoryBytes).toBe(7_000);
});

test('looks close to one another give the same figure, and do not spoil the next', () => {
  const { world, look } = bench();
  world.cpuMs.set(7, 0);
  look(7);
  Object.assign(world, { now: 1_000 });
  world.cpuMs.set(7, 100);
  expect(look(7)).toEqual([[7, 10]]);
  Object.assign(world, { now: 1_100 });
  expect(look(7)).toEqual([[7, 10]]);
  Object.assign(world, { now: 2_000 });
  world.cpuMs.set(7, 300);
  expect(look(7)).toEqual([[7, 20]]);
});

test('a pid that another process has got, and a look of long ago, give no figure', () => {
  const { world, look } = bench();
  world.cpuMs.set(7, 5_000);
  look(7);
  Object.assign(world, { now: 1_000 });
  world.cpuMs.set(7, 20);
  expect(look(7)).toEqual([[7, null]]);
  Object.assign(world, { now: 200_000 });
  expect(look(7)).toEqual([[7, null]]);
});
