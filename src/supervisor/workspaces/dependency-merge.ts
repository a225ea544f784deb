/**
 * Merges the branches of a task's dependencies, in plan order, in the task's own worktree, by the system.
 * A conflict leaves the worktree clean at the first branch.
 */
import type { GitPlace } from './git-environment.ts';
import { failureOf } from './git-process.ts';
import { splitNul, textOfPath } from './path-bytes.ts';
import type { Repository } from './repository.ts';
import type { BaseSpec } from './workspace-port.ts';
import { readStatus } from './worktree-status.ts';

export type MergeInput = {
  readonly place: GitPlace;
  readonly first: string;
  readonly rest: BaseSpec['merge'];
  readonly base: BaseSpec;
  readonly effectKey: string;
};
export type MergeResult =
  | { readonly kind: 'merged' }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly tasks: readonly string[] };

/** The branches that really have to be merged: each commit once, in plan order. */
export function distinctMerges(base: BaseSpec): BaseSpec['merge'] {
  const seen = new Set<string>();
  return base.merge.filter(({ commit }) => !seen.has(commit) && seen.add(commit));
}

export async function mergeDependencies(repository: Repository, input: MergeInput): Promise<MergeResult> {
  const { git } = repository;
  for (const [index, dependency] of input.rest.entries()) {
    const last = index === input.rest.length - 1;
    // The key stands in the last merge only: with it the base is complete, and a repeat has nothing to do.
    const trailer = last ? `Conductor-Effect: ${input.effectKey}` : `Conductor-Task: ${dependency.task}`;
    const message = `Merge ${dependency.branch} (task ${dependency.task})\n\n${trailer}\n`;
    const flags = ['--no-ff', '--no-edit', '--no-verify', '--no-gpg-sign', '--cleanup=verbatim', '-m', message];
    try {
      await git.change(input.place, ['merge', ...flags, dependency.commit]);
    } catch (error) {
      if (failureOf(error) === null) throw error;
      const files = (await readStatus(git, input.place)).entries.filter(({ kind }) => kind === 'unmerged');
      if (files.length === 0) throw error;
      await git.change(input.place, ['reset', '--hard', input.first]);
      const names = files.map(({ path }) => textOfPath(path));
      return {
        kind: 'conflict',
        files: names,
        tasks: await tasksTouching(repository, input, { loser: dependency, files: names }),
      };
    }
  }
  return { kind: 'merged' };
}

/** The task whose branch did not go in, and those before it that changed one of the files. */
async function tasksTouching(
  repository: Repository,
  { base, place }: MergeInput,
  { loser, files }: { readonly loser: BaseSpec['merge'][number]; readonly files: readonly string[] },
): Promise<readonly string[]> {
  const wanted = new Set(files);
  const earlier = base.merge.slice(0, base.merge.indexOf(loser));
  const touching: string[] = [];
  for (const { task, commit } of earlier) {
    const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', base.base, commit, '--'];
    const { stdout } = await repository.git.read(place, args);
    if (splitNul(stdout).some((path) => wanted.has(textOfPath(path)))) touching.push(task);
  }
  return [...(touching.length > 0 ? touching : earlier.map(({ task }) => task)), loser.task];
}
