/**
 * After a repository was moved: its project's home gets the name that belongs to the new place.
 *
 * M1. Nothing is overwritten: when both places have a home, a person decides.
 * M2. Nothing is moved under a living supervisor.
 */
import { execFile } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { promisify } from 'node:util';
import { ConductorError } from '../../../machines/errors.ts';
import { projectHome } from '../../../persistence/project-home.ts';
import { checkProjectMark, writeProjectMark } from '../../../supervisor/workspaces/project-identity.ts';
import { ownerState } from '../../rpc/owner-report.ts';
import { readSupervisorFile } from '../../rpc/supervisor-file.ts';
import type { ProjectPlace } from '../project-place.ts';
import { ok, type Check } from './doctor-check.ts';

/** @throws ConductorError `conflict` (M1), `invalid_state` (M2). */
export const adoptProject = async ({ project, home, paths }: ProjectPlace): Promise<Check> => {
  const mark = checkProjectMark(project);
  if (mark.kind !== 'moved') return ok('adopt', 'the repository is where it was: nothing to adopt');
  const before = projectHome(home, mark.mark.projectKey);
  if (existsSync(before.root)) {
    if (existsSync(paths.root)) {
      throw new ConductorError('conflict', `${before.root} and ${paths.root} both exist: move one of them away`, {
        details: { from: before.root, to: paths.root },
      });
    }
    const file = readSupervisorFile(before.root);
    if (file !== null && (await ownerState(file)) !== 'gone') {
      const pid = String(file.identity.pid);
      throw new ConductorError(
        'invalid_state',
        `the supervisor of the old place still runs (pid ${pid}): stop it first`,
        {
          details: { pid: file.identity.pid },
        },
      );
    }
    renameSync(before.root, paths.root);
  }
  await writeProjectMark(project);
  // The worktrees know where the repository was; git finds those that did not move with it.
  await promisify(execFile)('git', ['-C', project.repoRoot, 'worktree', 'repair']);
  return ok('adopt', `what was ${mark.mark.projectKey} is ${project.projectKey} now`);
};
