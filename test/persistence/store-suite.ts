/**
 * Goal: every adapter keeps the promises of the port (P1–P4 of src/persistence/store.ts), query by query.
 * Method: one suite, run by a test file per adapter; each test has a place of its own that can be opened again.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACTOR_KINDS, type ActorId, type ActorKind } from '../../src/machines/ids.ts';
import type { ArchiveMove, ArchiveRow } from '../../src/persistence/archive-row.ts';
import { diffSnapshot } from '../../src/persistence/merge-patch.ts';
import type {
  ActorFacts,
  ActorQuery,
  CommitBatch,
  Owner,
  PersistedSnapshot,
  Store,
} from '../../src/persistence/store.ts';
import {
  actorOf,
  artifactOf,
  at,
  batchOf,
  entryOf,
  firstOwner,
  idOf,
  outboxOf,
  snapshotOf,
  startOfTime,
} from './store-builders.ts';

/** Where one test keeps its data. */
export type StorePlace = {
  open(owner: Owner): Promise<Store>;
  remove(): Promise<void>;
};

const dayMs = 86_400_000;
const secondOwner: Owner = { epoch: 2, instance: 'second' };

/** Of the test that is running; a test file runs one suite. */
let place: StorePlace;
let store: Store;

const some = (kind: ActorKind, count: number, facts: (n: number) => Partial<ActorFacts>): CommitBatch['actors'] =>
  Array.from({ length: count }, (_, index) => actorOf(idOf(kind, index + 1), { facts: facts(index + 1) }));

const ids = async (query: Partial<ActorQuery>): Promise<string[]> =>
  (await store.listActors({ kind: 'task', limit: 100, order: 'oldest', ...query })).items.map(({ id }) => id);

const tasks = (...numbers: number[]): string[] => numbers.map((n) => idOf('task', n));

const idsOf = async (query: ActorQuery) =>
  (await store.listActors({ order: 'oldest', ...query })).items.map(({ id }) => id);

const seqs = async (query: Parameters<Store['listJournal']>[0]): Promise<number[]> =>
  (await store.listJournal(query)).map(({ seq }) => seq);

const requestOf = (requestId: string, ms: number) => ({ requestId, hash: 'h', result: { ok: null }, at: at(ms) });
const keyframe = (n: number) => ({ patch: { keyframe: snapshotOf({ n }) } });
const memberOf = (n: number) => ({ relation: 'member' as const, from: idOf('objective', 1), to: idOf('task', n) });

const commit = async (rest: Partial<CommitBatch>): Promise<void> => {
  expect(await store.commit(batchOf(rest))).toEqual({ kind: 'committed' });
};
const reopen = async (owner: Owner = firstOwner): Promise<void> => {
  await store.close();
  store = await place.open(owner);
};
/** Everything of the store, through the port. */
const everything = async (): Promise<unknown> => ({
  actors: await Promise.all(ACTOR_KINDS.map((kind) => store.listActors({ kind, limit: 1_000 }))),
  counts: await store.counts(),
  journal: await store.listJournal({ limit: 1_000 }),
  lastSeq: await store.lastSeq(),
  row: await store.lastRelationRow(),
  members: await store.listRelation('member', idOf('objective', 1), { after: 0, limit: 1_000 }),
  outbox: await store.listOutbox(),
  timers: await store.listTimers(),
  request: await store.getRequest('request'),
  blob: await store.getBlob('hash'),
  artifacts: await store.listArtifacts({ limit: 1_000 }),
  deadLetters: await store.listDeadLetters(1_000),
  continuations: await store.listContinuations(),
});

export const describeStore = (adapter: string, createPlace: () => Promise<StorePlace>): void => {
  describe(adapter, () => {
    beforeEach(async () => {
      place = await createPlace();
      store = await place.open(firstOwner);
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    const task = idOf('task', 1);

    /** One row of everything, beginning at journal entry `seq`. */
    const full = (seq: number): Partial<CommitBatch> => ({
      actors: [actorOf(idOf('task', seq), { facts: { objectiveId: idOf('objective', 1) } })],
      journal: [entryOf(seq, idOf('task', seq))],
      relations: [{ relation: 'member', from: idOf('objective', 1), to: idOf('task', seq) }],
      outbox: [outboxOf(`run/${seq}/0`)],
      timers: [{ actor: idOf('task', seq), key: 'retry', dueAt: at(seq), event: 'timer.retry' }],
      requests: [{ requestId: 'request', hash: `hash ${seq}`, result: { seq }, at: startOfTime }],
      blobs: [{ hash: 'hash', data: new Uint8Array([1, 2, 3]), usedBy: [task] }],
      artifacts: [artifactOf(seq)],
      deadLetters: [{ at: startOfTime, to: task, event: { seq }, code: 'internal', message: 'no', chain: ['a', 'b'] }],
      continuations: [
        {
          id: seq,
          relation: 'dependent',
          of: idOf('task', seq),
          event: { type: 'dependency.completed', at: 1 },
          mode: 'notify',
          afterRow: 10,
          untilRow: 20,
        },
      ],
    });

    describe('P1: whole or not at all', () => {
      test('a new store is empty', async () => {
        expect(await store.lastSeq()).toBe(0);
        expect(await store.lastRelationRow()).toBe(0);
        expect(await store.counts()).toEqual({ objective: {}, task: {}, worker: {}, run: {}, gate: {} });
        expect(await store.getActor(task)).toBeNull();
        expect(await store.listActors({ kind: 'task', limit: 10 })).toEqual({ items: [], nextCursor: null, total: 0 });
      });

      test('everything of a batch comes back as it was, also after reopening', async () => {
        await commit(full(1));
        await commit(full(2));
        const before = await everything();
        expect(before).toMatchObject({
          lastSeq: 2,
          row: 2,
          request: { requestId: 'request', hash: 'hash 2', result: { seq: 2 }, at: startOfTime },
          blob: new Uint8Array([1, 2, 3]),
        });
        const written = full(1).actors![0]!;
        expect({ ...(await store.getActor(idOf('task', 1))), expectedRevision: 0 }).toEqual(written);
        expect(await store.listJournal({ limit: 10 })).toEqual([...full(1).journal!, ...full(2).journal!]);
        expect(await store.listOutbox()).toEqual([...full(1).outbox!, ...full(2).outbox!]);
        expect(await store.listTimers()).toEqual([...full(1).timers!, ...full(2).timers!]);
        expect(await store.listContinuations()).toEqual([...full(1).continuations!, ...full(2).continuations!]);
        expect(await store.listDeadLetters(10)).toEqual([...full(2).deadLetters!, ...full(1).deadLetters!]);
        expect(await store.listDeadLetters(1)).toEqual(full(2).deadLetters);
        await reopen();
        expect(await everything()).toEqual(before);
        await reopen(secondOwner);
        expect(await everything()).toEqual(before);
      });

      test.each<[string, (seq: number) => Partial<CommitBatch>]>([
        ['a conflict', () => ({ actors: [...full(2).actors!, actorOf(idOf('task', 1), { revision: 5 })] })],
        ['a gap in the journal', () => ({ journal: [entryOf(2, task), entryOf(4, task)] })],
        ['a journal that begins too late', () => ({ journal: [entryOf(3, task)] })],
        ['a journal that begins too early', () => ({ journal: [entryOf(1, task)] })],
        ['an outbox key that exists', () => ({ outbox: [outboxOf('run/2/0'), outboxOf('run/1/0')] })],
        [
          'a value that is no JSON',
          () => ({ requests: [{ requestId: 'r', hash: 'h', result: { n: 1n }, at: startOfTime }] }),
        ],
        ['another owner', () => ({ owner: secondOwner })],
      ])('%s leaves nothing of its batch behind', async (_, breakage) => {
        await commit(full(1));
        const before = await everything();
        const result = await store.commit(batchOf({ ...full(2), ...breakage(2) }));
        expect(result.kind).not.toBe('committed');
        expect(await everything()).toEqual(before);
        await reopen();
        expect(await everything()).toEqual(before);
        await commit(full(2));
      });

      test('a batch of nothing is committed', async () => {
        await commit({});
        expect(await store.lastSeq()).toBe(0);
      });

      test('commits that are not awaited are committed in their order', async () => {
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, index) => store.commit(batchOf({ journal: [entryOf(index + 1, task)] }))),
        );
        expect(results).toEqual(results.map(() => ({ kind: 'committed' })));
        expect(await store.lastSeq()).toBe(50);
      });

      test('what a caller changes afterwards does not reach the store', async () => {
        const context: Record<string, unknown> = { inner: { n: 1 } };
        const data = new Uint8Array([7]);
        const committed = store.commit(
          batchOf({ actors: [actorOf(task, { context })], blobs: [{ hash: 'h', data, usedBy: [] }] }),
        );
        context['inner'] = 'changed';
        data[0] = 8;
        await committed;
        expect((await store.getActor(task))?.snapshot.context).toEqual({ inner: { n: 1 } });
        expect(await store.getBlob('h')).toEqual(new Uint8Array([7]));
        const read = await store.getActor(task);
        (read!.snapshot.context as Record<string, unknown>)['inner'] = 'changed';
        expect((await store.getActor(task))?.snapshot.context).toEqual({ inner: { n: 1 } });
      });

      test('strings of any characters survive, and values of every kind', async () => {
        const context = {
          text: 'a\u0000b\ud83d\ude00 \u2028 "\\',
          numbers: [0, -1, 1.5, 2 ** 53 - 1, 1e21],
          nested: { none: null, list: [null, {}], yes: true },
        };
        await commit({ actors: [actorOf(task, { context, facts: { name: 'Zoë\u0000 "x"' } })] });
        await reopen();
        expect(await store.getActor(task)).toMatchObject({ snapshot: { context }, facts: { name: 'Zoë\u0000 "x"' } });
      });
    });

    describe('P2: fenced by owner and revision', () => {
      test('a store knows its owner', () => {
        expect(store.owner).toEqual(firstOwner);
      });

      test('an actor is created once', async () => {
        await commit({ actors: [actorOf(task)] });
        expect(await store.commit(batchOf({ actors: [actorOf(task)] }))).toEqual({ kind: 'conflict', actor: task });
      });

      test('a write needs the revision that it was computed from', async () => {
        await commit({ actors: [actorOf(task)] });
        await commit({ actors: [actorOf(task, { revision: 2 })] });
        const stale = { ...actorOf(task, { revision: 2 }), revision: 3, expectedRevision: 1 };
        expect(await store.commit(batchOf({ actors: [stale] }))).toEqual({ kind: 'conflict', actor: task });
        const early = actorOf(task, { revision: 4 });
        expect(await store.commit(batchOf({ actors: [early] }))).toEqual({ kind: 'conflict', actor: task });
        const other = actorOf(idOf('task', 2), { revision: 2 });
        expect(await store.commit(batchOf({ actors: [other] }))).toEqual({ kind: 'conflict', actor: other.id });
        expect((await store.getActor(task))?.revision).toBe(2);
        await commit({ actors: [actorOf(task, { revision: 3 })] });
      });

      test('a write after a conflict counts states from what is really there', async () => {
        await commit({ actors: [actorOf(task)] });
        const bad = [
          actorOf(task, { revision: 2, facts: { state: 'running' } }),
          actorOf(idOf('task', 2), { revision: 9 }),
        ];
        expect((await store.commit(batchOf({ actors: bad }))).kind).toBe('conflict');
        expect((await store.counts()).task).toEqual({ ready: 1 });
        await commit({ actors: [actorOf(task, { revision: 2, facts: { state: 'blocked' } })] });
        expect((await store.counts()).task).toEqual({ blocked: 1 });
      });

      test('a commit under another epoch or instance is lost', async () => {
        for (const owner of [
          { epoch: 2, instance: 'first' },
          { epoch: 1, instance: 'other' },
        ]) {
          expect(await store.commit(batchOf({ owner, actors: [actorOf(task)] }))).toEqual({ kind: 'lost' });
        }
        expect(await store.getActor(task)).toBeNull();
      });

      test('an owner that was taken over can write nothing more', async () => {
        const next = await place.open(secondOwner);
        try {
          expect(await store.commit(batchOf({ actors: [actorOf(task)] }))).toEqual({ kind: 'lost' });
          expect(await next.commit(batchOf({ owner: secondOwner, actors: [actorOf(task)] }))).toEqual({
            kind: 'committed',
          });
        } finally {
          await next.close();
        }
      });

      test('an older or equal epoch cannot take a store over', async () => {
        await reopen(secondOwner);
        await expect(place.open(firstOwner)).rejects.toMatchObject({ code: 'owned_elsewhere' });
        await expect(place.open({ epoch: 2, instance: 'third' })).rejects.toMatchObject({ code: 'owned_elsewhere' });
        expect(await store.commit(batchOf({ owner: secondOwner }))).toEqual({ kind: 'committed' });
      });

      test('a closed store refuses everything', async () => {
        await store.close();
        await expect(store.commit(batchOf({}))).rejects.toMatchObject({ code: 'internal' });
        await expect(store.getActor(task)).rejects.toMatchObject({ code: 'internal' });
        await store.close();
        store = await place.open(firstOwner);
      });
    });

    describe('P3 and P4: lists of actors', () => {
      beforeEach(async () => {
        await commit({
          actors: [
            ...some('task', 12, (n) => ({
              state: ['ready', 'running', 'completed'][n % 3]!,
              bucket: n % 3 === 0 ? (n % 2 === 0 ? 'waiting' : 'ready') : n % 3 === 1 ? 'running' : 'completed',
              settled: n % 3 === 2,
              name: `task ${n % 4}`,
              objectiveId: idOf('objective', (n % 2) + 1),
              workerId: n % 3 === 1 ? idOf('worker', n) : null,
            })),
            ...some('run', 6, (n) => ({ taskId: idOf('task', n % 2), workerId: idOf('worker', n), settled: n < 5 })),
            ...some('gate', 4, (n) => ({ taskId: idOf('task', 1), runId: idOf('run', n % 2), state: 'open' })),
          ],
        });
      });

      test('by kind, newest first unless asked otherwise, with the total', async () => {
        const page = await store.listActors({ kind: 'task', limit: 3 });
        expect(page.items.map(({ id }) => id)).toEqual(tasks(12, 11, 10));
        expect(page).toMatchObject({ nextCursor: idOf('task', 10), total: 12 });
        expect(await ids({ limit: 2 })).toEqual(tasks(1, 2));
        expect((await store.listActors({ kind: 'worker', limit: 3 })).items).toEqual([]);
      });

      test.each<[string, Partial<ActorQuery>, number[]]>([
        ['state', { state: 'ready' }, [3, 6, 9, 12]],
        ['bucket', { bucket: 'waiting' }, [6, 12]],
        ['objective', { objectiveId: idOf('objective', 1) }, [2, 4, 6, 8, 10, 12]],
        ['objective and state', { objectiveId: idOf('objective', 1), state: 'completed' }, [2, 8]],
        ['objective and bucket', { objectiveId: idOf('objective', 2), bucket: 'ready' }, [3, 9]],
        ['objective and live', { objectiveId: idOf('objective', 2), live: true }, [1, 3, 7, 9]],
        ['live', { live: true }, [1, 3, 4, 6, 7, 9, 10, 12]],
        ['live: false is no filter', { live: false }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
        ['live and state', { live: true, state: 'running' }, [1, 4, 7, 10]],
        ['state and bucket', { state: 'ready', bucket: 'ready' }, [3, 9]],
        ['name', { name: 'task 1' }, [1, 5, 9]],
        ['name and state', { name: 'task 1', state: 'running' }, [1]],
        ['worker', { workerId: idOf('worker', 4) }, [4]],
        ['all at once', { state: 'ready', bucket: 'waiting', objectiveId: idOf('objective', 1), live: true }, [6, 12]],
        ['nothing', { state: 'unheard of' }, []],
      ])('by %s', async (_, query, numbers) => {
        expect(await ids(query)).toEqual(tasks(...numbers));
        expect(await ids({ ...query, order: 'newest' })).toEqual(tasks(...numbers).toReversed());
      });

      test('those of no objective, by state', async () => {
        const facts = { state: 'completed', settled: true };
        await commit({ actors: [21, 22, 23].map((n) => actorOf(idOf('task', n), { facts })) });
        await commit({
          actors: [actorOf(idOf('task', 22), { revision: 2, facts: { state: 'failed', settled: true } })],
        });
        const loose = { state: 'completed', objectiveId: null };
        expect(await ids(loose)).toEqual(tasks(21, 23));
        expect(await ids({ ...loose, order: 'newest', limit: 1 })).toEqual(tasks(23));
        expect(await ids({ ...loose, limit: 1, after: idOf('task', 21) })).toEqual(tasks(23));
        expect(await ids({ ...loose, state: 'failed' })).toEqual(tasks(22));
      });

      test('a list by kind and state has its total', async () => {
        expect((await store.listActors({ kind: 'task', state: 'ready', limit: 1 })).total).toBe(4);
        expect((await store.listActors({ kind: 'task', state: 'unheard of', limit: 1 })).total).toBe(0);
      });

      test('by task, run and worker', async () => {
        expect(await idsOf({ kind: 'run', taskId: idOf('task', 1), limit: 9 })).toEqual(
          [1, 3, 5].map((n) => idOf('run', n)),
        );
        expect(await idsOf({ kind: 'run', taskId: idOf('task', 1), live: true, limit: 9 })).toEqual([idOf('run', 5)]);
        expect(await idsOf({ kind: 'run', workerId: idOf('worker', 2), limit: 9 })).toEqual([idOf('run', 2)]);
        expect(await idsOf({ kind: 'gate', runId: idOf('run', 1), limit: 9 })).toEqual(
          [1, 3].map((n) => idOf('gate', n)),
        );
        expect(await idsOf({ kind: 'gate', taskId: idOf('task', 1), state: 'open', limit: 2 })).toHaveLength(2);
      });

      test.each<[string, Partial<ActorQuery>]>([
        ['everything', {}],
        ['a state', { state: 'running' }],
        ['an objective', { objectiveId: idOf('objective', 1) }],
        ['an objective and a state', { objectiveId: idOf('objective', 1), state: 'ready' }],
        ['what is live', { live: true }],
        ['a name', { name: 'task 2' }],
      ])('pages of %s meet without a gap or a repeat, both ways', async (_, query) => {
        for (const order of ['newest', 'oldest'] as const) {
          const whole = await ids({ ...query, order });
          for (const limit of [1, 2, 3, whole.length]) {
            const paged: string[] = [];
            let after: string | null = null;
            do {
              const page = await store.listActors({
                kind: 'task',
                ...query,
                order,
                limit,
                ...(after === null ? {} : { after }),
              });
              expect(page.items.length).toBeLessThanOrEqual(limit);
              paged.push(...page.items.map(({ id }) => id));
              after = page.nextCursor;
            } while (after !== null);
            expect(paged).toEqual(whole);
            expect(await store.listActorIds({ kind: 'task', ...query, order, limit })).toEqual(whole.slice(0, limit));
            const [first] = whole;
            const rest = { kind: 'task', ...query, order, limit, after: first! } as const;
            expect(await store.listActorIds(rest)).toEqual(whole.slice(1, limit + 1));
          }
        }
      });

      test('a cursor that is no item any more still has its place', async () => {
        expect(await ids({ after: `${idOf('task', 3)}x` })).toEqual(tasks(4, 5, 6, 7, 8, 9, 10, 11, 12));
      });

      test('a page has 1 to 1000 items', async () => {
        for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
          await expect(store.listActors({ kind: 'task', limit })).rejects.toMatchObject({ code: 'invalid_params' });
          await expect(store.listActorIds({ kind: 'task', limit })).rejects.toMatchObject({ code: 'invalid_params' });
          await expect(store.listJournal({ limit })).rejects.toMatchObject({ code: 'invalid_params' });
        }
      });

      test('an actor moves between lists and counts with its facts', async () => {
        const moved = idOf('task', 3);
        await commit({
          actors: [
            actorOf(moved, {
              revision: 2,
              facts: { state: 'running', bucket: 'running', objectiveId: idOf('objective', 9), name: 'moved' },
            }),
          ],
        });
        expect(await ids({ state: 'ready' })).toEqual(tasks(6, 9, 12));
        expect(await ids({ state: 'running' })).toEqual(tasks(1, 3, 4, 7, 10));
        expect(await ids({ objectiveId: idOf('objective', 9) })).toEqual([moved]);
        expect(await ids({ name: 'task 3' })).toEqual(tasks(7, 11));
        expect((await store.counts()).task).toEqual({ ready: 3, running: 5, completed: 4 });
        await commit({ actors: [actorOf(moved, { revision: 3, facts: { state: 'completed', settled: true } })] });
        expect(await ids({ live: true, state: 'running' })).toEqual(tasks(1, 4, 7, 10));
        expect(await ids({ objectiveId: idOf('objective', 9) })).toEqual([]);
        await reopen();
        expect((await store.counts()).task).toEqual({ ready: 3, running: 4, completed: 5 });
      });

      test('states that nobody is in are not counted', async () => {
        await commit({ actors: [actorOf(idOf('worker', 1), { facts: { state: 'creating' } })] });
        await commit({ actors: [actorOf(idOf('worker', 1), { revision: 2, facts: { state: 'idle' } })] });
        expect((await store.counts()).worker).toEqual({ idle: 1 });
      });

      test('several by id, the missing ones left out', async () => {
        const found = await store.getActors([idOf('task', 2), idOf('task', 99), idOf('run', 1), idOf('task', 2)]);
        expect([...found.keys()].toSorted()).toEqual([idOf('run', 1), idOf('task', 2)]);
        expect(found.get(idOf('run', 1))).toEqual(await store.getActor(idOf('run', 1)));
        expect((await store.getActors([])).size).toBe(0);
      });

      test('ids by prefix, with and without the kind, at most 20', async () => {
        expect(await store.resolvePrefix(['task'], idOf('task', 12))).toEqual([idOf('task', 12)]);
        expect(await store.resolvePrefix(['task'], idOf('task', 12).slice(5))).toEqual([idOf('task', 12)]);
        expect(await store.resolvePrefix(['task'], `task-${'0'.repeat(18)}1`)).toEqual(tasks(10, 11, 12));
        expect(await store.resolvePrefix(['gate', 'run'], '0'.repeat(19))).toEqual([
          ...[1, 2, 3, 4].map((n) => idOf('gate', n)),
          ...[1, 2, 3, 4, 5, 6].map((n) => idOf('run', n)),
        ]);
        expect(await store.resolvePrefix(['worker', 'task'], 'zzz')).toEqual([]);
        expect(await store.resolvePrefix(['run'], idOf('task', 1))).toEqual([]);
        expect(await store.resolvePrefix([...ACTOR_KINDS], '')).toHaveLength(20);
      });
    });

    describe('P3 and P4: the journal', () => {
      const refs = { objectiveId: idOf('objective', 1), taskId: idOf('task', 1), runId: idOf('run', 1) };

      beforeEach(async () => {
        await commit({
          journal: [
            entryOf(1, idOf('objective', 1), { objectiveId: refs.objectiveId, event: { type: 'objective.activate' } }),
            entryOf(2, idOf('task', 1), { objectiveId: refs.objectiveId, taskId: refs.taskId }),
            entryOf(3, idOf('run', 1), { ...refs, event: { type: 'runner.ready' } }),
            entryOf(4, idOf('worker', 1), { runId: refs.runId }),
          ],
        });
        await commit({
          journal: [
            entryOf(5, idOf('run', 2), { ...refs, runId: idOf('run', 2) }),
            entryOf(6, 'supervisor', { kind: 'note', from: null, to: null, taken: [], patch: null }),
            entryOf(7, idOf('run', 1), {
              ...refs,
              kind: 'rejected',
              reason: 'old_epoch',
              patch: null,
              principal: 'child_run',
            }),
            entryOf(8, idOf('gate', 1), { ...refs, patch: { keyframe: snapshotOf({ none: null }) } }),
            entryOf(9, idOf('task', 2), { taskId: idOf('task', 2), patch: { blob: 'f'.repeat(64) } }),
            entryOf(10, idOf('task', 1), { ...refs, event: { type: 'task.runEnded' } }),
            entryOf(11, idOf('worker', 1), { ...refs, objectiveId: null }),
          ],
        });
      });

      test.each<[string, Omit<Parameters<Store['listJournal']>[0], 'limit'>, number[]]>([
        ['nothing', {}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
        ['after', { after: 7 }, [8, 9, 10, 11]],
        ['actor', { actor: idOf('run', 1) }, [3, 7]],
        ['an actor that has no machine', { actor: 'supervisor' }, [6]],
        ['objective', { objectiveId: refs.objectiveId }, [1, 2, 3, 5, 7, 8, 10]],
        ['task', { taskId: refs.taskId }, [2, 3, 5, 7, 8, 10, 11]],
        ['run', { runId: refs.runId }, [3, 4, 7, 8, 10, 11]],
        ['type', { type: 'runner.ready' }, [3]],
        ['task and type', { taskId: refs.taskId, type: 'task.progressed' }, [2, 5, 7, 8, 11]],
        ['task and actor', { taskId: refs.taskId, actor: idOf('run', 1) }, [3, 7]],
        ['objective after', { objectiveId: refs.objectiveId, after: 3 }, [5, 7, 8, 10]],
        ['run and task', { runId: refs.runId, taskId: refs.taskId }, [3, 7, 8, 10, 11]],
        ['until', { until: 3 }, [1, 2, 3]],
        ['a stretch', { after: 4, until: 6 }, [5, 6]],
        ['task until', { taskId: refs.taskId, until: 7 }, [2, 3, 5, 7]],
        ['run in a stretch', { runId: refs.runId, after: 3, until: 10 }, [4, 7, 8, 10]],
        ['everything', { ...refs, actor: idOf('run', 1), type: 'runner.ready', after: 2 }, [3]],
      ])('by %s, in both orders', async (_, query, wanted) => {
        expect(await seqs({ ...query, limit: 100 })).toEqual(wanted);
        expect(await seqs({ ...query, limit: 100, order: 'newest' })).toEqual(wanted.toReversed());
        expect(await seqs({ ...query, limit: 1 })).toEqual(wanted.slice(0, 1));
        expect(await seqs({ ...query, limit: 1, order: 'newest' })).toEqual(wanted.slice(-1));
      });

      test('the last seq is known, also after reopening', async () => {
        expect(await store.lastSeq()).toBe(11);
        await reopen();
        expect(await store.lastSeq()).toBe(11);
      });
    });

    describe('time travel', () => {
      test('every snapshot an actor ever had, by full copies and patches', async () => {
        const states: (PersistedSnapshot | null)[] = [null];
        let current = snapshotOf({ n: 0, none: null, list: [1] });
        const blob = new TextEncoder().encode(JSON.stringify(snapshotOf({ n: 'large', none: null })));
        for (let seq = 1; seq <= 250; seq += 1) {
          const isOther = seq % 7 === 0;
          const isRejected = seq % 11 === 0;
          const next =
            seq === 150
              ? snapshotOf({ n: 'large', none: null })
              : snapshotOf({ ...current.context, n: seq % 3 === 0 ? null : seq, [`k${seq % 5}`]: { seq } });
          const patch =
            seq === 150
              ? { blob: 'b'.repeat(64) }
              : seq % 100 === 1
                ? { keyframe: next }
                : { merge: diffSnapshot(current, next) };
          await commit({
            journal: [
              isOther
                ? entryOf(seq, idOf('run', 1))
                : isRejected
                  ? entryOf(seq, task, { kind: 'rejected', patch: null })
                  : entryOf(seq, task, { patch }),
            ],
            blobs: seq === 150 ? [{ hash: 'b'.repeat(64), data: blob, usedBy: [] }] : [],
          });
          if (!isOther && !isRejected) current = next;
          states.push(current);
        }
        for (let seq = 0; seq <= 250; seq += 1) {
          expect(await store.snapshotAt(task, seq)).toEqual(states[seq]);
          const last = Array.from({ length: seq }, (_, n) => n + 1).findLast((entry) => entry % 7 !== 0);
          expect((await store.lastEntriesAt([task], seq)).get(task)).toBe(last);
        }
        expect(await store.snapshotAt(task, 9_999)).toEqual(current);
        expect(await store.snapshotAt('task-unknown', 250)).toBeNull();
      });

      test('many at one moment: each with the entry that made it, without those that came later', async () => {
        const [a, b, late] = [idOf('task', 1), idOf('run', 1), idOf('gate', 1)];
        await commit({
          journal: [
            entryOf(1, a, keyframe(1)),
            entryOf(2, b, { ...keyframe(2), version: '7' }),
            entryOf(3, a, { patch: { merge: diffSnapshot(snapshotOf({ n: 1 }), snapshotOf({ n: 3 })) } }),
            entryOf(4, a, { kind: 'rejected', patch: null }),
            entryOf(5, late, keyframe(5)),
          ],
        });
        const [third] = await store.listJournal({ after: 2, limit: 1 });
        const moments = await store.momentsAt([a, b, late, 'task-unknown'], 4);
        expect([...moments.keys()].toSorted()).toEqual([b, a]);
        expect(moments.get(a)).toEqual({ snapshot: snapshotOf({ n: 3 }), seq: 3, at: third!.at, version: '1' });
        expect(moments.get(b)).toMatchObject({ snapshot: snapshotOf({ n: 2 }), seq: 2, version: '7' });
        expect([...(await store.momentsAt([a, late], 5)).keys()].toSorted()).toEqual([late, a]);
        for (const count of [0, 1_001]) {
          const many = Array.from({ length: count }, (_, n) => idOf('task', n));
          await expect(store.momentsAt(many, 5)).rejects.toMatchObject({ code: 'invalid_params' });
          await expect(store.lastEntriesAt(many, 5)).rejects.toMatchObject({ code: 'invalid_params' });
        }
        const last = await store.lastEntriesAt([late, a, b, 'task-unknown'], 4);
        expect([last.size, last.get(a), last.get(b)]).toEqual([2, 4, 2]);
        expect(await store.lastEntriesAt([late], 4)).toEqual(new Map());
      });

      test('a full copy that is missing is damage, not an older state', async () => {
        await commit({ journal: [entryOf(1, task, { patch: { blob: 'c'.repeat(64) } })] });
        await expect(store.snapshotAt(task, 1)).rejects.toMatchObject({ code: 'store_damaged' });
      });
    });

    describe('relations', () => {
      const objective = idOf('objective', 1);
      const rows = async (page: Parameters<Store['listRelation']>[2]) => store.listRelation('member', objective, page);

      test('rows are numbered in the order in which they were handed in; a repeat keeps its number and uses one up', async () => {
        await commit({
          relations: [memberOf(3), { relation: 'dependent', from: task, to: idOf('task', 9) }, memberOf(1)],
        });
        await commit({ relations: [memberOf(3), memberOf(2), memberOf(2)] });
        expect(await store.lastRelationRow()).toBe(6);
        expect(await rows({ after: 0, limit: 10 })).toEqual([
          { row: 1, to: idOf('task', 3) },
          { row: 3, to: idOf('task', 1) },
          { row: 5, to: idOf('task', 2) },
        ]);
        expect(await rows({ after: 1, limit: 1 })).toEqual([{ row: 3, to: idOf('task', 1) }]);
        expect(await rows({ after: 0, until: 3, limit: 10 })).toHaveLength(2);
        expect(await rows({ after: 5, limit: 10 })).toEqual([]);
        expect(await store.listRelation('dependent', task, { after: 0, limit: 10 })).toEqual([
          { row: 2, to: idOf('task', 9) },
        ]);
        expect(await store.listRelation('gate', task, { after: 0, limit: 10 })).toEqual([]);
        await reopen();
        await commit({ relations: [memberOf(5)] });
        expect(await rows({ after: 5, limit: 10 })).toEqual([{ row: 7, to: idOf('task', 5) }]);
      });
    });

    describe('outbox', () => {
      test('a row lives until it is done or failed, and keeps its place', async () => {
        await commit({ outbox: [outboxOf('a'), outboxOf('b', { lane: 'end' }), outboxOf('c'), outboxOf('d')] });
        await commit({
          outboxUpdates: [
            { key: 'a', state: 'waiting', tries: 1, deaths: 1 },
            { key: 'b', state: 'done', tries: 1, deaths: 0 },
            { key: 'c', state: 'parked', tries: 3, deaths: 3 },
            { key: 'd', state: 'failed', tries: 5, deaths: 0 },
          ],
        });
        const left = [outboxOf('a', { tries: 1, deaths: 1 }), outboxOf('c', { state: 'parked', tries: 3, deaths: 3 })];
        expect(await store.listOutbox()).toEqual(left);
        await commit({ outbox: [outboxOf('e')], outboxUpdates: [{ key: 'b', state: 'waiting', tries: 9, deaths: 0 }] });
        await reopen();
        expect(await store.listOutbox()).toEqual([...left, outboxOf('e')]);
      });

      test('a row may be made and ended in one commit', async () => {
        await commit({ outbox: [outboxOf('a')], outboxUpdates: [{ key: 'a', state: 'done', tries: 1, deaths: 0 }] });
        expect(await store.listOutbox()).toEqual([]);
      });
    });

    describe('timers', () => {
      test('arming again replaces, clearing removes, clearing comes before arming', async () => {
        const timer = (key: string, dueAt: number) => ({ actor: task, key, dueAt: at(dueAt), event: `timer.${key}` });
        await commit({ timers: [timer('late', 30), timer('soon', 10), timer('gone', 20)] });
        await commit({
          timers: [timer('soon', 40), timer('again', 50)],
          timersCleared: [
            { actor: task, key: 'gone' },
            { actor: task, key: 'never armed' },
            { actor: task, key: 'again' },
          ],
        });
        const left = [timer('late', 30), timer('soon', 40), timer('again', 50)];
        expect(await store.listTimers()).toEqual(left);
        await reopen();
        expect(await store.listTimers()).toEqual(left);
      });
    });

    describe('requests', () => {
      test('a result is found for a day, then forgotten in small steps', async () => {
        const names = Array.from({ length: 40 }, (_, index) => `old ${index}`);
        await commit({ requests: names.map((name) => requestOf(name, startOfTime)) });
        await commit({ at: at(startOfTime + dayMs), requests: [requestOf('at the edge', startOfTime + dayMs)] });
        expect(await store.getRequest('old 0')).toEqual(requestOf('old 0', startOfTime));
        let left = names.length;
        for (let step = 1; left > 0 && step <= names.length; step += 1) {
          const later = startOfTime + dayMs + step;
          await commit({ at: at(later), requests: [requestOf(`new ${step}`, later)] });
          const found = await Promise.all(names.map((name) => store.getRequest(name)));
          const now = found.filter((row) => row !== null).length;
          expect(now).toBeLessThan(left);
          expect(left - now).toBeLessThanOrEqual(16);
          left = now;
        }
        expect(left).toBe(0);
        expect(await store.getRequest('at the edge')).not.toBeNull();
      });

      test('a later result replaces an earlier one', async () => {
        await commit({ requests: [requestOf('r', 1)] });
        await commit({ requests: [{ ...requestOf('r', 2), hash: 'other' }] });
        expect(await store.getRequest('r')).toMatchObject({ hash: 'other', at: 2 });
      });
    });

    describe('blobs, artifacts, continuations', () => {
      test('a blob is stored once, empty and large ones too', async () => {
        const large = new Uint8Array(300_000).map((_, index) => index % 251);
        await commit({
          blobs: [
            { hash: 'l', data: large, usedBy: [task] },
            { hash: 'e', data: new Uint8Array(), usedBy: [] },
          ],
        });
        await commit({ blobs: [{ hash: 'l', data: new Uint8Array([1]), usedBy: [] }] });
        expect(await store.getBlob('l')).toEqual(large);
        expect(await store.getBlob('e')).toEqual(new Uint8Array());
        expect(await store.getBlob('none')).toBeNull();
      });

      test('which content hashes are named by an artifact', async () => {
        await commit({
          artifacts: [artifactOf(1, { sha256: 'a' }), artifactOf(2, { sha256: 'a' }), artifactOf(3, { sha256: 'b' })],
        });
        expect(await store.namedHashes(['a', 'b', 'c'])).toEqual(new Set(['a', 'b']));
        expect(await store.namedHashes(['c'])).toEqual(new Set());
      });

      test('artifacts by what they belong to, newest first; the first of an id stays', async () => {
        const [one, two] = [idOf('task', 1), idOf('task', 2)];
        await commit({
          artifacts: [
            artifactOf(1, { taskId: one, runId: idOf('run', 1), objectiveId: idOf('objective', 1) }),
            artifactOf(2, { taskId: one, runId: idOf('run', 2), objectiveId: idOf('objective', 1), type: 'report' }),
            artifactOf(3, {
              taskId: two,
              objectiveId: idOf('objective', 1),
              workerId: idOf('worker', 1),
              truncated: true,
            }),
            artifactOf(4),
          ],
        });
        await commit({ artifacts: [artifactOf(4, { name: 'second' })] });
        const list = async (query: object) =>
          (await store.listArtifacts({ limit: 10, ...query })).items.map(({ artifactId }) =>
            Number(artifactId.slice(-2)),
          );
        expect(await list({})).toEqual([4, 3, 2, 1]);
        expect(await list({ taskId: one })).toEqual([2, 1]);
        expect(await list({ runId: idOf('run', 1) })).toEqual([1]);
        expect(await list({ objectiveId: idOf('objective', 1) })).toEqual([3, 2, 1]);
        expect(await list({ objectiveId: idOf('objective', 1), type: 'log' })).toEqual([3, 1]);
        expect(await list({ type: 'report' })).toEqual([2]);
        const page = await store.listArtifacts({ limit: 3 });
        expect(page.nextCursor).toBe(artifactOf(2).artifactId);
        expect(await list({ after: page.nextCursor })).toEqual([1]);
        expect(await store.getArtifact(artifactOf(4).artifactId)).toEqual(artifactOf(4));
        expect(await store.getArtifact('artifact-none')).toBeNull();
      });

      test('a continuation advances and ends', async () => {
        const row = full(1).continuations![0]!;
        await commit({
          continuations: [
            { ...row, id: 2 },
            { ...row, id: 1 },
          ],
        });
        expect((await store.listContinuations()).map(({ id }) => id)).toEqual([1, 2]);
        await commit({
          continuationsAdvanced: [
            { id: 1, afterRow: 15 },
            { id: 2, afterRow: 20 },
            { id: 7, afterRow: 1 },
          ],
        });
        await reopen();
        expect(await store.listContinuations()).toEqual([{ ...row, id: 1, afterRow: 15 }]);
      });
    });

    describe('the archive', () => {
      const objective = idOf('objective', 1);
      const other = idOf('objective', 2);
      const outside = idOf('task', 9);
      const settled = (id: ActorId, facts: Partial<ActorFacts> = {}) =>
        actorOf(id, { facts: { objectiveId: objective, state: 'completed', settled: true, ...facts } });
      const gone = [objective, task, idOf('run', 1)];
      const rowOf = (rest: Partial<ArchiveRow> = {}): ArchiveRow => ({
        subjectId: objective,
        title: 'old',
        state: 'completed',
        file: `${objective}.ndjson.gz`,
        bytes: 10,
        sha256: 'a'.repeat(64),
        actors: 3,
        entries: 4,
        artifacts: 1,
        firstSeq: 1,
        lastSeq: 7,
        archivedAt: at(99),
        ...rest,
      });
      const moveOf = (rest: Partial<ArchiveMove> = {}): ArchiveMove => ({
        owner: firstOwner,
        row: rowOf(),
        actors: gone.map((id) => ({ id, revision: 1 })),
        artifacts: [artifactOf(1).artifactId],
        edges: [{ relation: 'dependent', from: outside, to: task }],
        ...rest,
      });

      beforeEach(async () => {
        await commit({
          actors: [
            settled(objective),
            settled(task, { bucket: 'completed', name: 'old' }),
            settled(idOf('run', 1), { taskId: task, state: 'succeeded' }),
            actorOf(idOf('worker', 1), { facts: { objectiveId: objective, state: 'idle' } }),
            actorOf(outside, { facts: { objectiveId: other } }),
          ],
          journal: [
            entryOf(1, objective, { objectiveId: objective }),
            entryOf(2, task, { objectiveId: objective, taskId: task }),
            entryOf(3, outside, { objectiveId: other }),
            entryOf(4, idOf('worker', 1), {
              objectiveId: objective,
              taskId: task,
              patch: { keyframe: snapshotOf({}) },
            }),
            entryOf(5, idOf('run', 1), { objectiveId: objective, taskId: task, runId: idOf('run', 1) }),
            entryOf(6, 'supervisor', { kind: 'note', patch: null, taskId: task }),
            entryOf(7, task, { objectiveId: objective, taskId: task }),
          ],
          relations: [
            { relation: 'member', from: objective, to: task },
            { relation: 'dependent', from: outside, to: task },
            { relation: 'dependent', from: outside, to: idOf('task', 8) },
          ],
          artifacts: [artifactOf(1, { objectiveId: objective, taskId: task }), artifactOf(2, { objectiveId: other })],
          blobs: [
            { hash: 'own', data: new Uint8Array([1]), usedBy: [task] },
            { hash: 'shared', data: new Uint8Array([2]), usedBy: [task, idOf('run', 1), outside] },
            { hash: 'nobody', data: new Uint8Array([3]), usedBy: [] },
          ],
        });
      });

      test('M1: its actors, entries, edges and artifacts go, the index row comes, the rest stays as it was', async () => {
        expect(await store.archive(moveOf())).toEqual({ kind: 'committed' });
        for (const owner of [firstOwner, secondOwner]) {
          expect((await store.getActors(gone)).size).toBe(0);
          expect(await store.resolvePrefix(['task'], task)).toEqual([]);
          expect(await seqs({ limit: 100 })).toEqual([3, 4, 6]);
          expect(await seqs({ limit: 100, order: 'newest' })).toEqual([6, 4, 3]);
          expect(await seqs({ limit: 100, taskId: task })).toEqual([4, 6]);
          expect(await store.snapshotAt(task, 7)).toBeNull();
          expect(await store.lastEntriesAt([task, idOf('worker', 1)], 7)).toEqual(new Map([[idOf('worker', 1), 4]]));
          expect(await store.snapshotAt(idOf('worker', 1), 7)).toEqual(snapshotOf({}));
          expect(await store.counts()).toMatchObject({
            task: { ready: 1 },
            run: {},
            objective: {},
            worker: { idle: 1 },
          });
          expect(await ids({})).toEqual([outside]);
          expect(await store.listRelation('member', objective, { after: 0, limit: 9 })).toEqual([]);
          expect(await store.listRelation('dependent', outside, { after: 0, limit: 9 })).toEqual([
            { row: 3, to: idOf('task', 8) },
          ]);
          expect((await store.listArtifacts({ limit: 9 })).items.map(({ artifactId }) => artifactId)).toEqual([
            artifactOf(2).artifactId,
          ]);
          for (const id of [...gone, artifactOf(1).artifactId]) {
            expect(await store.findArchived(id)).toEqual(rowOf());
          }
          expect(await store.findArchived(outside)).toBeNull();
          expect(await store.listArchived({ limit: 10 })).toEqual({ items: [rowOf()], nextCursor: null, total: null });
          await reopen(owner === firstOwner ? secondOwner : { epoch: 3, instance: 'third' });
        }
      });

      test('M3: a blob goes with the last actor that uses it, and comes back with the next', async () => {
        expect((await store.blobsOf([task])).toSorted()).toEqual(['own', 'shared']);
        await store.archive(moveOf());
        expect(await store.blobsOf(gone)).toEqual([]);
        expect(await store.getBlob('own')).toBeNull();
        expect(await store.getBlob('shared')).toEqual(new Uint8Array([2]));
        expect(await store.getBlob('nobody')).toEqual(new Uint8Array([3]));
        await commit({ blobs: [{ hash: 'own', data: new Uint8Array([1]), usedBy: [outside] }] });
        expect(await store.getBlob('own')).toEqual(new Uint8Array([1]));
        expect((await store.blobsOf([outside, task])).toSorted()).toEqual(['own', 'shared']);
        const facts = { objectiveId: other, settled: true };
        await commit({ actors: [actorOf(outside, { revision: 2, facts })] });
        const last = rowOf({ subjectId: outside, entries: 1, artifacts: 0, actors: 1 });
        const move = moveOf({ row: last, actors: [{ id: outside, revision: 2 }], artifacts: [], edges: [] });
        expect(await store.archive(move)).toEqual({ kind: 'committed' });
        for (const hash of ['own', 'shared']) expect(await store.getBlob(hash)).toBeNull();
      });

      test('the journal goes on where it stood, although its last entries are gone', async () => {
        await store.archive(moveOf());
        await reopen();
        expect(await store.lastSeq()).toBe(7);
        await commit({ journal: [entryOf(8, outside)], actors: [actorOf(outside, { revision: 2 })] });
        await reopen();
        expect(await seqs({ limit: 100 })).toEqual([3, 4, 6, 8]);
        expect(await store.lastRelationRow()).toBe(3);
      });

      test.each<[string, Partial<CommitBatch>, Partial<ArchiveMove>]>([
        ['an actor that has changed', { actors: [{ ...settled(task), revision: 2, expectedRevision: 1 }] }, {}],
        [
          'an actor that is not settled',
          { actors: [actorOf(idOf('gate', 1), { facts: { objectiveId: objective } })] },
          { actors: [...moveOf().actors, { id: idOf('gate', 1), revision: 1 }] },
        ],
        ['an actor that is not there', {}, { actors: [...moveOf().actors, { id: idOf('run', 7), revision: 1 }] }],
        ['an entry more', { journal: [entryOf(8, task, { kind: 'rejected', patch: null })] }, {}],
        ['an artifact more', { artifacts: [artifactOf(3, { objectiveId: objective })] }, {}],
        ['an artifact more of a run', { artifacts: [artifactOf(3, { runId: idOf('run', 1) })] }, {}],
        ['an artifact that is not there', {}, { artifacts: [artifactOf(1).artifactId, artifactOf(4).artifactId] }],
        ['a timer', { timers: [{ actor: task, key: 'retry', dueAt: at(1), event: 'timer.retry' }] }, {}],
        ['an effect that waits', { outbox: [outboxOf(`${idOf('run', 1)}/5/0`)] }, {}],
        ['a tell that goes on', { continuations: [{ ...full(1).continuations![0]!, of: objective }] }, {}],
        ['another owner', {}, { owner: secondOwner }],
      ])('M2: %s keeps everything as it was', async (_, more, rest) => {
        await commit(more);
        const before = await everything();
        const result = await store.archive(moveOf(rest));
        expect(result.kind).toBe(rest.owner === undefined ? 'conflict' : 'lost');
        expect(await everything()).toEqual(before);
        expect((await store.listArchived({ limit: 10 })).items).toEqual([]);
        await commit({});
      });

      test('a write that was computed before the move is a conflict after it', async () => {
        await store.archive(moveOf());
        const late = { ...settled(task), revision: 2, expectedRevision: 1 };
        expect(await store.commit(batchOf({ actors: [late] }))).toEqual({ kind: 'conflict', actor: task });
      });

      test('pages of archived objectives meet without a gap', async () => {
        for (let n = 11; n <= 15; n += 1) {
          await commit({ actors: [settled(idOf('objective', n))] });
          const row = rowOf({ subjectId: idOf('objective', n), entries: 0, artifacts: 0, actors: 1 });
          const actors = [{ id: row.subjectId, revision: 1 }];
          expect(await store.archive(moveOf({ row, actors, artifacts: [], edges: [] }))).toEqual({ kind: 'committed' });
        }
        const first = await store.listArchived({ limit: 3 });
        expect(first.items.map(({ subjectId }) => subjectId)).toEqual([15, 14, 13].map((n) => idOf('objective', n)));
        const rest = await store.listArchived({ limit: 3, after: first.nextCursor! });
        expect(rest.items.map(({ subjectId }) => subjectId)).toEqual([12, 11].map((n) => idOf('objective', n)));
        expect(rest.nextCursor).toBeNull();
      });
    });

    describe('dead letters', () => {
      test('the newest stay', async () => {
        await commit({ deadLetters: [1, 2, 3, 4, 5].map(letter) });
        expect(await store.pruneDeadLetters(5)).toBe(0);
        expect(await store.pruneDeadLetters(2)).toBe(3);
        expect(await store.pruneDeadLetters(2)).toBe(0);
        await commit({ deadLetters: [letter(6)] });
        expect((await store.listDeadLetters(9)).map(({ message }) => message)).toEqual(['6', '5', '4']);
      });
    });
  });
};

const letter = (n: number) => ({ at: at(n), to: 'task-1', event: null, code: 'internal', message: `${n}`, chain: [] });
