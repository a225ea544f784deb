/**
 * The store in SQLite: reads here, writes in a thread, checkpoints and copies in another that lives only while it is needed.
 *
 * Q1. Batches are encoded and sent in the call, so that commits happen in the order of the calls.
 * Q2. After a commit of unknown outcome, or the death of the writer, every answer is `unknown`.
 * Q3. A slow disk delays answers, never this thread.
 */
import { ConductorError } from '../machines/errors.ts';
import type { ArchiveMove } from './archive-row.ts';
import { failed, journalGap, storeClosed } from './commit-check.ts';
import { CheckpointSchedule } from './sqlite-checkpoint.ts';
import { backUp } from './sqlite-backup.ts';
import { encodeBatch, type WireBatch } from './sqlite-batch.ts';
import { openForOwner, type OpenedStore } from './sqlite-opening.ts';
import { TAIL_ENTRIES_MAX } from './sqlite-journal-tail.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { StoreThread, writerInPlace, type StoreWriter } from './sqlite-thread.ts';
import type { WriterData, WriterTask } from './sqlite-writer.ts';
import type { CommitBatch, CommitResult, Owner, Store } from './store.ts';

export type SqliteStoreOptions = {
  readonly path: string;
  /** Default: the epoch after the last, under a random instance. */
  readonly owner?: Owner;
  readonly limits?: {
    /** Pages of 4 KiB that the database may have; for tests of a full disk. */
    readonly maxPages?: number;
    /** Delay of every flush, in ms; for benches and tests of a slow disk. */
    readonly fsyncDelayMs?: number;
    /** Entries of the journal's tail after a commit, at most (default 1,024); tests of queries lower it. */
    readonly tailEntriesMax?: number;
  };
  /** `in-place`: writes hold the loop, but opening takes no thread; for tests that open a store for every step. Default `thread`. */
  readonly writer?: 'thread' | 'in-place';
};

/**
 * @throws ConductorError `store_damaged`, `store_too_new`, `home_read_only`, `store_full`, `owned_elsewhere`; the file is as before.
 */
export const openSqliteStore = async (options: SqliteStoreOptions): Promise<SqliteStore> => {
  const opened = openForOwner(options.path, options.owner ?? null);
  const isInPlace = options.writer === 'in-place';
  const data = {
    path: options.path,
    maxPages: options.limits?.maxPages ?? null,
    fsyncDelayMs: options.limits?.fsyncDelayMs ?? 0,
    tailEntriesMax: options.limits?.tailEntriesMax ?? TAIL_ENTRIES_MAX,
    lengthenLog: !isInPlace,
  };
  return new SqliteStore(opened, data, isInPlace ? writerInPlace(data) : new StoreThread(data));
};

export class SqliteStore extends SqliteReader implements Store {
  readonly owner: Owner;
  /** False after a crash of the owner before: the log was replayed. */
  readonly wasClean: boolean;
  readonly #data: WriterData;
  readonly #writer: StoreWriter;
  readonly #checkpoints: CheckpointSchedule;
  #closing: Promise<void> | null = null;
  #unknown: CommitResult | null = null;

  constructor(opened: OpenedStore, data: WriterData, writer: StoreWriter) {
    super(data.path, { db: opened.db, asItIs: false });
    this.owner = opened.owner;
    this.wasClean = opened.wasClean;
    this.#data = data;
    this.#writer = writer;
    this.#checkpoints = new CheckpointSchedule(() => new StoreThread(data));
  }

  async commit(batch: CommitBatch): Promise<CommitResult> {
    if (this.#closing !== null) throw storeClosed();
    if (this.#unknown !== null) return this.#unknown;
    const gap = journalGap(batch, (batch.journal[0]?.seq ?? 1) - 1);
    if (gap !== null) return failed(gap);
    let wire: WireBatch;
    try {
      wire = encodeBatch(batch);
    } catch (cause) {
      return failed(cause);
    }
    const room = this.#checkpoints.room();
    if (room !== null) await room;
    const result = await this.#write({ do: 'commit', batch: wire });
    if (result.kind !== 'unknown') this.#checkpoints.noteCommit(sizeOf(wire));
    return result;
  }

  async archive(move: ArchiveMove): Promise<CommitResult> {
    if (this.#closing !== null) throw storeClosed();
    if (this.#unknown !== null) return this.#unknown;
    const result = await this.#write({ do: 'archive', move });
    if (result.kind === 'committed') this.#checkpoints.noteCommit(move.row.entries * ARCHIVED_ENTRY_SIZE);
    return result;
  }

  async pruneDeadLetters(keep: number): Promise<number> {
    if (this.#closing !== null) throw storeClosed();
    if (this.#unknown !== null) return 0;
    return (await this.#writer.ask({ do: 'prune', owner: this.owner, keep })) as number;
  }

  async backup(): Promise<string> {
    if (this.#closing !== null) throw storeClosed();
    const thread = new StoreThread(this.#data);
    try {
      return await backUp(this.#data.path, (to) => thread.ask({ do: 'copy', to }));
    } catch (cause) {
      throw new ConductorError('internal', `The backup of ${this.#data.path} failed; older ones are untouched.`, {
        cause,
      });
    } finally {
      await thread.end();
    }
  }

  /** Q2. */
  async #write(task: WriterTask): Promise<CommitResult> {
    let result: CommitResult;
    try {
      result = (await this.#writer.ask(task)) as CommitResult;
    } catch (cause) {
      result = { kind: 'unknown', cause };
    }
    if (result.kind === 'unknown') this.#unknown = result;
    return result;
  }

  override async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#checkpoints.stop();
    await super.close();
    // What the last commit left is unknown: no further write, also not this one.
    const clean = this.#unknown === null ? this.owner : null;
    await this.#writer.ask({ do: 'close', clean }).catch(() => undefined);
    await this.#writer.end();
  }
}

/** What an entry that goes leaves in the log, in bytes: about a page for every third. */
const ARCHIVED_ENTRY_SIZE = 1_500;

const sizeOf = ({ text, bytes }: WireBatch): number => bytes.reduce((size, part) => size + part.length, text.length);
