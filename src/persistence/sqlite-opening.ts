/**
 * From a path to a database that is known to be ours, whole, of this version and of this owner; or a typed error that says the way
 * out. Its cost does not depend on what the store holds.
 *
 * O1. A store is created under another name and renamed when it is complete: a file that is empty or without tables was damaged.
 * O2. Whatever is wrong with a file, it stays as it is.
 */
import { chmodSync, existsSync, linkSync, readdirSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConductorError } from '../machines/errors.ts';
import { assertNewerOwner } from './commit-check.ts';
import { openReader, openWriter } from './sqlite-connection.ts';
import { damaged, openingError } from './sqlite-errors.ts';
import { SELECT_LAST_SEQ } from './sqlite-journal-tail.ts';
import { APPLICATION_ID, createSchema, migrateSchema, SCHEMA_VERSION } from './sqlite-schema.ts';
import type { Owner } from './store.ts';
import { syncDirectory } from './whole-file.ts';

export type OpenedStore = {
  /** Reads only from here on; the writer has a connection of its own. */
  readonly db: DatabaseSync;
  readonly owner: Owner;
  /** The last owner closed it; after a crash the log was replayed. */
  readonly wasClean: boolean;
};

/**
 * @param owner Default: the next epoch, under a random instance.
 * @throws ConductorError `store_damaged`, `store_too_new`, `home_read_only`, `store_full`, `owned_elsewhere`.
 */
export const openForOwner = (path: string, owner: Owner | null): OpenedStore => {
  let db: DatabaseSync | null = null;
  try {
    if (!existsSync(path)) create(path);
    let version = 0;
    db = openWriter(path, null, (found) => {
      version = checkedVersion(found, path);
    });
    if (version < SCHEMA_VERSION) migrateSchema(db, version);
    const opened = takeOver(db, path, owner);
    db.exec('PRAGMA query_only = 1');
    return { ...opened, db };
  } catch (error) {
    db?.close();
    throw openingError(error, path);
  }
};

/**
 * @returns null when there is no database.
 * @throws ConductorError as `openForOwner`; `invalid_state` for tables that only an owner can bring to this version.
 */
export const openForReading = (path: string): { readonly db: DatabaseSync; readonly asItIs: boolean } | null => {
  if (!existsSync(path)) return null;
  let db: DatabaseSync | null = null;
  try {
    // Without a log nobody has it open: then SQLite would make one, only to read.
    const asItIs = !existsSync(`${path}-wal`);
    db = openReader(path, asItIs);
    const version = checkedVersion(db, path);
    if (version < SCHEMA_VERSION) {
      throw new ConductorError(
        'invalid_state',
        `${path} has version ${version}; \`conductor start\` brings it to ${SCHEMA_VERSION}.`,
      );
    }
    return { db, asItIs };
  } catch (error) {
    db?.close();
    throw openingError(error, path);
  }
};

/** Marks a store as closed by its owner; the last connection to close empties the log. */
export const markClean = (db: DatabaseSync, owner: Owner): void => {
  db.prepare('UPDATE store SET clean = 1 WHERE id = 1 AND epoch = ? AND instance = ?').run(owner.epoch, owner.instance);
};

/** Epoch of the last owner; 0 when there is no database, or none that can be read: opening it says what is wrong. */
export const storedEpoch = (path: string): number => {
  if (!existsSync(path)) return 0;
  let db: DatabaseSync | null = null;
  try {
    db = openReader(path, false);
    return db.prepare('SELECT epoch FROM store').get()!['epoch'] as number;
  } catch {
    return 0;
  } finally {
    db?.close();
  }
};

const checkedVersion = (db: DatabaseSync, path: string): number => {
  const application = pragma(db, 'application_id');
  const version = pragma(db, 'user_version');
  if (application !== APPLICATION_ID) throw damaged(path, "it is another program's database, or an empty file");
  if (version > SCHEMA_VERSION) {
    throw new ConductorError(
      'store_too_new',
      `${path} was written by a newer Conductor (version ${version} of the tables, this one knows ${SCHEMA_VERSION}). Install the newer one.`,
      { details: { path, version, known: SCHEMA_VERSION } },
    );
  }
  if (version < 1) throw damaged(path, 'it has no version');
  return version;
};

const takeOver = (db: DatabaseSync, path: string, wanted: Owner | null): Omit<OpenedStore, 'db'> => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const row = db.prepare('SELECT epoch, instance, last_seq, clean, gap_from, gap_to FROM store WHERE id = 1').get();
    const last = db.prepare(SELECT_LAST_SEQ).get()!;
    if (row === undefined) throw damaged(path, 'the row of its owner is missing');
    const [counted, found] = [row['last_seq'] as number, last['seq'] as number];
    const isArchived = row['gap_from'] === found && row['gap_to'] === counted;
    if (counted !== found && !isArchived) throw damaged(path, `its journal ends at ${found}, not at ${counted}`);
    const held = { epoch: row['epoch'] as number, instance: row['instance'] as string };
    const owner = wanted ?? { epoch: held.epoch + 1, instance: randomUUID() };
    assertNewerOwner(held, owner);
    db.prepare('UPDATE store SET epoch = ?, instance = ?, clean = 0 WHERE id = 1').run(owner.epoch, owner.instance);
    db.exec('COMMIT');
    return { owner, wasClean: row['clean'] === 1 };
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
};

/** O1. @throws ConductorError `store_damaged` when there are signs that there was a database. */
const create = (path: string): void => {
  const folder = dirname(path);
  const backups = join(folder, 'backups');
  if (existsSync(`${path}-wal`)) throw damaged(path, 'it is gone, and its write-ahead log is still there');
  if (existsSync(backups) && readdirSync(backups).length > 0)
    throw damaged(path, 'it is gone, and there are backups of it');
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const db = new DatabaseSync(draft);
  try {
    chmodSync(draft, 0o600);
    createSchema(db);
    db.close();
    // Not a rename: that would replace what somebody else put there meanwhile.
    linkSync(draft, path);
    syncDirectory(folder);
  } finally {
    if (db.isOpen) db.close();
    rmSync(draft, { force: true });
  }
};

const pragma = (db: DatabaseSync, name: string): number => db.prepare(`PRAGMA ${name}`).get()![name] as number;
