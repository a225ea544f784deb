/**
 * What the inspector's page asks for while somebody scrubs through the past: one machine, one objective, the whole project, each at
 * moments drawn evenly over its life, in a store of 1,000,000 journal entries. Through the operations, as the page asks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type SqliteStore } from '../src/persistence/sqlite-store.ts';
import { createKernel } from '../src/supervisor/kernel/create-kernel.ts';
import { systemClock } from '../src/supervisor/kernel/system-clock.ts';
import { median, quantile, type BenchRow } from './bench-row.ts';
import { liveObjective, openBenchProject, type BenchProject, type LivedObjective } from './inspector-project.ts';
import { createWorkload, owner } from './store-workload.ts';

const ENTRIES = 1_000_000;
const TASKS = 100_000;
const BATCH = 2_000;
const STEPS = 200;
const WARM_UP = 20;
const TARGET_MS = 50;

export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  try {
    return await measure(await openSqliteStore({ path: join(folder, 'large.db'), owner }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(store: SqliteStore): Promise<BenchRow[]> {
  const next = createWorkload({ tasks: TASKS, batch: BATCH, rounds: ENTRIES / TASKS });
  // Half of the history lies before what is looked at, half after it.
  await fill(store, next, 0);
  const kernel = await createKernel({
    store,
    clock: systemClock,
    handlers: null,
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  const project = openBenchProject(store, kernel);
  const hundred = await liveObjective(project, 100);
  const thousand = await liveObjective(project, 1_000);
  await kernel.stop();
  await fill(store, next, (await store.lastSeq()) - ENTRIES / 2);
  try {
    return await rowsOf(project, hundred, thousand);
  } finally {
    await store.close();
  }
}

/** @param offset Entries that others wrote in between. */
async function fill(store: SqliteStore, next: ReturnType<typeof createWorkload>, offset: number): Promise<void> {
  for (let entries = 0; entries < ENTRIES / 2; entries += BATCH) {
    const batch = next();
    const journal = batch.journal.map((entry) => ({
      ...entry,
      seq: entry.seq + offset,
      commit: entry.commit + offset,
    }));
    const result = await store.commit({ ...batch, owner: store.owner, journal });
    if (result.kind !== 'committed') throw new Error(`The bench's commit was answered ${result.kind}.`);
  }
}

async function rowsOf(project: BenchProject, hundred: LivedObjective, thousand: LivedObjective): Promise<BenchRow[]> {
  const { objectiveId } = hundred;
  const snapshot = await timesOf(hundred, async (seq, index) => {
    const id = hundred.runs[index % hundred.runs.length]!;
    await project.ask('conductor_get_snapshot', { id, seq: Math.max(seq, hundred.begins.get(id)!) });
  });
  return [
    row('one machine', snapshot, true),
    row('an objective of 100 tasks', await timesOf(hundred, step(project, { objectiveId })), true),
    row(
      'an objective of 1,000 tasks',
      await timesOf(thousand, step(project, { objectiveId: thousand.objectiveId })),
      false,
    ),
    row('the whole project, 1,100 tasks shown', await timesOf(thousand, step(project, {})), false),
  ];
}

const step =
  (project: BenchProject, scope: object) =>
  async (seq: number): Promise<void> => {
    await project.ask('conductor_get_overview', { ...scope, seq });
  };

async function timesOf(
  { from, to }: LivedObjective,
  ask: (seq: number, index: number) => Promise<void>,
): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < WARM_UP + STEPS; index += 1) {
    // Steps of the golden ratio: even over the life, near to nothing that was read just before.
    const seq = from + Math.floor(((index * 0.618_033_988_75) % 1) * (to - from));
    const began = performance.now();
    await ask(seq, index);
    if (index >= WARM_UP) times.push(performance.now() - began);
  }
  return times;
}

function row(what: string, times: readonly number[], hasTarget: boolean): BenchRow {
  const p95 = quantile(times, 0.95);
  return {
    name: `a step of time travel at ${ENTRIES.toLocaleString('en')} entries: ${what}`,
    unit: 'ms',
    median: median(times),
    p95,
    target: hasTarget ? `p95 ≤ ${String(TARGET_MS)} ms` : 'none; bounded',
    met: hasTarget ? p95 <= TARGET_MS : null,
    detail: `${String(STEPS)} moments of its life, slowest ${Math.max(...times).toFixed(1)} ms`,
  };
}
