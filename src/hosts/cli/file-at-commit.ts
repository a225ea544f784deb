/** A file as it stands in a commit, read by git without hooks or configuration of the repository having a say. */
import { execFile } from 'node:child_process';

const BYTES_MAX = 1_048_576;

/** @returns null when the commit has no such file. */
export const fileAtCommit = (repo: string, commit: string, path: string): Promise<string | null> =>
  new Promise((resolve) => {
    const { PATH = '/usr/bin:/bin', HOME = '/' } = process.env;
    const env = { PATH, HOME, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
    const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'];
    const args = [...quiet, 'cat-file', 'blob', `${commit}:${path}`];
    // Exit 128 is git's «not there»; every other trouble shows when the work itself begins.
    execFile('git', args, { cwd: repo, env, maxBuffer: BYTES_MAX }, (error, stdout) => resolve(error ? null : stdout));
  });
