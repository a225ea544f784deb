/**
 * What the inspector's page asks for while somebody scrubs through the past: one machine, one objective, the whole project, in a store
 * of 1,000,000 journal entries, through the operations, as the page asks. A leap goes to a moment drawn evenly over its life, a step to
 * the one after the next entry, as the arrow key does; at the first look nothing is known of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteReader } from '../src/persistence/sqlite-reader.ts';
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
const FIRST_LOOKS = 15;
const TARGET_MS = 50;

export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  try {
    const path = join(folder, 'large.db');
    return await measure(path, await openSqliteStore({ path, owner }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(path: string, store: SqliteStore): Promise<BenchRow[]> {
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
    return [...(await rowsOf(project, hundred, thousand)), await firstLook(project, path, thousand)];
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
  const rows = [
    await rowOf('one machine', hundred, async (seq, index) => {
      const id = hundred.runs[index % hundred.runs.length]!;
      await project.ask('conductor_get_snapshot', { id, seq: Math.max(seq, hundred.begins.get(id)!) });
    }),
  ];
  for (const [what, lived, scope] of [
    ['an objective of 100 tasks', hundred, { objectiveId: hundred.objectiveId }],
    ['an objective of 1,000 tasks', thousand, { objectiveId: thousand.objectiveId }],
    ['the whole project, 1,100 tasks shown', thousand, {}],
  ] as const) {
    const look: Look = async (seq) => void (await project.ask('conductor_get_overview', { ...scope, seq }));
    rows.push(await rowOf(what, lived, look), await rowOf(`${what}, the next entry`, nextEntries(lived), look));
  }
  return rows;
}

type Look = (seq: number, index: number) => Promise<void>;
type Stretch = Pick<LivedObjective, 'from' | 'to'> & { readonly isNext?: true };

/** In the middle of its life, where most is going on. */
const nextEntries = ({ from, to }: LivedObjective): Stretch => {
  const middle = Math.floor((from + to) / 2);
  return { from: middle, to: middle + WARM_UP + STEPS, isNext: true };
};

/** Steps of the golden ratio: even over the life, near to nothing that was read just before. */
const momentOf = ({ from, to, isNext }: Stretch, index: number): number =>
  isNext === true ? from + index : from + Math.floor(((index * 0.618_033_988_75) % 1) * (to - from));

async function rowOf(what: string, stretch: Stretch, ask: Look): Promise<BenchRow> {
  const times: number[] = [];
  for (let index = 0; index < WARM_UP + STEPS; index += 1) {
    const began = performance.now();
    await ask(momentOf(stretch, index), index);
    if (index >= WARM_UP) times.push(performance.now() - began);
  }
  const p95 = quantile(times, 0.95);
  const moments = stretch.isNext === true ? 'entries in a row' : 'moments of its life';
  return {
    name: `a step of time travel at ${ENTRIES.toLocaleString('en')} entries: ${what}`,
    unit: 'ms',
    median: median(times),
    p95,
    target: `p95 ≤ ${String(TARGET_MS)} ms`,
    met: p95 <= TARGET_MS,
    detail: `${String(STEPS)} ${moments}, slowest ${Math.max(...times).toFixed(1)} ms`,
  };
}

/** Each by a reader of its own. */
async function firstLook(project: BenchProject, path: string, lived: LivedObjective): Promise<BenchRow> {
  const times: number[] = [];
  const turns: number[] = [];
  for (let index = 0; index < FIRST_LOOKS; index += 1) {
    const reader = await openSqliteReader(path);
    const turn = watchTurns();
    const began = performance.now();
    await project.ask('conductor_get_overview', { seq: momentOf(lived, index) }, reader);
    times.push(performance.now() - began);
    turns.push(turn());
    await reader.close();
  }
  return {
    name: `the first look at the past of the whole project, 1,100 tasks shown`,
    unit: 'ms',
    median: median(times),
    p95: quantile(times, 0.95),
    target: 'none; in turns of a few ms',
    met: null,
    detail: `${String(FIRST_LOOKS)} moments, longest turn of the loop: median ${median(turns).toFixed(1)} ms, slowest ${Math.max(...turns).toFixed(1)} ms`,
  };
}

/** @returns what ends the watch, and gives the longest time in which nobody else had a turn. */
function watchTurns(): () => number {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return Math.max(longest, performance.now() - last);
  };
}
