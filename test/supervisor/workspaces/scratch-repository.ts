/** A real repository in a temporary directory, with the workspaces opened over it; `remove` takes everything away. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openWorkspaces, type WorkspacesOptions } from '../../../src/supervisor/workspaces/open-workspaces.ts';
import { findProject, type Project } from '../../../src/supervisor/workspaces/project-identity.ts';
import type { PrepareRequest, PrepareResult, Workspaces } from '../../../src/supervisor/workspaces/workspace-port.ts';

export type Scratch = {
  readonly root: string;
  readonly repo: string;
  readonly home: string;
  readonly project: Project;
  readonly workspaces: Workspaces;
  readonly commit: string;
  /** A file that hostile programs create. */
  readonly marker: string;
  /** A program that creates the marker and passes its input through. */
  readonly hostileProgram: string;
  git(cwd: string, ...args: readonly string[]): string;
  remove(): void;
};

export const gitIn = (cwd: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

export const temporaryRoot = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'conductor-')));

export function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

export async function scratchRepository(config: WorkspacesOptions['config'] = {}): Promise<Scratch> {
  const root = temporaryRoot();
  const repo = join(root, 'repo');
  const home = join(root, 'home');
  mkdirSync(repo);
  mkdirSync(home);
  gitIn(repo, 'init', '-q', '-b', 'main');
  write(join(repo, 'a.txt'), 'one\n');
  write(join(repo, 'src/b.txt'), 'two\n');
  write(join(repo, '.gitignore'), 'node_modules\n*.log\n');
  gitIn(repo, 'add', '-A');
  gitIn(repo, 'commit', '-q', '-m', 'first');
  const marker = join(root, 'executed');
  const hostileProgram = join(root, 'hostile');
  write(hostileProgram, `#!/bin/sh\necho "$0 $*" >> ${marker}\ncat\n`);
  chmodSync(hostileProgram, 0o755);
  const project = await findProject(repo);
  const workspaces = await openWorkspaces({ ...project, home, config });
  return {
    root,
    repo,
    home,
    project,
    workspaces,
    commit: gitIn(repo, 'rev-parse', 'HEAD'),
    marker,
    hostileProgram,
    git: gitIn,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A request for worker `w-1`, branch `conductor/one`, at the first commit. */
export function request(scratch: Scratch, changes: Partial<PrepareRequest> = {}): PrepareRequest {
  return {
    workerId: 'w-1',
    runId: 'run-1',
    branch: 'conductor/one',
    worktreePath: join(scratch.root, 'repo.worktrees', 'one'),
    existing: false,
    continueWork: false,
    base: { base: scratch.commit, merge: [] },
    effectKey: 'effect-1',
    ...changes,
  };
}

export async function prepared(
  scratch: Scratch,
  changes: Partial<PrepareRequest> = {},
): Promise<Extract<PrepareResult, { kind: 'prepared' }>> {
  const result = await scratch.workspaces.prepare(request(scratch, changes));
  if (result.kind !== 'prepared') throw new Error(JSON.stringify(result));
  return result;
}
