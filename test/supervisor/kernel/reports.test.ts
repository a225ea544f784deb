/**
 * Goal: C1 (head of cascade.ts): reports come when all else is done, in an order in which whoever counts sees no state in between.
 * Method: toy machines of which one message makes several tell one another, and all of them report to one; the journal's order.
 */
import { expect, test } from 'vitest';
import type { Tell } from '../../../src/machines/commands.ts';
import type { ActorId } from '../../../src/machines/ids.ts';
import type { EventBody } from '../../../src/supervisor/kernel/kernel.ts';
import { create, event, openFixture, post } from './kernel-fixture.ts';
import { hub, idOf } from './toy-machines.ts';

const [a, b, c, chief] = [idOf('task', 1), idOf('task', 2), idOf('task', 3), idOf('objective', 1)] as const;

const poke = (to: ActorId, text: string, mode: Tell['mode'] = 'report'): Tell => ({
  to,
  event: { type: 'toy.poke', at: 0, text } as Tell['event'],
  mode,
});
const ask = (to: Tell['to'], tells: readonly Tell[], mode: Tell['mode'] = 'notify'): Tell => ({
  to,
  event: { type: 'toy.tells', at: 0, tells } as unknown as Tell['event'],
  mode,
});
const begin = (...tells: readonly Tell[]): EventBody => ({ type: 'toy.tells', tells });

const open = async () => {
  const fixture = await openFixture();
  await fixture.kernel.post(post(create(a), create(b), create(c), create(chief)));
  /** Who was told what after `a` got its word: the name of a poke, else the actor. */
  const told = async (word: EventBody): Promise<readonly string[]> => {
    const after = await fixture.store.lastSeq();
    expect((await fixture.kernel.post(post(event(a, word)))).kind).toBe('applied');
    const entries = await fixture.store.listJournal({ after, limit: 100 });
    return entries.map(({ actor, event: { text } }) => (typeof text === 'string' ? text : actor));
  };
  return { ...fixture, told };
};

test('C1: what was caused reports before what caused it, each in its own order, all of them last', async () => {
  const { told } = await open();
  const word = begin(
    poke(chief, 'a first'),
    ask(b, [poke(chief, 'b first'), ask(c, [poke(chief, 'c')]), poke(chief, 'b second')]),
    poke(chief, 'a second'),
  );
  expect(await told(word)).toEqual([a, b, c, 'c', 'b first', 'b second', 'a first', 'a second']);
});

test('C1: what a report causes comes after the other reports, and its own reports last', async () => {
  const { told } = await open();
  const word = begin(
    ask(chief, [poke(c, 'told by the chief', 'notify'), poke(b, 'reported by the chief')], 'report'),
    ask(b, [poke(chief, 'b')]),
  );
  expect(await told(word)).toEqual([a, b, 'b', chief, 'told by the chief', 'reported by the chief']);
});

test('C1: reports of one message come before the next one of its post', async () => {
  const { kernel, store } = await open();
  const after = await store.lastSeq();
  const word = begin(poke(chief, 'a'), ask(b, []));
  await kernel.post(post(event(a, word), event(c, { type: 'toy.poke', text: 'next' })));
  const entries = await store.listJournal({ after, limit: 10 });
  expect(entries.map(({ actor }) => actor)).toEqual([a, b, chief, c]);
});

test('a report that is not taken, or has nobody to go to, takes nothing back', async () => {
  const { kernel, told } = await open();
  await kernel.post(post(event(chief, { type: 'toy.close' })));
  expect(await told(begin(poke(chief, 'too late'), poke(idOf('objective', 9), 'nobody'), ask(b, [])))).toEqual([a, b]);
});

test('a report to a relation reaches all of it, in row order', async () => {
  const { told, kernel } = await open();
  await kernel.post(post(event(a, { type: 'toy.link', to: b }), event(a, { type: 'toy.link', to: c })));
  const all = { relation: 'dependent', of: hub } as Tell['to'];
  expect(await told(begin(ask(all, [], 'report'), poke(chief, 'told', 'notify')))).toEqual([a, 'told', b, c]);
});
