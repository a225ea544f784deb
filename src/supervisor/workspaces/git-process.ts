/**
 * Starts git. In a supervisor by its starter, a small process beside it (`process-starter.ts`). Elsewhere two ways, one
 * environment: simple-git for commands that talk text, a bare spawn for those whose input or output is bytes (file names,
 * file contents), which simple-git decodes as UTF-8 and cannot feed. simple-git also waits 50 ms for commands that print
 * nothing, so those take the second way as well.
 *
 * G1. Commands that change the repository run one at a time (`change`, `changeBytes`); reads run beside.
 * G2. A lock of somebody else is waited for (`git-locks.ts`), every other failure is `git_failed` with git's words.
 */
import { ConductorError } from '../../machines/errors.ts';
import { runProgram, type ProgramRunner } from '../processes/program-run.ts';
import { gitEnvironment, type GitIdentity, type GitPlace, type GitSetting } from './git-environment.ts';
import { lockPathIn, withLockRetry, type LockWait } from './git-locks.ts';

/** A checkout of a huge repository takes minutes; one that says nothing for this long hangs. */
const silenceMaxMs = 600_000;
/** Bytes of a listing kept in memory: 1 M paths of 64 bytes. A patch has a limit of its own. */
const outputBytesMax = 64 * 1024 * 1024;
const stderrCharsMax = 2000;

export type GitFailure = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };
export type GitBytes = { readonly stdout: Buffer; readonly truncated: boolean };
export type GitBytesOptions = {
  readonly input?: AsyncIterable<Uint8Array> | Uint8Array;
  /** Output beyond this ends the command: `truncated`. Default 64 MiB, and then an error. */
  readonly bytesMax?: number;
};
export type GitSettings = { readonly settings: readonly GitSetting[]; readonly identity: GitIdentity | null };

export interface GitRunner {
  /** A changing command that prints something, by simple-git. @throws git_failed, git_locked */
  change(place: GitPlace, args: readonly string[]): Promise<string>;
  /** A changing command by bytes. @throws git_failed, git_locked */
  changeBytes(place: GitPlace, args: readonly string[], options?: GitBytesOptions): Promise<Buffer>;
  /** A reading command. @throws git_failed */
  read(place: GitPlace, args: readonly string[], options?: GitBytesOptions): Promise<GitBytes>;
}

/**
 * @param settingsOf settings beyond the fixed ones, asked before each command.
 * @param run Where git is started; default: from this process, and by simple-git what talks text.
 */
export function createGitRunner(
  settingsOf: (place: GitPlace) => Promise<GitSettings>,
  run: ProgramRunner | null = null,
): GitRunner {
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined); // The caller hears of it; the next in line does not.
    return result;
  };
  const environmentOf = async (place: GitPlace): Promise<Record<string, string>> =>
    gitEnvironment({ place, ...(await settingsOf(place)), outer: process.env });
  return {
    // The wait for a lock is outside of the turn: one worktree's lock must not hold up all the others.
    change: (place, args) =>
      withLockRetry(
        () =>
          inTurn(async () => {
            const env = await environmentOf(place);
            const call = { cwd: directoryOf(place), args, env, options: {}, silenceMs: silenceMaxMs };
            return run === null ? runText(call) : (await runBytes(call, run)).stdout.toString('utf8');
          }),
        lockWait(place),
      ),
    changeBytes: (place, args, options = {}) =>
      withLockRetry(
        () =>
          inTurn(async () => {
            const call = { cwd: directoryOf(place), args, env: await environmentOf(place), options };
            return (await runBytes(call, run ?? runProgram)).stdout;
          }),
        lockWait(place),
      ),
    read: async (place, args, options = {}) =>
      runBytes({ cwd: directoryOf(place), args, env: await environmentOf(place), options }, run ?? runProgram),
  };
}

const lockWait = (place: GitPlace): LockWait => ({
  cwd: directoryOf(place),
  lockOf: (error: unknown) => lockPathIn(failureOf(error)?.stderr ?? ''),
});

const directoryOf = (place: GitPlace): string => place.workTree ?? place.gitDir;

/** What git said, when `error` is a `git_failed` of this file. */
export function failureOf(error: unknown): GitFailure | null {
  return error instanceof GitCommandError ? error.failure : null;
}

class GitCommandError extends ConductorError {
  readonly failure: GitFailure;
  constructor(args: readonly string[], failure: GitFailure, cause?: unknown) {
    const said = (failure.stderr.trim() || failure.stdout.trim()).slice(0, stderrCharsMax);
    const command = `git ${args.slice(0, 2).join(' ')}`;
    super('git_failed', `\`${command}\` ended with ${failure.exitCode}: ${said || 'it said nothing'}`, {
      details: { command, exitCode: failure.exitCode, stderr: said },
      cause,
    });
    this.failure = failure;
  }
}

async function runText({ cwd, args, env }: BytesRun): Promise<string> {
  let failure: GitFailure | null = null;
  try {
    const { simpleGit } = await import('simple-git');
    const git = simpleGit({
      baseDir: cwd,
      maxConcurrentProcesses: 1,
      timeout: { block: silenceMaxMs },
      // simple-git guards against settings that callers pass through; these are our own, and they switch things off.
      allowEnvironment: Object.keys(env),
      unsafe: ownSettingsAllowed,
      errors: (error, { exitCode, stdOut, stdErr }) => {
        if (exitCode === 0 && !error) return undefined;
        failure = { exitCode, stdout: Buffer.concat(stdOut).toString(), stderr: Buffer.concat(stdErr).toString() };
        return error ?? new Error('git failed');
      },
    }).env(env);
    return await git.raw([...args]);
  } catch (cause) {
    if (cause instanceof ConductorError) throw cause;
    throw new GitCommandError(args, failure ?? { exitCode: -1, stdout: '', stderr: messageOf(cause) }, cause);
  }
}

/** simple-git checks settings in the environment by name, whatever their value; these are the names we set. */
const ownSettingsAllowed = {
  allowUnsafeConfigEnvCount: true,
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeFilter: true,
  allowUnsafeMergeDriver: true,
};

type BytesRun = {
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly options: GitBytesOptions;
  readonly silenceMs?: number | null;
};

/** One git process outside of any queue: `config --list`, `rev-parse`, and everything that reads. */
export async function runBytes(
  { cwd, args, env, options, silenceMs = null }: BytesRun,
  run: ProgramRunner = runProgram,
): Promise<GitBytes> {
  const limit = options.bytesMax ?? outputBytesMax;
  const { exitCode, stdout, stderr, truncated, inputError } = await run({
    file: 'git',
    args,
    cwd,
    env,
    input: options.input ?? null,
    outputBytesMax: limit,
    silenceMaxMs: silenceMs,
  });
  // Only reading commands are cut; nothing is left half-written.
  if (truncated && options.bytesMax === undefined) {
    throw new ConductorError('too_large', `git ${args[0]} printed more than ${limit} bytes.`, { details: { limit } });
  }
  if (exitCode !== 0 && !truncated) {
    throw new GitCommandError(args, { exitCode, stdout: stdout.toString(), stderr }, inputError);
  }
  if (inputError !== null && !truncated) throw inputError;
  return { stdout, truncated };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
