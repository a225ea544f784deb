/**
 * Containment by a delegated cgroup, where the system offers one: whatever a run starts stays in its scope, even what
 * clears its environment and loses its parent, so that the census is exact and one write ends it all.
 *
 * G1. `containment` says `cgroup` only after a scope was really made, a process was found in it under the path that the
 *     kernel names, and its `cgroup.kill` is there to write to. Everything else is `census`, with the reason.
 * G2. `systemd-run --scope` makes the scope, moves itself in and executes the program in its own place: the pid, the
 *     environment and the open files stay as they are.
 * G3. The path of a scope is read from the kernel (/proc/<pid>/cgroup), never put together.
 * G4. Without lingering there is none: at the last logout the user's manager ends everything below it, and a run that had
 *     survived its terminal would die with it.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from './node-crypto.ts';

export type Containment = {
  readonly kind: 'cgroup' | 'census';
  /** One clause for people, as `doctor` prints it. */
  readonly why: string;
};

export type CgroupSystem = {
  readonly platform: NodeJS.Platform;
  /** In front of /sys and /proc; '' but in tests. */
  readonly root: string;
  readonly userName: string;
  /** Runs a program to its end. `code` null: it could not be started or had to be ended. */
  readonly run: (
    file: string,
    args: readonly string[],
  ) => Promise<{ readonly code: number | null; readonly out: string }>;
};

/** Names of the users whose manager stays (loginctl(1)). */
const LINGER = '/var/lib/systemd/linger';
const CGROUP_ROOT = '/sys/fs/cgroup';
/** A user manager that does not answer within this time is no help for a start within 80 ms either. */
const PROBE_TIMEOUT_MS = 3_000;
/** Scopes may hold scopes; deeper than this is nobody's program. */
const DEPTH_MAX = 16;

/** Tries it once; the answer holds as long as this process. Never rejects. */
export const containment = async (system: CgroupSystem = thisSystem): Promise<Containment> => {
  const obstacle = obstacleIn(system);
  if (obstacle !== null) return census(obstacle);
  const unit = `conductor-probe-${nodeCrypto().randomBytes(6).toString('hex')}`;
  const [file, ...args] = wrapInScope(unit, ['cat', '/proc/self/cgroup']);
  const probe = await system.run(file, args);
  if (probe.code !== 0) {
    const said = probe.out.trim().split('\n')[0]?.slice(0, 200) ?? '';
    return census(
      `systemd-run --user --scope ${probe.code === null ? 'cannot be run' : `ended with ${probe.code}`}${said === '' ? '' : `: ${said}`}`,
    );
  }
  const path = unifiedPath(probe.out);
  if (path === null || !path.endsWith(`/${unit}.scope`))
    return census('systemd-run made a scope, but not around the program');
  // The scope itself ended with its program; its parent says what a scope beside it would offer.
  const parent = join(system.root, CGROUP_ROOT, path, '..');
  if (!isWritable(join(parent, 'cgroup.kill')))
    return census(`${join(CGROUP_ROOT, path, '..')} offers no cgroup.kill to us`);
  return { kind: 'cgroup', why: `systemd-run --user --scope works, below ${join(path, '..')}` };
};

/** What rules a scope out before one is tried. */
const obstacleIn = ({ platform, root, userName }: CgroupSystem): string | null => {
  if (platform !== 'linux') return `${platform} has no cgroups`;
  if (!existsSync(join(root, CGROUP_ROOT, 'cgroup.controllers'))) {
    return `${CGROUP_ROOT} is not a pure cgroup v2 hierarchy`;
  }
  const lingers = existsSync(join(root, LINGER, userName));
  return lingers ? null : 'processes of this user end at the last logout (loginctl enable-linger changes that)';
};

/**
 * The command that runs another one inside a scope of its own (G2).
 *
 * @param unit Name without `.scope`, letters, digits and `-`; unique while it lives.
 */
export const wrapInScope = (unit: string, command: readonly string[]): readonly [string, ...string[]] => [
  'systemd-run',
  '--user',
  '--scope',
  '--quiet',
  '--collect',
  `--unit=${unit}`,
  '--',
  ...command,
];

/** Name of the scope of one epoch of a run, without `.scope`. */
export const unitOfRun = (runId: string, epoch: number): string => `conductor-${runId}-${String(epoch)}`;

/** Path of this process's scope when it is the one of that name; null everywhere else. */
export const ownScopePath = (unit: string, system: Pick<CgroupSystem, 'root'> = thisSystem): string | null => {
  const path = unifiedPath(unlessGone('', () => readFileSync(join(system.root, '/proc/self/cgroup'), 'utf8')));
  return path?.endsWith(`/${unit}.scope`) === true ? path : null;
};

/** One run's scope. */
export type CgroupScope = {
  /** As the kernel names it, from the root of the hierarchy; recorded with the run. */
  readonly path: string;
  /** Everything in it and below; empty when the scope is gone. For `CensusSubject.cgroupPids`. */
  pids(): readonly number[];
  /** SIGKILL to all at once, forks in flight included. False when the scope is gone or refuses. */
  kill(): boolean;
};

/** A scope by its recorded path. */
export const openScope = (path: string, system: Pick<CgroupSystem, 'root'> = thisSystem): CgroupScope => {
  const directory = join(system.root, CGROUP_ROOT, path);
  return {
    path,
    pids: () => pidsBelow(directory, 0),
    kill: () => {
      try {
        writeFileSync(join(directory, 'cgroup.kill'), '1', { flag: 'r+' });
        return true;
      } catch {
        return false; // Gone, or a kernel before 5.14: the sweep by identity goes on without it.
      }
    },
  };
};

const pidsBelow = (directory: string, depth: number): readonly number[] => {
  const text = unlessGone('', () => readFileSync(join(directory, 'cgroup.procs'), 'utf8'));
  const own = text
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  if (depth === DEPTH_MAX) return own;
  const entries = unlessGone([], () => readdirSync(directory, { withFileTypes: true }));
  const below = entries.filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap((entry) => pidsBelow(join(directory, entry.name), depth + 1))];
};

/** The line `0::<path>` is cgroup v2's (cgroups(7)). */
const unifiedPath = (text: string): string | null => /^0::(\/.*)$/m.exec(text)?.[1] ?? null;

const census = (why: string): Containment => ({ kind: 'census', why });

/** A scope disappears with its last process: gone is as good as empty. Any other trouble is no answer, and thrown. */
const unlessGone = <Value>(otherwise: Value, read: () => Value): Value => {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH') return otherwise;
    throw error;
  }
};

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const thisSystem: CgroupSystem = {
  platform: process.platform,
  root: '',
  get userName() {
    return userInfo().username;
  },
  run: (file, args) =>
    new Promise((resolve) => {
      execFile(file, args, { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, out: code === 0 ? stdout : stderr });
      });
    }),
};
