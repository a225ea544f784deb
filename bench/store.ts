/**
 * How fast the store commits, beside raw SQLite writes of the same bytes, in interleaved pairs (A B A B …); what a slow disk does to
 * the main loop; and what a long history costs (large-store.ts).
 *
 * A batch holds 64 transitions and waits for its answer before the next one is sent, as the kernel does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openSqliteStore } from '../src/persistence/sqlite-store.ts';
import type { CommitBatch } from '../src/persistence/store.ts';
import { intervalOf, median, quantile, type BenchRow } from './bench-row.ts';
import { measureLargeStore } from './large-store.ts';
import { createWorkload, owner } from './store-workload.ts';

const BATCH = 64;
const TASKS = 1_000;
const PAIRS = 15;
const BATCHES = 150;
const SLOW_FLUSH_MS = 20;
const SLOW_BATCHES = 100;
const RATIO_TARGET = 0.5;
const LOOP_TARGET_MS = 20;

export async function run(): Promise<BenchRow[]> {
  return [await measureRatio(), await measureSlowDisk(), ...(await inFolder(measureLargeStore))];
}

const createBatches = (): (() => CommitBatch) => createWorkload({ tasks: TASKS, batch: BATCH, rounds: null });

type Side = { readonly sink: Sink; readonly next: () => CommitBatch; readonly rates: number[]; cpu: number };
type Sink = { readonly write: (batch: CommitBatch) => Promise<void>; readonly close: () => Promise<void> };

const storeSink = async (folder: string, fsyncDelayMs = 0): Promise<Sink> => {
  const store = await openSqliteStore({ path: join(folder, 'conductor.db'), owner, limits: { fsyncDelayMs } });
  return {
    write: async (batch) => {
      const result = await store.commit(batch);
      if (result.kind !== 'committed') throw new Error(`The bench's commit was answered ${result.kind}.`);
    },
    close: () => store.close(),
  };
};

/** The same bytes by primary key: no index, no check, no thread, SQLite's own checkpoints. */
const rawSink = async (folder: string): Promise<Sink> => {
  const db = new DatabaseSync(join(folder, 'raw.db'));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE actor (id TEXT PRIMARY KEY, facts TEXT, snapshot TEXT);
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, entry TEXT);
    CREATE TABLE outbox (key TEXT PRIMARY KEY, body TEXT)`);
  const actor = db.prepare('INSERT OR REPLACE INTO actor VALUES (?, ?, ?)');
  const journal = db.prepare('INSERT INTO journal VALUES (?, ?)');
  const outbox = db.prepare('INSERT INTO outbox VALUES (?, ?)');
  const done = db.prepare('DELETE FROM outbox WHERE key = ?');
  return {
    write: async (batch) => {
      db.exec('BEGIN IMMEDIATE');
      for (const { id, facts, snapshot } of batch.actors)
        actor.run(id, JSON.stringify(facts), JSON.stringify(snapshot));
      for (const entry of batch.journal) journal.run(entry.seq, JSON.stringify(entry));
      for (const row of batch.outbox) outbox.run(row.key, JSON.stringify(row));
      for (const { key } of batch.outboxUpdates) done.run(key);
      db.exec('COMMIT');
    },
    close: async () => db.close(),
  };
};

const perSecond = async (sink: Sink, next: () => CommitBatch, batches: number): Promise<number> => {
  const began = performance.now();
  for (let index = 0; index < batches; index += 1) await sink.write(next());
  return (batches * BATCH * 1_000) / (performance.now() - began);
};

const inFolder = async <Result>(measure: (folder: string) => Promise<Result>): Promise<Result> => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

async function measureSlowDisk(): Promise<BenchRow> {
  return inFolder(async (folder) => {
    const sink = await storeSink(folder, SLOW_FLUSH_MS);
    const next = createBatches();
    await sink.write(next());
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const rate = await perSecond(sink, next, SLOW_BATCHES);
    loop.disable();
    await sink.close();
    const p99 = loop.percentile(99) / 1e6;
    return {
      name: `loop delay p99 with ${String(SLOW_FLUSH_MS)} ms injected per fsync`,
      unit: 'ms',
      median: p99,
      p95: null,
      target: `≤ ${String(LOOP_TARGET_MS)} ms`,
      met: p99 <= LOOP_TARGET_MS,
      detail: `${String(SLOW_BATCHES)} batches of ${String(BATCH)}, ${rate.toFixed(0)} transitions per second meanwhile`,
    };
  });
}

async function measureRatio(): Promise<BenchRow> {
  const [store, raw] = await inFolder(async (folder) => {
    const sides: readonly [Side, Side] = [
      { sink: await storeSink(folder), next: createBatches(), rates: [], cpu: 0 },
      { sink: await rawSink(folder), next: createBatches(), rates: [], cpu: 0 },
    ];
    for (const { sink, next } of sides) await perSecond(sink, next, BATCH);
    for (let pair = 0; pair < PAIRS; pair += 1) {
      for (const side of sides) {
        const before = process.cpuUsage();
        side.rates.push(await perSecond(side.sink, side.next, BATCHES));
        const { user, system } = process.cpuUsage(before);
        side.cpu += (user + system) / BATCHES / BATCH / PAIRS;
      }
    }
    for (const { sink } of sides) await sink.close();
    return sides;
  });
  const ratios = store.rates.map((rate, pair) => rate / raw.rates[pair]!);
  const [low, high] = intervalOf(ratios);
  return {
    name: 'durable transitions per second of the store over raw batched SQLite writes of the same bytes',
    unit: '×',
    median: median(ratios),
    p95: quantile(ratios, 0.05),
    target: `≥ ${String(RATIO_TARGET)}`,
    met: low >= RATIO_TARGET ? true : high < RATIO_TARGET ? false : null,
    detail:
      `${String(PAIRS)} pairs, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}; ` +
      `store ${median(store.rates).toFixed(0)}/s, ${store.cpu.toFixed(1)} µs of processor time each (all threads); ` +
      `raw ${median(raw.rates).toFixed(0)}/s, ${raw.cpu.toFixed(1)} µs`,
  };
}
