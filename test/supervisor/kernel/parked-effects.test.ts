/**
 * Goal: R1 and R2 of parked-effects.ts: of two who bring parked effects back at once, none repeats or forgets a try.
 * Method: a row that three deaths have parked; a store whose second answer that names it comes as late as the test says.
 */
import { expect, test } from 'vitest';
import type { ActorId } from '../../../src/machines/ids.ts';
import type { EffectResult } from '../../../src/supervisor/kernel/kernel.ts';
import type { Store } from '../../../src/persistence/store.ts';
import { create, event, handlersOf, openFixture, post } from './kernel-fixture.ts';
import { idOf } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';

const task = idOf('task', 1);
const work = (to: ActorId) => event(to, { type: 'toy.work', lane: 'work' });
const done: EffectResult = { messages: [event(task, { type: 'toy.done', text: 'done' })] };

/** A kernel over a parked row. `late` lets the second answer come that says so. */
async function parkedFixture() {
  const tries: { readonly attempt: number; readonly end: (result: EffectResult) => void }[] = [];
  const handlers = handlersOf({
    sealWork: ({ attempt }) => new Promise((end) => tries.push({ attempt, end })),
  });
  let fixture = await openFixture({ handlers });
  await fixture.kernel.post(post(create(task), work(task)));
  await settle();
  const late = Promise.withResolvers<void>();
  const wrap = (store: Store): Store => {
    const listOutbox = store.listOutbox.bind(store);
    let readings = 0;
    store.listOutbox = async () => {
      const rows = await listOutbox();
      if (!rows.some(({ state }) => state === 'parked')) return rows;
      readings += 1;
      if (readings === 2) await late.promise;
      return rows;
    };
    return store;
  };
  for (const isLast of [false, false, true]) {
    fixture = await fixture.reopen(isLast ? { handlers, wrap } : { handlers });
    await settle();
  }
  const rows = async () => (await fixture.store.listOutbox()).map((row) => [row.tries, row.deaths, row.state]);
  return { fixture, tries, late, rows };
}

test('R2: a row that the retry of the first caller has finished is not carried out for the second', async () => {
  const { fixture, tries, late, rows } = await parkedFixture();
  expect(tries).toHaveLength(3);
  const first = fixture.kernel.retryParked();
  const second = fixture.kernel.retryParked();
  await settle();
  expect(tries).toHaveLength(4);
  tries[3]!.end(done);
  await settle();
  late.resolve();
  expect((await first).map(({ state }) => state)).toEqual(['waiting']);
  expect(await second).toEqual([]);
  await settle();
  expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  expect(await rows()).toEqual([]);
});

test('R1: the second caller does not take back the count of the try that the first one began', async () => {
  const { fixture, late, rows } = await parkedFixture();
  const retried = [fixture.kernel.retryParked(), fixture.kernel.retryParked()];
  await settle();
  late.resolve();
  await Promise.all(retried);
  await settle();
  expect(await rows()).toEqual([[4, 1, 'waiting']]);
});
