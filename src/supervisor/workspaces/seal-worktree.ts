/**
 * Commits everything a run changed, before it is verified.
 *
 * S1. Nothing to commit is fine: the commit is then HEAD.
 * S2. Repeating it changes nothing: a clean worktree has nothing to commit, and a HEAD that carries this effect's
 *     trailer was sealed; what lies there since then came later (verification) and is not part of it.
 * S3. The work ends up on the worker's branch, also when the agent moved to another branch or detached HEAD.
 * Processes: clean 1, tracked changes 2, new files 3; one more for the count when the agent committed itself.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { GitPlace } from './git-environment.ts';
import { removeOwnLocks } from './git-locks.ts';
import { hasTrailer, readCommit, readRef } from './git-refs.ts';
import { bufferOfPath, splitNul, textOfPath } from './path-bytes.ts';
import { isAncestor } from './prepare-worktree.ts';
import { keepCommit } from './rescue-commit.ts';
import { branchRef, type Repository } from './repository.ts';
import type { SealRequest, SealResult } from './workspace-port.ts';
import { requirePlace } from './worktree-registration.ts';
import { readStatus, type StatusEntry, type WorktreeStatus } from './worktree-status.ts';

export async function sealWorktree(repository: Repository, request: SealRequest): Promise<SealResult> {
  const place = requirePlace(repository.commonGitDir, request.worktreePath);
  const removedLocks = request.removeStaleLocks ? removeOwnLocks(place.gitDir) : [];
  const status = await readStatus(repository.git, place);
  const nested = status.entries.filter((entry) => entry.kind === 'untracked' && entry.directory);
  const entries = status.entries.filter((entry) => !nested.includes(entry));
  const committed = entries.length > 0 && !(await wasSealed(repository, { place, status, request }));
  if (committed) await commitEntries(repository, { place, entries, nested, request });
  const commit = committed ? await headOf(repository, place, status) : status.head;
  if (commit === null) {
    throw new ConductorError('git_failed', `${request.worktreePath} has no commit at all; its branch was emptied.`);
  }
  const keptRef = await bringBranchAlong(repository, { place, status, request, commit });
  const baseCommit = request.baseCommit ?? null;
  const onlyOurs = baseCommit === null || baseCommit === status.head;
  return {
    commit,
    baseCommit,
    changedFiles: onlyOurs
      ? committed
        ? entries.length
        : 0
      : await countChanges(repository, place, [baseCommit, commit]),
    committed,
    nestedRepositories: nested.map(({ path }) => textOfPath(path)),
    keptRef,
    ...(removedLocks.length > 0 ? { removedLocks } : {}),
  };
}

type Seal = { readonly place: GitPlace; readonly status: WorktreeStatus; readonly request: SealRequest };

async function wasSealed({ git }: Repository, { place, status, request }: Seal): Promise<boolean> {
  if (status.head === null) return false;
  return hasTrailer(await readCommit(git, place, status.head), 'Conductor-Effect', request.effectKey);
}

type CommitInput = {
  readonly place: GitPlace;
  readonly entries: readonly StatusEntry[];
  readonly nested: readonly StatusEntry[];
  readonly request: SealRequest;
};

async function commitEntries(repository: Repository, { place, entries, nested, request }: CommitInput): Promise<void> {
  const { git } = repository;
  const trackedOnly = entries.every(({ kind }) => kind === 'changed' || kind === 'unmerged');
  if (!trackedOnly) {
    const pathspecs = [':(top)', ...nested.map(({ path }) => `:(top,exclude,literal)${path}`)];
    const input = Buffer.concat(pathspecs.flatMap((text) => [bufferOfPath(text as never), Buffer.from([0])]));
    await git.changeBytes(place, ['add', '-A', '--pathspec-from-file=-', '--pathspec-file-nul'], { input });
  }
  const message = `${request.message.trim() || 'Work of a run'}\n\n${trailers(request)}`;
  const flags = ['--no-verify', '--no-gpg-sign', '--cleanup=verbatim', '--allow-empty-message', '--no-status'];
  const named = request.author === undefined || (await repository.scan(place)).hasIdentity;
  const author = named ? [] : authorFlags(request.author!);
  await git.change(place, ['commit', ...(trackedOnly ? ['-a'] : []), ...flags, ...author, '-m', message]);
}

const authorFlags = ({ name, email }: { readonly name: string; readonly email: string }): readonly string[] => [
  `--author=${name.replace(/[<>\n]/g, ' ')} <${email.replace(/[<>\s]/g, '')}>`,
];

const trailers = ({ runId, effectKey }: SealRequest): string =>
  `Conductor-Run: ${runId}\nConductor-Effect: ${effectKey}\n`;

async function headOf({ git }: Repository, place: GitPlace, { branch }: WorktreeStatus): Promise<string | null> {
  if (branch !== null) return readRef(git, place, branchRef(branch));
  const { stdout } = await git.read(place, ['rev-parse', '--verify', 'HEAD']);
  return stdout.toString('utf8').trim();
}

/** S3. Keeps the index and the files as they are; only names move. */
async function bringBranchAlong(
  repository: Repository,
  { place, status, request, commit }: Seal & { readonly commit: string },
): Promise<string | null> {
  const { branch } = request;
  if (branch === undefined || status.branch === branch) return null;
  const tip = await readRef(repository.git, place, branchRef(branch));
  const diverged = tip !== null && tip !== commit && !(await isAncestor(repository, tip, commit));
  const keptRef = diverged ? await keepCommit(repository, 'sealed', tip) : null;
  await repository.git.change(place, ['checkout', '-B', branch]);
  return keptRef;
}

async function countChanges({ git }: Repository, place: GitPlace, range: readonly string[]): Promise<number> {
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', ...range, '--'];
  return splitNul((await git.read(place, args)).stdout).length;
}
