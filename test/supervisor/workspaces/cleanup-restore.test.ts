/**
 * Goal: cleanup loses nothing and restore brings it back byte for byte.
 * Method: a snapshot of every path (bytes, mode, link target) before and after.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CleanupRequest, CleanupResult } from '../../../src/supervisor/workspaces/workspace-port.ts';
import { gitIn, prepared, scratchRepository, write, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
let tree: string;
beforeEach(async () => {
  scratch = await scratchRepository();
  tree = (await prepared(scratch)).worktreePath;
});
afterEach(() => scratch.remove());

const cleanup = (changes: Partial<CleanupRequest> = {}): Promise<CleanupResult> =>
  scratch.workspaces.cleanup({
    workerId: 'w-1',
    worktreePath: tree,
    branch: 'conductor/one',
    ignoredBytesMax: 10_000,
    ...changes,
  });

/** Every file and link below `root` but the pointer to the git directory, by its bytes. */
function snapshot(root: string): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  const visit = (directory: Buffer): void => {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const path = Buffer.concat([directory, Buffer.from('/'), name]);
      const key = path.toString('latin1').slice(root.length + 1);
      const stat = lstatSync(path);
      if (key === '.git') continue;
      if (stat.isDirectory()) visit(path);
      else if (stat.isSymbolicLink()) seen.set(key, `-> ${readlinkSync(path, 'latin1')}`);
      else seen.set(key, `${(stat.mode & 0o7777).toString(8)} ${readFileSync(path).toString('base64')}`);
    }
  };
  visit(Buffer.from(root));
  return seen;
}

function makeAMess(): void {
  write(join(tree, '.gitattributes'), '*.txt text eol=crlf\n*.dat ident\n');
  write(join(tree, 'mixed.txt'), 'lf\ncrlf\r\nlf\n');
  write(join(tree, 'ident.dat'), '$Id$ $Id: x $\n');
  write(join(tree, 'a.txt'), 'changed\r\n');
  rmSync(join(tree, 'src'), { recursive: true });
  writeFileSync(join(tree, 'src'), 'a file where a folder was');
  write(join(tree, 'we ird/"quoted" \\ back\nnewline'), 'odd');
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/latin1-`), Buffer.from([0xe9])]), 'not utf-8');
  write(join(tree, 'empty'), '');
  write(join(tree, 'secret'), 'secret');
  chmodSync(join(tree, 'secret'), 0o600);
  write(join(tree, 'tool'), '#!/bin/sh\n');
  chmodSync(join(tree, 'tool'), 0o755);
  symlinkSync('../nowhere', join(tree, 'link'));
  write(join(tree, 'node_modules/dep/index.js'), 'dep');
  symlinkSync('dep', join(tree, 'node_modules/alias'));
  write(join(tree, 'debug.log'), 'log');
  chmodSync(join(tree, 'debug.log'), 0o640);
  write(join(tree, 'nested/inner.txt'), 'inner');
  gitIn(join(tree, 'nested'), 'init', '-q');
}

describe('cleanup', () => {
  it('K3: a clean worktree goes, its branch stays, nothing is kept', async () => {
    expect(await cleanup()).toEqual({ kind: 'removed', rescueRef: null, ignored: [] });
    expect(existsSync(tree)).toBe(false);
    expect(await scratch.workspaces.listWorktrees()).toEqual([]);
    expect(gitIn(scratch.repo, 'rev-parse', 'conductor/one')).toBe(scratch.commit);
    expect(await cleanup()).toMatchObject({ kind: 'removed', rescueRef: null });
  });

  it('K1: asks about ignored files above the limit and touches nothing; a person may discard them', async () => {
    write(join(tree, 'node_modules/dep/index.js'), 'x'.repeat(20_000));
    write(join(tree, 'debug.log'), 'log');
    const ignored = [
      { path: 'node_modules', bytes: 20_000 },
      { path: 'debug.log', bytes: 3 },
    ];
    expect(await cleanup()).toEqual({ kind: 'asks', ignored, bytes: 20_003 });
    expect(existsSync(join(tree, 'node_modules/dep/index.js'))).toBe(true);
    expect(await cleanup({ ignoredFiles: 'discard' })).toMatchObject({ kind: 'removed', rescueRef: null });
    expect(existsSync(tree)).toBe(false);
  });

  it('restore gives back every byte, mode and link', async () => {
    makeAMess();
    const before = snapshot(tree);
    expect(before.size).toBeGreaterThan(15);
    const removed = await cleanup();
    expect(removed).toMatchObject({ kind: 'removed', rescueRef: expect.stringContaining('/w-1/') as string });
    expect(existsSync(tree)).toBe(false);
    const restored = await scratch.workspaces.restore({ workerId: 'w-1' });
    expect(restored).toMatchObject({ worktreePath: tree, branch: 'conductor/one' });
    expect(snapshot(tree)).toEqual(before);
    await expect(scratch.workspaces.restore({ workerId: 'w-1' })).rejects.toMatchObject({ code: 'conflict' });
  });

  it.each([
    ['an ignored link', (): void => symlinkSync('../../elsewhere/node_modules', join(tree, 'node_modules'))],
    ['an ignored file', (): void => write(join(tree, 'debug.log'), 'log')],
    ['a new file', (): void => write(join(tree, 'new'), 'new')],
    ['a repository of its own', (): void => void gitIn(tree, 'init', '-q', 'nested')],
  ])('restore gives back %s at the top that is all there is', async (_what, leave) => {
    leave();
    const before = snapshot(tree);
    expect(before.size).toBeGreaterThan(0);
    expect(await cleanup()).toMatchObject({ kind: 'removed' });
    await scratch.workspaces.restore({ workerId: 'w-1' });
    expect(snapshot(tree)).toEqual(before);
  });

  it('K2: changes that git was told to overlook are rescued', async () => {
    gitIn(tree, 'update-index', '--assume-unchanged', 'a.txt');
    gitIn(tree, 'update-index', '--skip-worktree', 'src/b.txt');
    write(join(tree, 'a.txt'), 'hidden\n');
    write(join(tree, 'src/b.txt'), 'also hidden\n');
    const before = snapshot(tree);
    await cleanup();
    await scratch.workspaces.restore({ workerId: 'w-1' });
    expect(snapshot(tree)).toEqual(before);
  });

  it('commits on a detached HEAD are kept', async () => {
    gitIn(tree, 'checkout', '-q', '--detach');
    gitIn(tree, 'commit', '-q', '--allow-empty', '-m', 'nobody points here');
    const commit = gitIn(tree, 'rev-parse', 'HEAD');
    const result = await cleanup();
    expect(result).toMatchObject({ kind: 'removed' });
    const { rescueRef } = result as Extract<CleanupResult, { kind: 'removed' }>;
    expect(gitIn(scratch.repo, 'merge-base', rescueRef!, commit)).toBe(commit);
    const restored = await scratch.workspaces.restore({ workerId: 'w-1', ref: rescueRef! });
    expect(gitIn(restored.worktreePath, 'rev-parse', 'HEAD')).toBe(commit);
  });

  it('T2: a branch that moved on is not turned back; the restored worktree gets one beside it', async () => {
    write(join(tree, 'a.txt'), 'unfinished\n');
    await cleanup();
    gitIn(scratch.repo, 'branch', '-f', 'conductor/one', gitIn(scratch.repo, 'commit-tree', '-m', 'x', 'HEAD^{tree}'));
    const restored = await scratch.workspaces.restore({ workerId: 'w-1' });
    expect(restored.branch).toMatch(/^conductor\/one-restored-/);
    expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('unfinished\n');
  });

  it('leftovers of a reused worker can be restored once its path is free', async () => {
    write(join(tree, 'left.txt'), 'over');
    const next = await prepared(scratch, { existing: true, branch: 'conductor/two' });
    await cleanup({ branch: 'conductor/two' });
    await scratch.workspaces.restore({ workerId: 'w-1', ref: next.quarantined! });
    expect(readFileSync(join(tree, 'left.txt'), 'utf8')).toBe('over');
  });

  it('a locked worktree, one with submodules and a foreign directory are refused', async () => {
    gitIn(scratch.repo, 'worktree', 'lock', '--reason', 'mine', tree);
    expect(await cleanup()).toMatchObject({ kind: 'refused', message: expect.stringContaining('mine') as string });
    gitIn(scratch.repo, 'worktree', 'unlock', tree);
    const gitDir = gitIn(tree, 'rev-parse', '--absolute-git-dir');
    write(join(gitDir, 'modules/sub/HEAD'), 'ref: refs/heads/main\n');
    expect(await cleanup()).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('submodules') as string,
    });
    const foreign = join(scratch.root, 'foreign');
    write(join(foreign, 'file'), 'x');
    expect(await cleanup({ worktreePath: foreign })).toMatchObject({ kind: 'refused' });
    expect(existsSync(join(foreign, 'file'))).toBe(true);
  });

  it('restore without a rescue says not_found', async () => {
    await expect(scratch.workspaces.restore({ workerId: 'w-9' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

const recover = (removeStaleLocks = false) =>
  scratch.workspaces.recover({ workerId: 'w-1', worktreePath: tree, branch: 'conductor/one', removeStaleLocks });

describe('recover', () => {
  it('adds a missing directory again from its branch and leaves other missing worktrees on record', async () => {
    const other = await prepared(scratch, {
      workerId: 'w-2',
      branch: 'conductor/two',
      worktreePath: join(scratch.root, 'repo.worktrees', 'two'),
    });
    rmSync(other.worktreePath, { recursive: true });
    rmSync(tree, { recursive: true });
    expect(await recover()).toMatchObject({ kind: 'recovered', added: true, commit: scratch.commit, movedAside: null });
    expect(gitIn(tree, 'branch', '--show-current')).toBe('conductor/one');
    expect(await scratch.workspaces.listWorktrees()).toHaveLength(2);
  });

  it('V2: a foreign .git is moved aside and the files stay', async () => {
    write(join(tree, 'a.txt'), 'work\n');
    rmSync(join(tree, '.git'));
    gitIn(tree, 'init', '-q');
    const result = await recover();
    expect(result).toMatchObject({ kind: 'recovered', added: false });
    expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('work\n');
    expect(gitIn(tree, 'status', '--porcelain')).toBe('M a.txt');
  });

  it('V2: a directory that git has forgotten is moved aside', async () => {
    write(join(tree, 'a.txt'), 'work\n');
    rmSync(gitIn(tree, 'rev-parse', '--absolute-git-dir'), { recursive: true });
    const result = await recover();
    expect(result).toMatchObject({ kind: 'recovered', added: true });
    const { movedAside } = result as { movedAside: string };
    expect(readFileSync(join(movedAside, 'a.txt'), 'utf8')).toBe('work\n');
    expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('one\n');
  });

  it('removes stale locks of its own git directory only when told that nothing runs', async () => {
    const lock = join(gitIn(tree, 'rev-parse', '--absolute-git-dir'), 'index.lock');
    writeFileSync(lock, '');
    expect(await recover()).toMatchObject({ removedLocks: [] });
    expect(await recover(true)).toMatchObject({ removedLocks: [lock] });
    expect(existsSync(lock)).toBe(false);
  });

  it('without the branch there is nothing to recover from', async () => {
    rmSync(tree, { recursive: true });
    gitIn(scratch.repo, 'worktree', 'prune');
    gitIn(scratch.repo, 'branch', '-D', 'conductor/one');
    expect(await recover()).toMatchObject({ kind: 'refused', code: 'not_found' });
  });
});
