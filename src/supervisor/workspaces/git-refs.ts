/**
 * Branches read from git's own files where they have the classic format (loose files over `packed-refs`), because a
 * process costs 3 to 5 ms and a run asks several times; a reftable repository is asked through git.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { failureOf, type GitRunner } from './git-process.ts';
import type { GitPlace } from './git-environment.ts';
import { contentOf } from './worktree-registration.ts';

const objectId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
export const isObjectId = (text: string): boolean => objectId.test(text);

/** The commit a full ref name points to, or null. */
export async function readRef(git: GitRunner, place: GitPlace, ref: string): Promise<string | null> {
  if (!hasReftable(place.commonGitDir)) {
    const loose = contentOf(join(place.commonGitDir, ref))?.trim();
    if (loose !== undefined && isObjectId(loose)) return loose;
    if (loose === undefined) return packedRefs(place.commonGitDir).get(ref) ?? null;
  }
  try {
    const { stdout } = await git.read(place, ['rev-parse', '--verify', '--quiet', '--end-of-options', ref]);
    return stdout.toString('utf8').trim();
  } catch (error) {
    if (failureOf(error)?.exitCode === 1) return null;
    throw error;
  }
}

/** Why a branch of this name cannot be created: it exists, a parent of it is a branch, or it is a folder of branches. */
export type BranchObstacle = 'exists' | 'parent_is_branch' | 'is_folder' | null;

export async function branchObstacle(git: GitRunner, place: GitPlace, branch: string): Promise<BranchObstacle> {
  const parents = branch.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
  if (hasReftable(place.commonGitDir)) return obstacleAmong(await allBranches(git, place), branch, parents);
  const heads = join(place.commonGitDir, 'refs', 'heads');
  for (const parent of parents.filter(Boolean)) {
    if (statSync(join(heads, parent), { throwIfNoEntry: false })?.isFile()) return 'parent_is_branch';
  }
  const own = statSync(join(heads, branch), { throwIfNoEntry: false });
  if (own?.isFile()) return 'exists';
  const packed = [...packedRefs(place.commonGitDir).keys()].flatMap((ref) =>
    ref.startsWith('refs/heads/') ? [ref.slice('refs/heads/'.length).toLowerCase()] : [],
  );
  const obstacle = obstacleAmong(new Set(packed), branch, parents);
  // An empty folder is what a deleted branch leaves behind; git removes it by itself.
  return obstacle ?? (own?.isDirectory() && anyFileBelow(join(heads, branch)) ? 'is_folder' : null);
}

function obstacleAmong(branches: ReadonlySet<string>, branch: string, parents: readonly string[]): BranchObstacle {
  if (branches.has(branch)) return 'exists';
  if (parents.some((parent) => parent !== '' && branches.has(parent))) return 'parent_is_branch';
  for (const name of branches) if (name.startsWith(`${branch}/`)) return 'is_folder';
  return null;
}

async function allBranches(git: GitRunner, place: GitPlace): Promise<ReadonlySet<string>> {
  const { stdout } = await git.read(place, ['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/']);
  return new Set(stdout.toString('utf8').toLowerCase().split('\n').filter(Boolean));
}

const anyFileBelow = (directory: string): boolean =>
  readdirSync(directory, { withFileTypes: true }).some((entry) =>
    entry.isDirectory() ? anyFileBelow(join(directory, entry.name)) : true,
  );

const hasReftable = (commonGitDir: string): boolean => existsSync(join(commonGitDir, 'reftable'));

const packedCache = new Map<string, { stamp: string; refs: ReadonlyMap<string, string> }>();
/** Repositories whose packed refs stay parsed; a supervisor has one. */
const packedCacheMax = 8;

function packedRefs(commonGitDir: string): ReadonlyMap<string, string> {
  const path = join(commonGitDir, 'packed-refs');
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return new Map();
  const stamp = `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
  const cached = packedCache.get(commonGitDir);
  if (cached?.stamp === stamp) return cached.refs;
  const refs = new Map<string, string>();
  for (const line of (contentOf(path) ?? '').split('\n')) {
    const [id = '', ref] = line.split(' ');
    if (ref !== undefined && isObjectId(id)) refs.set(ref, id);
  }
  if (packedCache.size >= packedCacheMax) packedCache.clear();
  packedCache.set(commonGitDir, { stamp, refs });
  return refs;
}

/** Headers and message of a commit. Commits the system has just made are loose objects and are read without git. */
export async function readCommit(git: GitRunner, place: GitPlace, commit: string): Promise<string> {
  try {
    const raw = inflateSync(readFileSync(join(place.commonGitDir, 'objects', commit.slice(0, 2), commit.slice(2))), {
      maxOutputLength: commitBytesMax,
    }).toString('utf8');
    if (raw.startsWith('commit ')) return raw.slice(raw.indexOf('\0') + 1);
  } catch {
    // Packed, borrowed from another repository, or large: git knows how to find it.
  }
  const { stdout } = await git.read(place, ['cat-file', 'commit', commit]);
  return stdout.toString('utf8');
}
/** A commit with a longer message goes through git. */
const commitBytesMax = 1024 * 1024;

/** Whether the last paragraph of a commit has the trailer line `name: value`. */
export function hasTrailer(commitText: string, name: string, value: string): boolean {
  const lastParagraph = commitText.trimEnd().split('\n\n').at(-1) ?? '';
  return lastParagraph.split('\n').includes(`${name}: ${value}`);
}
