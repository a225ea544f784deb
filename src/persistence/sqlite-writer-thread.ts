/**
 * Entry of the store's threads. One writes batches; others checkpoint the log or copy the database, so that neither a slow disk nor
 * a long copy holds the main loop or a commit.
 *
 * Protocol: `{id, do, …}` in, `{id, result}` or `{id, error}` out, in the order asked.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArchiveMove } from './archive-row.ts';
import { archiveRows, pruneDeadLetterRows } from './sqlite-archive.ts';
import { BatchWriter, type WireResult } from './sqlite-commit.ts';
import type { WireBatch } from './sqlite-batch.ts';
import { lengthenLog, openWriter } from './sqlite-connection.ts';
import { copyDatabase } from './sqlite-copy.ts';
import { markClean } from './sqlite-opening.ts';
import type { Owner } from './store.ts';

export type ThreadData = {
  readonly path: string;
  readonly maxPages: number | null;
  /** Added to every flush, in ms; 0 outside of benches and tests. */
  readonly fsyncDelayMs: number;
  readonly tailEntriesMax: number;
};

export type ThreadTask =
  | { readonly do: 'commit'; readonly batch: WireBatch }
  | { readonly do: 'archive'; readonly move: ArchiveMove }
  /** @returns the number of rows that went. */
  | { readonly do: 'prune'; readonly owner: Owner; readonly keep: number }
  /** Moves pages of the log into the database. @returns pages of the log. */
  | { readonly do: 'checkpoint'; readonly mode: 'PASSIVE' | 'RESTART' }
  | { readonly do: 'copy'; readonly to: string }
  | { readonly do: 'close'; readonly clean: Owner | null };

export type ThreadReply = { readonly id: number; readonly result?: unknown; readonly error?: unknown };

const data = workerData as ThreadData;
const db = openWriter(data.path, data.maxPages);
const clock = new Int32Array(new SharedArrayBuffer(4));
const delay = (): void => {
  if (data.fsyncDelayMs > 0) Atomics.wait(clock, 0, 0, data.fsyncDelayMs);
};
let writer: BatchWriter | null = null;

const commit = (batch: WireBatch): WireResult => {
  if (writer === null) lengthenLog(db);
  writer ??= new BatchWriter(db, { tailEntriesMax: data.tailEntriesMax, beforeFlush: delay });
  return portable(writer.commit(batch));
};

/** Errors lose their own fields on the way between threads; SQLite's number is worth keeping. */
const portable = (result: WireResult): WireResult => {
  if (!('cause' in result)) return result;
  const { message, errcode } = result.cause as { message: string; errcode?: number };
  return { ...result, cause: { message, errcode: errcode ?? null } };
};

const perform = async (task: ThreadTask): Promise<unknown> => {
  switch (task.do) {
    case 'commit':
      return commit(task.batch);
    case 'archive': {
      writer?.forget(task.move.actors.map(({ id }) => id));
      return portable(archiveRows(db, task.move));
    }
    case 'prune':
      return pruneDeadLetterRows(db, task.owner, task.keep);
    case 'checkpoint':
      delay();
      return db.prepare(`PRAGMA wal_checkpoint(${task.mode})`).get()!['log'];
    case 'copy':
      await copyDatabase(db, task.to);
      return null;
    case 'close':
    default:
      if (task.clean !== null) markClean(db, task.clean);
      db.close();
      return null;
  }
};

const port = parentPort!;
port.on('message', ({ id, ...task }: { id: number } & ThreadTask) => {
  perform(task as ThreadTask).then(
    (result) => port.postMessage({ id, result } satisfies ThreadReply),
    (error: unknown) => port.postMessage({ id, error } satisfies ThreadReply),
  );
});
