/**
 * Whether a directory is a linked worktree of this repository with a git directory of its own, read from git's three
 * small files without starting a process. An agent whose worktree is not registered works in the parent checkout
 * without noticing: git climbs up until it finds a repository.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { GitPlace } from './git-environment.ts';

/** @returns where git works for this worktree, or null unless it is registered and its git directory is its own. */
export function registeredPlace(commonGitDir: string, worktreePath: string): GitPlace | null {
  const pointer = contentOf(join(worktreePath, '.git'));
  const target = /^gitdir: (.+?)\n*$/s.exec(pointer ?? '')?.[1];
  if (target === undefined) return null;
  const gitDir = realPath(resolve(worktreePath, target));
  const workTree = realPath(worktreePath);
  if (gitDir === null || workTree === null || dirname(gitDir) !== join(commonGitDir, 'worktrees')) return null;
  return belongsTo(gitDir, workTree) && sharesCommonDir(gitDir, commonGitDir)
    ? { gitDir, commonGitDir, workTree }
    : null;
}

/** @throws refused when `worktreePath` is not a registered worktree: whatever ran there, ran elsewhere. */
export function requirePlace(commonGitDir: string, worktreePath: string): GitPlace {
  const place = registeredPlace(commonGitDir, worktreePath);
  if (place !== null) return place;
  throw new ConductorError(
    'refused',
    `${worktreePath} is not a registered worktree of ${commonGitDir} (its .git file is missing or points elsewhere). ` +
      'Recover the worker, which keeps what is in the directory, and try again.',
    { details: { worktreePath, commonGitDir } },
  );
}

export type Administration = {
  /** `<common git dir>/worktrees/<name>` */
  readonly gitDir: string;
  /** The reason git or a person locked it with, or null. `initializing`: `git worktree add` never came to its end. */
  readonly lockReason: string | null;
};

/** What the repository has on record for a path, whether the directory exists or not. */
export function administrationOf(commonGitDir: string, worktreePath: string): Administration | null {
  const root = join(commonGitDir, 'worktrees');
  const wanted = join(realPath(dirname(worktreePath)) ?? dirname(worktreePath), basename(worktreePath), '.git');
  for (const name of entriesOf(root)) {
    const gitDir = join(root, name);
    const recorded = contentOf(join(gitDir, 'gitdir'))?.trim();
    if (recorded === undefined || resolve(gitDir, recorded) !== wanted) continue;
    return { gitDir, lockReason: contentOf(join(gitDir, 'locked'))?.trim() ?? null };
  }
  return null;
}

function belongsTo(gitDir: string, workTree: string): boolean {
  const back = contentOf(join(gitDir, 'gitdir'))?.trim();
  return back !== undefined && realPath(dirname(resolve(gitDir, back))) === workTree;
}

function sharesCommonDir(gitDir: string, commonGitDir: string): boolean {
  const common = contentOf(join(gitDir, 'commondir'))?.trim();
  return common !== undefined && realPath(resolve(gitDir, common)) === commonGitDir;
}

export function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // Missing, or a directory: either way it is not what git writes there.
  }
}

function realPath(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // No linked worktree was ever made.
  }
}
