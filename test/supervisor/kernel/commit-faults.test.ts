/**
 * Goal: whatever the store answers, nobody is told something that is not so, and one bad message costs nobody else anything.
 * Method: a memory store with faults at chosen commits, and one that refuses every batch with a certain message in it.
 */
import { describe, expect, test } from 'vitest';
import type { CommitBatch, Store } from '../../../src/persistence/store.ts';
import { contextOf, create, errorOf, event, openFixture, poke, post } from './kernel-fixture.ts';
import { idOf, toyMachines } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';
import { openMemoryStore } from '../../../src/persistence/memory-store.ts';

const isBad = (batch: CommitBatch): boolean => batch.journal.some(({ event: { text } }) => text === 'bad');
const request = (hash = 'h') => ({ id: 'r1', hash, result: { taskId: a } });
const [a, b] = [idOf('task', 1), idOf('task', 2)] as const;

describe('before COMMIT', () => {
  test('a fault of the disk is answered as such, and nothing of the batch is there', async () => {
    let broken = true;
    const { kernel, store, fatal } = await openFixture({
      faults: () => (broken ? { kind: 'before', cause: 'full' } : null),
    });
    const posts = [kernel.post(post(create(a))), kernel.post(post(create(b)))];
    for (const answer of posts) expect(await errorOf(answer)).toMatchObject({ code: 'store_full', retryable: true });
    expect(await store.lastSeq()).toBe(0);
    expect(kernel.peek(a)).toBeNull();
    broken = false;
    expect((await kernel.post(post(create(a)))).kind).toBe('applied');
    expect(fatal).toEqual([]);
  });

  test('B1: the culprit of a batch of 64 is set aside with its cause; the other 63 are committed', async () => {
    const { kernel, store } = await openFixture({
      faults: (_, batch) => (isBad(batch) ? { kind: 'before', cause: 'internal' } : null),
    });
    await kernel.post(post(create(a)));
    const answers = await Promise.allSettled(
      Array.from({ length: 64 }, async (_, n) => kernel.post(post(poke(a, n === 30 ? 'bad' : `good ${String(n)}`)))),
    );
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(answers[30]).toMatchObject({ status: 'rejected', reason: { code: 'internal', retryable: false } });
    expect(contextOf(kernel, a)).toMatchObject({ pokes: 63, last: 'good 63' });
    expect(await store.listDeadLetters(10)).toMatchObject([{ to: a, event: { text: 'bad' }, code: 'internal' }]);
    expect((await store.getActor(a))?.snapshot.context).toMatchObject({ pokes: 63 });
  });

  test('a snapshot that is no JSON is its own message’s trouble', async () => {
    const { kernel } = await openFixture();
    await kernel.post(post(create(a), create(b)));
    const [bad, good] = await Promise.allSettled([
      kernel.post(post(event(a, { type: 'toy.bigint' }))),
      kernel.post(post(poke(b))),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect(good.status).toBe('fulfilled');
    expect(contextOf(kernel, a).last).toBe('');
  });
});

describe('at COMMIT', () => {
  test.each([true, false])(
    'an unknown outcome ends everything, and reopening shows the truth (written: %s)',
    async (written) => {
      const { kernel, store, fatal, reopen } = await openFixture({
        faults: (commit) => (commit === 2 ? { kind: 'unknown', written } : null),
      });
      await kernel.post(post(create(a)));
      const lost = kernel.post({ ...post(poke(a)), request: { id: 'r1', hash: 'h', result: 'done' } });
      const other = kernel.post(post(poke(a)));
      expect(await errorOf(lost)).toMatchObject({ code: 'outcome_unknown', details: { requestId: 'r1' } });
      expect(await errorOf(other)).toMatchObject({ code: 'outcome_unknown' });
      expect(await errorOf(kernel.post(post(poke(a))))).toMatchObject({ code: 'supervisor_away', retryable: true });
      expect(fatal).toHaveLength(1);
      await kernel.stop();
      await store.close();
      const next = await reopen();
      expect((await next.kernel.read(a))?.snapshot.context['pokes']).toBe(written ? 2 : 0);
      const repeat = await next.kernel.post({ ...post(poke(a)), request: { id: 'r1', hash: 'h', result: 'done' } });
      expect(repeat.kind).toBe(written ? 'repeated' : 'applied');
    },
  );

  test('another owner ends this one: nothing of it is written any more', async () => {
    const { kernel, disk, fatal } = await openFixture();
    await kernel.post(post(create(a)));
    const next = openMemoryStore({ disk, owner: { epoch: 2, instance: 'next' } });
    expect(await errorOf(kernel.post(post(poke(a))))).toMatchObject({ code: 'owned_elsewhere' });
    expect(fatal).toHaveLength(1);
    expect((await next.getActor(a))?.revision).toBe(1);
  });

  test('a conflict is put right once by reading again', async () => {
    const { kernel, store, fatal, clock } = await openFixture();
    await kernel.post(post(create(a)));
    const stored = (await store.getActor(a))!;
    const write = { ...stored, expectedRevision: 1, revision: 2 };
    await store.commit({
      owner: store.owner,
      at: clock.now(),
      actors: [write],
      journal: [],
      relations: [],
      outbox: [],
      outboxUpdates: [],
      timers: [],
      timersCleared: [],
      requests: [],
      blobs: [],
      artifacts: [],
      deadLetters: [],
      continuations: [],
      continuationsAdvanced: [],
    });
    expect((await kernel.post(post(poke(a)))).kind).toBe('applied');
    expect(kernel.peek(a)?.revision).toBe(3);
    expect(fatal).toEqual([]);
  });
});

/** A store whose second commit waits for the test, which says how it ends. */
const slow = (fate: 'committed' | 'failed' | 'unknown') => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  let commits = 0;
  const wrap = (store: Store): Store => {
    const commit: Store['commit'] = async (batch) => {
      commits += 1;
      order.push(`begin ${String(commits)}`);
      if (commits !== 2) return store.commit(batch);
      await gate.promise;
      order.push('end 2');
      const cause = new Error('a fault of the test');
      if (fate === 'committed') return store.commit(batch);
      return fate === 'failed' ? { kind: 'failed', io: true, code: 'store_full', cause } : { kind: 'unknown', cause };
    };
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit') return commit;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return { wrap, order, letGo: gate.resolve };
};

const twoPokes = async (fate: 'committed' | 'failed' | 'unknown') => {
  const { wrap, order, letGo } = slow(fate);
  const { kernel } = await openFixture({ wrap });
  await kernel.post(post(create(a)));
  const first = kernel.post(post(poke(a, 'first')));
  await settle();
  const second = kernel.post(post(poke(a, 'second'), event(a, { type: 'toy.arm', key: 'k', dueAt: 5 })));
  await settle();
  expect(order).toEqual(['begin 1', 'begin 2']);
  expect(kernel.depth).toBe(3);
  letGo();
  return { kernel, order, answers: await Promise.allSettled([first, second]) };
};

describe('L3: the next batch is computed while one is written', () => {
  test('it is written only after the first one is durable, on top of it', async () => {
    const { kernel, order, answers } = await twoPokes('committed');
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(order).toEqual(['begin 1', 'begin 2', 'end 2', 'begin 3']);
    expect(contextOf(kernel, a)).toMatchObject({ pokes: 2, last: 'second' });
    expect(kernel.peek(a)?.revision).toBe(3);
  });

  test('when the first one failed it is computed again without it', async () => {
    const { kernel, answers } = await twoPokes('failed');
    expect(answers).toMatchObject([{ status: 'rejected', reason: { code: 'store_full' } }, { status: 'fulfilled' }]);
    expect(contextOf(kernel, a)).toMatchObject({ pokes: 1, last: 'second' });
    expect(kernel.peek(a)?.revision).toBe(2);
  });

  test('when nobody knows what became of the first one it is never written', async () => {
    const { order, answers } = await twoPokes('unknown');
    expect(answers).toMatchObject([
      { status: 'rejected', reason: { code: 'outcome_unknown' } },
      { status: 'rejected', reason: { code: 'supervisor_away' } },
    ]);
    expect(order.at(-1)).toBe('end 2');
  });
});

describe('requests', () => {
  test('a repeat gets the first answer, at once, in the same batch and after a restart; other parameters are a conflict', async () => {
    const { kernel, reopen } = await openFixture();
    const asked = { ...post(create(a), poke(a)), request: request() };
    const [first, repeat] = await Promise.all([kernel.post(asked), kernel.post(asked)]);
    expect([first!.kind, repeat]).toEqual(['applied', { kind: 'repeated', result: { taskId: a } }]);
    expect(await kernel.post(asked)).toEqual({ kind: 'repeated', result: { taskId: a } });
    expect(await errorOf(kernel.post({ ...asked, request: request('other') }))).toMatchObject({
      code: 'idempotency_conflict',
    });
    const next = await reopen();
    expect((await next.kernel.post(asked)).kind).toBe('repeated');
    expect((await next.kernel.read(a))?.snapshot.context['pokes']).toBe(1);
  });

  test('what changed nothing is not remembered, and after 24 h an id is new', async () => {
    const { kernel, clock } = await openFixture();
    await kernel.post(post(create(a)));
    const asked = { ...post(event(a, { type: 'toy.guarded' })), request: request() };
    expect((await kernel.post(asked)).kind).toBe('ignored');
    expect((await kernel.post({ ...post(poke(a)), request: request() })).kind).toBe('applied');
    clock.jump(24 * 3_600_000 + 1);
    expect((await kernel.post({ ...post(poke(a)), request: request() })).kind).toBe('applied');
  });
});

test('stop: what was accepted is committed, what comes then is refused', async () => {
  const { kernel } = await openFixture({ machines: toyMachines });
  const accepted = [kernel.post(post(create(a))), kernel.post(post(poke(a)))];
  const stopping = kernel.stop();
  expect(await errorOf(kernel.post(post(poke(a))))).toMatchObject({ code: 'supervisor_away' });
  await stopping;
  expect((await Promise.all(accepted)).map(({ kind }) => kind)).toEqual(['applied', 'applied']);
  await kernel.stop();
  await settle();
});
