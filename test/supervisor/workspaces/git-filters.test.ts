/**
 * Goal: a filter program that the user allows makes the files of a worktree and cleans what a run commits; no other
 * program runs, and content that would be wrong is an error.
 * Method: real filter programs in the git configuration of a temporary home; the repository holds what they clean to,
 * as with LFS. They write down that they ran.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConductorError } from '../../../src/machines/errors.ts';
import { openWorkspaces } from '../../../src/supervisor/workspaces/open-workspaces.ts';
import type { Workspaces } from '../../../src/supervisor/workspaces/workspace-port.ts';
import { gitIn, prepared, request, scratchRepository, write, type Scratch } from './scratch-repository.ts';

const words = 'the work itself\n';
const stored = 'gur jbex vgfrys\n';

let scratch: Scratch;
let commit: string;
let log: string;
beforeEach(async () => {
  scratch = await scratchRepository();
  const personal = join(scratch.root, 'personal');
  mkdirSync(personal);
  vi.stubEnv('HOME', personal);
  vi.stubEnv('XDG_CONFIG_HOME', join(personal, '.config'));
  log = join(scratch.root, 'filter.log');
  write(join(scratch.repo, '.gitattributes'), '*.bin filter=big\n');
  write(join(scratch.repo, 'one.bin'), stored);
  gitIn(scratch.repo, 'add', '-A');
  gitIn(scratch.repo, 'commit', '-q', '-m', 'filtered');
  commit = gitIn(scratch.repo, 'rev-parse', 'HEAD');
});
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

/** A program that writes down its name, and then does `body` with what it is given. */
const program = (name: string, body: string): string => {
  const path = join(scratch.root, name);
  write(path, `#!/bin/sh\necho ${name} >> ${log}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};
const turn = "exec tr 'a-zA-Z' 'n-za-mN-ZA-M'";
const ownFilter = (parts: Readonly<Record<string, string>>): void => {
  for (const [part, value] of Object.entries(parts))
    gitIn(scratch.repo, 'config', '--global', `filter.big.${part}`, value);
};
const ran = (): readonly string[] => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []);
const granted = (names: readonly string[] = ['big']): Promise<Workspaces> =>
  openWorkspaces({ ...scratch.project, home: scratch.home, config: { gitFilters: names } });

const prepare = async (workspaces: Workspaces) => {
  const base = { base: { base: commit, merge: [] } };
  return prepared({ ...scratch, workspaces }, base);
};
const refusalOf = async (workspaces: Workspaces): Promise<string> => {
  const result = await workspaces.prepare(request(scratch, { base: { base: commit, merge: [] } }));
  return result.kind === 'refused' ? result.message : result.kind;
};
const seal = (workspaces: Workspaces, worktreePath: string) =>
  workspaces.seal({
    worktreePath,
    runId: 'run-1',
    effectKey: 'seal-1',
    message: 'work',
    baseCommit: commit,
    branch: 'conductor/one',
  });
const committed = (sealed: string, path: string): string =>
  `${gitIn(scratch.repo, 'cat-file', 'blob', `${sealed}:${path}`)}\n`;

describe('F1: a granted filter', () => {
  it('makes the files of a worktree, and cleans what is committed; a diff shows what would be committed', async () => {
    ownFilter({ smudge: program('smudge', turn), clean: program('clean', turn), required: 'true' });
    const workspaces = await granted();
    const { worktreePath } = await prepare(workspaces);
    expect(readFileSync(join(worktreePath, 'one.bin'), 'utf8')).toBe(words);
    write(join(worktreePath, 'two.bin'), words);
    write(join(worktreePath, 'a.txt'), words);
    const sealed = await seal(workspaces, worktreePath);
    expect(committed(sealed.commit, 'two.bin')).toBe(stored);
    expect(committed(sealed.commit, 'a.txt')).toBe(words);
    expect(sealed.changedFiles).toBe(2); // Not `one.bin`: it cleans to what it was.
    write(join(worktreePath, 'one.bin'), `${words}${words}`);
    const live = await workspaces.liveDiff({ worktreePath, from: sealed.commit, bytesMax: 100_000 });
    expect(live.patch).toContain(`+${stored}`);
    expect(new Set(ran())).toEqual(new Set(['smudge', 'clean']));
  });

  it('runs with the values of the user: those of the repository, which an agent can write, do not count', async () => {
    ownFilter({ smudge: program('smudge', turn), clean: program('clean', turn) });
    const workspaces = await granted();
    const hostile = program('hostile', 'cat');
    for (const part of ['smudge', 'clean']) gitIn(scratch.repo, 'config', `filter.big.${part}`, hostile);
    gitIn(scratch.repo, 'config', 'filter.other.smudge', hostile);
    write(join(scratch.repo, '.git/info/attributes'), '*.txt filter=other\n');
    expect(await refusalOf(workspaces)).toContain('"other"');
    rmSync(join(scratch.repo, '.git/info/attributes'));
    const { worktreePath } = await prepare(workspaces);
    write(join(worktreePath, 'two.bin'), words);
    expect(committed((await seal(workspaces, worktreePath)).commit, 'two.bin')).toBe(stored);
    expect(new Set(ran())).toEqual(new Set(['smudge', 'clean']));
  });

  it('a process that only the repository names is refused, and before a commit it is an error', async () => {
    ownFilter({ smudge: program('smudge', turn), clean: program('clean', turn) });
    const workspaces = await granted();
    const { worktreePath } = await prepare(workspaces);
    gitIn(scratch.repo, 'config', 'filter.big.process', program('hostile', 'cat'));
    write(join(worktreePath, 'two.bin'), words);
    const failure: unknown = await seal(workspaces, worktreePath).catch((error: unknown) => error);
    expect(isConductorError(failure, 'git_failed') && failure.message).toContain("clean filter 'big' failed");
    expect(await refusalOf(workspaces)).toContain('git config --unset filter.big.process');
    expect(ran()).not.toContain('hostile');
  });

  it('what it does not grant stays off, whoever names the program', async () => {
    ownFilter({ smudge: program('smudge', turn) });
    expect(await refusalOf(await granted(['small']))).toContain('gitFilters: [big]');
    expect(ran()).toEqual([]);
  });
});

describe('F2: wrong content is an error', () => {
  it('a filter without a program of the user: refused, with the way to name one', async () => {
    gitIn(scratch.repo, 'config', 'filter.big.smudge', program('hostile', 'cat'));
    expect(await refusalOf(await granted())).toContain('git config --global filter.big.smudge');
    gitIn(scratch.repo, 'config', '--unset', 'filter.big.smudge');
    expect(await refusalOf(await granted())).toContain('git config --global filter.big.smudge');
    expect(ran()).toEqual([]);
  });

  it('a required filter that fails says so, at the checkout and at the commit', async () => {
    const smudge = program('smudge', 'echo no server >&2; exit 1');
    ownFilter({ smudge, clean: program('clean', turn), required: 'true' });
    const workspaces = await granted();
    const attempt: unknown = await workspaces
      .prepare(request(scratch, { base: { base: commit, merge: [] } }))
      .catch((error: unknown) => error);
    expect(JSON.stringify(attempt) + String(attempt)).toContain('smudge filter big failed');
    program('smudge', turn);
    const { worktreePath } = await prepare(workspaces);
    expect(readFileSync(join(worktreePath, 'one.bin'), 'utf8')).toBe(words);
    program('clean', 'exit 1');
    write(join(worktreePath, 'two.bin'), words);
    const failure: unknown = await seal(workspaces, worktreePath).catch((error: unknown) => error);
    expect(isConductorError(failure, 'git_failed') && failure.message).toContain("clean filter 'big' failed");
  });
});
