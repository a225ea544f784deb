/**
 * Goal: a share of a processor is what a group used between two looks, the table is looked at no more than needed, and nothing is made up.
 * Method: a table that says what it is told to, and a clock that is moved by hand.
 */
import { expect, test } from 'vitest';
import type { ProcessUsage } from '../../../src/supervisor/processes/process-table.ts';
import { LOOK_MS, NO_USAGE, UsageMeter } from '../../../src/supervisor/processes/usage-meter.ts';

const bench = () => {
  /** `age`: of what a look sees. */
  const world = { now: 0, age: 0, looks: 0, broken: false, cpuMs: new Map<number, number>() };
  const groups = new Map<string, readonly number[]>();
  const usage = (pids: readonly number[]): ReadonlyMap<number, ProcessUsage> => {
    world.looks += 1;
    if (world.broken) throw new Error('too many open files');
    return new Map(
      pids.flatMap((pid): [number, ProcessUsage][] => {
        const cpuMs = world.cpuMs.get(pid);
        return cpuMs === undefined ? [] : [[pid, { rssBytes: pid * 1_000, cpuMs, at: world.now - world.age }]];
      }),
    );
  };
  const meter = new UsageMeter({ table: { usage }, groups: () => groups, now: () => world.now });
  return { world, groups, meter, percent: (group: string) => meter.of(group).cpuPercent };
};

test('nothing at the first look, then the share of the whole group between two', () => {
  const { world, groups, meter } = bench();
  groups.set('run-a', [7, 8]);
  world.cpuMs.set(7, 400).set(8, 1_000);
  expect(meter.of('run-a')).toEqual({ memoryBytes: 15_000, cpuPercent: null });
  world.now += LOOK_MS;
  world.cpuMs.set(7, 400 + LOOK_MS / 4).set(8, 1_000 + LOOK_MS / 4);
  expect(meter.of('run-a')).toEqual({ memoryBytes: 15_000, cpuPercent: 50 });
});

test('U1: who asks within a look gets the same figures, and every group costs the same one look', () => {
  const { world, groups, percent } = bench();
  groups.set('run-a', [7]).set('run-b', [8]);
  world.cpuMs.set(7, 0).set(8, 0);
  percent('run-a');
  world.now += LOOK_MS;
  world.cpuMs.set(7, LOOK_MS / 10).set(8, LOOK_MS);
  expect([percent('run-a'), percent('run-b')]).toEqual([10, 100]);
  world.now += LOOK_MS - 1;
  world.cpuMs.set(7, 2 * LOOK_MS);
  expect([percent('run-a'), percent('run-b')]).toEqual([10, 100]);
  expect(world.looks).toBe(2);
});

test('a program that came and went counts through whoever waited for it', () => {
  const { world, groups, percent } = bench();
  groups.set('run-a', [7]);
  world.cpuMs.set(7, 100);
  percent('run-a');
  world.now += LOOK_MS;
  groups.set('run-a', [7, 9]);
  world.cpuMs.set(7, 100).set(9, LOOK_MS / 2);
  expect(percent('run-a')).toBe(50);
  world.now += LOOK_MS;
  groups.set('run-a', [7]);
  world.cpuMs.set(7, 100 + LOOK_MS / 2 + LOOK_MS / 10);
  world.cpuMs.delete(9);
  expect(percent('run-a')).toBe(10);
});

test('a share is that of the time between what two looks saw, and the same seen twice is no news', () => {
  const { world, groups, percent } = bench();
  groups.set('run-a', [7]);
  world.cpuMs.set(7, 0);
  percent('run-a');
  world.now += LOOK_MS;
  world.age = LOOK_MS / 2;
  world.cpuMs.set(7, LOOK_MS / 4);
  expect(percent('run-a')).toBe(50);
  world.now += LOOK_MS;
  world.age += LOOK_MS;
  world.cpuMs.set(7, LOOK_MS);
  expect(percent('run-a')).toBe(50);
});

test('U2: a time that went back, a look of long ago and a group that is new or gone give no figure', () => {
  const { world, groups, meter, percent } = bench();
  groups.set('run-a', [7]);
  world.cpuMs.set(7, 5_000);
  percent('run-a');
  world.now += LOOK_MS;
  world.cpuMs.set(7, 20);
  expect(percent('run-a')).toBeNull();
  world.now += 200_000;
  world.cpuMs.set(7, 100_000);
  expect(percent('run-a')).toBeNull();
  groups.set('run-b', [9]);
  world.cpuMs.set(9, 1);
  expect(meter.of('run-b')).toEqual(NO_USAGE);
  world.now += LOOK_MS;
  world.cpuMs.delete(7);
  expect(meter.of('run-a')).toEqual(NO_USAGE);
  expect(meter.of('run-b')).toEqual({ memoryBytes: 9_000, cpuPercent: null });
});

test('a table that cannot be read costs the figures and nobody else anything', () => {
  const { world, groups, meter } = bench();
  groups.set('run-a', [7]);
  world.cpuMs.set(7, 1);
  world.broken = true;
  expect(meter.of('run-a')).toEqual(NO_USAGE);
  world.broken = false;
  world.now += LOOK_MS;
  expect(meter.of('run-a')).toEqual({ memoryBytes: 7_000, cpuPercent: null });
});
