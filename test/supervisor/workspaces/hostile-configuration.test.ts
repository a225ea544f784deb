/**
 * Goal: nothing that an agent writes into the shared configuration, the hooks directory or its worktree makes the
 * system's own git execute a program.
 * Method: every place git can name a program is pointed at one that creates a marker file; plain git is shown to run it
 * (or the test proves nothing), then all operations run and the marker must not appear.
 */
import { appendFileSync, chmodSync, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitIn, prepared, request, scratchRepository, write, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await scratchRepository();
});
afterEach(() => scratch.remove());

const hookNames = [
  'pre-commit',
  'prepare-commit-msg',
  'commit-msg',
  'post-commit',
  'post-checkout',
  'post-merge',
].concat(['pre-merge-commit', 'reference-transaction', 'post-index-change']);

function poison(): void {
  const program = scratch.hostileProgram;
  const hooks = join(scratch.root, 'hooks');
  for (const name of hookNames) {
    for (const directory of [hooks, join(scratch.repo, '.git', 'hooks')]) {
      write(join(directory, name), '');
      copyFileSync(program, join(directory, name));
      chmodSync(join(directory, name), 0o755);
    }
  }
  const settings: readonly (readonly [string, string])[] = [
    ['core.hooksPath', hooks],
    ['core.fsmonitor', program],
    ['core.pager', program],
    ['core.editor', program],
    ['core.sshCommand', program],
    ['alias.status', `!${program}`],
    ['alias.worktree', `!${program}`],
    ['diff.external', program],
    ['diff.evil.command', program],
    ['diff.evil.textconv', program],
    ['filter.evil.clean', program],
    ['filter.evil.smudge', program],
    ['filter.ev=il.process', program],
    ['merge.evil.driver', `${program} %A`],
    ['commit.gpgSign', 'true'],
    ['gpg.program', program],
    ['merge.verifySignatures', 'true'],
    ['log.showSignature', 'true'],
    ['trailer.conductor-run.command', program],
    ['trailer.x.cmd', program],
    ['sequence.editor', program],
    ['credential.helper', program],
    ['protocol.ext.allow', 'always'],
    ['protocol.allow', 'always'],
    ['remote.evil.url', `ext::${program}`],
    ['remote.evil.promisor', 'true'],
    ['submodule.recurse', 'true'],
    ['gc.auto', '1'],
  ];
  for (const [key, value] of settings) gitIn(scratch.repo, 'config', key, value);
  write(join(scratch.repo, '.git/info/attributes'), '*.evil diff=evil merge=evil\n*.txt diff=evil merge=evil\n');
}

const disarmed = (): void => expect(existsSync(scratch.marker) ? readFileSync(scratch.marker, 'utf8') : '').toBe('');

describe('a hostile configuration', () => {
  it('plain git does run the programs, so the marker proves something', () => {
    poison();
    gitIn(scratch.repo, 'status');
    expect(existsSync(scratch.marker)).toBe(true);
  });

  it('W3: prepare, seal, diff, reuse, merge, cleanup, restore and recover execute nothing', async () => {
    poison();
    const { workspaces } = scratch;
    const first = await prepared(scratch);
    const tree = first.worktreePath;
    // Attributes written by the agent, for drivers that the configuration has.
    write(join(tree, '.gitattributes'), '*.txt filter=evil\n*.evil filter=ev=il diff=evil\n');
    write(join(tree, 'a.txt'), 'by one\n');
    write(join(tree, 'new.evil'), 'x');
    const now = { worktreePath: tree, from: scratch.commit, bytesMax: 100_000 };
    expect((await workspaces.liveDiff(now)).patch).toContain('+by one');
    disarmed();
    const sealed = await workspaces.seal({
      worktreePath: tree,
      runId: 'run-1',
      effectKey: 'e-1',
      message: 'one',
      baseCommit: first.baseCommit,
      branch: 'conductor/one',
    });
    disarmed();
    expect(gitIn(scratch.repo, '-c', 'core.fsmonitor=', 'cat-file', 'blob', `${sealed.commit}:a.txt`)).toBe('by one');
    rmSync(scratch.marker, { force: true });
    const diff = { worktreePath: tree, from: scratch.commit, to: sealed.commit, bytesMax: 100_000 };
    expect((await workspaces.diff(diff)).patch).toContain('+by one');

    disarmed();
    // Two branches that touch the same file in different places go through the merge driver.
    const tip = (name: string, content: string): string => {
      const env = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'commit.gpgSign=false'];
      gitIn(scratch.repo, ...env, 'checkout', '-q', '-b', name, scratch.commit);
      write(join(scratch.repo, 'src/b.txt'), content);
      gitIn(scratch.repo, ...env, 'commit', '-q', '-a', '-m', name);
      const commit = gitIn(scratch.repo, 'rev-parse', 'HEAD');
      gitIn(scratch.repo, ...env, 'checkout', '-q', 'main');
      return commit;
    };
    const left = tip('left', 'left\n');
    const right = tip('right', 'right\n');
    rmSync(scratch.marker, { force: true });
    write(join(tree, 'left.over'), 'leftover');
    const merge = [
      { task: 'l', branch: 'left', commit: left },
      { task: 'r', branch: 'right', commit: right },
    ];
    const base = { base: scratch.commit, merge };
    const merged = request(scratch, { existing: true, branch: 'conductor/two', base });
    expect(await workspaces.prepare(merged)).toEqual({ kind: 'conflict', files: ['src/b.txt'], tasks: ['l', 'r'] });

    write(join(tree, 'a.txt'), 'unfinished\n');
    const cleanup = { workerId: 'w-1', worktreePath: tree, branch: 'conductor/two', ignoredBytesMax: 1000 };
    expect(await workspaces.cleanup(cleanup)).toMatchObject({ kind: 'removed' });
    const restored = await workspaces.restore({ workerId: 'w-1' });
    expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('unfinished\n');
    rmSync(tree, { recursive: true });
    const recovery = { workerId: 'w-1', worktreePath: tree, branch: restored.branch, removeStaleLocks: true };
    expect(await workspaces.recover(recovery)).toMatchObject({ kind: 'recovered' });
    await workspaces.uncommittedFiles();
    await workspaces.listWorktrees();
    disarmed();
  });

  it('C1: a driver that appears between two operations, or only for one branch or worktree, is caught', async () => {
    const { workspaces } = scratch;
    const { worktreePath: tree } = await prepared(scratch);
    const seal = (effectKey: string) =>
      workspaces.seal({ worktreePath: tree, runId: 'run-1', effectKey, message: 'x', branch: 'conductor/one' });
    write(join(tree, '.gitattributes'), '*.txt filter=late\n');
    write(join(tree, 'a.txt'), '1\n');
    await seal('e-1');

    gitIn(scratch.repo, 'config', 'filter.late.clean', scratch.hostileProgram);
    write(join(tree, 'a.txt'), '2\n');
    await seal('e-2');

    gitIn(scratch.repo, 'config', '--unset', 'filter.late.clean');
    const included = join(scratch.root, 'included');
    write(included, `[filter "late"]\n\tclean = ${scratch.hostileProgram}\n`);
    appendFileSync(join(scratch.repo, '.git/config'), `[includeIf "onbranch:conductor/**"]\n\tpath = ${included}\n`);
    write(join(tree, 'a.txt'), '3\n');
    await seal('e-3');

    gitIn(scratch.repo, 'config', '--remove-section', 'includeIf.onbranch:conductor/**');
    gitIn(scratch.repo, 'config', 'extensions.worktreeConfig', 'true');
    gitIn(tree, 'config', '--worktree', 'filter.late.clean', scratch.hostileProgram);
    gitIn(tree, 'config', '--worktree', 'core.worktree', scratch.home);
    write(join(tree, 'a.txt'), '4\n');
    const { commit } = await seal('e-4');
    disarmed();
    expect(gitIn(scratch.repo, 'cat-file', 'blob', `${commit}:a.txt`)).toBe('4');
  });
});
