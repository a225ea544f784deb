/**
 * Puts a broken worktree right: a missing directory comes back from its branch, a foreign `.git` is moved aside, stale
 * locks of its own git directory go.
 *
 * V1. Only this worktree's record is touched; `git worktree prune` would also forget worktrees on a disk that is not
 *     mounted at the moment.
 * V2. What stands in the way is moved, never deleted.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRef } from './git-refs.ts';
import { removeOwnLocks } from './git-locks.ts';
import { isCheckedOut } from './prepare-worktree.ts';
import { branchRef, refusalOf, refused, timeStamp, type Repository } from './repository.ts';
import type { RecoverRequest, RecoverResult } from './workspace-port.ts';
import { administrationOf, registeredPlace, requirePlace } from './worktree-registration.ts';

export async function recoverWorktree(repository: Repository, request: RecoverRequest): Promise<RecoverResult> {
  const { commonGitDir, git } = repository;
  const { worktreePath, branch, removeStaleLocks } = request;
  const tip = await readRef(git, repository.place, branchRef(branch));
  if (tip === null) return refused('not_found', `Branch ${branch} does not exist; there is nothing to recover from.`);
  const movedAside = repairPointer(repository, worktreePath);
  const place = registeredPlace(commonGitDir, worktreePath);
  const halfMade = administrationOf(commonGitDir, worktreePath)?.lockReason === 'initializing';
  if (place !== null && !halfMade) {
    const removedLocks = removeStaleLocks ? removeOwnLocks(place.gitDir) : [];
    return { kind: 'recovered', worktreePath, branch, commit: tip, added: false, removedLocks, movedAside };
  }
  return addFromBranch(repository, request, tip);
}

/** The files are there and git knows the worktree, but `.git` is gone or was replaced (`git init`): write it anew. */
function repairPointer({ commonGitDir, now }: Repository, worktreePath: string): string | null {
  const record = administrationOf(commonGitDir, worktreePath);
  if (record === null || registeredPlace(commonGitDir, worktreePath) !== null) return null;
  if (!existsSync(worktreePath) || record.lockReason === 'initializing') return null;
  const pointer = join(worktreePath, '.git');
  let movedAside: string | null = null;
  if (lstatSync(pointer, { throwIfNoEntry: false }) !== undefined) {
    movedAside = `${worktreePath}.git-${timeStamp(now())}`;
    renameSync(pointer, movedAside);
  }
  writeFileSync(pointer, `gitdir: ${record.gitDir}\n`);
  return movedAside;
}

async function addFromBranch(
  repository: Repository,
  { worktreePath, branch }: RecoverRequest,
  commit: string,
): Promise<RecoverResult> {
  if (await isCheckedOutElsewhere(repository, branch, worktreePath)) {
    return refused('conflict', `Branch ${branch} is checked out in another worktree; end that one first.`);
  }
  let movedAside: string | null = null;
  if (existsSync(worktreePath) && (!lstatSync(worktreePath).isDirectory() || readdirSync(worktreePath).length > 0)) {
    movedAside = `${worktreePath}.lost-${timeStamp(repository.now())}`;
    renameSync(worktreePath, movedAside);
  }
  mkdirSync(dirname(worktreePath), { recursive: true });
  try {
    // Twice, because the record that is replaced may be locked by an interrupted `worktree add`.
    await repository.git.change(repository.place, ['worktree', 'add', '-f', '-f', '--', worktreePath, branch]);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
  requirePlace(repository.commonGitDir, worktreePath);
  return { kind: 'recovered', worktreePath, branch, commit, added: true, removedLocks: [], movedAside };
}

/** A half-made worktree at this very path names the branch too, and does not count. */
async function isCheckedOutElsewhere(repository: Repository, branch: string, worktreePath: string): Promise<boolean> {
  if (!existsSync(worktreePath)) return isCheckedOut(repository, branch);
  const { stdout } = await repository.git.read(repository.place, ['worktree', 'list', '--porcelain']);
  return stdout
    .toString('utf8')
    .split('\n\n')
    .map((record) => record.split('\n'))
    .some((lines) => lines.includes(`branch ${branchRef(branch)}`) && lines[0] !== `worktree ${worktreePath}`);
}
