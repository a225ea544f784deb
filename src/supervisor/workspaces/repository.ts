/** What every operation of this folder needs to know about the repository, opened once by `open-workspaces.ts`. */
import { ConductorError } from '../../machines/errors.ts';
import type { ConfigScan } from './git-config-scan.ts';
import type { GitPlace } from './git-environment.ts';
import type { GitRunner } from './git-process.ts';
import type { Refused } from './workspace-port.ts';

export type Repository = {
  /** Main checkout, or the git directory of a bare repository. */
  readonly repoRoot: string;
  readonly commonGitDir: string;
  /** The project's home: fallback for worktrees, quarantine. */
  readonly home: string;
  readonly branchPrefix: string;
  /** Absolute. */
  readonly worktreesDir: string;
  readonly git: GitRunner;
  readonly scan: (place: GitPlace) => Promise<ConfigScan>;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** The repository itself, without files: refs, objects, worktree administration. */
  readonly place: GitPlace;
  /** Names of filter drivers that a commit's attribute files use. */
  readonly filtersByCommit: Map<string, readonly string[]>;
};

export const refused = (code: Refused['code'], message: string): Refused => ({ kind: 'refused', code, message });

export const branchRef = (branch: string): string => `refs/heads/${branch}`;

/** Git's words for states that a caller can act on, as values; everything else stays an exception. */
export function refusalOf(error: unknown): Refused | null {
  const said = error instanceof ConductorError && error.code === 'git_failed' ? error.message : '';
  if (/already (?:checked out|used by worktree) at|cannot force update the branch|already exists/.test(said))
    return refused('conflict', said);
  if (
    /invalid reference|not a valid object name|bad object|not a valid branch point|needed a single revision|unknown revision|not a commit/i.test(
      said,
    )
  ) {
    return refused('not_found', said);
  }
  return null;
}

/** `20261120T122241123Z`: sorts by time and is allowed in refs and file names. */
export const timeStamp = (now: number): string => new Date(now).toISOString().replace(/[-:.]/g, '');
