/** What this machine must have: programs, limits, a terminal library, a way to contain processes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { containment } from '../../../supervisor/processes/cgroup-scope.ts';
import { checked, fail, ok, warn, type Check } from './doctor-check.ts';

const run = promisify(execFile);

/** `worktree add --orphan` apart, everything that is used is in git since 2.36 (`--path-format` of rev-parse: 2.31). */
const GIT_MAJOR_MIN = 2;
const GIT_MINOR_MIN = 36;
/** A run takes about ten descriptors of the supervisor: 50 runs and room to spare. */
const OPEN_FILES_MIN = 1_024;

export const machineChecks = async (): Promise<readonly Check[]> =>
  Promise.all([
    checked('node', nodeCheck),
    checked('git', gitCheck),
    checked('open files', openFilesCheck),
    checked('terminals', terminalCheck),
    checked('containment', containmentCheck),
  ]);

/** The launcher has refused every other version already; the path says which one runs. */
const nodeCheck = (): Check => ok('node', `${process.version} at ${process.execPath}`);

const gitCheck = async (): Promise<Check> => {
  const { stdout } = await run('git', ['--version']).catch(() => ({ stdout: '' }));
  const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (major === undefined) return fail('git', 'there is no git on PATH', 'install git');
  const text = stdout.trim().replace(/^git version /, '');
  const isEnough = Number(major) > GIT_MAJOR_MIN || (Number(major) === GIT_MAJOR_MIN && Number(minor) >= GIT_MINOR_MIN);
  const wanted = `${String(GIT_MAJOR_MIN)}.${String(GIT_MINOR_MIN)}`;
  return isEnough ? ok('git', text) : fail('git', text, `install git ${wanted} or newer`);
};

const openFilesCheck = async (): Promise<Check> => {
  const { stdout } = await run('/bin/sh', ['-c', 'ulimit -n']);
  const limit = stdout.trim() === 'unlimited' ? Infinity : Number(stdout);
  const fact = limit === Infinity ? 'without limit' : `${String(limit)} at a time`;
  return limit >= OPEN_FILES_MIN
    ? ok('open files', fact)
    : warn('open files', fact, `ulimit -n ${String(OPEN_FILES_MIN)}`);
};

const terminalCheck = async (): Promise<Check> => {
  try {
    await import('node-pty');
    return ok('terminals', 'node-pty is here: runs with a terminal work');
  } catch (error) {
    const { code = 'it does not load' } = error as NodeJS.ErrnoException;
    return warn(
      'terminals',
      `no node-pty (${code}): runtimeMode pty and viewer do not work, all else does`,
      'install a C++ compiler, then npm rebuild node-pty',
    );
  }
};

const containmentCheck = async (): Promise<Check> => {
  const { kind, why } = await containment();
  if (kind === 'cgroup') return ok('containment', `by a cgroup per run: ${why}`);
  const advice = 'what clears its environment and loses its parent at once escapes the census';
  return warn('containment', `by census: ${why}`, advice);
};
