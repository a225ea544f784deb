/**
 * Goal: branch and directory names that git, every file system and a shell take; scopes that mean what they say.
 * Method: properties over any text for slugs (git's own check-ref-format is the judge), examples for the planner.
 */
import { chmodSync, mkdirSync, rmSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkspaces } from '../../../src/supervisor/workspaces/open-workspaces.ts';
import { slugOf, suffixedSlug } from '../../../src/supervisor/workspaces/worktree-slug.ts';
import { changedOutside } from '../../../src/supervisor/workspaces/write-scope.ts';
import { gitIn, scratchRepository, type Scratch } from './scratch-repository.ts';

describe('slugs', () => {
  it.each([
    ['Fix the Bug!', 'fix-the-bug'],
    ['Ünïcode Ärger', 'unicode-arger'],
    ['../../etc/passwd', 'etc-passwd'],
    ['a..b', 'a.b'],
    ['topic.lock', 'topic'],
    ['-rf', 'rf'],
    ['漢字', 'id1'],
    ['', 'id1'],
    ['x'.repeat(100), 'x'.repeat(48)],
  ])('%s → %s', (text, slug) => {
    expect(slugOf(text, 'id1')).toBe(slug);
  });

  it('N1, N2: any text gives a safe name, the same for equal texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 });
    fc.assert(
      fc.property(text, fc.stringMatching(/^[a-z0-9]{1,8}$/), (title, id) => {
        for (const slug of [slugOf(title, id), suffixedSlug(slugOf(title, id), id)]) {
          expect(slug).toMatch(/^[a-z0-9_](?:[a-z0-9._-]{0,46}[a-z0-9_])?$/);
          expect(slug).not.toMatch(/\.\.|\.lock$/);
        }
        expect(slugOf(title.normalize('NFD'), id)).toBe(slugOf(title.normalize('NFC'), id));
      }),
    );
  });
});

describe('write scope', () => {
  it('covers files and folders, not namesakes', () => {
    const files = ['src/a.ts', 'src2/b.ts', 'README.md', 'docs/x/y.md'];
    expect(changedOutside(files, ['src', './docs/', 'README.md'])).toEqual(['src2/b.ts']);
    expect(changedOutside(files, [])).toEqual([]);
    expect(changedOutside(files, ['.'])).toEqual([]);
  });
});

describe('planBranch', () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await scratchRepository();
  });
  afterEach(() => scratch.remove());
  const plan = (...slugs: readonly string[]) => scratch.workspaces.planBranch({ slugs, shortId: 'k3j9' });

  it('makes branch and directory, and B1: never the same twice', async () => {
    const directory = `${scratch.repo}.worktrees`;
    expect(await plan('My Goal', 'Task One')).toEqual({
      branch: 'conductor/my-goal/task-one',
      worktreePath: join(directory, 'my-goal-task-one'),
    });
    const [second, third] = await Promise.all([plan('My Goal', 'Task One'), plan('My Goal', 'Task One')]);
    expect([second.branch, third.branch].toSorted()).toEqual([
      'conductor/my-goal/task-one-k3j9',
      'conductor/my-goal/task-one-k3j9-2',
    ]);
  });

  it.each([['loose'], ['packed']])('B2: taken names get a suffix (%s refs, other case, folders)', async (kind) => {
    gitIn(scratch.repo, 'branch', 'conductor/taken');
    gitIn(scratch.repo, 'branch', 'conductor/folder/inside');
    gitIn(scratch.repo, 'branch', 'conductor/parent');
    if (kind === 'packed') {
      gitIn(scratch.repo, 'branch', 'conductor/Upper');
      gitIn(scratch.repo, 'pack-refs', '--all');
      expect((await plan('upper')).branch).toBe('conductor/upper-k3j9');
    }
    expect((await plan('taken')).branch).toBe('conductor/taken-k3j9');
    expect((await plan('folder')).branch).toBe('conductor/folder-k3j9');
    expect((await plan('free')).branch).toBe('conductor/free');
    gitIn(scratch.repo, 'branch', '-D', 'conductor/folder/inside');
    mkdirSync(join(scratch.repo, '.git/refs/heads/conductor/emptied'), { recursive: true });
    expect((await plan('emptied')).branch).toBe('conductor/emptied');
  });

  it('a branch called like the prefix leads to another prefix', async () => {
    gitIn(scratch.repo, 'branch', 'conductor');
    const { branch } = await plan('x');
    expect(branch).toBe('conductor-runs/x');
    gitIn(scratch.repo, 'branch', branch);
  });

  it('takes the configured prefix and directory', async () => {
    const config = { branchPrefix: 'bots/Conductor', worktreesDir: '../elsewhere' };
    const workspaces = await openWorkspaces({ ...scratch.project, home: scratch.home, config });
    expect(await workspaces.planBranch({ slugs: ['x'], shortId: 'id' })).toEqual({
      branch: 'bots/conductor/x',
      worktreePath: join(scratch.root, 'elsewhere', 'x'),
    });
  });

  it('falls back into the home when the directory cannot be made', async () => {
    const config = { worktreesDir: '/dev/null/worktrees' };
    const workspaces = await openWorkspaces({ ...scratch.project, home: scratch.home, config });
    const { worktreePath } = await workspaces.planBranch({ slugs: ['x'], shortId: 'id' });
    expect(worktreePath).toBe(join(scratch.home, 'worktrees', 'x'));
    chmodSync(scratch.home, 0o700);
    rmSync(join(scratch.home, 'worktrees'), { recursive: true, force: true });
  });

  it('resolveBase and uncommittedFiles see the checkout they are asked about', async () => {
    const { workspaces } = scratch;
    expect(await workspaces.resolveBase('main~0')).toBe(scratch.commit);
    await expect(workspaces.resolveBase('no-such')).rejects.toMatchObject({ code: 'git_failed' });
    await expect(workspaces.resolveBase('--help')).rejects.toMatchObject({ code: 'git_failed' });
    expect(await workspaces.uncommittedFiles()).toBe(0);
    const linked = join(scratch.root, 'linked');
    gitIn(scratch.repo, 'worktree', 'add', '-q', linked, '-b', 'linked');
    gitIn(linked, 'commit', '-q', '--allow-empty', '-m', 'x');
    mkdirSync(join(linked, 'new'));
    gitIn(linked, 'rm', '-q', 'a.txt');
    expect(await workspaces.resolveBase('HEAD', linked)).toBe(gitIn(linked, 'rev-parse', 'HEAD'));
    expect(await workspaces.uncommittedFiles(linked)).toBe(1);
    gitIn(scratch.repo, 'checkout', '-q', '--orphan', 'unborn');
    await expect(workspaces.resolveBase('HEAD')).rejects.toMatchObject({ code: 'repository_empty' });
  });

  it('a commit is asked for once: its id stays its name', async () => {
    const { workspaces, commit, repo } = scratch;
    expect(await workspaces.resolveBase('main')).toBe(commit);
    renameSync(join(repo, '.git', 'objects'), join(repo, '.git', 'gone'));
    expect(await workspaces.resolveBase(commit)).toBe(commit);
    await expect(workspaces.resolveBase('main')).rejects.toMatchObject({ code: expect.any(String) as string });
    renameSync(join(repo, '.git', 'gone'), join(repo, '.git', 'objects'));
  });
});
