/**
 * Chooses a branch name and a directory for a new worker or task.
 *
 * B1. A name that was handed out here is not handed out again while this process lives, even before git knows it.
 * B2. Names are lower-case, and a taken one gets the short id as a suffix, then a number.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import { branchObstacle } from './git-refs.ts';
import type { Repository } from './repository.ts';
import type { BranchPlan, BranchPlanRequest } from './workspace-port.ts';
import { slugOf, suffixedSlug } from './worktree-slug.ts';

/** Suffixes tried before giving up; a person with 100 equal names has another problem. */
const triesMax = 100;

export type BranchPlanner = (request: BranchPlanRequest) => Promise<BranchPlan>;

export function createBranchPlanner(repository: Repository): BranchPlanner {
  const handedOut = new Set<string>();
  return async ({ slugs, shortId }) => {
    const prefix = await freePrefix(repository);
    const parts = (slugs.length === 0 ? ['work'] : slugs).map((text) => slugOf(text, shortId));
    const last = parts.pop()!;
    const directory = usableWorktreesDir(repository);
    for (let attempt = 0; attempt < triesMax; attempt += 1) {
      const name = nameOf(last, shortId, attempt);
      const branch = [prefix, ...parts, name].join('/');
      // One flat directory name: a nested one could lie inside another worker's worktree.
      const worktreePath = join(directory, [...parts, name].join('-'));
      if (handedOut.has(branch) || handedOut.has(worktreePath) || existsSync(worktreePath)) continue;
      if ((await branchObstacle(repository.git, repository.place, branch)) !== null) continue;
      // A second caller may have come this far during the question above.
      if (handedOut.has(branch) || handedOut.has(worktreePath)) continue;
      handedOut.add(branch).add(worktreePath);
      return { branch, worktreePath };
    }
    throw new ConductorError(
      'conflict',
      `No free branch name for ${last} after ${triesMax} tries; delete old branches.`,
      {
        details: { name: last },
      },
    );
  };
}

function nameOf(slug: string, shortId: string, attempt: number): string {
  if (attempt === 0) return slug;
  return suffixedSlug(slug, attempt === 1 ? shortId : `${shortId}-${attempt}`);
}

/** A branch called like the prefix leaves no room for `prefix/…`: git keeps refs as files and folders. */
async function freePrefix({ git, place, branchPrefix }: Repository): Promise<string> {
  for (const prefix of [branchPrefix, `${branchPrefix}-runs`, `${branchPrefix}-runs-2`, `${branchPrefix}-runs-3`]) {
    const obstacle = await branchObstacle(git, place, prefix);
    if (obstacle === null || obstacle === 'is_folder') return prefix;
  }
  throw new ConductorError('conflict', `Branches named ${branchPrefix} leave no room; set another branchPrefix.`, {
    details: { branchPrefix },
  });
}

/** The configured directory when it can be written, else one inside the home. */
export function usableWorktreesDir({ worktreesDir, home }: Repository): string {
  return canBeMade(worktreesDir) ? worktreesDir : join(home, 'worktrees');
}

function canBeMade(directory: string): boolean {
  try {
    let existing = directory;
    while (!existsSync(existing)) existing = dirname(existing);
    accessSync(existing, constants.W_OK | constants.X_OK);
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // Read-only parent, or a file in the way: that is what the fallback is for.
  }
}
