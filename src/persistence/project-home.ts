/**
 * Where Conductor keeps its files, and the names of those that belong to one project. Only this file, and those that open them,
 * name the databases.
 */
import { mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ConductorError } from '../machines/errors.ts';

export type ProjectHome = {
  /** `<home>/projects/<key>` */
  readonly root: string;
  readonly key: string;
  readonly supervisorFile: string;
  readonly ownerLock: string;
  readonly database: string;
  readonly trustFile: string;
  readonly logDirectory: string;
  readonly supervisorLog: string;
  readonly backups: string;
  readonly runs: string;
  readonly artifacts: string;
  /** What was settled long ago, one file each. */
  readonly archive: string;
  /** Copies of the programs, of all projects of the home together. */
  readonly runtime: string;
  /** Directory of one run: contract, spool, output, recording, exit record. */
  readonly runDirectory: (runId: string) => string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** SQLite takes 512 bytes for a path; this leaves room for our names below the home. */
const HOME_BYTES_MAX = 300;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * The home of all projects: `CONDUCTOR_HOME`, else `PI_CONDUCTOR_HOME`, else `$XDG_STATE_HOME/conductor`, else
 * `~/.local/state/conductor`. Creates nothing.
 * @throws ConductorError `invalid_params` when the path is longer than 300 bytes.
 */
export const conductorHome = (env: Environment): string => {
  const named = env['CONDUCTOR_HOME'] || env['PI_CONDUCTOR_HOME'];
  const home = named ? resolve(named) : join(stateHome(env), 'conductor');
  const bytes = Buffer.byteLength(home);
  if (bytes <= HOME_BYTES_MAX) return home;
  throw new ConductorError(
    'invalid_params',
    `The home ${home} has ${bytes} bytes, at most ${HOME_BYTES_MAX} work. Set CONDUCTOR_HOME to a shorter path.`,
    { details: { home, bytes, max: HOME_BYTES_MAX } },
  );
};

/** Names of everything of one project. @throws ConductorError `invalid_params` for a key that is no plain name. */
export const projectHome = (home: string, key: string): ProjectHome => {
  const root = join(home, 'projects', plainName(key));
  const runs = join(root, 'runs');
  const logDirectory = join(root, 'log');
  return {
    root,
    key,
    supervisorFile: join(root, 'supervisor.json'),
    ownerLock: join(root, 'owner.db'),
    database: join(root, 'conductor.db'),
    trustFile: join(root, 'trust.json'),
    logDirectory,
    supervisorLog: join(logDirectory, 'supervisor.log'),
    backups: join(root, 'backups'),
    runs,
    artifacts: join(root, 'artifacts'),
    archive: join(root, 'archive'),
    runtime: join(home, 'runtime'),
    runDirectory: (runId) => join(runs, plainName(runId)),
  };
};

/**
 * Makes the directories, for this user alone. Those that exist keep their mode.
 * @throws ConductorError `home_read_only`, `owned_by_other_user`, `store_full`.
 */
export const ensureProjectHome = (paths: ProjectHome): void => {
  try {
    for (const folder of [paths.root, paths.runs, paths.artifacts, paths.backups, paths.logDirectory]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    throw homeError(error, paths.root);
  }
  assertOurs(paths.root);
};

/** @throws ConductorError `owned_by_other_user` when somebody else's file or directory stands there. */
export const assertOurs = (path: string): void => {
  const uid = process.geteuid?.();
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  if (uid === undefined || owner === undefined || owner === uid) return;
  throw new ConductorError(
    'owned_by_other_user',
    `${path} belongs to user ${owner}, this is user ${uid}. A repository is run by one user; set up a clone of your own.`,
    { details: { path, owner, uid } },
  );
};

const stateHome = (env: Environment): string => {
  // The specification wants relative values ignored.
  const xdg = env['XDG_STATE_HOME'];
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(env['HOME'] || homedir(), '.local', 'state');
};

const plainName = (name: string): string => {
  if (NAME.test(name)) return name;
  throw new ConductorError('invalid_params', `"${name}" is no name of a project or run.`, { details: { name } });
};

const homeError = (error: unknown, path: string): unknown => {
  const { code } = error as NodeJS.ErrnoException;
  const options = { cause: error, details: { path, system: code } };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const message = `${path} cannot be written by this user. Check who owns it, or set CONDUCTOR_HOME to a directory of yours.`;
    return new ConductorError('home_read_only', message, options);
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ConductorError('store_full', `No space left for ${path}. Free some and start again.`, options);
  }
  return error;
};
