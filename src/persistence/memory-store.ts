/**
 * The store in memory, for tests and the simulation: everything that the SQLite store promises but surviving a power cut.
 *
 * S1. A batch that is not committed leaves no trace on the disk.
 * S2. A commit of unknown outcome is the last one of its opening, whether or not it reached the disk.
 */
import { ConductorError } from '../machines/errors.ts';
import type { ArchiveMove } from './archive-row.ts';
import { assertNewerOwner, failed, storeClosed } from './commit-check.ts';
import { archiveRefusal, removeArchived } from './memory-archive.ts';
import { prepareCommit, refusalOf } from './memory-commit.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-disk.ts';
import { MemoryReader } from './memory-reader.ts';
import type { CommitBatch, CommitResult, Owner, Store } from './store.ts';

/**
 * What goes wrong with one commit. `before`: rolled back (`full`: for want of space; `io`: of another trouble of the disk;
 * else of no trouble of the disk). `unknown`: COMMIT itself failed, and `written` is the truth that only reopening shows.
 */
export type MemoryFault =
  | { readonly kind: 'before'; readonly cause: 'full' | 'io' | 'internal' }
  | { readonly kind: 'unknown'; readonly written: boolean };

/** Asked once per commit that would succeed, with its number from 1 in this opening. */
export type MemoryFaults = (commit: number, batch: CommitBatch) => MemoryFault | null;

/**
 * @throws ConductorError `owned_elsewhere` when the disk has a newer owner.
 */
export const openMemoryStore = (options: {
  readonly owner: Owner;
  /** Default: a new one that nobody else sees. */
  readonly disk?: MemoryDisk;
  readonly faults?: MemoryFaults;
}): Store => {
  const disk = options.disk ?? createMemoryDisk();
  assertNewerOwner(disk.owner, options.owner);
  disk.owner = options.owner;
  return new MemoryStore(disk, options.owner, options.faults ?? (() => null));
};

class MemoryStore extends MemoryReader implements Store {
  readonly owner: Owner;
  readonly #faults: MemoryFaults;
  #commits = 0;
  #backups = 0;
  #unknown: CommitResult | null = null;

  constructor(disk: MemoryDisk, owner: Owner, faults: MemoryFaults) {
    super(disk);
    this.owner = owner;
    this.#faults = faults;
  }

  async commit(batch: CommitBatch): Promise<CommitResult> {
    if (!this.isOpen) throw storeClosed();
    if (this.#unknown !== null) return this.#unknown;
    const refusal = refusalOf(this.disk, batch);
    if (refusal !== null) return refusal;
    let apply: () => void;
    try {
      apply = prepareCommit(this.disk, batch);
    } catch (cause) {
      return failed(cause);
    }
    this.#commits += 1;
    const fault = this.#faults(this.#commits, batch);
    if (fault === null) {
      apply();
      return { kind: 'committed' };
    }
    if (fault.kind === 'before') {
      const cause = new ConductorError(fault.cause === 'full' ? 'store_full' : 'internal', 'A fault of the test.');
      return { kind: 'failed', io: fault.cause !== 'internal', code: cause.code as 'store_full' | 'internal', cause };
    }
    if (fault.written) apply();
    this.#unknown = { kind: 'unknown', cause: new ConductorError('outcome_unknown', 'A fault of the test.') };
    return this.#unknown;
  }

  async archive(move: ArchiveMove): Promise<CommitResult> {
    if (!this.isOpen) throw storeClosed();
    if (this.#unknown !== null) return this.#unknown;
    const refusal = archiveRefusal(this.disk, move);
    if (refusal === null) removeArchived(this.disk, move);
    return refusal ?? { kind: 'committed' };
  }

  async pruneDeadLetters(keep: number): Promise<number> {
    if (!this.isOpen) throw storeClosed();
    return this.disk.deadLetters.splice(0, Math.max(0, this.disk.deadLetters.length - keep)).length;
  }

  async backup(): Promise<string> {
    if (!this.isOpen) throw storeClosed();
    this.#backups += 1;
    return `memory:${this.#backups}`;
  }
}
