/**
 * Goal: what a run changed is in one commit on the worker's branch, once, whatever the agent did to the worktree.
 * Method: real git; the agent's deeds are git and file commands.
 */
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SealRequest, SealResult } from '../../../src/supervisor/workspaces/workspace-port.ts';
import { gitIn, prepared, scratchRepository, write, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
let tree: string;
beforeEach(async () => {
  scratch = await scratchRepository();
  tree = (await prepared(scratch)).worktreePath;
});
afterEach(() => scratch.remove());

const seal = (changes: Partial<SealRequest> = {}): Promise<SealResult> =>
  scratch.workspaces.seal({
    worktreePath: tree,
    runId: 'run-1',
    effectKey: 'seal-1',
    message: 'Do the thing',
    branch: 'conductor/one',
    baseCommit: scratch.commit,
    ...changes,
  });

describe('seal', () => {
  it('S1: nothing to commit is fine', async () => {
    expect(await seal()).toEqual({
      commit: scratch.commit,
      baseCommit: scratch.commit,
      changedFiles: 0,
      committed: false,
      nestedRepositories: [],
      keptRef: null,
    });
  });

  it('commits changed, new and deleted files with both trailers', async () => {
    write(join(tree, 'a.txt'), 'changed\n');
    write(join(tree, 'deep/new "file"\n.txt'), 'new');
    rmSync(join(tree, 'src/b.txt'));
    const result = await seal();
    expect(result).toMatchObject({ changedFiles: 3, committed: true });
    expect(gitIn(tree, 'status', '--porcelain')).toBe('');
    expect(gitIn(tree, 'log', '-1', '--format=%(trailers:only)')).toBe(
      'Conductor-Run: run-1\nConductor-Effect: seal-1',
    );
    expect(gitIn(scratch.repo, 'rev-parse', 'conductor/one')).toBe(result.commit);
  });

  it('S2: repeated, it makes no second commit, not even of what verification wrote since', async () => {
    write(join(tree, 'a.txt'), 'changed\n');
    const first = await seal();
    expect(await seal()).toMatchObject({ commit: first.commit, committed: false, changedFiles: 1 });
    write(join(tree, 'coverage.txt'), 'by verification');
    expect(await seal()).toMatchObject({ commit: first.commit, committed: false });
    expect(await seal({ effectKey: 'seal-2' })).toMatchObject({ committed: true, changedFiles: 2 });
  });

  it('S3: work on another branch or a detached HEAD ends up on the branch', async () => {
    gitIn(tree, 'checkout', '-q', '-b', 'agents-own');
    write(join(tree, 'a.txt'), 'elsewhere\n');
    const first = await seal();
    expect(gitIn(scratch.repo, 'rev-parse', 'conductor/one')).toBe(first.commit);
    gitIn(tree, 'checkout', '-q', '--detach');
    write(join(tree, 'a.txt'), 'detached\n');
    const second = await seal({ effectKey: 'seal-2' });
    expect(second.keptRef).toBeNull();
    expect(gitIn(scratch.repo, 'rev-parse', 'conductor/one')).toBe(second.commit);
    expect(gitIn(tree, 'branch', '--show-current')).toBe('conductor/one');
  });

  it('S3: a tip that the agent left behind is kept under a ref', async () => {
    gitIn(tree, 'commit', '-q', '--allow-empty', '-m', 'left behind');
    const left = gitIn(tree, 'rev-parse', 'HEAD');
    gitIn(tree, 'checkout', '-q', '--detach', scratch.commit);
    write(join(tree, 'a.txt'), 'other\n');
    const { keptRef } = await seal();
    expect(gitIn(scratch.repo, 'rev-parse', keptRef!)).toBe(left);
  });

  it("counts the agent's own commits", async () => {
    write(join(tree, 'c.txt'), 'c');
    gitIn(tree, 'add', '-A');
    gitIn(tree, 'commit', '-q', '-m', 'by the agent');
    expect(await seal()).toMatchObject({ changedFiles: 1, committed: false });
  });

  it('a repository made inside is reported and not committed', async () => {
    write(join(tree, 'nested/inner.txt'), 'inner');
    gitIn(join(tree, 'nested'), 'init', '-q');
    write(join(tree, 'a.txt'), 'changed\n');
    write(join(tree, 'new.txt'), 'new');
    expect(await seal()).toMatchObject({ changedFiles: 2, nestedRepositories: ['nested'] });
    expect(gitIn(tree, 'ls-tree', '-r', '--name-only', 'HEAD').split('\n')).not.toContain('nested');
    expect(existsSync(join(tree, 'nested/inner.txt'))).toBe(true);
  });

  it('without an identity in git the author is Conductor, or who the caller names', async () => {
    const { HOME, XDG_CONFIG_HOME } = process.env;
    process.env['HOME'] = scratch.home;
    delete process.env['XDG_CONFIG_HOME'];
    try {
      write(join(tree, 'a.txt'), '1\n');
      await seal();
      expect(gitIn(tree, 'log', '-1', '--format=%an <%ae>')).toBe('Conductor <conductor@localhost>');
      gitIn(scratch.repo, 'config', 'user.name', 'Grace');
      gitIn(scratch.repo, 'config', 'user.email', 'grace@example.org');
      write(join(tree, 'a.txt'), '2\n');
      await seal({ effectKey: 'seal-2', author: { name: 'Fallback', email: 'f@example.org' } });
      expect(gitIn(tree, 'log', '-1', '--format=%an <%ae>')).toBe('Grace <grace@example.org>');
    } finally {
      if (HOME !== undefined) process.env['HOME'] = HOME;
      if (XDG_CONFIG_HOME !== undefined) process.env['XDG_CONFIG_HOME'] = XDG_CONFIG_HOME;
    }
  });

  it('a worktree whose .git was replaced is refused', async () => {
    rmSync(join(tree, '.git'));
    gitIn(tree, 'init', '-q');
    await expect(seal()).rejects.toMatchObject({ code: 'refused' });
    rmSync(join(tree, '.git'), { recursive: true });
    const other = await prepared(scratch, {
      workerId: 'w-2',
      branch: 'conductor/two',
      worktreePath: join(scratch.root, 'repo.worktrees', 'two'),
    });
    for (const gitDir of [join(scratch.repo, '.git'), gitIn(other.worktreePath, 'rev-parse', '--absolute-git-dir')]) {
      writeFileSync(join(tree, '.git'), `gitdir: ${gitDir}\n`);
      expect(await scratch.workspaces.verifyRegistered(tree)).toBe(false);
      await expect(seal()).rejects.toMatchObject({ code: 'refused' });
    }
  });
});

describe('diff', () => {
  it('gives a patch that applies, a summary and the names; large ones are cut', async () => {
    write(join(tree, 'a.txt'), 'changed\n');
    write(join(tree, 'bin'), Buffer.from([0, 1, 2, 255]));
    const { commit } = await seal();
    const asked = { worktreePath: tree, from: scratch.commit, to: commit, bytesMax: 100_000 };
    const diff = await scratch.workspaces.diff(asked);
    expect(diff).toMatchObject({ files: ['a.txt', 'bin'], truncated: false });
    expect(diff.stat).toBe(' a.txt | +1 -1\n bin | binary\n 2 files changed, 1 insertions, 1 deletions\n');
    const patchFile = join(scratch.root, 'patch');
    writeFileSync(patchFile, diff.patchBytes);
    gitIn(scratch.repo, 'apply', '--index', patchFile);
    expect(gitIn(scratch.repo, 'write-tree')).toBe(gitIn(tree, 'rev-parse', 'HEAD^{tree}'));
    const cut = await scratch.workspaces.diff({ ...asked, bytesMax: 10 });
    expect(cut).toMatchObject({ patch: 'diff --git', files: ['a.txt', 'bin'], truncated: true });
    expect((await scratch.workspaces.diff({ ...asked, to: scratch.commit })).files).toEqual([]);
  });
});

const live = (bytesMax = 100_000) =>
  scratch.workspaces.liveDiff({ worktreePath: tree, from: scratch.commit, bytesMax });

describe('the diff of a worktree that is being worked in', () => {
  it('holds what is committed, staged, changed and new, and git takes it', async () => {
    write(join(tree, 'a.txt'), 'committed\n');
    gitIn(tree, 'commit', '-q', '-a', '-m', 'by the agent');
    write(join(tree, 'src/b.txt'), 'staged\n');
    gitIn(tree, 'add', '-A');
    write(join(tree, 'src/b.txt'), 'staged, then changed\n');
    write(join(tree, 'new/file one.txt'), 'no newline at the end');
    write(join(tree, 'um"laut-\u00e4.txt'), '1\n2\n');
    write(join(tree, 'empty'), '');
    write(join(tree, 'ignored.log'), 'not in it\n');
    symlinkSync('/etc/passwd', join(tree, 'link'));
    const index = readFileSync(join(gitIn(tree, 'rev-parse', '--absolute-git-dir'), 'index'));
    const { patch, truncated } = await live();
    expect(truncated).toBe(false);
    expect(patch).not.toContain('root:');
    expect(patch).not.toContain('not in it');
    expect(readFileSync(join(gitIn(tree, 'rev-parse', '--absolute-git-dir'), 'index'))).toEqual(index);
    const patchFile = join(scratch.root, 'patch');
    writeFileSync(patchFile, patch);
    gitIn(scratch.repo, 'apply', '--index', patchFile);
    gitIn(tree, 'add', '-A');
    expect(gitIn(scratch.repo, 'write-tree')).toBe(gitIn(tree, 'write-tree'));
  });

  it('is cut at the end of a line, binaries are named, and nothing is nothing', async () => {
    expect(await live()).toEqual({ patch: '', truncated: false });
    write(join(tree, 'bin'), Buffer.from([0, 1, 2, 255]));
    expect((await live()).patch).toContain('Binary files /dev/null and b/bin differ');
    write(join(tree, 'long.txt'), 'a line of the file\n'.repeat(1_000));
    const { patch, truncated } = await live(1_000);
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(patch)).toBeLessThanOrEqual(1_000);
    expect(patch).toMatch(/\+a line of the file\n$/);
    const tracked = 'a line of a file that git knows\n'.repeat(1_000);
    write(join(tree, 'a.txt'), tracked);
    expect(await live(500)).toMatchObject({ truncated: true, patch: expect.stringMatching(/that git knows\n$/) });
  });

  it('a worktree that is none of ours is refused', async () => {
    await expect(
      scratch.workspaces.liveDiff({ worktreePath: scratch.repo, from: scratch.commit, bytesMax: 100 }),
    ).rejects.toMatchObject({ code: 'refused' });
  });
});
