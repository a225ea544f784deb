/**
 * The directory of our sockets, and their names. Whoever can write there can answer in our name, so it is ours alone
 * or it is refused.
 *
 * X1. The directory is a real directory, of our user, 0700; what is not is refused, never repaired: somebody may have
 *     put something in while it stood open.
 * X2. A socket's path fits every system: 103 bytes and the closing zero (macOS; Linux takes 107).
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';

export type RuntimeDirectoryOptions = {
  /** `$XDG_RUNTIME_DIR`; undefined or empty when unset. */
  readonly xdgRuntimeDir: string | undefined;
  /** Effective user id. */
  readonly uid: number;
  /** Where the directory goes without XDG's. Default /tmp. */
  readonly fallbackParent?: string;
};

const PATH_BYTES_MAX = 103;
const GROUP_AND_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Finds or makes the directory, and returns its path. A runtime directory of another user, as `su` leaves it behind, or
 * one that does not exist, is passed over.
 *
 * @throws unsafe_runtime_dir when what stands there could be somebody else's.
 */
export const openRuntimeDirectory = (options: RuntimeDirectoryOptions): string => {
  const { xdgRuntimeDir = '', uid, fallbackParent = '/tmp' } = options;
  const isOurs = isAbsolute(xdgRuntimeDir) && statSync(xdgRuntimeDir, { throwIfNoEntry: false })?.uid === uid;
  const directory = isOurs ? join(xdgRuntimeDir, 'conductor') : join(fallbackParent, `conductor-${uid}`);
  refuseOpenParent(dirname(directory), uid);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unsafe(directory, 'it cannot be made', error);
  }
  const fault = faultOf(lstatSync(directory), uid);
  if (fault !== null) throw unsafe(directory, fault);
  return directory;
};

/**
 * Where the supervisor of this epoch listens: `<dir>/<projectKey>.<epoch>.sock`, with a hash for the key when that is
 * too long. Clients never derive it, they read it in `supervisor.json`.
 *
 * @throws unsafe_runtime_dir when the directory alone is too long.
 */
export const socketPath = (directory: string, projectKey: string, epoch: number): string => {
  const plain = join(directory, `${projectKey}.${epoch}.sock`);
  if (Buffer.byteLength(plain) <= PATH_BYTES_MAX) return plain;
  const hash = createHash('sha256').update(projectKey).digest('hex').slice(0, 16);
  const short = join(directory, `${hash}.${epoch}.sock`);
  const bytes = Buffer.byteLength(short);
  if (bytes <= PATH_BYTES_MAX) return short;
  throw new ConductorError(
    'unsafe_runtime_dir',
    `A socket in ${directory} needs a path of ${bytes} bytes, ${PATH_BYTES_MAX} are possible; ` +
      'set XDG_RUNTIME_DIR to a shorter directory of your own, or unset it',
    { details: { directory, bytes, bytesMax: PATH_BYTES_MAX } },
  );
};

/** In a directory that others may write to without the sticky bit, ours could be exchanged under us. */
const refuseOpenParent = (parent: string, uid: number): void => {
  const stats = statSync(parent, { throwIfNoEntry: false });
  if (stats === undefined) throw unsafe(parent, 'it does not exist');
  const isOpen = (stats.mode & WRITABLE_BY_OTHERS) !== 0 && (stats.mode & STICKY) === 0;
  if (isOpen) throw unsafe(parent, 'others may rename what is in it (no sticky bit)');
  if (stats.uid !== uid && stats.uid !== 0) throw unsafe(parent, `it belongs to user ${stats.uid}`);
};

const faultOf = (stats: Stats, uid: number): string | null => {
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (!stats.isDirectory()) return 'it is not a directory';
  if (stats.uid !== uid) return `it belongs to user ${stats.uid}, not to ${uid}`;
  const open = stats.mode & GROUP_AND_OTHERS;
  return open === 0 ? null : `its mode is ${(stats.mode & 0o777).toString(8)}, not 700`;
};

const unsafe = (directory: string, fault: string, cause?: unknown): ConductorError =>
  new ConductorError(
    'unsafe_runtime_dir',
    `The runtime directory ${directory} is not safe for sockets: ${fault}. Look at it, remove it, and try again, or ` +
      'set XDG_RUNTIME_DIR to a directory of your own with mode 700',
    { details: { directory, fault }, ...(cause === undefined ? {} : { cause }) },
  );
