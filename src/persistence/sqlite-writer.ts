/**
 * What a connection of the store that writes is asked to do, and how it does it: batches, checkpoints, copies. Runs in a thread
 * (sqlite-writer-thread.ts), so that neither a slow disk nor a long copy holds the main loop or a commit; tests that open a store for
 * every step run it in place.
 */
import type { ArchiveMove } from './archive-row.ts';
import { archiveRows, pruneDeadLetterRows } from './sqlite-archive.ts';
import type { WireBatch } from './sqlite-batch.ts';
import { BatchWriter, type WireResult } from './sqlite-commit.ts';
import { lengthenLog, openWriter } from './sqlite-connection.ts';
import { copyDatabase } from './sqlite-copy.ts';
import { markClean } from './sqlite-opening.ts';
import type { Owner } from './store.ts';

export type WriterData = {
  readonly path: string;
  readonly maxPages: number | null;
  /** Added to every flush, in ms; 0 outside of benches and tests. */
  readonly fsyncDelayMs: number;
  readonly tailEntriesMax: number;
  /** A log that is as long as it mostly gets makes small commits twice as fast; it costs a store that lives for one commit more. */
  readonly lengthenLog: boolean;
};

export type WriterTask =
  | { readonly do: 'commit'; readonly batch: WireBatch }
  | { readonly do: 'archive'; readonly move: ArchiveMove }
  /** @returns the number of rows that went. */
  | { readonly do: 'prune'; readonly owner: Owner; readonly keep: number }
  /** Moves pages of the log into the database. @returns pages of the log. */
  | { readonly do: 'checkpoint'; readonly mode: 'PASSIVE' | 'RESTART' }
  | { readonly do: 'copy'; readonly to: string }
  | { readonly do: 'close'; readonly clean: Owner | null };

/** Opens the connection. @returns carries tasks out, in the order asked. @throws what opening it throws. */
export const openSqliteWriter = (data: WriterData): ((task: WriterTask) => Promise<unknown>) => {
  const db = openWriter(data.path, data.maxPages);
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const delay = (): void => {
    if (data.fsyncDelayMs > 0) Atomics.wait(clock, 0, 0, data.fsyncDelayMs);
  };
  let batches: BatchWriter | null = null;
  const commit = (batch: WireBatch): WireResult => {
    if (batches === null && data.lengthenLog) lengthenLog(db);
    batches ??= new BatchWriter(db, { tailEntriesMax: data.tailEntriesMax, beforeFlush: delay });
    return portable(batches.commit(batch));
  };
  return async (task) => {
    switch (task.do) {
      case 'commit':
        return commit(task.batch);
      case 'archive':
        batches?.forget(task.move.actors.map(({ id }) => id));
        return portable(archiveRows(db, task.move));
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
};

/** Errors lose their own fields on the way between threads; SQLite's number is worth keeping. */
const portable = (result: WireResult): WireResult => {
  if (!('cause' in result)) return result;
  const { message, errcode } = result.cause as { message: string; errcode?: number };
  return { ...result, cause: { message, errcode: errcode ?? null } };
};
