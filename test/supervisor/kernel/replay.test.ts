/**
 * Goal: replay confirms a journal that the machines wrote, and reports exactly what a changed machine would do otherwise.
 * Method: a journal of toys, run again with the same machine, with a mutant, in part, and with one actor alone.
 */
import { expect, test } from 'vitest';
import { createMachine, type AnyStateMachine } from 'xstate';
import type { MachineSet } from '../../../src/supervisor/kernel/machine-set.ts';
import { replayJournal } from '../../../src/supervisor/kernel/replay.ts';
import { create, event, openFixture, poke, post } from './kernel-fixture.ts';
import { idOf, toyMachine, toyMachines } from './toy-machines.ts';

const [a, b] = [idOf('task', 1), idOf('task', 2)] as const;

async function journal() {
  const fixture = await openFixture({ limits: { keyframeEvery: 5, patchBytesMax: 4_096 } });
  const { kernel } = fixture;
  await kernel.post(post(create(a), create(b)));
  for (let n = 0; n < 12; n += 1) await kernel.post(post(poke(a, `a${String(n)}`)));
  await kernel.post(post(poke(b, 'y'.repeat(5_000)), poke(b, 'z')));
  await kernel.post(post(event(b, { type: 'toy.rest' })));
  await kernel.post(post(event(a, { type: 'toy.close' })));
  return fixture;
}

/** A toy that leaves its rest for another state. */
function mutant(): MachineSet {
  const states = { ...toyMachine.config.states, resting: { on: { 'toy.poke': 'closed' } } };
  const machine = createMachine(
    { ...toyMachine.config, states } as never,
    toyMachine.implementations as never,
  ) as unknown as AnyStateMachine;
  return { ...toyMachines, machineOf: (kind, id) => ({ ...toyMachines.machineOf(kind, id)!, machine }) };
}

test('a journal that these machines wrote has no differences, across full copies and large patches', async () => {
  const { store } = await journal();
  expect(await replayJournal(store, toyMachines)).toEqual({
    entries: 18,
    entities: 2,
    skipped: 0,
    archived: 0,
    differences: [],
  });
});

test('a part is run from the snapshot before it, and one actor alone', async () => {
  const { store } = await journal();
  expect(await replayJournal(store, toyMachines, { from: 9, to: 12 })).toMatchObject({ entries: 4, differences: [] });
  expect(await replayJournal(store, toyMachines, { actor: b })).toMatchObject({
    entries: 4,
    entities: 1,
    differences: [],
  });
});

test('R1: a changed machine differs where it would have done otherwise, and nowhere else', async () => {
  const fixture = await journal();
  await fixture.kernel.post(post(poke(b, 'awake')));
  await fixture.kernel.post(post(poke(b, 'again')));
  const { differences } = await replayJournal(fixture.store, mutant());
  expect(differences.map(({ seq, what, event: type }) => [seq, type, what])).toEqual([
    [19, 'toy.poke', 'status'],
    [19, 'toy.poke', 'value'],
    [19, 'toy.poke', 'context'],
    [19, 'toy.poke', 'taken'],
  ]);
});

test('R2: what another version wrote is skipped and counted', async () => {
  const { store } = await journal();
  const newer: MachineSet = {
    ...toyMachines,
    machineOf: (kind, id) => ({ ...toyMachines.machineOf(kind, id)!, version: '2' }),
  };
  expect(await replayJournal(store, newer)).toEqual({
    entries: 0,
    entities: 0,
    skipped: 18,
    archived: 0,
    differences: [],
  });
});
