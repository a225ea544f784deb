/**
 * What a long history costs: a store of 100,000 finished tasks with 1,000,000 journal entries is opened, listed, and travelled
 * through. Every read is one of the port's; places are drawn evenly over all tasks.
 */
import { join } from 'node:path';
import { openSqliteStore, type SqliteStore } from '../src/persistence/sqlite-store.ts';
import { createKernel } from '../src/supervisor/kernel/create-kernel.ts';
import { systemClock } from '../src/supervisor/kernel/system-clock.ts';
import { median, quantile, type BenchRow } from './bench-row.ts';
import { measureLargeStart } from './large-start.ts';
import { createWorkload, idOf, OBJECTIVES, owner } from './store-workload.ts';

const TASKS = 100_000;
const ROUNDS = 10;
const BATCH = 2_000;
const OPENINGS = 15;
const READS = 200;
const OPEN_TARGET_MS = 400;
const LIST_TARGET_MS = 10;
const STEP_TARGET_MS = 50;

/** @param folder An empty directory; the store is left in it. */
export async function measureLargeStore(folder: string): Promise<BenchRow[]> {
  const path = join(folder, 'large.db');
  const built = await openSqliteStore({ path, owner });
  const next = createWorkload({ tasks: TASKS, batch: BATCH, rounds: ROUNDS });
  for (let entries = 0; entries < TASKS * ROUNDS; entries += BATCH) {
    const result = await built.commit(next());
    if (result.kind !== 'committed') throw new Error(`The bench's commit was answered ${result.kind}.`);
  }
  await built.close();
  const started = await measureLargeStart(path, size);
  const opened = await measureOpening(path);
  const store = await openSqliteStore({ path });
  try {
    return [...started, opened, await measureLists(store), await measureTimeTravel(store)];
  } finally {
    await store.close();
  }
}

const size = `${TASKS.toLocaleString('en')} tasks, ${(TASKS * ROUNDS).toLocaleString('en')} entries`;

async function measureOpening(path: string): Promise<BenchRow> {
  const times: number[] = [];
  for (let round = 0; round < OPENINGS; round += 1) {
    const from = performance.now();
    const store = await openSqliteStore({ path });
    const kernel = await createKernel({
      store,
      clock: systemClock,
      handlers: null,
      onFatal: (reason) => {
        throw new Error(reason);
      },
    });
    await kernel.read(idOf('task', round));
    times.push(performance.now() - from);
    await kernel.stop();
    await store.close();
  }
  return {
    name: `supervisor store open at ${size}`,
    unit: 'ms',
    median: median(times),
    p95: quantile(times, 0.95),
    target: `≤ ${String(OPEN_TARGET_MS)} ms for the whole start`,
    met: quantile(times, 0.95) <= OPEN_TARGET_MS,
    detail: `${String(OPENINGS)} openings of store and kernel until the first read is answered`,
  };
}

/** Reads as hosts make them, from a place drawn in 0..1. */
const READ_KINDS: Readonly<Record<string, (store: SqliteStore, place: number) => Promise<unknown>>> = {
  'newest tasks': async (store) => store.listActors({ kind: 'task', limit: 50 }),
  'a page of tasks': async (store, place) =>
    store.listActors({ kind: 'task', limit: 50, after: idOf('task', Math.floor(place * TASKS)) }),
  'tasks by state': async (store, place) =>
    store.listActors({ kind: 'task', state: 'completed', limit: 50, after: idOf('task', Math.floor(place * TASKS)) }),
  'tasks of an objective by state': async (store, place) =>
    store.listActors({
      kind: 'task',
      state: 'completed',
      objectiveId: idOf('objective', Math.floor(place * OBJECTIVES)),
      limit: 50,
      after: idOf('task', Math.floor(place * TASKS)),
    }),
  'tasks in a state that none has': async (store) => store.listActors({ kind: 'task', state: 'failed', limit: 50 }),
  'what is live': async (store) => store.listActors({ kind: 'task', live: true, limit: 50 }),
  counts: async (store) => store.counts(),
  'a task by prefix': async (store, place) => store.resolvePrefix(['task'], idOf('task', Math.floor(place * TASKS))),
  'newest entries': async (store) => store.listJournal({ order: 'newest', limit: 50 }),
  'a page of entries': async (store, place) =>
    store.listJournal({ after: Math.floor(place * TASKS * ROUNDS), limit: 50 }),
  'history of a task': async (store, place) =>
    store.listJournal({ taskId: idOf('task', Math.floor(place * TASKS)), order: 'newest', limit: 50 }),
  'history of a run': async (store, place) =>
    store.listJournal({ runId: idOf('run', Math.floor(place * TASKS)), order: 'newest', limit: 50 }),
  'history of an objective': async (store, place) =>
    store.listJournal({
      objectiveId: idOf('objective', Math.floor(place * OBJECTIVES)),
      after: Math.floor(place * TASKS * ROUNDS),
      limit: 50,
    }),
  'entries by type': async (store) => store.listJournal({ type: 'task.progressed', order: 'newest', limit: 50 }),
  'entries of a type that there is not': async (store) => store.listJournal({ type: 'none', limit: 50 }),
};

async function measureLists(store: SqliteStore): Promise<BenchRow> {
  const kinds: { readonly name: string; readonly times: readonly number[] }[] = [];
  for (const [name, read] of Object.entries(READ_KINDS)) {
    kinds.push({ name, times: await timesOf((place) => read(store, place)) });
  }
  const slowest = kinds.toSorted((a, b) => quantile(b.times, 0.95) - quantile(a.times, 0.95))[0]!;
  const p95 = quantile(slowest.times, 0.95);
  return {
    name: `list, history operations at ${size}: the slowest`,
    unit: 'ms',
    median: median(slowest.times),
    p95,
    target: `p95 ≤ ${String(LIST_TARGET_MS)} ms`,
    met: p95 <= LIST_TARGET_MS,
    detail: `«${slowest.name}»; p95 of the others: ${kinds
      .filter((kind) => kind !== slowest)
      .map(({ name, times }) => `${name} ${quantile(times, 0.95).toFixed(2)}`)
      .join(', ')}`,
  };
}

async function measureTimeTravel(store: SqliteStore): Promise<BenchRow> {
  // The last entry before a full copy is the farthest from one: a task that goes on for 99 entries more.
  const next = createWorkload({ tasks: 1, batch: 99, rounds: null });
  const { journal } = next();
  const first = await store.lastSeq();
  const task = idOf('task', TASKS - 1);
  const result = await store.commit({
    ...next(),
    owner: store.owner,
    actors: [],
    outbox: [],
    outboxUpdates: [],
    journal: journal.map((entry, index) => ({
      ...entry,
      seq: first + index + 1,
      commit: first + 1,
      actor: task,
      patch: index === 0 ? entry.patch : { merge: { context: { progressAt: index } } },
    })),
  });
  if (result.kind !== 'committed') throw new Error(`The bench's commit was answered ${result.kind}.`);
  const last = await store.lastSeq();
  const near = await timesOf(async (place) =>
    store.snapshotAt(idOf('task', Math.floor(place * (TASKS - 1))), Math.floor(place * TASKS * ROUNDS) + TASKS),
  );
  const far = await timesOf(async () => store.snapshotAt(task, last));
  const p95 = quantile(far, 0.95);
  return {
    name: `a step of time travel at ${size}`,
    unit: 'ms',
    median: median(far),
    p95,
    target: `p95 ≤ ${String(STEP_TARGET_MS)} ms`,
    met: p95 <= STEP_TARGET_MS,
    detail: `98 patches from the full copy; anywhere: median ${median(near).toFixed(2)} ms`,
  };
}

async function timesOf(read: (place: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < READS; round += 1) {
    const from = performance.now();
    // Steps of the golden ratio: even over all, near to nothing that was read just before.
    await read((round * 0.618_033_988_75) % 1);
    times.push(performance.now() - from);
  }
  return times;
}
