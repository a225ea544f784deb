/**
 * Goal: effects are carried out at least once, in order, counted before each try, and given up with a message.
 * Method: handlers that the test holds, fails or lets go; a clock that stands still; deaths as openings of the same disk.
 */
import { describe, expect, test } from 'vitest';
import { ConductorError } from '../../../src/machines/errors.ts';
import type { ActorId } from '../../../src/machines/ids.ts';
import type { EffectHandlers, EffectResult } from '../../../src/supervisor/kernel/kernel.ts';
import {
  contextOf,
  create,
  errorOf,
  event,
  handlersOf,
  openFixture,
  poke,
  post,
  type Fixture,
} from './kernel-fixture.ts';
import { idOf } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';

const [a, b] = [idOf('task', 1), idOf('task', 2)] as const;
const work = (to: ActorId, lane: 'end' | 'start' | 'work' = 'work') => event(to, { type: 'toy.work', lane });
const done = (to: ActorId, text = 'done'): EffectResult => ({ messages: [event(to, { type: 'toy.done', text })] });

/** Handlers that wait for the test, one entry per try. */
function heldHandlers() {
  const tries: {
    name: string;
    key: string;
    actor: ActorId;
    attempt: number;
    signal: AbortSignal;
    end: (result: EffectResult | Error) => void;
  }[] = [];
  const hold = (name: string) => async (call: { key: string; actor: ActorId; attempt: number; signal: AbortSignal }) =>
    new Promise<EffectResult>((resolve, reject) => {
      const end = (result: EffectResult | Error) => {
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      tries.push({ name, ...call, end });
    });
  const names = ['sealWork', 'startRunner', 'finishRun'] as const;
  const handlers = handlersOf(Object.fromEntries(names.map((name) => [name, hold(name)])) as Partial<EffectHandlers>);
  return { tries, handlers };
}

const rowsOf = async ({ store }: Fixture) =>
  (await store.listOutbox()).map(({ key, tries, deaths, state }) => ({ key, tries, deaths, state }));

describe('one effect', () => {
  test('F2, F3: its try is counted before it is made; its messages and its end are one commit', async () => {
    const { tries, handlers } = heldHandlers();
    const fixture = await openFixture({ handlers });
    await fixture.kernel.post(post(create(a), work(a)));
    await settle();
    expect(tries).toMatchObject([{ name: 'sealWork', key: `${a}/2/0`, actor: a, attempt: 1 }]);
    expect(await rowsOf(fixture)).toEqual([{ key: `${a}/2/0`, tries: 1, deaths: 1, state: 'waiting' }]);
    const commits: string[][] = [];
    fixture.kernel.subscribe(({ entries }) => commits.push(entries.map(({ event: { type } }) => type)));
    tries[0]!.end(done(a));
    await fixture.kernel.idle();
    expect(commits).toEqual([['toy.done']]);
    expect(await rowsOf(fixture)).toEqual([]);
  });

  test('a failed try is made again after a backoff that doubles; the last one becomes effect.failed', async () => {
    const { tries, handlers } = heldHandlers();
    const fixture = await openFixture({ handlers });
    const { kernel, clock } = fixture;
    await kernel.post(post(create(a), work(a)));
    await settle();
    tries[0]!.end(new Error('no luck'));
    await settle();
    expect(await rowsOf(fixture)).toMatchObject([{ tries: 1, deaths: 0 }]);
    await clock.advance(749);
    expect(tries).toHaveLength(1);
    await clock.advance(1);
    tries[1]!.end(new Error('no luck'));
    await clock.advance(1_499);
    expect(tries).toHaveLength(2);
    await clock.advance(1);
    tries[2]!.end(new Error('no luck'));
    await settle();
    expect(contextOf(kernel, a).failed).toBe('internal');
    expect(await rowsOf(fixture)).toEqual([]);
    expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  test('an error that no repeat would change gives up at once', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel } = await openFixture({ handlers });
    await kernel.post(post(create(a), work(a)));
    await settle();
    tries[0]!.end(new ConductorError('credentials_missing', 'TOKEN has no value.'));
    await kernel.idle();
    expect(contextOf(kernel, a).failed).toBe('credentials_missing');
    expect(tries).toHaveLength(1);
  });

  test('a try that takes longer than its deadline is aborted and counts as failed, whatever it says later', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel, clock } = await openFixture({ handlers });
    await kernel.post(post(create(a), work(a)));
    await clock.advance(299_999);
    expect(tries[0]!.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(tries[0]!.signal.aborted).toBe(true);
    tries[0]!.end(done(a, 'too late'));
    await clock.advance(1_000);
    expect(tries).toHaveLength(2);
    expect(contextOf(kernel, a).last).toBe('');
  });

  test('a result that is malformed or refused is a failed try, and an ignored one is done', async () => {
    const { tries, handlers } = heldHandlers();
    const fixture = await openFixture({ handlers });
    const { kernel } = fixture;
    await kernel.post(post(create(a), work(a)));
    await settle();
    tries[0]!.end({ messages: [event(a, { type: 'toy.nothing' })] });
    await kernel.idle();
    expect(contextOf(kernel, a).failed).toBe('invalid_params');
    await kernel.post(post(work(a)));
    await settle();
    tries[1]!.end({ messages: [event(a, { type: 'toy.guarded' })] });
    await kernel.idle();
    expect(await rowsOf(fixture)).toEqual([]);
  });

  test('a post that answers an effect ends its row, also when its message is ignored', async () => {
    const { handlers } = heldHandlers();
    const fixture = await openFixture({ handlers });
    await fixture.kernel.post(post(create(a), work(a)));
    await settle();
    const outcome = await fixture.kernel.post({ ...post(event(a, { type: 'toy.guarded' })), effectDone: `${a}/2/0` });
    expect(outcome.kind).toBe('ignored');
    expect(await rowsOf(fixture)).toEqual([]);
  });
});

describe('several effects', () => {
  test('F1: those of one actor are carried out in the order of their commits, those of others beside them', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel } = await openFixture({ handlers });
    await kernel.post(post(create(a), create(b), work(a, 'work'), work(a, 'end'), work(b, 'start')));
    await settle();
    expect(tries.map(({ name, actor }) => [name, actor])).toEqual([
      ['startRunner', b],
      ['sealWork', a],
    ]);
    tries[1]!.end(done(a));
    await settle();
    expect(tries.map(({ name }) => name)).toEqual(['startRunner', 'sealWork', 'finishRun']);
  });

  test('F3 of effects.ts: of what is ready together, ends are begun before starts, starts before the rest', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel } = await openFixture({ handlers });
    const ids = [1, 2, 3].map((n) => idOf('run', n));
    await kernel.post(
      post(...ids.map((id) => create(id)), work(ids[0]!, 'work'), work(ids[1]!, 'start'), work(ids[2]!, 'end')),
    );
    await settle();
    expect(tries.map(({ name }) => name)).toEqual(['finishRun', 'startRunner', 'sealWork']);
  });

  test('a lane carries out as many as it may, and a full lane holds no other', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel } = await openFixture({ handlers, limits: { laneMax: { end: 1, start: 2, work: 1 } } });
    const ids = [1, 2, 3, 4, 5].map((n) => idOf('run', n));
    await kernel.post(post(...ids.map((id) => create(id)), ...ids.map((id) => work(id, 'start'))));
    await settle();
    expect(tries).toHaveLength(2);
    await kernel.post(post(create(a), work(a, 'end')));
    await settle();
    expect(tries.map(({ name }) => name)).toEqual(['startRunner', 'startRunner', 'finishRun']);
    tries[0]!.end(done(ids[0]!));
    await settle();
    expect(tries[3]).toMatchObject({ name: 'startRunner', actor: ids[2] });
  });

  test('a newer effect of the same actor ends the wait of an older one between two tries', async () => {
    const { tries, handlers } = heldHandlers();
    const { kernel } = await openFixture({ handlers });
    await kernel.post(post(create(a), work(a, 'start')));
    await settle();
    tries[0]!.end(new Error('no luck'));
    await settle();
    await kernel.post(post(work(a, 'end')));
    await settle();
    expect(tries).toMatchObject([{ attempt: 1 }, { name: 'startRunner', attempt: 2 }]);
  });
});

describe('deaths', () => {
  test('F4: a row whose last three tries ended in our own death is parked; start-up and later effects go on', async () => {
    const held = heldHandlers();
    let fixture = await openFixture({ handlers: held.handlers });
    await fixture.kernel.post(post(create(a), work(a)));
    await settle();
    for (const deaths of [1, 2, 3]) {
      expect(await rowsOf(fixture)).toEqual([{ key: `${a}/2/0`, tries: deaths, deaths, state: 'waiting' }]);
      fixture = await fixture.reopen({ handlers: held.handlers });
      await settle();
    }
    expect(held.tries).toHaveLength(3);
    expect(await rowsOf(fixture)).toEqual([{ key: `${a}/2/0`, tries: 3, deaths: 3, state: 'parked' }]);
    await fixture.kernel.post(post(work(a, 'end')));
    await settle();
    expect(held.tries[3]).toMatchObject({ name: 'finishRun', actor: a });
    const again = await Promise.all([fixture.kernel.retryParked(), fixture.kernel.retryParked()]);
    expect(again.flat().map(({ key }) => key)).toContain(`${a}/2/0`);
    held.tries[3]!.end(done(a));
    await settle();
    expect(held.tries).toHaveLength(5);
    expect(held.tries[4]).toMatchObject({ name: 'sealWork', actor: a, attempt: 4 });
    expect(await rowsOf(fixture)).toEqual([{ key: `${a}/2/0`, tries: 4, deaths: 1, state: 'waiting' }]);
    expect(await fixture.kernel.retryParked()).toEqual([]);
  });

  test('a try that was lived through takes the presumption of death back', async () => {
    const held = heldHandlers();
    let fixture = await openFixture({ handlers: held.handlers });
    await fixture.kernel.post(post(create(a), work(a, 'start')));
    for (let n = 0; n < 2; n += 1) {
      await settle();
      fixture = await fixture.reopen({ handlers: held.handlers });
    }
    await settle();
    held.tries.at(-1)!.end(new Error('no luck'));
    await settle();
    expect(await rowsOf(fixture)).toMatchObject([{ tries: 3, deaths: 0, state: 'waiting' }]);
  });

  test('F5: stopping aborts tries without counting them, and the next start makes them again', async () => {
    const held = heldHandlers();
    const fixture = await openFixture({ handlers: held.handlers });
    await fixture.kernel.post(post(create(a), work(a)));
    await settle();
    await fixture.kernel.stop();
    expect(held.tries[0]!.signal.aborted).toBe(true);
    expect(await rowsOf(fixture)).toMatchObject([{ tries: 0, deaths: 0, state: 'waiting' }]);
    expect((await errorOf(fixture.kernel.post(post(poke(a))))).code).toBe('supervisor_away');
    await fixture.reopen({ handlers: held.handlers });
    await settle();
    expect(held.tries[1]).toMatchObject({ key: `${a}/2/0`, attempt: 1 });
  });

  test('when the disk does not take the count, the try is not made, and made later', async () => {
    const held = heldHandlers();
    let isFull = false;
    const fixture = await openFixture({
      handlers: held.handlers,
      faults: (_, batch) => (isFull && batch.outboxUpdates.length > 0 ? { kind: 'before', cause: 'full' } : null),
    });
    isFull = true;
    await fixture.kernel.post(post(create(a), work(a)));
    await settle();
    expect(held.tries).toEqual([]);
    isFull = false;
    await fixture.clock.advance(1_000);
    expect(held.tries).toMatchObject([{ attempt: 1 }]);
  });
});
