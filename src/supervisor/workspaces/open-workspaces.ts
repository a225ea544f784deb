/**
 * The adapter of the workspace port over real git: one per repository, opened by the supervisor.
 *
 * O1. Operations on one worktree run one after the other; operations on different worktrees run side by side, and
 *     those of their git commands that change something take turns (`git-process.ts`).
 */
import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { ProgramRunner } from '../processes/program-run.ts';
import { createBranchPlanner } from './branch-plan.ts';
import { cleanupWorktree } from './cleanup-worktree.ts';
import { createConfigScanner } from './git-config-scan.ts';
import { fallbackIdentity, type GitPlace } from './git-environment.ts';
import { createGitRunner, failureOf } from './git-process.ts';
import { diffLive } from './live-diff.ts';
import { prepareWorktree } from './prepare-worktree.ts';
import { recoverWorktree } from './recover-worktree.ts';
import type { Repository } from './repository.ts';
import { restoreWorktree } from './restore-worktree.ts';
import { sealWorktree } from './seal-worktree.ts';
import type { WorktreeListing, Workspaces } from './workspace-port.ts';
import { diffCommits } from './worktree-diff.ts';
import { contentOf, registeredPlace } from './worktree-registration.ts';
import { slugOf } from './worktree-slug.ts';

export type WorkspacesOptions = {
  readonly repoRoot: string;
  /** Real path, as `findProject` gives it. */
  readonly commonGitDir: string;
  /** The project's home: holds the quarantine and, when the parent of the repository is read-only, the worktrees. */
  readonly home: string;
  readonly config?: {
    /** Default `conductor`. */
    readonly branchPrefix?: string;
    /** Absolute or relative to `repoRoot`. Default `<repoRoot>.worktrees`. */
    readonly worktreesDir?: string;
    /** Filter drivers (`lfs`, …) that may run with the values of the *user's* git configuration. Default none. */
    readonly gitFilters?: readonly string[];
  };
  /** Wall clock in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Where git is started; default: from this process. */
  readonly run?: ProgramRunner;
};

/** @throws not_a_repository when the git directory is not there. */
export async function openWorkspaces(options: WorkspacesOptions): Promise<Workspaces> {
  const repository = repositoryOf(options);
  const inTurn = createTurns();
  const planBranch = createBranchPlanner(repository);
  return {
    planBranch,
    resolveBase: createBaseResolver(repository),
    fileAt: (commit, path) => fileAt(repository, commit, path),
    uncommittedFiles: (checkout) => uncommittedFiles(repository, checkout),
    verifyRegistered: async (path) => registeredPlace(repository.commonGitDir, path) !== null,
    prepare: (request) => inTurn(request.worktreePath, () => prepareWorktree(repository, request)),
    seal: (request) => inTurn(request.worktreePath, () => sealWorktree(repository, request)),
    diff: (request) => diffCommits(repository, request),
    liveDiff: (request) => diffLive(repository, request),
    cleanup: (request) => inTurn(request.worktreePath, () => cleanupWorktree(repository, request)),
    restore: (request) => inTurn(`restore ${request.workerId}`, () => restoreWorktree(repository, request)),
    recover: (request) => inTurn(request.worktreePath, () => recoverWorktree(repository, request)),
    listWorktrees: () => listWorktrees(repository),
  };
}

function repositoryOf(options: WorkspacesOptions): Repository {
  const { repoRoot, commonGitDir, home, config = {}, now = Date.now } = options;
  if (!statSync(commonGitDir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConductorError('not_a_repository', `${commonGitDir} is not there; was the repository moved or deleted?`, {
      details: { repoRoot, commonGitDir },
    });
  }
  const place: GitPlace = { gitDir: commonGitDir, commonGitDir, workTree: null };
  const scan = createConfigScanner(commonGitDir, config.gitFilters ?? []);
  const git = createGitRunner(async (at) => {
    const { settings, hasIdentity } = await scan(at);
    return { settings, identity: hasIdentity ? null : fallbackIdentity };
  }, options.run ?? null);
  const worktreesDir = config.worktreesDir ?? `${repoRoot.replace(/\.git$/, '')}.worktrees`;
  return {
    repoRoot,
    commonGitDir,
    home,
    branchPrefix: prefixOf(config.branchPrefix ?? 'conductor'),
    worktreesDir: isAbsolute(worktreesDir) ? worktreesDir : resolve(repoRoot, worktreesDir),
    git,
    scan,
    now,
    place,
    filtersByCommit: new Map(),
  };
}

const prefixOf = (text: string): string =>
  text
    .split('/')
    .filter(Boolean)
    .map((part) => slugOf(part, 'conductor'))
    .join('/') || 'conductor';

/** One chain of work per key; a key disappears with its last work. */
function createTurns(): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const result = (tails.get(key) ?? Promise.resolve()).then(work);
    const tail = result
      .catch(() => undefined) // The caller hears of it; the next in line does not.
      .finally(() => tails.get(key) === tail && tails.delete(key));
    tails.set(key, tail);
    return result;
  };
}

/** A checkout's own git directory: of the main one, of a linked worktree, or of the bare repository. */
function checkoutPlace(repository: Repository, checkout: string | undefined): GitPlace {
  const path = checkout ?? repository.repoRoot;
  const linked = registeredPlace(repository.commonGitDir, path);
  if (linked !== null) return linked;
  return { ...repository.place, workTree: isBare(repository) ? null : repository.repoRoot };
}

const isBare = ({ repoRoot, commonGitDir }: Repository): boolean => repoRoot === commonGitDir;

/** Bytes of a file that is read from a commit; configuration is small. */
const fileBytesMax = 1_048_576;

async function fileAt(repository: Repository, commit: string, path: string): Promise<string | null> {
  try {
    const args = ['cat-file', 'blob', `${commit}:${path}`];
    const { stdout, truncated } = await repository.git.read(repository.place, args, { bytesMax: fileBytesMax });
    return truncated ? null : stdout.toString('utf8');
  } catch (error) {
    // 128: the commit has no such file.
    if (failureOf(error)?.exitCode === 128) return null;
    throw error;
  }
}

/** Commits that are remembered. */
const KNOWN_MAX = 1_000;

/**
 * What a commit is called by its whole id it stays: asked once a commit, not once a run. (One that was pruned since is refused by the
 * git that should check it out.)
 */
function createBaseResolver(repository: Repository): Workspaces['resolveBase'] {
  const known = new Set<string>();
  return async (commitish, checkout) => {
    if (known.has(commitish)) return commitish;
    const commit = await resolveBase(repository, commitish, checkout);
    if (known.size >= KNOWN_MAX) known.clear();
    known.add(commit);
    return commit;
  };
}

async function resolveBase(repository: Repository, commitish: string, checkout?: string): Promise<string> {
  const place = checkoutPlace(repository, checkout);
  const ask = async (text: string): Promise<string> => {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${text}^{commit}`];
    return (await repository.git.read(place, args)).stdout.toString('utf8').trim();
  };
  try {
    return await ask(commitish);
  } catch (error) {
    if (failureOf(error)?.exitCode !== 1 && failureOf(error)?.exitCode !== 128) throw error;
    const born = await ask('HEAD').then(
      () => true,
      () => false, // Only the difference between "no commit at all" and "no such commit" is wanted.
    );
    throw born
      ? new ConductorError('git_failed', `There is no commit "${commitish}" in ${repository.repoRoot}.`, {
          details: { commitish },
          cause: error,
        })
      : new ConductorError('repository_empty', `${repository.repoRoot} has no commit yet. Make one and try again.`, {
          details: { repoRoot: repository.repoRoot },
          cause: error,
        });
  }
}

async function uncommittedFiles(repository: Repository, checkout?: string): Promise<number> {
  const place = checkoutPlace(repository, checkout);
  if (place.workTree === null || contentOf(join(place.gitDir, 'HEAD')) === null) return 0;
  // Without `--no-optional-locks` the user's own git would now and then meet our index.lock.
  const args = ['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--no-renames', '--ignore-submodules=dirty'];
  const { stdout } = await repository.git.read(place, args);
  return stdout.toString('latin1').split('\0').filter(Boolean).length;
}

async function listWorktrees({ git, place }: Repository): Promise<readonly WorktreeListing[]> {
  const { stdout } = await git.read(place, ['worktree', 'list', '--porcelain']);
  const records = stdout.toString('utf8').split('\n\n').filter(Boolean);
  const listings = records.map((record): WorktreeListing => {
    const lines = record.split('\n');
    const field = (name: string): string | null =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? null;
    const flag = (name: string): boolean => lines.some((line) => line === name || line.startsWith(`${name} `));
    return {
      path: field('worktree') ?? '',
      commit: field('HEAD'),
      branch: field('branch')?.replace(/^refs\/heads\//, '') ?? null,
      locked: flag('locked'),
      prunable: flag('prunable'),
    };
  });
  return listings.slice(1); // The first is the main checkout, which is the user's.
}
