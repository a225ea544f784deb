/**
 * Goal: a lock of somebody else is waited for, then named with its age and holder; never removed.
 * Method: real lock files, held by a real process where the holder matters.
 */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConductorError } from '../../../src/machines/errors.ts';
import { lockHolder, lockPathIn, removeOwnLocks, withLockRetry } from '../../../src/supervisor/workspaces/git-locks.ts';
import { gitIn, prepared, request, scratchRepository, type Scratch } from './scratch-repository.ts';

let scratch: Scratch;
beforeEach(async () => {
  scratch = await scratchRepository();
});
afterEach(() => scratch.remove());

describe('lock files', () => {
  it("are recognised in git's own words", () => {
    const lock = join(scratch.repo, '.git', 'index.lock');
    writeFileSync(lock, '');
    let said = '';
    try {
      gitIn(scratch.repo, 'reset', '--hard');
    } catch (error) {
      said = String((error as { stderr: unknown }).stderr);
    }
    expect(lockPathIn(said)).toBe(lock);
    expect(lockPathIn('error: could not lock config file .git/config: File exists')).toBe('.git/config.lock');
    expect(lockPathIn('fatal: not a valid object name')).toBeNull();
  });

  it('L1: are waited for until they go', async () => {
    const { worktreePath } = await prepared(scratch);
    const lock = join(gitIn(worktreePath, 'rev-parse', '--absolute-git-dir'), 'HEAD.lock');
    writeFileSync(lock, '');
    const waiting = scratch.workspaces.prepare(request(scratch, { existing: true, branch: 'conductor/two' }));
    setTimeout(() => rmSync(lock), 100);
    expect(await waiting).toMatchObject({ kind: 'prepared', branch: 'conductor/two' });
  });

  it('L1: at the end of the wait the error names path, age and holder, and the file stays', async () => {
    const lock = join(scratch.root, 'index.lock');
    const holder = spawn('sh', ['-c', `exec 9>${lock}; echo held; exec sleep 60`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      const failure = await withLockRetry(
        async () => {
          throw new ConductorError('git_failed', `Unable to create '${lock}': File exists.`);
        },
        { cwd: scratch.root, waitMaxMs: 50, lockOf: (error) => lockPathIn((error as Error).message) },
      ).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'git_locked', retryable: true, details: { path: lock } });
      if (process.platform === 'linux') {
        expect((failure as ConductorError).details['holder']).toEqual({ pid: holder.pid, command: 'sleep' });
        expect(removeOwnLocks(scratch.root)).toEqual([]);
      }
      expect(existsSync(lock)).toBe(true);
    } finally {
      const ended = new Promise((resolve) => holder.once('exit', resolve));
      holder.kill('SIGKILL');
      await ended;
    }
    expect(lockHolder(lock)).toBeNull();
    expect(removeOwnLocks(scratch.root)).toEqual([lock]);
  });

  it('other failures are not retried', async () => {
    let attempts = 0;
    const attempt = async (): Promise<never> => {
      attempts += 1;
      throw new Error('something else');
    };
    await expect(withLockRetry(attempt, { cwd: '/', lockOf: () => null })).rejects.toThrow('something else');
    expect(attempts).toBe(1);
  });
});
