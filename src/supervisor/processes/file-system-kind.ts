/**
 * Says whether locks on a path can be trusted: homes, locks and run directories must be on a local file system.
 *
 * K1. Known network and shared file systems are refused. What is unknown is allowed: most are local ones.
 * K2. FUSE is allowed with a warning: its number does not say whether a disk or a network is behind it.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';

export type FileSystemKind = {
  /** The name of the kind when it is one of those below, else its number in hexadecimal or what `mount` calls it. */
  readonly name: string;
  /** For people; null when there is nothing to say. */
  readonly warning: string | null;
};

export type FileSystemProbe = {
  readonly platform: NodeJS.Platform;
  readonly statfs: (path: string) => { readonly type: number };
  /** The output of `mount`; asked on macOS only, whose statfs numbers change from machine to machine. */
  readonly mounts: () => string;
};

/** statfs(2) and linux/magic.h. 9p is refused too: under WSL it is the Windows disk, whose locks SQLite cannot use. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'kafs'],
  [0x73757245, 'coda'],
  [0x564c, 'ncp'],
  [0x00c36400, 'ceph'],
  [0x01021997, '9p'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'beegfs'],
  [0x01161970, 'gfs2'],
  [0x7461636f, 'ocfs2'],
  [0x786f4256, 'vboxsf'],
]);
const FUSE = 0x65735546;
const REFUSED_ON_MACOS: ReadonlySet<string> = new Set(['nfs', 'smbfs', 'afpfs', 'webdav', 'ftp', 'cifs']);

const systemProbe: FileSystemProbe = {
  platform: process.platform,
  statfs: (path) => statfsSync(path),
  mounts: () => execFileSync('/sbin/mount', { encoding: 'utf8', env: { LC_ALL: 'C' } }),
};

/**
 * Answers for the path, or, when it does not exist yet, for the nearest directory above that does.
 *
 * @throws home_on_network_fs when locks there cannot be trusted.
 */
export const requireLocalFileSystem = (path: string, probe: FileSystemProbe = systemProbe): FileSystemKind => {
  const existing = nearestExisting(resolve(path));
  const kind = probe.platform === 'darwin' ? mountedKind(existing, probe.mounts()) : numberedKind(existing, probe);
  if (!kind.refused) return { name: kind.name, warning: warningOf(path, kind.name) };
  throw new ConductorError(
    'home_on_network_fs',
    `${path} is on a network or shared file system (${kind.name}), where locks do not keep two owners apart; ` +
      'set CONDUCTOR_HOME to a directory on a local disk',
    { details: { path, fileSystem: kind.name } },
  );
};

type Kind = { readonly name: string; readonly refused: boolean };

const numberedKind = (path: string, probe: FileSystemProbe): Kind => {
  const type = probe.statfs(path).type >>> 0; // Some systems hand the number out with a sign.
  const refused = REFUSED.get(type);
  if (refused !== undefined) return { name: refused, refused: true };
  return { name: type === FUSE ? 'fuse' : `0x${type.toString(16)}`, refused: false };
};

/** Lines are `<device> on <directory> (<kind>, <options>)`; the longest directory above the path is its mount. */
const mountedKind = (path: string, mounts: string): Kind => {
  let best = { directory: '', name: 'unknown' };
  for (const line of mounts.split('\n')) {
    const [, directory, name] = /^.+? on (\/.*) \(([^,)]+)[^)]*\)$/.exec(line) ?? [];
    if (directory === undefined || name === undefined || directory.length < best.directory.length) continue;
    const inside = directory === '/' || path === directory || path.startsWith(`${directory}/`);
    if (inside) best = { directory, name };
  }
  return { name: best.name, refused: REFUSED_ON_MACOS.has(best.name) };
};

const warningOf = (path: string, name: string): string | null =>
  name.includes('fuse')
    ? `${path} is on FUSE; when a network is behind it (sshfs, s3fs), set CONDUCTOR_HOME to a directory on a local disk`
    : null;

const nearestExisting = (path: string): string => {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
};
