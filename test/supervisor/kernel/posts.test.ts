/**
 * Goal: a post is answered only after its commit, whole or not at all, and what fails costs nobody else anything.
 * Method: toy machines on a memory store; stores that hold a commit back, and every kind of refusal.
 */
import { describe, expect, test } from 'vitest';
import type { ActorId } from '../../../src/machines/ids.ts';
import type { CommitResult, Store } from '../../../src/persistence/store.ts';
import { contextOf, create, errorOf, event, openFixture, poke, post, tellEvent } from './kernel-fixture.ts';
import { idOf } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';

const [a, b, c] = [idOf('task', 1), idOf('task', 2), idOf('task', 3)] as const;

/** A store whose commits wait until they are let go. */
const held = () => {
  const waiting: (() => void)[] = [];
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        if (name !== 'commit') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
        return async (batch: Parameters<Store['commit']>[0]): Promise<CommitResult> => {
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
          });
          return target.commit(batch);
        };
      },
    });
  return { wrap, waiting };
};

describe('K1: an answer means a commit', () => {
  test('a post is answered, seen by subscribers and readable only when its commit is durable', async () => {
    const { wrap, waiting } = held();
    const { kernel } = await openFixture({ wrap });
    const seen: string[] = [];
    kernel.subscribe((commit) => seen.push(`commit ${String(commit.commit)}`));
    void kernel.post(post(create(a))).then((outcome) => seen.push(outcome.kind));
    await settle();
    expect(seen).toEqual([]);
    expect(kernel.peek(a)).toBeNull();
    expect(kernel.depth).toBe(1);
    waiting.shift()!();
    await settle();
    expect(seen).toEqual(['commit 1', 'applied']);
    expect(kernel.peek(a)?.revision).toBe(1);
    expect(kernel.depth).toBe(0);
  });

  test('what waits when a commit returns is the next batch', async () => {
    const { wrap, waiting } = held();
    const { kernel } = await openFixture({ wrap });
    const commits: number[] = [];
    kernel.subscribe(({ entries }) => commits.push(entries.length));
    const first = kernel.post(post(create(a)));
    await settle();
    const rest = Array.from({ length: 20 }, async () => kernel.post(post(poke(a))));
    await settle();
    waiting.shift()!();
    await first;
    await settle();
    waiting.shift()!();
    await Promise.all(rest);
    expect(commits).toEqual([1, 20]);
    expect(contextOf(kernel, a).pokes).toBe(20);
    expect(kernel.peek(a)?.revision).toBe(2);
  });
});

describe('K2: a post is whole', () => {
  test('messages of one post are applied in order, in one commit', async () => {
    const { kernel, store } = await openFixture();
    const outcome = await kernel.post(post(create(a), poke(a, 'one'), create(b), poke(b, 'two'), poke(a, 'three')));
    expect(outcome).toEqual({ kind: 'applied', commit: 1, changed: [a, b] });
    expect(contextOf(kernel, a)).toMatchObject({ pokes: 2, last: 'three' });
    const journal = await store.listJournal({ limit: 100 });
    expect(journal.map(({ seq, commit }) => [seq, commit])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 1],
    ]);
  });

  test('a required message that is not handled takes back the whole post', async () => {
    const { kernel } = await openFixture();
    await kernel.post(post(create(a), create(b)));
    const outcome = await kernel.post(post(poke(a), event(b, { type: 'toy.guarded' })));
    expect(outcome).toEqual({ kind: 'refused', to: b, event: 'toy.guarded', reason: 'guarded', state: 'open' });
    expect(contextOf(kernel, a).pokes).toBe(0);
    expect(kernel.peek(a)?.revision).toBe(1);
  });

  test('a required tell that is not handled takes back everything that led to it, a notify nothing', async () => {
    const { kernel, store } = await openFixture();
    await kernel.post(post(create(a), create(b)));
    const chain = (mode: 'required' | 'notify') =>
      tellEvent(b, { type: 'toy.tell', to: c, event: { type: 'toy.poke', at: 0, text: 'x' }, mode });
    expect(await kernel.post(post(event(a, chain('required'))))).toEqual({
      kind: 'refused',
      to: c,
      event: 'toy.poke',
      reason: 'not_found',
      state: null,
    });
    expect(await store.lastSeq()).toBe(2);
    expect((await kernel.post(post(event(a, chain('notify'))))).kind).toBe('applied');
    expect(await store.lastSeq()).toBe(4);
  });

  test('a single message that is not for this state is ignored, with state and reason', async () => {
    const { kernel } = await openFixture();
    await kernel.post(post(create(a)));
    await kernel.post(post(event(a, { type: 'toy.rest' })));
    const ignored = { kind: 'ignored', to: a, state: 'resting' };
    expect(await kernel.post(post(event(a, { type: 'toy.rest' })))).toEqual({ ...ignored, reason: 'not_in_state' });
    await kernel.post(post(poke(a)));
    await kernel.post(post(event(a, { type: 'toy.close' })));
    expect(await kernel.post(post(poke(a)))).toEqual({ ...ignored, state: 'closed', reason: 'final' });
    expect(await kernel.post(post(event(a, { type: 'toy.poke', text: 'x' }, 'required')))).toMatchObject({
      kind: 'refused',
      reason: 'final',
    });
  });

  test('a message to nobody is an error, a tell to null nothing', async () => {
    const { kernel } = await openFixture();
    expect((await errorOf(kernel.post(post(poke(a))))).code).toBe('not_found');
    await kernel.post(post(create(a)));
    expect((await kernel.post(post(event(a, tellEvent(null, { type: 'toy.boom' }))))).kind).toBe('applied');
    expect((await kernel.post(post(event(a, { type: 'toy.arm', key: 'k', dueAt: 5 })))).kind).toBe('applied');
  });

  test('C4: creating an actor that exists changes nothing, whoever asks', async () => {
    const { kernel } = await openFixture();
    await kernel.post(post(create(a, 'first')));
    expect(await kernel.post(post(create(a, 'second')))).toMatchObject({ kind: 'applied', changed: [] });
    await kernel.post(post(event(a, { type: 'toy.spawn', id: a, name: 'third' })));
    expect(contextOf(kernel, a).name).toBe('first');
    await kernel.post(post(event(a, { type: 'toy.spawn', id: b, name: 'child' }), poke(b)));
    expect(contextOf(kernel, b)).toMatchObject({ name: 'child', pokes: 1 });
  });
});

describe('limits and errors', () => {
  test('malformed, unknown and too large messages are refused before they wait', async () => {
    const { kernel } = await openFixture();
    const codeOf = async (...messages: Parameters<typeof post>) => (await errorOf(kernel.post(post(...messages)))).code;
    expect(await codeOf(event(a, { type: 'toy.nothing' }))).toBe('invalid_params');
    expect(await codeOf(event(a, { type: 'toy.poke', text: 5 }))).toBe('invalid_params');
    expect(await codeOf(event(a, { type: 'toy.poke', text: 'x', more: 1 }))).toBe('invalid_params');
    expect(await codeOf(poke('nobody-1' as ActorId))).toBe('not_found');
    expect(await codeOf({ kind: 'create', id: a, input: { name: 5 } })).toBe('invalid_params');
    expect(await codeOf(poke(a, 'x'.repeat(70_000)))).toBe('too_large');
    expect(await codeOf(...Array.from({ length: 5_001 }, () => poke(a)))).toBe('too_large');
  });

  test('a machine that throws costs its own post only, and the event is set aside with the chain', async () => {
    const { kernel, store } = await openFixture();
    await kernel.post(post(create(a), create(b)));
    const boom = kernel.post(post(poke(b), event(a, tellEvent(b, { type: 'toy.boom' }))));
    const innocent = kernel.post(post(poke(a)));
    expect(await errorOf(boom)).toMatchObject({ code: 'internal', retryable: false });
    expect((await innocent).kind).toBe('applied');
    expect(contextOf(kernel, b).pokes).toBe(0);
    const [letter] = await store.listDeadLetters(10);
    expect(letter).toMatchObject({
      to: b,
      code: 'internal',
      message: 'boom',
      chain: [`${a} toy.tell`, `${b} toy.boom`],
    });
  });

  test('a chain deeper than 16 tells is a loop: set aside, with the whole chain', async () => {
    const { kernel, store } = await openFixture();
    await kernel.post(post(create(a)));
    const toyPoke = { type: 'toy.poke', at: 0, text: 'deep' };
    const nested = (depth: number): { readonly type: string } =>
      depth === 0 ? toyPoke : tellEvent(a, nested(depth - 1));
    expect((await kernel.post(post(event(a, tellEvent(a, nested(15)))))).kind).toBe('applied');
    expect(contextOf(kernel, a).last).toBe('deep');
    expect((await errorOf(kernel.post(post(event(a, tellEvent(a, nested(16))))))).code).toBe('cascade_too_deep');
    const [letter] = await store.listDeadLetters(10);
    expect(letter).toMatchObject({ code: 'cascade_too_deep' });
    expect(letter?.chain).toHaveLength(18);
  });

  test('a full mailbox refuses callers and takes them again when it has drained', async () => {
    const { wrap, waiting } = held();
    const { kernel } = await openFixture({ wrap, limits: { mailboxMessagesMax: 10 } });
    const first = kernel.post(post(create(a)));
    await settle();
    const accepted = Array.from({ length: 10 }, async () => kernel.post(post(poke(a))));
    expect(await errorOf(kernel.post(post(poke(a))))).toMatchObject({ code: 'overloaded', retryable: true });
    waiting.shift()!();
    await first;
    await settle();
    waiting.shift()!();
    await Promise.all(accepted);
    const late = kernel.post(post(poke(a)));
    await settle();
    waiting.shift()!();
    expect((await late).kind).toBe('applied');
    expect(contextOf(kernel, a).pokes).toBe(11);
  });

  test('nothing grows: context and patch of an actor stay the same size over a thousand messages', async () => {
    const { kernel, store } = await openFixture();
    await kernel.post(post(create(a)));
    for (let n = 0; n < 1_000; n += 1) await kernel.post(post(poke(a, 'same')));
    expect(JSON.stringify(kernel.peek(a)!.snapshot).length).toBeLessThan(200);
    const journal = await store.listJournal({ limit: 1_000 });
    const full = journal.filter(({ patch }) => patch !== null && 'keyframe' in patch).map(({ seq }) => seq);
    expect(full).toEqual([1, 101, 201, 301, 401, 501, 601, 701, 801, 901]);
    expect(await store.snapshotAt(a, 777)).toMatchObject({ context: { pokes: 776 } });
  });
});
