/**
 * Goal: git is started one change at a time, with nothing of the outer environment, and its failures keep its words.
 * Method: real git; a command whose input is held back shows who waits for whom.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fallbackIdentity, gitEnvironment, type GitPlace } from '../../../src/supervisor/workspaces/git-environment.ts';
import { createGitRunner, type GitRunner } from '../../../src/supervisor/workspaces/git-process.ts';
import { scratchRepository, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
let git: GitRunner;
let place: GitPlace;
beforeEach(async () => {
  scratch = await scratchRepository();
  const { commonGitDir } = scratch.project;
  place = { gitDir: commonGitDir, commonGitDir, workTree: scratch.repo };
  git = createGitRunner(async () => ({ settings: [], identity: fallbackIdentity }));
});
afterEach(() => scratch.remove());

async function* broken(): AsyncGenerator<Buffer> {
  yield Buffer.from('commit refs/conductor/x\ncommitter A <a@b> 0 +0000\ndata 1\nx\n');
  throw new Error('cannot be read');
}

describe('the git runner', () => {
  it('G1: a change waits for the change before it, a read does not', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    async function* heldBack(): AsyncGenerator<Buffer> {
      await gate.promise;
      yield Buffer.from('content');
    }
    const first = git
      .changeBytes(place, ['hash-object', '-w', '--stdin'], { input: heldBack() })
      .then(() => order.push('first change'));
    const second = git.changeBytes(place, ['rev-parse', 'HEAD']).then(() => order.push('second change'));
    await git.read(place, ['rev-parse', 'HEAD']);
    order.push('read');
    gate.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['read', 'first change', 'second change']);
  });

  it('G1: a failed change does not stop the next', async () => {
    const failing = git.change(place, ['switch', 'no-such-branch']);
    const next = git.change(place, ['switch', '-c', 'other']);
    await expect(failing).rejects.toMatchObject({ code: 'git_failed', details: { exitCode: 128 } });
    await expect(next).resolves.toBeTypeOf('string');
  });

  it("G2: a failure has git's words; too much output is too_large, or cut where a limit is given", async () => {
    await expect(git.read(place, ['cat-file', '-p', 'no-such'])).rejects.toThrow(/Not a valid object name no-such/);
    const cut = await git.read(place, ['rev-parse', 'HEAD'], { bytesMax: 7 });
    expect(cut).toEqual({ stdout: Buffer.from(scratch.commit.slice(0, 7)), truncated: true });
  });

  it('an input that breaks off makes nothing', async () => {
    const args = ['fast-import', '--quiet', '--done'];
    await expect(git.changeBytes(place, args, { input: broken() })).rejects.toMatchObject({ code: 'git_failed' });
    expect((await git.read(place, ['for-each-ref', 'refs/conductor/'])).stdout).toHaveLength(0);
  });

  it('E1: nothing but the listed names reaches git', () => {
    const outer = {
      PATH: '/bin',
      HOME: '/home/a',
      GIT_DIR: '/elsewhere',
      GIT_SSH_COMMAND: 'x',
      LD_PRELOAD: 'y',
      SECRET: 'z',
    };
    const environment = gitEnvironment({ place, settings: [['a.b=c.d', 'v']], identity: null, outer });
    expect(environment).toMatchObject({ PATH: '/bin', HOME: '/home/a', LC_ALL: 'C', GIT_DIR: place.gitDir });
    const names = Object.keys(environment).filter((name) => !/^GIT_CONFIG_(?:KEY|VALUE)_\d+$/.test(name));
    expect(names.toSorted()).toEqual(
      ['GIT_ALLOW_PROTOCOL', 'GIT_COMMON_DIR', 'GIT_CONFIG_COUNT', 'GIT_DIR', 'GIT_NO_LAZY_FETCH'].concat([
        'GIT_TERMINAL_PROMPT',
        'GIT_WORK_TREE',
        'HOME',
        'LANG',
        'LC_ALL',
        'PATH',
      ]),
    );
  });
});
