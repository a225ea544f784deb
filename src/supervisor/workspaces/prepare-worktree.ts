/**
 * Gives a run its worktree: new, or the one its worker had, at the run's base.
 *
 * P1. Repeating it is harmless: a worktree on its branch at its base, clean, is left as it is.
 * P2. An interrupted `git worktree add` (still locked with git's own `initializing`) is taken away and done again.
 * P3. A directory that is not a registered worktree is refused, whatever is in it.
 * P4. A branch that is reset here keeps its old tip under a rescue ref unless the new base contains it.
 * Processes: new 1 (git starts 3 of its own), reused 2, continued 0; more only for leftovers, merges and filters.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filterNamesIn, filtersInInfoAttributes } from './git-config-scan.ts';
import type { GitPlace } from './git-environment.ts';
import { filterAdvice } from './git-filters.ts';
import { removeOwnLocks } from './git-locks.ts';
import { failureOf, type GitRunner } from './git-process.ts';
import { hasTrailer, isObjectId, readCommit, readRef } from './git-refs.ts';
import { distinctMerges, mergeDependencies } from './dependency-merge.ts';
import { quarantineLeftovers } from './leftovers.ts';
import { keepCommit } from './rescue-commit.ts';
import { branchRef, refusalOf, refused, type Repository } from './repository.ts';
import type { PrepareRequest, PrepareResult, Refused } from './workspace-port.ts';
import { administrationOf, contentOf, registeredPlace } from './worktree-registration.ts';
import { readStatus, type WorktreeStatus } from './worktree-status.ts';

export async function prepareWorktree(repository: Repository, request: PrepareRequest): Promise<PrepareResult> {
  const place = registeredPlace(repository.commonGitDir, request.worktreePath);
  const removedLocks = request.removeStaleLocks && place !== null ? removeOwnLocks(place.gitDir) : [];
  try {
    const result = await chooseWay(repository, request, place);
    return result.kind === 'prepared' && removedLocks.length > 0 ? { ...result, removedLocks } : result;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
}

async function chooseWay(
  repository: Repository,
  request: PrepareRequest,
  place: GitPlace | null,
): Promise<PrepareResult> {
  const first = distinctMerges(request.base)[0]?.commit ?? (await commitOf(repository, request.base.base));
  const interrupted = wasInterrupted(repository, request.worktreePath, place);
  if (request.continueWork && !interrupted) return continueWork(repository, { request, first, place });
  const filter = await filterInUse(repository, first);
  if (filter !== null) return filter;
  const ready =
    place !== null && !interrupted
      ? await reuse(repository, { request, first, place })
      : await addNew(repository, { request, first, interrupted });
  return 'kind' in ready ? ready : mergeInto(repository, { request, first, ready });
}

/** Git's own mark on a worktree that `git worktree add` has not finished. */
function wasInterrupted({ commonGitDir }: Repository, worktreePath: string, place: GitPlace | null): boolean {
  const gitDir = place?.gitDir ?? administrationOf(commonGitDir, worktreePath)?.gitDir;
  return gitDir !== undefined && contentOf(join(gitDir, 'locked'))?.trim() === 'initializing';
}

type Ready = {
  readonly place: GitPlace;
  readonly fresh: boolean;
  readonly quarantined: string | null;
  /** HEAD is already the finished merge of this effect. */
  readonly merged: string | null;
};
type Step = { readonly request: PrepareRequest; readonly first: string };

async function commitOf({ git, place }: Repository, commitish: string): Promise<string> {
  if (isObjectId(commitish)) return commitish;
  const { stdout } = await git.read(place, ['rev-parse', '--verify', '--end-of-options', `${commitish}^{commit}`]);
  return stdout.toString('utf8').trim();
}

async function continueWork(
  repository: Repository,
  { request, first, place }: Step & { readonly place: GitPlace | null },
): Promise<PrepareResult> {
  const { branch, worktreePath } = request;
  if (place === null) {
    return refused('not_found', `${worktreePath} is not a registered worktree any more; recover the worker first.`);
  }
  const baseCommit = distinctMerges(request.base).length > 1 ? await mergedBase(repository, place, request) : first;
  return { kind: 'prepared', branch, worktreePath, baseCommit, fresh: false, quarantined: null };
}

/** The merge that an earlier `prepare` of this run made, found by its trailer below HEAD. */
async function mergedBase({ git }: Repository, place: GitPlace, { base, branch }: PrepareRequest): Promise<string> {
  const last = distinctMerges(base).at(-1)!;
  const args = ['rev-list', '--merges', '--first-parent', '-n', '1000', '--parents', 'HEAD'];
  const lines = (await git.read(place, args)).stdout.toString('utf8').split('\n');
  const line = lines.find((candidate) => candidate.split(' ').slice(2).includes(last.commit));
  return line?.split(' ')[0] ?? (await readRef(git, place, branchRef(branch))) ?? base.base;
}

/** Files that a filter driver makes (LFS, git-crypt) would be wrong without it, and it is a program of the user. */
async function filterInUse(repository: Repository, commit: string): Promise<Refused | null> {
  const { blockedFilters } = await repository.scan(repository.place);
  if (blockedFilters.size === 0) return null;
  const used = [...filtersInInfoAttributes(repository.commonGitDir), ...(await filtersInCommit(repository, commit))];
  const name = used.find((one) => blockedFilters.has(one));
  if (name === undefined) return null;
  const advice = filterAdvice(name, blockedFilters.get(name)!);
  return refused('refused', `The repository passes files through the filter "${name}" (.gitattributes), ${advice}`);
}

async function filtersInCommit(repository: Repository, commit: string): Promise<readonly string[]> {
  const { git, place, filtersByCommit } = repository;
  const known = filtersByCommit.get(commit);
  if (known !== undefined) return known;
  const names = await askFilters(git, place, commit);
  if (filtersByCommit.size >= filterCommitsMax) filtersByCommit.clear();
  filtersByCommit.set(commit, names);
  return names;
}
/** Commits whose attributes stay known; a commit never changes, so this only saves processes. */
const filterCommitsMax = 1000;

async function askFilters(git: GitRunner, place: GitPlace, commit: string): Promise<readonly string[]> {
  const patterns = [':(top,glob)**/.gitattributes'];
  try {
    const args = ['grep', '-h', '-I', '--no-color', '--no-textconv', '-e', 'filter=', commit, '--', ...patterns];
    return filterNamesIn((await git.read(place, args)).stdout.toString('utf8'));
  } catch (error) {
    if (failureOf(error)?.exitCode === 1) return []; // Nothing matched.
    throw error;
  }
}

async function addNew(
  repository: Repository,
  { request, first, interrupted }: Step & { readonly interrupted: boolean },
): Promise<Ready | Refused> {
  const { worktreePath, branch, workerId } = request;
  const { git, commonGitDir } = repository;
  const record = administrationOf(commonGitDir, worktreePath);
  // Nobody has worked there: git had not finished making it.
  if (interrupted) rmSync(worktreePath, { recursive: true, force: true });
  if (existsSync(worktreePath) && !isEmptyDirectory(worktreePath)) {
    return refused(
      'refused',
      `${worktreePath} exists and is not a registered worktree of this repository. Move it away, or recover the worker.`,
    );
  }
  if (record !== null) {
    if (record.lockReason !== null && !interrupted) {
      return refused('conflict', `${worktreePath} is gone but locked; mount its disk, or \`git worktree unlock\` it.`);
    }
    const tip = /^[0-9a-f]{40,64}$/.exec(contentOf(join(record.gitDir, 'HEAD'))?.trim() ?? '')?.[0];
    if (tip !== undefined) await keepUnlessContained(repository, { workerId, tip, next: first });
    rmSync(record.gitDir, { recursive: true, force: true });
  }
  const kept = await keepTip(repository, { workerId, branch, next: first });
  mkdirSync(dirname(worktreePath), { recursive: true });
  await git.change(repository.place, ['worktree', 'add', '-B', branch, '--', worktreePath, first]);
  const place = registeredPlace(commonGitDir, worktreePath);
  if (place === null) return refused('invalid_state', `git added ${worktreePath}, but it is not registered.`);
  return { place, fresh: true, quarantined: kept, merged: null };
}

/** Whether a worktree that exists has this branch checked out. */
export async function isCheckedOut({ git, place }: Repository, branch: string): Promise<boolean> {
  const { stdout } = await git.read(place, ['worktree', 'list', '--porcelain']);
  const records = stdout.toString('utf8').split('\n\n');
  return records.some((record) => {
    const lines = record.split('\n');
    return lines.includes(`branch ${branchRef(branch)}`) && !lines.some((line) => line.startsWith('prunable'));
  });
}

function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false; // A file.
  }
}

async function reuse(
  repository: Repository,
  { request, first, place }: Step & { readonly place: GitPlace },
): Promise<Ready> {
  const { git } = repository;
  const { branch, workerId, worktreePath } = request;
  const status = await readStatus(git, place);
  const there = await alreadyThere(repository, { request, first, place, status });
  if (there !== null) return there;
  const dirty = status.entries.length > 0 || existsSync(`${place.gitDir}/MERGE_HEAD`);
  const quarantined = dirty
    ? await quarantineLeftovers(repository, { workerId, worktreePath, branch, place, status })
    : null;
  const detached = status.branch === null && status.head !== null;
  if (detached) await keepUnlessContained(repository, { workerId, tip: status.head, next: first });
  const tip = await readRef(git, place, branchRef(branch));
  if (tip !== null) await keepUnlessContained(repository, { workerId, tip, next: first });
  await git.change(place, switchArgs({ branch, first, dirty, isNewHere: tip === null && status.head === first }));
  return { place, fresh: false, quarantined, merged: null };
}

/** P1. Clean, on its branch, at its base or at the merge that this effect has made. */
async function alreadyThere(
  { git }: Repository,
  { request, first, place, status }: Step & { readonly place: GitPlace; readonly status: WorktreeStatus },
): Promise<Ready | null> {
  const { head, branch, entries } = status;
  if (head === null || branch !== request.branch || entries.length > 0) return null;
  if (head === first) return { place, fresh: false, quarantined: null, merged: null };
  if (request.base.merge.length < 2) return null;
  const isMerged = hasTrailer(await readCommit(git, place, head), 'Conductor-Effect', request.effectKey);
  return isMerged ? { place, fresh: false, quarantined: null, merged: head } : null;
}

type Switch = {
  readonly branch: string;
  readonly first: string;
  readonly dirty: boolean;
  /** The branch does not exist and begins where HEAD is: git then need not read the index, a third of the time. */
  readonly isNewHere: boolean;
};

/** `checkout -f` discards what was quarantined; `switch` refuses while a merge is unfinished. */
function switchArgs({ branch, first, dirty, isNewHere }: Switch): readonly string[] {
  if (dirty) return ['checkout', '-f', '-B', branch, first, '--'];
  return isNewHere ? ['switch', '-c', branch] : ['switch', '-C', branch, first];
}

type Tip = { readonly workerId: string; readonly branch: string; readonly next: string };

async function keepTip(repository: Repository, { workerId, branch, next }: Tip): Promise<string | null> {
  const tip = await readRef(repository.git, repository.place, branchRef(branch));
  return tip === null ? null : keepUnlessContained(repository, { workerId, tip, next });
}

async function keepUnlessContained(
  repository: Repository,
  { workerId, tip, next }: { readonly workerId: string; readonly tip: string; readonly next: string },
): Promise<string | null> {
  if (tip === next || (await isAncestor(repository, tip, next))) return null;
  return keepCommit(repository, workerId, tip);
}

export async function isAncestor({ git, place }: Repository, older: string, newer: string): Promise<boolean> {
  try {
    await git.read(place, ['merge-base', '--is-ancestor', older, newer]);
    return true;
  } catch (error) {
    if (failureOf(error)?.exitCode === 1) return false;
    throw error;
  }
}

async function mergeInto(
  repository: Repository,
  { request, first, ready }: Step & { readonly ready: Ready },
): Promise<PrepareResult> {
  const { branch, worktreePath, base, effectKey } = request;
  const { place, fresh, quarantined } = ready;
  let baseCommit = ready.merged ?? first;
  const rest = distinctMerges(base).slice(1);
  if (rest.length > 0 && ready.merged === null) {
    const result = await mergeDependencies(repository, { place, first, rest, base, effectKey });
    if (result.kind === 'conflict') return result;
    baseCommit = (await readRef(repository.git, place, branchRef(branch))) ?? first;
  }
  return { kind: 'prepared', branch, worktreePath, baseCommit, fresh, quarantined };
}
