/**
 * Ownership of a repository: one supervisor, whatever home it was started from.
 *
 * L1. Two locks, one in the project home and one in the common git directory: two homes cannot own one repository.
 * L2. The epoch is higher than every one before it in either lock and in the store, and durable before anybody hears of it.
 * L3. A lock outlives its process in no case; what is left of a dead owner are words about it, never a lock.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError, isConductorError } from '../machines/errors.ts';
import { identityOf, isSameFile, OwnerDatabase, type FileIdentity } from './owner-database.ts';
import { assertOurs } from './project-home.ts';
import { describeOwner, type OwnerNote } from './owner-note.ts';
import { openingError } from './sqlite-errors.ts';
import { storedEpoch } from './sqlite-opening.ts';
import type { Owner } from './store.ts';
import { sweepDrafts, writeWholeFile } from './whole-file.ts';

/** `lost`: the file at this path is another one now, or none; the process must end without another write. */
export type OwnershipCheck = { readonly kind: 'held' } | { readonly kind: 'lost'; readonly path: string };

export type Ownership = {
  readonly owner: Owner;
  /** Compares the lock files and the database with their paths. Cheap; to be called every 5 s. */
  check(): OwnershipCheck;
  /** Idempotent. */
  release(): void;
};

/**
 * @param options.projectHome The project's own directory; exists and is ours.
 * @param options.instance Random, new for every process.
 * @throws ConductorError `owned_elsewhere` {pid, home, state, commands}, `owned_by_other_user`, `home_read_only`, `store_full`,
 *   `store_damaged` (a lock file is not one of ours).
 */
export const acquireOwnership = async (options: {
  readonly projectHome: string;
  readonly commonGitDir: string;
  readonly projectKey: string;
  readonly instance: string;
}): Promise<Ownership> => {
  const { projectHome, commonGitDir, projectKey, instance } = options;
  const gitFolder = join(commonGitDir, 'conductor');
  ensureFolder(gitFolder);
  const locks: OwnerDatabase[] = [];
  const notes = [projectHome, gitFolder].map((folder) => join(folder, 'owner.json'));
  const release = (): void => {
    // While the locks are held: afterwards the notes may be another owner's.
    for (const note of notes.slice(0, locks.length)) rmSync(note, { force: true });
    for (const lock of locks.splice(0)) lock.release();
  };
  try {
    for (const folder of [projectHome, gitFolder]) locks.push(await lockIn(folder, projectHome));
    const database = join(projectHome, 'conductor.db');
    const epoch = Math.max(...locks.map((lock) => lock.epoch), storedEpoch(database)) + 1;
    for (const lock of locks) lock.setEpoch(epoch);
    const note: OwnerNote = { pid: process.pid, home: projectHome, projectKey, epoch, instance };
    for (const path of notes) {
      sweepDrafts(path);
      await writeWholeFile(path, `${JSON.stringify(note)}\n`);
    }
    return { owner: { epoch, instance }, check: createCheck(locks, database), release };
  } catch (error) {
    release();
    throw isConductorError(error) ? error : openingError(error, projectHome);
  }
};

const ensureFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true });
    assertOurs(folder);
    chmodSync(folder, 0o700);
  } catch (error) {
    throw openingError(error, folder);
  }
};

const lockIn = async (folder: string, home: string): Promise<OwnerDatabase> => {
  const path = join(folder, 'owner.db');
  let lock: OwnerDatabase | null;
  try {
    lock = OwnerDatabase.lock(path);
  } catch (error) {
    throw openingError(error, path);
  }
  if (lock !== null) return lock;
  const holder = await describeOwner(join(folder, 'owner.json'));
  const { pid, state, commands } = holder;
  const where = holder.home === null || holder.home === home ? '' : ` from the home ${holder.home}`;
  const who = pid === null ? 'another process' : `process ${pid}${state === 'stopped' ? ', which is stopped,' : ''}`;
  throw new ConductorError(
    'owned_elsewhere',
    `This repository is owned by ${who}${where}. ${commands.map((command) => `\`${command}\``).join(' or ')} helps.`,
    { retryable: true, details: { pid, home: holder.home, state, commands, lock: path } },
  );
};

/** The database may be made after the locks; it is compared from the first time it is seen. */
const createCheck = (locks: readonly OwnerDatabase[], database: string) => {
  let known: FileIdentity | null = identityOf(database);
  return (): OwnershipCheck => {
    for (const lock of locks) if (!lock.isInPlace()) return { kind: 'lost', path: lock.path };
    const found = identityOf(database);
    if (known !== null && !isSameFile(known, found)) return { kind: 'lost', path: database };
    known = found;
    return { kind: 'held' };
  };
};
