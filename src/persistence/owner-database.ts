/**
 * One lock file: a small SQLite database whose exclusive transaction is held for as long as its process lives. The system frees it
 * with the process, a child does not inherit it, and a stopped process keeps it.
 *
 * D1. Nothing but this connection ever opens the file: one stray open and close would drop the lock without a word.
 * D2. Of those that try in the same moment one gets it: SQLite has them all in the door first, and whoever did not wait for the others to
 *     leave would be refused by them, as they are by it.
 */
import { chmodSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { assertOurs } from './project-home.ts';
import { sqliteCode } from './sqlite-errors.ts';

const BUSY = 5;
/** How long others may take to leave (D2), in ms; whoever is refused waits as long. Leaving takes less than one. */
const DOOR_MS = 500;

export type FileIdentity = { readonly device: bigint; readonly inode: bigint };

export class OwnerDatabase {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #identity: FileIdentity;

  private constructor(path: string, db: DatabaseSync, identity: FileIdentity) {
    this.path = path;
    this.#db = db;
    this.#identity = identity;
  }

  /** @returns null when another process has it. @throws SQLite's error, or `owned_by_other_user`. */
  static lock(path: string): OwnerDatabase | null {
    assertOurs(path);
    const db = new DatabaseSync(path, { timeout: DOOR_MS });
    try {
      chmodSync(path, 0o600);
      // In this mode a COMMIT keeps the lock, so that the epoch becomes durable without a gap.
      db.exec(`PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;
        CREATE TABLE IF NOT EXISTS owner (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL) STRICT;
        INSERT OR IGNORE INTO owner VALUES (1, 0); COMMIT; BEGIN EXCLUSIVE`);
      return new OwnerDatabase(path, db, identityOf(path)!);
    } catch (error) {
      db.close();
      if (sqliteCode(error) === BUSY) return null;
      throw error;
    }
  }

  get epoch(): number {
    return this.#db.prepare('SELECT epoch FROM owner').get()!['epoch'] as number;
  }

  /** Durable when it returns; the lock is held throughout. */
  setEpoch(epoch: number): void {
    this.#db.prepare('UPDATE owner SET epoch = ?').run(epoch);
    this.#db.exec('COMMIT; BEGIN EXCLUSIVE');
  }

  /** Whether the path still leads to the file that is locked. Looks, opens nothing. */
  isInPlace(): boolean {
    return isSameFile(this.#identity, identityOf(this.path));
  }

  release(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** Null when nothing is there. */
export const identityOf = (path: string): FileIdentity | null => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : { device: found.dev, inode: found.ino };
};

export const isSameFile = (one: FileIdentity, other: FileIdentity | null): boolean =>
  other !== null && one.device === other.device && one.inode === other.inode;
