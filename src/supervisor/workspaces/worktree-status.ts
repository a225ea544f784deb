/** What differs from HEAD in a worktree: one `git status`, parsed without losing a byte of a name. */
import type { GitPlace } from './git-environment.ts';
import type { GitRunner } from './git-process.ts';
import { splitNul, type PathBytes } from './path-bytes.ts';

export type StatusEntry = {
  readonly kind: 'changed' | 'unmerged' | 'untracked' | 'ignored';
  /** Without a trailing slash. */
  readonly path: PathBytes;
  /** Git showed a directory: collapsed (ignored), or a repository nested in the worktree (untracked). */
  readonly directory: boolean;
  /** No file stands there any more. */
  readonly deleted: boolean;
  readonly submodule: boolean;
};
export type WorktreeStatus = {
  /** Null before the first commit. */
  readonly head: string | null;
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  readonly entries: readonly StatusEntry[];
};

/** Submodules count by their recorded commit only: looking into them would run git under *their* configuration. */
const statusArgs = [
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
  '--no-renames',
  '--no-ahead-behind',
  '--untracked-files=all',
  '--ignore-submodules=dirty',
] as const;

export async function readStatus(git: GitRunner, place: GitPlace, ignored = false): Promise<WorktreeStatus> {
  const args = ignored ? [...statusArgs, '--ignored=matching'] : statusArgs;
  return parseStatus((await git.read(place, args)).stdout);
}

export function parseStatus(output: Buffer): WorktreeStatus {
  let head: string | null = null;
  let branch: string | null = null;
  const entries: StatusEntry[] = [];
  for (const record of splitNul(output)) {
    if (record.startsWith('# branch.oid ')) head = known(record.slice(13), '(initial)');
    else if (record.startsWith('# branch.head ')) branch = known(record.slice(14), '(detached)');
    else if (!record.startsWith('#')) entries.push(entryOf(record));
  }
  return { head, branch, entries };
}

const known = (value: string, unknown: string): string | null => (value === unknown ? null : value);

function entryOf(record: PathBytes): StatusEntry {
  const type = record[0];
  if (type === '?' || type === '!') {
    const path = record.slice(2);
    const directory = path.endsWith('/');
    return {
      kind: type === '?' ? 'untracked' : 'ignored',
      path: (directory ? path.slice(0, -1) : path) as PathBytes,
      directory,
      deleted: false,
      submodule: false,
    };
  }
  // `1 XY sub mH mI mW hH hI path` and `u XY sub m1 m2 m3 mW h1 h2 h3 path`: the path is the rest, spaces included.
  const fields = type === 'u' ? 10 : 8;
  const parts = record.split(' ');
  const worktreeMode = parts[type === 'u' ? 6 : 5]!;
  return {
    kind: type === 'u' ? 'unmerged' : 'changed',
    path: parts.slice(fields).join(' ') as PathBytes,
    directory: false,
    deleted: worktreeMode === '000000',
    submodule: parts[2]!.startsWith('S'),
  };
}
