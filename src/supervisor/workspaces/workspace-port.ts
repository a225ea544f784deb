/**
 * The port through which the kernel asks for git workspaces; the adapter is `open-workspaces.ts`, a simulation may be
 * another.
 *
 * W1. Every method is idempotent: repeated after a crash it finds what is there and answers the same.
 * W2. Nothing that an agent wrote is deleted before it is in a rescue commit, in the quarantine, or refused by a person.
 * W3. No program named by the repository's configuration is executed (hooks, filters, fsmonitor, drivers, gpg).
 * W4. Everyday outcomes are values (`refused`, `conflict`, `asks`); what git itself cannot do is a `ConductorError`
 *     with `git_failed` or `git_locked` (retryable).
 */

/** Where a run starts: `merge` in plan order; one entry is that branch's tip, several are merged, none is `base`. */
export type BaseSpec = {
  /** A commit id (preferred) or any commit-ish. */
  readonly base: string;
  readonly merge: readonly { readonly task: string; readonly branch: string; readonly commit: string }[];
};

export type PrepareRequest = {
  readonly workerId: string;
  readonly runId: string;
  readonly branch: string;
  readonly worktreePath: string;
  /** The worker had this worktree before. False for a worker that is being created. */
  readonly existing: boolean;
  /** Retry or restart: keep the worktree exactly as it is. */
  readonly continueWork: boolean;
  readonly base: BaseSpec;
  /** Written as `Conductor-Effect` into a merge made here; a repeat finds it. */
  readonly effectKey: string;
  /** See `RecoverRequest.removeStaleLocks`. Default false. */
  readonly removeStaleLocks?: boolean;
};

export type Refused = {
  readonly kind: 'refused';
  /** One of the error codes of this package: `refused`, `conflict`, `not_found`, `invalid_state`. */
  readonly code: 'refused' | 'conflict' | 'not_found' | 'invalid_state';
  readonly message: string;
};

export type PrepareResult =
  | {
      readonly kind: 'prepared';
      readonly branch: string;
      readonly worktreePath: string;
      /** The commit the agent starts from; keep it, `seal` and `diff` want it. */
      readonly baseCommit: string;
      /** A new worktree without ignored files: setup must run. */
      readonly fresh: boolean;
      /** Ref of the rescue commit that holds leftovers of the run before, or null. */
      readonly quarantined: string | null;
      /** Lock files of the worktree's own git directory that were removed; absent when there were none. */
      readonly removedLocks?: readonly string[];
    }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly tasks: readonly string[] }
  | Refused;

export type SealRequest = {
  readonly worktreePath: string;
  readonly runId: string;
  readonly effectKey: string;
  /** Subject and body; trailers are appended here. */
  readonly message: string;
  /** The branch that must hold the work. When the agent moved elsewhere, it is brought to the agent's HEAD. */
  readonly branch?: string;
  /** `baseCommit` of `prepare`; `changedFiles` counts from there. Without it only what this call committed counts. */
  readonly baseCommit?: string;
  /** Used when git's configuration has no identity. Default `Conductor <conductor@localhost>`. */
  readonly author?: { readonly name: string; readonly email: string };
  /** See `RecoverRequest.removeStaleLocks`. An agent that was killed in a git command leaves one. Default false. */
  readonly removeStaleLocks?: boolean;
};

export type SealResult = {
  readonly commit: string;
  readonly baseCommit: string | null;
  /** Files that differ between `baseCommit` and `commit`. */
  readonly changedFiles: number;
  /** Whether this call made a commit. */
  readonly committed: boolean;
  /** Repositories nested in the worktree: git cannot take their content, so they are not in the commit. */
  readonly nestedRepositories: readonly string[];
  /** Ref that keeps the old tip of `branch` when the agent had diverged from it, or null. */
  readonly keptRef: string | null;
  /** Lock files of the worktree's own git directory that were removed; absent when there were none. */
  readonly removedLocks?: readonly string[];
};

export type DiffRequest = {
  readonly worktreePath: string;
  readonly from: string;
  readonly to: string;
  /** Bytes of patch to keep. */
  readonly bytesMax: number;
};

export type DiffResult = {
  /** UTF-8 view of `patchBytes`; lossy where files are not UTF-8. */
  readonly patch: string;
  /** What `git apply` takes, binary files included. */
  readonly patchBytes: Uint8Array;
  /** One line a file and a total. */
  readonly stat: string;
  /** Repository-relative paths, `/`-separated; bytes that are not UTF-8 appear as U+FFFD. */
  readonly files: readonly string[];
  readonly truncated: boolean;
};

export type LiveDiffRequest = Pick<DiffRequest, 'worktreePath' | 'from' | 'bytesMax'>;

/** For people; `git apply` takes it as far as it is text. */
export type LiveDiffResult = { readonly patch: string; readonly truncated: boolean };

export type IgnoredPath = { readonly path: string; readonly bytes: number };

export type CleanupRequest = {
  readonly workerId: string;
  readonly worktreePath: string;
  readonly branch: string;
  /** Ignored files together up to this many bytes are copied; above, cleanup asks. */
  readonly ignoredBytesMax: number;
  /** `discard` only after a person answered the question: ignored files then go without a copy. Default `copy`. */
  readonly ignoredFiles?: 'copy' | 'discard';
};

export type CleanupResult =
  | { readonly kind: 'removed'; readonly rescueRef: string | null; readonly ignored: readonly IgnoredPath[] }
  | { readonly kind: 'asks'; readonly ignored: readonly IgnoredPath[]; readonly bytes: number }
  | Refused;

export type RestoreRequest = {
  readonly workerId: string;
  /** A rescue ref; default the worker's newest. */
  readonly ref?: string;
};

export type RestoreResult = {
  readonly worktreePath: string;
  readonly branch: string;
  /** Files written over the checkout: rescued and ignored ones. */
  readonly files: number;
};

export type RecoverRequest = {
  readonly workerId: string;
  readonly worktreePath: string;
  readonly branch: string;
  /** True only after an empty census: lock files in the worktree's own git directory are then nobody's. */
  readonly removeStaleLocks: boolean;
};

export type RecoverResult =
  | {
      readonly kind: 'recovered';
      readonly worktreePath: string;
      readonly branch: string;
      readonly commit: string;
      /** The directory was missing or foreign and was added again from the branch. */
      readonly added: boolean;
      readonly removedLocks: readonly string[];
      /** Where something that stood in the way was moved to, or null. */
      readonly movedAside: string | null;
    }
  | Refused;

export type WorktreeListing = {
  readonly path: string;
  readonly commit: string | null;
  /** Short branch name, null when detached or bare. */
  readonly branch: string | null;
  readonly locked: boolean;
  readonly prunable: boolean;
};

export type BranchPlanRequest = {
  /** Raw names, e.g. objective title and task id; they are made into slugs here. */
  readonly slugs: readonly string[];
  /** Appended on collision: a few characters of an id, `[a-z0-9]`. */
  readonly shortId: string;
};
export type BranchPlan = { readonly branch: string; readonly worktreePath: string };

export interface Workspaces {
  /**
   * The commit id of a commit-ish, seen from `checkout` (default: the repository's main checkout).
   * @throws repository_empty, git_failed
   */
  resolveBase(commitish: string, checkout?: string): Promise<string>;
  /** Text of a file in a commit; null when the commit does not have it or it is larger than 1 MiB. @throws git_failed */
  fileAt(commit: string, path: string): Promise<string | null>;
  /** Changed and untracked files of a checkout of the user (default: the main one); 0 in a bare repository. */
  uncommittedFiles(checkout?: string): Promise<number>;
  planBranch(request: BranchPlanRequest): Promise<BranchPlan>;
  prepare(request: PrepareRequest): Promise<PrepareResult>;
  /** Registered here, and its git directory is its own. Reads three small files, starts no process. */
  verifyRegistered(worktreePath: string): Promise<boolean>;
  /** @throws refused when the worktree is not registered any more; git_failed, git_locked */
  seal(request: SealRequest): Promise<SealResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  /** What stands in the worktree now against a commit, new files included; changes nothing. @throws refused, git_failed */
  liveDiff(request: LiveDiffRequest): Promise<LiveDiffResult>;
  cleanup(request: CleanupRequest): Promise<CleanupResult>;
  /** @throws not_found without a rescue, conflict when its path is taken */
  restore(request: RestoreRequest): Promise<RestoreResult>;
  recover(request: RecoverRequest): Promise<RecoverResult>;
  listWorktrees(): Promise<readonly WorktreeListing[]>;
}
