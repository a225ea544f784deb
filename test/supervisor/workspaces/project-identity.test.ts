/**
 * Goal: one repository is one project from wherever it is asked, exactly as git sees it, and a move is noticed.
 * Method: every layout is asked through `findProject` and through git itself.
 */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  checkProjectMark,
  findProject,
  readProjectMark,
  requireUnmoved,
  writeProjectMark,
} from '../../../src/supervisor/workspaces/project-identity.ts';
import { gitIn, scratchRepository, temporaryRoot, write, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await scratchRepository();
});
afterEach(() => scratch.remove());

const commonOf = (cwd: string): string => gitIn(cwd, 'rev-parse', '--path-format=absolute', '--git-common-dir');

describe('findProject', () => {
  it('I1: subdirectory, symbolic link and linked worktree are the same project', async () => {
    const linked = join(scratch.root, 'linked');
    gitIn(scratch.repo, 'worktree', 'add', '-q', linked, '-b', 'linked');
    symlinkSync(scratch.repo, join(scratch.root, 'alias'));
    const { checkout, ...project } = await findProject(scratch.repo);
    expect(checkout).toBe(scratch.repo);
    expect(project).toMatchObject({ repoRoot: scratch.repo, commonGitDir: commonOf(scratch.repo) });
    expect(project.projectKey).toMatch(/^repo-[0-9a-f]{12}$/);
    for (const cwd of [join(scratch.repo, 'src'), join(scratch.root, 'alias', 'src')]) {
      expect(await findProject(cwd)).toEqual({ ...project, checkout });
    }
    expect(await findProject(linked)).toEqual({ ...project, checkout: linked });
    expect(await findProject(join(scratch.repo, '.git', 'refs'))).toEqual({ ...project, checkout });
  });

  it.each([
    ['packed refs', (repo: string) => gitIn(repo, 'pack-refs', '--all')],
    ['a detached HEAD', (repo: string) => gitIn(repo, 'checkout', '-q', '--detach')],
    ['an include in its configuration', (repo: string) => gitIn(repo, 'config', 'include.path', '/dev/null')],
  ])('I2: %s changes nothing', async (_name, change) => {
    const before = await findProject(scratch.repo);
    change(scratch.repo);
    expect(await findProject(scratch.repo)).toEqual(before);
  });

  it('a bare repository, a separate git directory and a submodule are projects', async () => {
    const bare = join(scratch.root, 'bare.git');
    gitIn(scratch.root, 'clone', '-q', '--bare', scratch.repo, bare);
    expect(await findProject(bare)).toMatchObject({ repoRoot: bare, commonGitDir: bare });
    const checkout = join(scratch.root, 'separate');
    gitIn(scratch.root, 'clone', '-q', '--separate-git-dir', join(scratch.root, 'gitdir'), scratch.repo, checkout);
    const separate = await findProject(checkout);
    expect(separate).toMatchObject({ repoRoot: checkout, commonGitDir: join(scratch.root, 'gitdir') });
    gitIn(scratch.repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', bare, 'sub');
    const sub = join(scratch.repo, 'sub');
    expect(await findProject(sub)).toMatchObject({ repoRoot: sub, commonGitDir: commonOf(sub) });
  });

  it('says not_a_repository and repository_empty apart', async () => {
    const root = temporaryRoot();
    write(join(root, 'x'), '');
    await expect(findProject(root)).rejects.toMatchObject({ code: 'not_a_repository' });
    await expect(findProject(join(root, 'missing'))).rejects.toMatchObject({ code: 'not_a_repository' });
    const empty = join(scratch.root, 'empty');
    mkdirSync(empty);
    gitIn(empty, 'init', '-q');
    await expect(findProject(empty)).rejects.toMatchObject({ code: 'repository_empty' });
    gitIn(root, 'init', '-q');
    gitIn(root, 'commit', '-q', '--allow-empty', '-m', 'x');
    gitIn(root, 'checkout', '-q', '--orphan', 'unborn');
    await expect(findProject(root)).rejects.toMatchObject({ code: 'repository_empty' });
    rmSync(root, { recursive: true });
  });
});

describe('the mark', () => {
  it('tells a moved repository from a copied one', async () => {
    expect(checkProjectMark(scratch.project)).toEqual({ kind: 'unmarked' });
    await writeProjectMark(scratch.project);
    const mark = { projectKey: scratch.project.projectKey, commonGitDir: scratch.project.commonGitDir };
    expect(readProjectMark(scratch.project.commonGitDir)).toEqual(mark);
    expect(checkProjectMark(scratch.project)).toEqual({ kind: 'same' });
    const copy = join(scratch.root, 'copy');
    cpSync(scratch.repo, copy, { recursive: true });
    expect(checkProjectMark(await findProject(copy))).toEqual({ kind: 'copied', mark });
    const moved = join(scratch.root, 'moved');
    renameSync(scratch.repo, moved);
    const project = await findProject(moved);
    expect(checkProjectMark(project)).toEqual({ kind: 'moved', mark });
    expect(() => requireUnmoved(project)).toThrow(expect.objectContaining({ code: 'project_moved' }) as Error);
    expect(existsSync(scratch.repo)).toBe(false);
  });
});
