/** Where files and sockets go: the home, its file system, the runtime directory. Nothing is created; dead sockets go on request. */
import { accessSync, constants, existsSync, lstatSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProjectPlace } from '../project-place.ts';
import { requireLocalFileSystem } from '../../../supervisor/processes/file-system-kind.ts';
import { openRuntimeDirectory } from '../../../supervisor/processes/runtime-directory.ts';
import { listDeadSockets } from '../../../supervisor/processes/dead-sockets.ts';
import { plural } from '../output/time-text.ts';
import { checked, fail, ok, warn, type Check } from './doctor-check.ts';

type Env = Readonly<Record<string, string | undefined>>;

export type HomeCheckOptions = { readonly env: Env; readonly now: number; readonly fix: boolean };

export const homeChecks = async (
  { home }: Pick<ProjectPlace, 'home'>,
  { env, now, fix }: HomeCheckOptions,
): Promise<readonly Check[]> =>
  Promise.all([
    checked('home', () => homeCheck(home)),
    checked('file system', () => fileSystemCheck(home)),
    checked('runtime directory', () => runtimeCheck(env)),
    checked('sockets', () => socketsCheck(env, { now, fix })),
  ]);

const nearest = (path: string): string => (existsSync(path) ? path : nearest(dirname(path)));

const homeCheck = (home: string): Check => {
  const there = nearest(home);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch {
    return fail('home', `${there} cannot be written by this user`, 'set CONDUCTOR_HOME to a directory of yours');
  }
  if (there !== home) return ok('home', `${home} will be made when work begins`);
  const uid = process.geteuid?.();
  const { uid: owner, mode } = lstatSync(home);
  if (uid !== undefined && owner !== uid) {
    return fail('home', `${home} belongs to user ${String(owner)}`, 'set CONDUCTOR_HOME to a directory of yours');
  }
  return (mode & 0o022) === 0
    ? ok('home', home)
    : warn('home', `${home} can be written by others`, `chmod 700 ${home}`);
};

const fileSystemCheck = (home: string): Check => {
  const { name, warning } = requireLocalFileSystem(home);
  return warning === null
    ? ok('file system', name)
    : warn('file system', `${name}: ${warning}`, 'set CONDUCTOR_HOME to another disk');
};

const runtimeCheck = (env: Env): Check => {
  const directory = runtimeDirectory(env);
  return ok('runtime directory', directory ?? 'will be made when a supervisor starts');
};

/** Null before there is one. */
const runtimeDirectory = (env: Env): string | null => {
  const uid = process.geteuid?.() ?? 0;
  const xdg = env['XDG_RUNTIME_DIR'];
  const likely = [...(xdg ? [join(xdg, 'conductor')] : []), `/tmp/conductor-${String(uid)}`];
  return likely.some((path) => existsSync(path)) ? openRuntimeDirectory({ xdgRuntimeDir: xdg, uid }) : null;
};

/** They cost nothing but the look of the directory; a supervisor removes those of its own project by itself. */
const socketsCheck = async (env: Env, { now, fix }: Omit<HomeCheckOptions, 'env'>): Promise<Check> => {
  const directory = runtimeDirectory(env);
  const dead = directory === null ? [] : await listDeadSockets(directory, now);
  if (dead.length === 0) return ok('sockets', 'none was left behind');
  if (!fix) {
    return warn(
      'sockets',
      `${plural(dead.length, 'socket')} of killed processes`,
      'conductor doctor --fix removes them',
    );
  }
  for (const path of dead) rmSync(path, { force: true });
  return ok('sockets', `removed ${plural(dead.length, 'socket')} of killed processes`);
};
