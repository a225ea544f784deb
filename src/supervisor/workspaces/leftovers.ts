/**
 * Clears a worktree for its next run: everything that differs from HEAD goes into a rescue commit and the quarantine
 * first, then out of the way. Ignored files stay where they are.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { GitPlace } from './git-environment.ts';
import { readRef } from './git-refs.ts';
import { locate, type PathBytes } from './path-bytes.ts';
import { copyTree, quarantineDir, writeManifest } from './quarantine.ts';
import { makeRescueCommit } from './rescue-commit.ts';
import { branchRef, type Repository } from './repository.ts';
import type { WorktreeStatus } from './worktree-status.ts';

export type LeftoversInput = {
  readonly workerId: string;
  readonly worktreePath: string;
  readonly branch: string;
  readonly place: GitPlace;
  readonly status: WorktreeStatus;
};

/** Operations an agent may have left half-way; they would make git refuse or surprise the next run. */
const operationState = [
  'rebase-merge',
  'rebase-apply',
  'sequencer',
  'MERGE_HEAD',
  'MERGE_MSG',
  'MERGE_MODE',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'BISECT_LOG',
  'BISECT_START',
  'BISECT_NAMES',
  'BISECT_TERMS',
  'AUTO_MERGE',
  'SQUASH_MSG',
];

/** @returns the rescue ref. Tracked files lie there as they were; the checkout that follows must discard them. */
export async function quarantineLeftovers(repository: Repository, input: LeftoversInput): Promise<string> {
  const { ref, directory } = await captureWorktree(repository, input);
  for (const entry of input.status.entries) {
    if (entry.kind === 'untracked') rmSync(locate(input.worktreePath, entry.path), { recursive: true, force: true });
  }
  clearOperationState(input.place.gitDir, directory);
  return ref;
}

/** Makes the rescue commit, copies what git cannot take, and writes the manifest. Changes nothing in the worktree. */
export async function captureWorktree(
  repository: Repository,
  input: LeftoversInput & { readonly alsoCopy?: readonly PathBytes[] },
): Promise<{ readonly ref: string; readonly directory: string }> {
  const { status, worktreePath, workerId } = input;
  // An agent may have begun a branch without commits; its files are then a change of the worker's branch.
  const head = status.head ?? (await readRef(repository.git, input.place, branchRef(input.branch)));
  if (head === null)
    throw new ConductorError('git_failed', `${worktreePath} has neither a commit nor ${input.branch}.`);
  const message = `Files of ${workerId} in ${worktreePath}\n\nConductor-Worker: ${workerId}\n`;
  const entries = status.entries.filter(({ kind }) => kind !== 'ignored');
  const rescue = await makeRescueCommit(repository, { workerId, workTree: worktreePath, head, entries, message });
  const directory = quarantineDir(repository.home, workerId, rescue.stamp);
  const nested = entries.filter((entry) => entry.directory).map((entry) => entry.path);
  const copied = [...nested, ...(input.alsoCopy ?? [])];
  await copyTree(worktreePath, join(directory, 'files'), copied);
  await writeManifest(directory, {
    workerId,
    worktreePath,
    branch: status.branch ?? input.branch,
    head,
    rescueRef: rescue.ref,
    copied,
    modes: rescue.files,
  });
  return { ref: rescue.ref, directory };
}

/** Moves the notes of unfinished operations into the quarantine; they name commits that somebody may want. */
function clearOperationState(gitDir: string, directory: string): void {
  for (const name of operationState) {
    try {
      renameSync(join(gitDir, name), join(directory, name));
    } catch {
      // Usually not there; on another file system it cannot be renamed, and then only removal is left.
      rmSync(join(gitDir, name), { recursive: true, force: true });
    }
  }
}
