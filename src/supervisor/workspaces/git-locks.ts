/**
 * Git's lock files: recognise them, wait for them, say who holds them.
 *
 * L1. Another process's lock is waited for, never removed: git writes a lock for milliseconds, and a young lock says
 *     nothing about its owner.
 * L2. Only locks in a worktree's *own* git directory may be removed, and only when the caller knows that nothing runs
 *     there any more.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';

/** How long a lock is waited for before `git_locked`. Git holds one for a second at most, even in a large repository. */
export const lockWaitMaxMs = 10_000;
const backoffStartMs = 20;
const backoffMaxMs = 500;

const patterns = [/Unable to create '(.+\.lock)': File exists/s, /could not lock config file (.+): File exists/];

/** @returns the path of the lock file that git's message complains about, or null when it is about something else. */
export function lockPathIn(stderr: string): string | null {
  const config = patterns[1]!.exec(stderr);
  if (config) return `${config[1]!}.lock`;
  return patterns[0]!.exec(stderr)?.[1] ?? null;
}

export type LockWait = {
  /** Directory that relative lock paths are relative to. */
  readonly cwd: string;
  /** Default `lockWaitMaxMs`. */
  readonly waitMaxMs?: number;
  /** @returns the lock path when the failure is one of a lock, else null. */
  readonly lockOf: (error: unknown) => string | null;
};

/**
 * Runs `attempt` until it does not fail on a lock.
 * @throws git_locked `{path, ageMs, holder}` (retryable); any other failure as it is.
 */
export async function withLockRetry<Result>(attempt: () => Promise<Result>, wait: LockWait): Promise<Result> {
  const startedAt = performance.now();
  for (let delayMs = backoffStartMs; ; delayMs = Math.min(delayMs * 2, backoffMaxMs)) {
    try {
      return await attempt();
    } catch (error) {
      const path = wait.lockOf(error);
      if (path === null) throw error;
      const waitMaxMs = wait.waitMaxMs ?? lockWaitMaxMs;
      if (performance.now() - startedAt + delayMs > waitMaxMs) {
        throw lockedError(isAbsolute(path) ? path : resolve(wait.cwd, path), error);
      }
      await new Promise((done) => setTimeout(done, delayMs));
    }
  }
}

function lockedError(path: string, cause: unknown): ConductorError {
  const ageMs = lockAgeMs(path);
  const holder = lockHolder(path);
  const who = holder === null ? 'no process has it open' : `process ${holder.pid} (${holder.command}) has it open`;
  return new ConductorError(
    'git_locked',
    `git is locked by ${path}, ${ageMs === null ? 'of unknown age' : `${Math.round(ageMs / 1000)} s old`}; ${who}. ` +
      'If no git command runs in this repository, remove the file or run `conductor doctor --fix`.',
    { retryable: true, details: { path, ageMs, holder }, cause },
  );
}

function lockAgeMs(path: string): number | null {
  try {
    return Math.max(0, Math.round(Date.now() - statSync(path).mtimeMs));
  } catch {
    return null; // It went away in this moment; the caller may simply try again.
  }
}

export type LockHolder = { readonly pid: number; readonly command: string };

/**
 * The process that has `path` open, from `/proc`; null when there is none, and always on macOS, which has no `/proc`.
 * Git closes some locks before it renames them, so null does not prove that the lock is stale.
 */
export function lockHolder(path: string): LockHolder | null {
  for (const pid of listed('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of listed(`/proc/${pid}/fd`)) {
      if (linkTarget(`/proc/${pid}/fd/${fd}`) === path) return { pid: Number(pid), command: commandOf(pid) };
    }
  }
  return null;
}

/** Removes lock files directly inside a worktree's own git directory; see L2. @returns their paths. */
export function removeOwnLocks(gitDir: string): readonly string[] {
  const removed: string[] = [];
  for (const name of listed(gitDir)) {
    if (!name.endsWith('.lock')) continue;
    const path = join(gitDir, name);
    if (lockHolder(path) !== null) continue;
    rmSync(path, { force: true });
    removed.push(path);
  }
  return removed;
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // Gone, or another user's process: it holds no lock of ours that we could name.
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // The descriptor was closed meanwhile.
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown'; // It ended meanwhile.
  }
}
