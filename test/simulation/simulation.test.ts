/**
 * Goal: the simulation is deterministic, holds its invariants on a short run, and can fail.
 * Method: whole episodes; the last tests break the world on purpose. What a seed once broke stands in regressions.test.ts as a
 * scenario of its own: every change to the simulation gives every seed another history.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { Mailbox } from '../../src/supervisor/kernel/mailbox.ts';
import { Timers } from '../../src/supervisor/kernel/timers.ts';
import { runEpisode } from './episode.ts';
import { RunFiles } from './run-files.ts';
import { simulate } from './summary.ts';
import { VirtualHost } from './virtual-host.ts';

const EVENTS = 20_000;

afterEach(() => {
  vi.restoreAllMocks();
});

test('the same seed gives the same journal to the byte, another seed another one', async () => {
  const [first, second, other] = [
    await runEpisode('7', 4_000),
    await runEpisode('7', 4_000),
    await runEpisode('8', 4_000),
  ];
  expect(second.hash).toBe(first.hash);
  expect(second.events).toBe(first.events);
  expect(other.hash).not.toBe(first.hash);
});

test('every invariant holds on a short run', async () => {
  const simulation = await simulate({ seed: 'short', events: 2 * EVENTS });
  expect(simulation.failure).toBeNull();
  expect(simulation.events).toBeGreaterThanOrEqual(2 * EVENTS);
});

/** The first broken invariant of a few episodes: one alone may happen not to meet the trouble. */
const firstBroken = async (name: string): Promise<string | null> => {
  for (let episode = 1; episode <= 6; episode += 1) {
    const { violation } = await runEpisode(`${name}/${String(episode)}`, EVENTS);
    if (violation !== null) return violation.invariant;
  }
  return null;
};

test('a process table that sees nobody is noticed', async () => {
  const tableFor = Reflect.get(VirtualHost.prototype, 'tableFor') as VirtualHost['tableFor'];
  vi.spyOn(VirtualHost.prototype, 'tableFor').mockImplementation(function (this: VirtualHost, self) {
    return { ...tableFor.call(this, self), liveness: () => 'gone' };
  });
  expect(await firstBroken('blind')).toBe('a living runner is not lost');
});

test('a mailbox that keeps what it refuses is noticed', async () => {
  const add = Reflect.get(Mailbox.prototype, 'add') as Mailbox['add'];
  vi.spyOn(Mailbox.prototype, 'add').mockImplementation(function (this: Mailbox, pending) {
    try {
      add.call(this, pending);
    } catch (overloaded) {
      add.call(this, { ...pending, origin: 'kernel', resolve: () => undefined, reject: () => undefined });
      throw overloaded;
    }
  });
  expect(await firstBroken('greedy')).toBe('told failed, and found');
});

test('a gate that does not hear of its end is noticed', async () => {
  const takeDue = Reflect.get(Timers.prototype, 'takeDue') as Timers['takeDue'];
  vi.spyOn(Timers.prototype, 'takeDue').mockImplementation(function (this: Timers, now, most) {
    return takeDue.call(this, now, most).filter(({ event }) => event !== 'timer.expire');
  });
  expect(await firstBroken('endless')).toBe('everything settles in peace');
});

test('a spool that comes back empty is noticed', async () => {
  vi.spyOn(RunFiles.prototype, 'readSpool').mockReturnValue([]);
  expect(await firstBroken('forgetful')).toBe('the whole spool is read before a run is lost');
});
