/**
 * Removes a worktree after everything in it is safe.
 *
 * K1. Order: look, ask or copy, write the rescue commit and the manifest, and only then remove.
 * K2. Files that git was told to overlook (`assume-unchanged`, `skip-worktree`) are rescued like changed ones.
 * K3. The branch stays.
 * Processes: 3 for a clean worktree, 4 with something to rescue.
 */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GitPlace } from './git-environment.ts';
import { isObjectId, readRef } from './git-refs.ts';
import { captureWorktree } from './leftovers.ts';
import { locate, splitNul, textOfPath, type PathBytes } from './path-bytes.ts';
import { sizeBelow } from './quarantine.ts';
import { keepCommit } from './rescue-commit.ts';
import { branchRef, refused, type Repository } from './repository.ts';
import type { CleanupRequest, CleanupResult } from './workspace-port.ts';
import { administrationOf, contentOf, registeredPlace } from './worktree-registration.ts';
import { readStatus, type StatusEntry, type WorktreeStatus } from './worktree-status.ts';

/** Entries of a question; nobody reads more. The sum counts all. */
const askedEntriesMax = 200;

export async function cleanupWorktree(repository: Repository, request: CleanupRequest): Promise<CleanupResult> {
  const { worktreePath } = request;
  const { git, commonGitDir } = repository;
  const record = administrationOf(commonGitDir, worktreePath);
  if (!existsSync(worktreePath)) {
    if (record !== null) await forget(repository, request, record.gitDir);
    return { kind: 'removed', rescueRef: null, ignored: [] };
  }
  const place = registeredPlace(commonGitDir, worktreePath);
  if (place === null) {
    return refused('refused', `${worktreePath} is not a registered worktree of this repository; nothing was removed.`);
  }
  const refusal = obstacle(place, worktreePath, record?.lockReason ?? null);
  if (refusal !== null) return refusal;

  const seen = await readStatus(git, place, true);
  const status = { ...seen, entries: [...seen.entries, ...(await overlooked(repository, place))] };
  const ignored = ignoredOf(status.entries, worktreePath);
  const copy = (request.ignoredFiles ?? 'copy') === 'copy';
  if (copy && ignored.bytes > request.ignoredBytesMax) {
    const largest = ignored.sized.toSorted((one, other) => other.bytes - one.bytes).slice(0, askedEntriesMax);
    return { kind: 'asks', ignored: largest, bytes: ignored.bytes };
  }
  const rescueRef = await rescueIfNeeded(repository, { request, place, status, alsoCopy: copy ? ignored.paths : [] });
  await git.changeBytes(repository.place, ['worktree', 'remove', '--force', '--', worktreePath]);
  return { kind: 'removed', rescueRef, ignored: ignored.sized.slice(0, askedEntriesMax) };
}

/** Removed before, here or by hand: what git remembers of this one path goes too, but not a commit only it names. */
async function forget(repository: Repository, { workerId }: CleanupRequest, gitDir: string): Promise<void> {
  const head = contentOf(join(gitDir, 'HEAD'))?.trim() ?? '';
  if (isObjectId(head)) await keepCommit(repository, workerId, head);
  rmSync(gitDir, { recursive: true, force: true });
}

function ignoredOf(entries: readonly StatusEntry[], worktreePath: string) {
  const paths = entries.filter(({ kind }) => kind === 'ignored').map(({ path }) => path);
  const sized = paths.map((path) => ({ path: textOfPath(path), bytes: sizeBelow(worktreePath, path) }));
  return { paths, sized, bytes: sized.reduce((sum, entry) => sum + entry.bytes, 0) };
}

type RescueNeed = {
  readonly request: CleanupRequest;
  readonly place: GitPlace;
  readonly status: WorktreeStatus;
  readonly alsoCopy: readonly PathBytes[];
};

async function rescueIfNeeded(repository: Repository, need: RescueNeed): Promise<string | null> {
  const { request, place, status, alsoCopy } = need;
  const changed = status.entries.some(({ kind }) => kind !== 'ignored');
  const tip = status.branch === null ? null : await readRef(repository.git, place, branchRef(status.branch));
  if (!changed && alsoCopy.length === 0 && tip === status.head) return null;
  const { workerId, worktreePath, branch } = request;
  return (await captureWorktree(repository, { workerId, worktreePath, branch, place, status, alsoCopy })).ref;
}

function obstacle(place: GitPlace, worktreePath: string, lockReason: string | null) {
  if (lockReason !== null) {
    const why = lockReason === '' ? 'without a reason' : `with the reason "${lockReason.slice(0, 200)}"`;
    return refused('refused', `${worktreePath} was locked ${why}; \`git worktree unlock\` it first.`);
  }
  const modules = join(place.gitDir, 'modules');
  if (existsSync(modules) && readdirSync(modules).length > 0) {
    return refused(
      'refused',
      `${worktreePath} has submodules checked out, whose commits exist only there. Push them, then run ` +
        '`git submodule deinit --all --force` in it and delete ' +
        modules,
    );
  }
  return null;
}

/** Tracked files whose changes `git status` was told not to show. */
async function overlooked({ git }: Repository, place: GitPlace): Promise<readonly StatusEntry[]> {
  const { stdout } = await git.read(place, ['ls-files', '-v', '-z']);
  return splitNul(stdout)
    .filter((record) => /^[a-zS]/.test(record))
    .map((record) => record.slice(2) as PathBytes)
    .filter((path) => lstatSync(locate(place.workTree!, path), { throwIfNoEntry: false })?.isDirectory() === false)
    .map((path) => ({ kind: 'changed', path, directory: false, deleted: false, submodule: false }));
}
