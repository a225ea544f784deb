/**
 * The supervisor program's side of being started: what it was asked, what it does to become a daemon, and what it says back.
 *
 * D1. Whoever started it hears exactly one line over the pipe: where it listens, or why it does not.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { ConductorError, isConductorError } from '../../machines/errors.ts';

export type StartRequest = {
  /** A directory of the repository. */
  readonly repo: string;
  /** CONDUCTOR_HOME as resolved. */
  readonly home: string;
  /** Whether it stays when there is nothing to do, as after `conductor start`. */
  readonly stay: boolean;
  /** Whether the inspector listens. */
  readonly inspector: boolean;
  /** Descriptor of the pipe to whoever started it; null when started by hand. */
  readonly readyFd: number | null;
};

/** The line on the pipe. */
export type StartReport =
  | { readonly ok: true; readonly socket: string }
  | { readonly ok: false; readonly error: ReturnType<ConductorError['toJSON']> };

/** Fewer than this are too few for fifty runs with a connection each. */
const OPEN_FILES_WANTED = 1_024;

export const startArguments = ({ repo, home, stay, inspector, readyFd }: StartRequest): readonly string[] => [
  `--repo=${repo}`,
  `--home=${home}`,
  ...(stay ? ['--stay'] : []),
  ...(inspector ? [] : ['--no-inspector']),
  ...(readyFd === null ? [] : [`--ready-fd=${String(readyFd)}`]),
];

/** @throws invalid_params when it was started in another way than by `startArguments`. */
export const readStartArguments = (args: readonly string[]): StartRequest => {
  const valueOf = (name: string): string | null =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? null;
  const [repo, home, readyFd] = [valueOf('repo'), valueOf('home'), valueOf('ready-fd')];
  if (repo === null || home === null) {
    throw new ConductorError(
      'invalid_params',
      'The supervisor program needs --repo=PATH and --home=PATH; `conductor start` gives them.',
    );
  }
  return {
    repo,
    home,
    stay: args.includes('--stay'),
    inspector: !args.includes('--no-inspector'),
    readyFd: readyFd === null ? null : Number(readyFd),
  };
};

/**
 * Files made from now on are this user's alone, and no directory is kept from being removed.
 * @returns a sentence for the log when the system allows too few open files, else null.
 */
export const settleAsDaemon = (home: string): string | null => {
  process.umask(0o077);
  process.chdir(home);
  const limit = openFilesLimit();
  if (limit === null || limit >= OPEN_FILES_WANTED) return null;
  return `Only ${String(limit)} files may be open at a time (ulimit -n); ${String(OPEN_FILES_WANTED)} are wanted for many runs`;
};

export const reportReady = (readyFd: number | null, socket: string): void => report(readyFd, { ok: true, socket });

/** To be called with whatever keeps the supervisor from starting; the process ends afterwards. */
export const reportFailure = (readyFd: number | null, error: unknown): void => {
  const known = isConductorError(error)
    ? error
    : new ConductorError('internal', 'The supervisor could not start; its log says why', { cause: error });
  report(readyFd, { ok: false, error: known.toJSON() });
};

const report = (readyFd: number | null, line: StartReport): void => {
  if (readyFd === null) return;
  try {
    writeSync(readyFd, `${JSON.stringify(line)}\n`);
    closeSync(readyFd);
  } catch {
    // Whoever started it has left: the supervisor runs for the next one.
  }
};

/** Null where the system does not tell (macOS; Node has raised the soft limit to the hard one by then on both). */
const openFilesLimit = (): number | null => {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
};
