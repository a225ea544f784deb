/**
 * Goal: words that came too late are recorded, noise is not, and no run can fill the journal with either.
 * Method: toys under the ids of runs, gates and tasks; a clock that moves by the hour.
 */
import { expect, test } from 'vitest';
import type { Principal } from '../../../src/machines/schema.ts';
import type { ActorId } from '../../../src/machines/ids.ts';
import { create, event, openFixture, poke, post, tellEvent, type Fixture } from './kernel-fixture.ts';
import { idOf } from './toy-machines.ts';

const [run, gate, task] = [idOf('run', 1), idOf('gate', 1), idOf('task', 1)] as const;

const rejected = async ({ store }: Fixture) =>
  (await store.listJournal({ limit: 1_000 }))
    .filter(({ kind }) => kind === 'rejected')
    .map(({ actor, event: { type }, reason, principal }) => [actor, type, reason, principal]);

async function open(): Promise<Fixture> {
  const fixture = await openFixture();
  await fixture.kernel.post(post(create(run, run), create(gate), create(task)));
  return fixture;
}
const report = (epoch: number, seq: number, to: ActorId = run) => event(to, { type: 'toy.report', epoch, seq });
const say = async ({ kernel }: Fixture, message: ReturnType<typeof report>, principal: Principal = 'system') =>
  kernel.post({ messages: [message], principal });

test('stale reports of a runner and late words of a child are recorded with the reason; a repeat and a stranger’s are not', async () => {
  const fixture = await open();
  expect(await say(fixture, report(1, 5))).toMatchObject({ kind: 'applied' });
  expect(await say(fixture, report(1, 5))).toMatchObject({ kind: 'ignored', reason: 'repeat' });
  expect(await say(fixture, report(0, 6))).toMatchObject({ kind: 'ignored', reason: 'old_epoch' });
  expect(await say(fixture, event(task, { type: 'toy.guarded' }))).toMatchObject({ reason: 'guarded' });
  expect(await say(fixture, event(task, { type: 'toy.guarded' }), 'child_run')).toMatchObject({ reason: 'guarded' });
  await say(fixture, event(run, { type: 'toy.close' }));
  expect(await say(fixture, report(1, 7))).toMatchObject({ kind: 'ignored', reason: 'run_final', state: 'closed' });
  expect(await rejected(fixture)).toEqual([
    [run, 'toy.report', 'old_epoch', 'system'],
    [task, 'toy.guarded', 'guarded', 'child_run'],
    [run, 'toy.report', 'run_final', 'system'],
  ]);
  expect((await fixture.store.getActor(run))?.revision).toBe(3);
});

test('a refused decision on a gate is recorded, also when what it would have caused was refused', async () => {
  const fixture = await open();
  expect(await say(fixture, event(gate, { type: 'gate.approve' }, 'required'), 'human')).toMatchObject({
    kind: 'refused',
  });
  expect(await rejected(fixture)).toEqual([[gate, 'gate.approve', 'not_in_state', 'human']]);
  const cascade = event(task, tellEvent(gate, { type: 'toy.guarded' }));
  expect(await say(fixture, cascade, 'child_run')).toMatchObject({ kind: 'refused', to: gate });
  expect((await rejected(fixture)).at(-1)).toEqual([task, 'toy.tell', `refused by ${gate}: guarded`, 'child_run']);
});

test('E1: at most 20 an hour and run; the next hour’s first says how many were left out', async () => {
  const fixture = await open();
  for (let seq = 0; seq < 50; seq += 1) await say(fixture, report(0, seq + 1));
  expect(await rejected(fixture)).toHaveLength(20);
  await say(fixture, poke(task), 'child_run');
  fixture.clock.jump(3_600_000);
  await say(fixture, report(0, 99));
  const all = await rejected(fixture);
  expect(all).toHaveLength(21);
  expect(all.at(-1)?.[2]).toBe('old_epoch (30 more were not recorded)');
});

test('notes are entries for people, with the refs of an actor that is known', async () => {
  const fixture = await open();
  await fixture.kernel.post({
    ...post(poke(run)),
    notes: [
      { actor: run, type: 'lease.extended', text: 'the machine was asleep' },
      { actor: 'supervisor', type: 'supervisor.started', text: 'version 1' },
    ],
  });
  const notes = (await fixture.store.listJournal({ limit: 100 })).filter(({ kind }) => kind === 'note');
  expect(notes).toMatchObject([
    { actor: run, machine: 'run', runId: run, event: { type: 'lease.extended', text: 'the machine was asleep' } },
    { actor: 'supervisor', machine: 'system', runId: null },
  ]);
});
