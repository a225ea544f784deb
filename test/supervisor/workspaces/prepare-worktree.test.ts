/**
 * Goal: a run gets exactly the worktree it asked for, however often and however interrupted.
 * Method: real git in a temporary repository; interrupted states are made with the files that git leaves behind.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkspaces } from '../../../src/supervisor/workspaces/open-workspaces.ts';
import { gitIn, prepared, request, scratchRepository, write, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await scratchRepository();
});
afterEach(() => scratch.remove());

const head = (path: string): string => gitIn(path, 'rev-parse', 'HEAD');
const branchOf = (path: string): string => gitIn(path, 'branch', '--show-current');

const branchWith = (name: string, file: string, content: string): string => {
  gitIn(scratch.repo, 'checkout', '-q', '-b', name, scratch.commit);
  write(join(scratch.repo, file), content);
  gitIn(scratch.repo, 'add', '-A');
  gitIn(scratch.repo, 'commit', '-q', '-m', name);
  const commit = head(scratch.repo);
  gitIn(scratch.repo, 'checkout', '-q', 'main');
  return commit;
};
const merge = (task: string, commit: string) => ({ task, branch: task, commit });

const useFilter = (): string => {
  write(join(scratch.repo, '.gitattributes'), '*.bin filter=big\n');
  gitIn(scratch.repo, 'add', '-A');
  gitIn(scratch.repo, 'commit', '-q', '-m', 'attributes');
  return head(scratch.repo);
};

describe('a new worktree', () => {
  it('stands on its branch at the base, registered, and asks for setup', async () => {
    const result = await prepared(scratch);
    expect(result).toMatchObject({ baseCommit: scratch.commit, fresh: true, quarantined: null });
    expect(head(result.worktreePath)).toBe(scratch.commit);
    expect(branchOf(result.worktreePath)).toBe('conductor/one');
    expect(await scratch.workspaces.verifyRegistered(result.worktreePath)).toBe(true);
    expect(await scratch.workspaces.listWorktrees()).toEqual([
      { path: result.worktreePath, commit: scratch.commit, branch: 'conductor/one', locked: false, prunable: false },
    ]);
  });

  it('P1: repeated, is left as it is', async () => {
    const first = await prepared(scratch);
    const again = await prepared(scratch);
    expect(again).toEqual({ ...first, fresh: false });
  });

  it('P2: an interrupted `git worktree add` is done again', async () => {
    const { worktreePath } = await prepared(scratch);
    const gitDir = gitIn(worktreePath, 'rev-parse', '--absolute-git-dir');
    writeFileSync(join(gitDir, 'locked'), 'initializing');
    rmSync(join(worktreePath, 'a.txt'));
    rmSync(join(gitDir, 'index'));
    const again = await prepared(scratch);
    expect(again.fresh).toBe(true);
    expect(readFileSync(join(worktreePath, 'a.txt'), 'utf8')).toBe('one\n');
    expect(gitIn(worktreePath, 'status', '--porcelain')).toBe('');
    expect((await scratch.workspaces.listWorktrees()).map(({ locked }) => locked)).toEqual([false]);
  });

  it('P2: also when the directory was never made', async () => {
    const { worktreePath } = await prepared(scratch);
    const gitDir = gitIn(worktreePath, 'rev-parse', '--absolute-git-dir');
    writeFileSync(join(gitDir, 'locked'), 'initializing');
    rmSync(worktreePath, { recursive: true });
    expect((await prepared(scratch)).fresh).toBe(true);
  });

  it('P2: also when git itself was killed in the middle', async () => {
    const pipe = join(scratch.root, 'pipe');
    write(join(scratch.repo, '.gitattributes'), 'a.txt filter=slow\n');
    gitIn(scratch.repo, 'add', '-A');
    gitIn(scratch.repo, 'commit', '-q', '-m', 'attributes');
    // The filter says that the checkout has begun and then stands still.
    gitIn(scratch.repo, 'config', 'filter.slow.smudge', `echo begun >> ${pipe}; exec sleep 60`);
    const { worktreePath, branch } = request(scratch);
    const args = ['worktree', 'add', '-B', branch, worktreePath, 'HEAD'];
    const child = spawn('git', args, { cwd: scratch.repo, stdio: 'ignore', detached: true });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(() => existsSync(pipe), { timeout: 10_000, interval: 10 }).toBe(true);
    process.kill(-child.pid!, 'SIGKILL');
    await ended;
    gitIn(scratch.repo, 'config', '--remove-section', 'filter.slow');
    const base = { base: head(scratch.repo), merge: [] };
    for (const changes of [{ base }, { base, existing: true }]) {
      expect(await prepared(scratch, changes)).toMatchObject({ baseCommit: base.base });
      expect(gitIn(worktreePath, 'status', '--porcelain')).toBe('');
    }
  });

  it('comes back when somebody removed the directory', async () => {
    const { worktreePath } = await prepared(scratch);
    rmSync(worktreePath, { recursive: true });
    expect((await prepared(scratch, { existing: true })).fresh).toBe(true);
    expect(head(worktreePath)).toBe(scratch.commit);
  });

  it('P3: a plain directory inside the parent checkout is refused and untouched', async () => {
    const worktreePath = join(scratch.repo, 'inside');
    write(join(worktreePath, 'mine.txt'), 'mine');
    const result = await scratch.workspaces.prepare(request(scratch, { worktreePath, existing: true }));
    expect(result).toMatchObject({ kind: 'refused', code: 'refused' });
    expect(await scratch.workspaces.verifyRegistered(worktreePath)).toBe(false);
    expect(readFileSync(join(worktreePath, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('two at once both succeed', async () => {
    const two = { workerId: 'w-2', branch: 'conductor/two', worktreePath: join(scratch.root, 'repo.worktrees', 'two') };
    const results = await Promise.all([prepared(scratch), prepared(scratch, two)]);
    expect(results.map(({ worktreePath }) => branchOf(worktreePath))).toEqual(['conductor/one', 'conductor/two']);
  });

  it('a branch that is checked out elsewhere is a refusal, not a second checkout', async () => {
    await prepared(scratch);
    const other = join(scratch.root, 'repo.worktrees', 'other');
    const result = await scratch.workspaces.prepare(request(scratch, { workerId: 'w-2', worktreePath: other }));
    expect(result).toMatchObject({ kind: 'refused', code: 'conflict' });
    expect(existsSync(other)).toBe(false);
  });

  it('a base that does not exist is a refusal', async () => {
    for (const missing of ['f'.repeat(40), 'no-such-branch']) {
      const base = { base: missing, merge: [] };
      expect(await scratch.workspaces.prepare(request(scratch, { base }))).toMatchObject({ code: 'not_found' });
    }
  });
});

describe('a reused worktree', () => {
  it('moves to the new branch and base and keeps ignored files', async () => {
    const { worktreePath } = await prepared(scratch);
    write(join(worktreePath, 'node_modules/dep/index.js'), 'dep');
    const next = await prepared(scratch, { existing: true, branch: 'conductor/next', effectKey: 'effect-2' });
    expect(next).toMatchObject({ fresh: false, quarantined: null, baseCommit: scratch.commit });
    expect(branchOf(worktreePath)).toBe('conductor/next');
    expect(readFileSync(join(worktreePath, 'node_modules/dep/index.js'), 'utf8')).toBe('dep');
  });

  it('leftovers go to a rescue commit first, an unfinished merge included', async () => {
    const { worktreePath } = await prepared(scratch);
    const commitOn = (branch: string, text: string): void => {
      gitIn(worktreePath, 'checkout', '-q', '-B', branch, scratch.commit);
      write(join(worktreePath, 'a.txt'), text);
      gitIn(worktreePath, 'commit', '-q', '-a', '-m', text);
    };
    commitOn('left', 'left\n');
    commitOn('right', 'right\n');
    expect(() => gitIn(worktreePath, 'merge', 'left')).toThrow();
    write(join(worktreePath, 'new "file"\nwith newline'), 'untracked');
    const next = await prepared(scratch, { existing: true, branch: 'conductor/next' });
    expect(next.quarantined).toMatch(/^refs\/conductor\/rescue\/w-1\/\d{8}T\d{9}Z$/);
    expect(gitIn(worktreePath, 'status', '--porcelain')).toBe('');
    expect(head(worktreePath)).toBe(scratch.commit);
    const shown = (path: string): string => gitIn(scratch.repo, 'show', `${next.quarantined!}:${path}`);
    expect(shown('new "file"\nwith newline')).toBe('untracked');
    expect(shown('a.txt')).toContain('<<<<<<<');
  });

  it('continued work is left exactly as it is', async () => {
    const { worktreePath } = await prepared(scratch);
    write(join(worktreePath, 'a.txt'), 'half done\n');
    const result = await prepared(scratch, { existing: true, continueWork: true });
    expect(result).toMatchObject({ fresh: false, quarantined: null, baseCommit: scratch.commit });
    expect(readFileSync(join(worktreePath, 'a.txt'), 'utf8')).toBe('half done\n');
  });

  it('continued work whose worktree is gone is refused', async () => {
    const result = await scratch.workspaces.prepare(request(scratch, { existing: true, continueWork: true }));
    expect(result).toMatchObject({ kind: 'refused', code: 'not_found' });
  });

  it('a lock that a killed git left is removed when the caller knows that nothing runs', async () => {
    const { worktreePath } = await prepared(scratch);
    const lock = join(gitIn(worktreePath, 'rev-parse', '--absolute-git-dir'), 'index.lock');
    writeFileSync(lock, '');
    const result = await prepared(scratch, { existing: true, branch: 'conductor/next', removeStaleLocks: true });
    expect(result.removedLocks).toEqual([lock]);
  });

  it('P4: a branch that is reset keeps its tip', async () => {
    const { worktreePath } = await prepared(scratch);
    gitIn(worktreePath, 'commit', '-q', '--allow-empty', '-m', 'extra');
    const tip = head(worktreePath);
    await prepared(scratch, { existing: true });
    const kept = gitIn(scratch.repo, 'for-each-ref', '--format=%(objectname)', 'refs/conductor/rescue/');
    expect(kept).toBe(tip);
  });
});

describe('dependencies', () => {
  it('one is its branch tip; several are merged in order; a repeat finds the merge', async () => {
    const one = branchWith('t1', 'one.txt', '1');
    const two = branchWith('t2', 'two.txt', '2');
    const three = branchWith('t3', 'three.txt', '3');
    const single = await prepared(scratch, { base: { base: scratch.commit, merge: [merge('t1', one)] } });
    expect(single.baseCommit).toBe(one);
    const base = { base: scratch.commit, merge: [merge('t1', one), merge('t2', two), merge('t3', three)] };
    const changes = { existing: true, branch: 'conductor/all', base, effectKey: 'merge-1' };
    const merged = await prepared(scratch, changes);
    expect(gitIn(merged.worktreePath, 'log', '-1', '--format=%P').split(' ')[1]).toBe(three);
    expect(['one.txt', 'two.txt', 'three.txt'].map((file) => existsSync(join(merged.worktreePath, file)))).toEqual([
      true,
      true,
      true,
    ]);
    expect((await prepared(scratch, changes)).baseCommit).toBe(merged.baseCommit);
    const continued = await prepared(scratch, { ...changes, continueWork: true });
    expect(continued.baseCommit).toBe(merged.baseCommit);
  });

  it('a conflict names files and tasks and leaves the worktree clean', async () => {
    const one = branchWith('t1', 'a.txt', 'first\n');
    const two = branchWith('t2', 'two.txt', '2');
    const three = branchWith('t3', 'a.txt', 'third\n');
    const base = { base: scratch.commit, merge: [merge('t1', one), merge('t2', two), merge('t3', three)] };
    const asked = request(scratch, { base });
    expect(await scratch.workspaces.prepare(asked)).toEqual({
      kind: 'conflict',
      files: ['a.txt'],
      tasks: ['t1', 't3'],
    });
    expect(gitIn(asked.worktreePath, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(asked.worktreePath, '.git', 'MERGE_HEAD'))).toBe(false);
    expect((await prepared(scratch)).baseCommit).toBe(scratch.commit);
  });
});

describe('filters', () => {
  it('a base that needs a configured filter is refused and names it; without a configuration it is ordinary', async () => {
    const commit = useFilter();
    const base = { base: commit, merge: [] };
    expect((await prepared(scratch, { base })).baseCommit).toBe(commit);
    gitIn(scratch.repo, 'config', 'filter.big.smudge', scratch.hostileProgram);
    const result = await scratch.workspaces.prepare(request(scratch, { base, existing: true, branch: 'conductor/b' }));
    expect(result).toMatchObject({ kind: 'refused', message: expect.stringContaining('"big"') as string });
    expect(existsSync(scratch.marker)).toBe(false);
  });
});

describe('odd places', () => {
  it('a base with a submodule gives an empty folder, which counts as clean', async () => {
    const add = ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', scratch.repo, 'sub'];
    gitIn(scratch.repo, ...add);
    gitIn(scratch.repo, 'commit', '-q', '-m', 'submodule');
    const { worktreePath } = await prepared(scratch, { base: { base: head(scratch.repo), merge: [] } });
    expect(readdirSync(join(worktreePath, 'sub'))).toEqual([]);
    const next = await prepared(scratch, { existing: true, branch: 'conductor/next' });
    expect(next.quarantined).toBeNull();
  });

  it('a path of 200 bytes with spaces and quotes works', async () => {
    const worktreePath = join(scratch.root, `it's "odd" ${'x'.repeat(180)}`);
    mkdirSync(worktreePath);
    const result = await prepared(scratch, { worktreePath });
    expect(head(result.worktreePath)).toBe(scratch.commit);
    expect(await scratch.workspaces.verifyRegistered(worktreePath)).toBe(true);
  });

  it('a bare repository works', async () => {
    const bare = join(scratch.root, 'bare.git');
    gitIn(scratch.root, 'clone', '-q', '--bare', scratch.repo, bare);
    const workspaces = await openWorkspaces({ repoRoot: bare, commonGitDir: bare, home: scratch.home });
    expect(await workspaces.resolveBase('HEAD')).toBe(scratch.commit);
    expect(await workspaces.uncommittedFiles()).toBe(0);
    const plan = await workspaces.planBranch({ slugs: ['x'], shortId: 'id' });
    expect(plan.worktreePath).toBe(join(scratch.root, 'bare.worktrees', 'x'));
    expect(await workspaces.prepare(request(scratch, plan))).toMatchObject({ kind: 'prepared', fresh: true });
    expect(await workspaces.listWorktrees()).toHaveLength(1);
  });
});
