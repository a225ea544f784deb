/**
 * Goal: a tell to a relation reaches exactly the rows that stood in it, each once and in order, however wide it is and whenever
 * the supervisor dies.
 * Method: a hub with up to 10,000 dependents; the kernel is killed between pages by opening another one on the same disk.
 */
import { describe, expect, test } from 'vitest';
import type { ActorId } from '../../../src/machines/ids.ts';
import type { Store } from '../../../src/persistence/store.ts';
import { contextOf, create, event, openFixture, poke, post, tellEvent, type Fixture } from './kernel-fixture.ts';
import { hub, idOf } from './toy-machines.ts';
import { settle } from './virtual-clock.ts';

const toDependents = (text: string, mode: 'required' | 'notify' = 'notify') =>
  event(hub, tellEvent({ relation: 'dependent', of: hub }, { type: 'toy.poke', text }, mode));

const dependents = (count: number): ActorId[] => Array.from({ length: count }, (_, n) => idOf('task', n + 1));

async function hubWith(count: number): Promise<{ fixture: Fixture; ids: ActorId[] }> {
  const fixture = await openFixture();
  const ids = dependents(count);
  await fixture.kernel.post(post(create(hub)));
  for (let first = 0; first < count; first += 500) {
    const page = ids.slice(first, first + 500);
    await fixture.kernel.post(post(...page.map((id) => create(id))));
    await fixture.kernel.post(post(...page.map((to) => event(hub, { type: 'toy.link', to }))));
  }
  return { fixture, ids };
}

/** A store whose process is killed at its nth commit: half of the times that commit is there, and nobody hears of it. */
const dyingAfter =
  (commits: number) =>
  (store: Store): Store => {
    let left = commits;
    const commit: Store['commit'] = async (batch) => {
      left -= 1;
      if (left > 0) return store.commit(batch);
      if (left === 0 && commits % 2 === 0) await store.commit(batch);
      return new Promise<never>(() => {});
    };
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit') return commit;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (await holds()) return;
    await settle();
  }
  throw new Error('it never came to hold');
}

/** Who was poked with a text, in the order of the journal. */
async function told(fixture: Fixture, text: string): Promise<string[]> {
  const found: string[] = [];
  for (let after = 0; ;) {
    const page = await fixture.store.listJournal({ after, limit: 1_000, type: 'toy.poke' });
    found.push(...page.filter(({ event: { text: said } }) => said === text).map(({ actor }) => actor));
    if (page.length < 1_000) return found;
    after = page.at(-1)!.seq;
  }
}

describe('C3: relations', () => {
  test('a narrow tell is one commit', async () => {
    const { fixture, ids } = await hubWith(200);
    const commits: number[] = [];
    fixture.kernel.subscribe(({ entries }) => commits.push(entries.length));
    expect((await fixture.kernel.post(post(toDependents('hello')))).kind).toBe('applied');
    await fixture.kernel.idle();
    expect(commits).toEqual([201]);
    expect(await told(fixture, 'hello')).toEqual(ids);
  });

  test('10,000 dependents are told in order, each once, though the supervisor is killed three times', async () => {
    const { fixture: first, ids } = await hubWith(10_000);
    let fixture = await first.reopen({ wrap: dyingAfter(3) });
    void fixture.kernel.post(post(toDependents('news')));
    for (const commits of [12, 5, Number.POSITIVE_INFINITY]) {
      await until(async () => (await fixture.store.listContinuations()).length === 1);
      await settle();
      fixture = await fixture.reopen({ wrap: dyingAfter(commits) });
    }
    await fixture.kernel.idle();
    expect(await told(fixture, 'news')).toEqual(ids);
    expect(await fixture.store.listContinuations()).toEqual([]);
    const journal = await fixture.store.listJournal({ limit: 1_000, order: 'newest' });
    const widths = Map.groupBy(journal, ({ commit }) => commit);
    for (const entries of widths.values()) expect(entries.length).toBeLessThanOrEqual(257);
  }, 60_000);

  test('who is added while a continuation runs is not told, and what the hub says next comes after', async () => {
    const { fixture, ids } = await hubWith(600);
    const { kernel } = fixture;
    const late = idOf('run', 1);
    await kernel.post(post(create(late)));
    const outcomes = await Promise.all([
      kernel.post(post(toDependents('first'))),
      kernel.post(post(event(hub, { type: 'toy.link', to: late }))),
      kernel.post(post(toDependents('second'))),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
    await kernel.idle();
    expect(await told(fixture, 'first')).toEqual(ids);
    expect(await told(fixture, 'second')).toEqual([...ids, late]);
    for (const id of ids) expect(contextOf(kernel, id)).toMatchObject({ pokes: 2, last: 'second' });
  });

  test('rows that are added in the same post count, rows of the next post do not', async () => {
    const { fixture, ids } = await hubWith(300);
    const more = Array.from({ length: 20 }, (_, n) => idOf('run', n + 1));
    await fixture.kernel.post(post(...more.map((id) => create(id))));
    await fixture.kernel.post(post(...more.map((to) => event(hub, { type: 'toy.link', to })), toDependents('both')));
    const last = idOf('run', 99);
    await fixture.kernel.post(post(create(last), event(hub, { type: 'toy.link', to: last })));
    await fixture.kernel.idle();
    expect(await told(fixture, 'both')).toEqual([...ids, ...more]);
  });

  test('an edge that stands already is told once', async () => {
    const { fixture, ids } = await hubWith(3);
    await fixture.kernel.post(post(event(hub, { type: 'toy.link', to: ids[0]! })));
    await fixture.kernel.post(post(event(hub, { type: 'toy.link', to: ids[1]! }), toDependents('once')));
    expect(await told(fixture, 'once')).toEqual(ids);
  });

  test('an edge that stands already moves no other: nobody is told twice, left out, or told of what was said before it came', async () => {
    const { fixture, ids } = await hubWith(253);
    const { kernel } = fixture;
    const more = Array.from({ length: 8 }, (_, n) => idOf('run', n + 1));
    const late = Array.from({ length: 4 }, (_, n) => idOf('run', n + 20));
    await kernel.post(post(...more.map((id) => create(id)), ...late.map((id) => create(id))));
    // Three that stand, eight new ones: 256 are told at once, five by a continuation while more are added.
    const again = [ids[0]!, ids[100]!, ids[252]!];
    const links = [...again, ...more].map((to) => event(hub, { type: 'toy.link', to }));
    const outcomes = await Promise.all([
      kernel.post(post(...links, toDependents('first'))),
      kernel.post(post(...late.map((to) => event(hub, { type: 'toy.link', to })))),
      kernel.post(post(toDependents('second'))),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
    await kernel.idle();
    expect(await told(fixture, 'first')).toEqual([...ids, ...more]);
    expect(await told(fixture, 'second')).toEqual([...ids, ...more, ...late]);
  });

  test('a dependent that does not take a required tell is refused in the first page, set aside in a later one', async () => {
    const { fixture, ids } = await hubWith(400);
    const { kernel, store } = fixture;
    await kernel.post(post(event(ids[10]!, { type: 'toy.close' })));
    expect(await kernel.post(post(toDependents('x', 'required')))).toMatchObject({ kind: 'refused', to: ids[10] });
    expect(contextOf(kernel, ids[9]!).pokes).toBe(0);
    const { fixture: other, ids: others } = await hubWith(400);
    await other.kernel.post(post(event(others[390]!, { type: 'toy.close' })));
    expect((await other.kernel.post(post(toDependents('x', 'required')))).kind).toBe('applied');
    await other.kernel.idle();
    expect(await told(other, 'x')).toEqual(others.filter((id) => id !== others[390]));
    expect(await store.listDeadLetters(10)).toEqual([]);
    expect(await other.store.listDeadLetters(10)).toMatchObject([{ to: others[390] }]);
  });

  test('settled dependents that are not in memory are loaded, however few are kept', async () => {
    const fixture = await openFixture({ limits: { settledInMemoryMax: 2 } });
    const { kernel } = fixture;
    const ids = dependents(300);
    await kernel.post(post(create(hub), ...ids.map((id) => create(id))));
    await kernel.post(post(...ids.map((to) => event(hub, { type: 'toy.link', to }))));
    await kernel.post(post(...ids.map((id) => event(id, { type: 'toy.rest' }))));
    expect(kernel.peek(ids[0]!)).toBeNull();
    expect((await kernel.read(ids[0]!))?.facts.state).toBe('resting');
    await kernel.post(post(toDependents('wake')));
    await kernel.idle();
    expect(await told(fixture, 'wake')).toEqual(ids);
    await kernel.post(post(poke(ids[299]!)));
    expect(contextOf(kernel, ids[299]!).pokes).toBe(2);
  });
});
