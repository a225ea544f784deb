/**
 * Goal: a timer fires once, at or after its time by the wall clock, whatever clock, disk and process do in between.
 * Method: a virtual clock whose wall and monotonic time part; deaths as openings of the same disk.
 */
import { expect, test } from 'vitest';
import { contextOf, create, event, openFixture, post, type Fixture } from './kernel-fixture.ts';
import { idOf } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';

const a = idOf('task', 1);
const hour = 3_600_000;

const arm = (fixture: Fixture, inMs: number, key = 'k') =>
  event(a, { type: 'toy.arm', key, dueAt: fixture.clock.now() + inMs });
const rang = ({ kernel }: Fixture): number => contextOf(kernel, a).pokes;

async function withActor(options = {}): Promise<Fixture> {
  const fixture = await openFixture(options);
  await fixture.kernel.post(post(create(a)));
  return fixture;
}

test('a timer fires at its time, once, with the time of delivery, and its row is gone with that commit', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, 5_000)));
  await fixture.clock.advance(4_999);
  expect(rang(fixture)).toBe(0);
  await fixture.clock.advance(1);
  expect(rang(fixture)).toBe(1);
  expect(await fixture.store.listTimers()).toEqual([]);
  const [entry] = await fixture.store.listJournal({ limit: 1, order: 'newest' });
  expect(entry?.event).toEqual({ type: 'toy.rang', at: fixture.clock.now() });
  await fixture.clock.advance(hour);
  expect(rang(fixture)).toBe(1);
});

test('arming again replaces, clearing removes, and other keys stand', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, 5_000), arm(fixture, 9_000), arm(fixture, 3_000, 'other')));
  await fixture.kernel.post(post(arm(fixture, 4_000, 'gone')));
  await fixture.kernel.post(post(event(a, { type: 'toy.disarm', key: 'gone' })));
  await fixture.clock.advance(8_999);
  expect(rang(fixture)).toBe(1);
  await fixture.clock.advance(1);
  expect(rang(fixture)).toBe(2);
  expect(await fixture.store.listTimers()).toEqual([]);
});

test('a clock that jumps an hour forward makes a timer due, noticed within a minute', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, hour)));
  fixture.clock.jump(hour);
  await fixture.clock.advance(60_000);
  expect(rang(fixture)).toBe(1);
});

test('a clock that jumps an hour back makes no timer fire early, and none is forgotten', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, 10_000)));
  fixture.clock.jump(-hour);
  await fixture.clock.advance(hour);
  expect(rang(fixture)).toBe(0);
  await fixture.clock.advance(10_000);
  expect(rang(fixture)).toBe(1);
});

test('after a jump forward a new timer fires at its own time, not a minute later', async () => {
  const fixture = await withActor();
  fixture.clock.jump(hour);
  await fixture.kernel.post(post(arm(fixture, 2_000)));
  await fixture.clock.advance(2_000);
  expect(rang(fixture)).toBe(1);
});

test('timers outlive the supervisor: those that became due while it was away fire when it is back', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, 1_000, 'past'), arm(fixture, 20_000, 'future')));
  fixture.clock.jump(10_000);
  const next = await fixture.reopen();
  await settle();
  expect(contextOf(next.kernel, a).pokes).toBe(1);
  await next.clock.advance(10_000);
  expect(contextOf(next.kernel, a).pokes).toBe(2);
});

test('I2: when the disk refuses its commit, a timer is fired again', async () => {
  let isFull = false;
  const fixture = await withActor({ faults: () => (isFull ? { kind: 'before', cause: 'io' } : null) });
  await fixture.kernel.post(post(arm(fixture, 1_000)));
  isFull = true;
  await fixture.clock.advance(1_000);
  expect(rang(fixture)).toBe(0);
  isFull = false;
  await fixture.clock.advance(60_000);
  expect(rang(fixture)).toBe(1);
});

test('a timer nobody wants any more is dropped without an entry', async () => {
  const fixture = await withActor();
  await fixture.kernel.post(post(arm(fixture, 1_000)));
  await fixture.kernel.post(post(event(a, { type: 'toy.close' })));
  const before = await fixture.store.lastSeq();
  await fixture.clock.advance(1_000);
  expect(await fixture.store.lastSeq()).toBe(before);
  expect(await fixture.store.listTimers()).toEqual([]);
});

test('a thousand timers due together all fire', async () => {
  const fixture = await withActor();
  for (let n = 0; n < 1_000; n += 100) {
    await fixture.kernel.post(
      post(...Array.from({ length: 100 }, (_, i) => arm(fixture, 5_000 - (n + i), `k${String(n + i)}`))),
    );
  }
  await fixture.clock.advance(5_000);
  expect(rang(fixture)).toBe(1_000);
});
