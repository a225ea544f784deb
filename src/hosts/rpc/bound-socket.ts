/**
 * A listening unix socket under a name that is ours, and comes back when somebody removes it.
 *
 * B1. The socket listens under a passing name, gets mode 0600, and only then takes its public name by a rename: whoever finds
 *     the name can connect. It also means that Node, which unlinks at closing the name it bound, never touches the public one.
 * B2. The public name is unlinked only while it stands for our own socket (device and inode).
 * B3. When the name is gone or stands for something else, a new socket takes it; connections of the old one stay.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';

export type BoundSocketOptions = {
  readonly path: string;
  readonly onConnection: (socket: Socket) => void;
  /** Called after the name had vanished and is there again. */
  readonly onRebound: (path: string) => void;
  /** Trouble that does not end the server, for the log. */
  readonly onError: (error: unknown) => void;
  /** How often the name is looked at, in ms. Default 2,000. */
  readonly checkMs?: number;
  /** Connections at a time; the next is closed at once. Default 1,024. */
  readonly connectionsMax?: number;
};

export type BoundSocket = {
  readonly path: string;
  /** Looks at the name now. @returns true when it had to be bound anew. */
  check(): Promise<boolean>;
  /** No new connections; the name is removed when it is ours. Connections stay. */
  close(): void;
};

type Place = { readonly dev: number; readonly ino: number };
type Bound = { readonly server: Server; readonly place: Place };

const CHECK_MS = 2_000;
const CONNECTIONS_MAX = 1_024;
const SOCKET_MODE = 0o600;

/** @throws unsafe_runtime_dir when the directory does not take the socket. */
export const bindSocket = async (options: BoundSocketOptions): Promise<BoundSocket> => {
  const { path } = options;
  let bound = await bind(options);
  let closed = false;
  let checking: Promise<boolean> | null = null;

  const rebind = async (): Promise<boolean> => {
    if (closed || isAt(path, bound.place)) return false;
    const before = bound;
    bound = await bind(options);
    before.server.close();
    if (closed) release(path, bound);
    else options.onRebound(path);
    return !closed;
  };
  const check = (): Promise<boolean> => {
    checking ??= rebind().finally(() => (checking = null));
    return checking;
  };
  const timer = setInterval(() => void check().catch(options.onError), options.checkMs ?? CHECK_MS);
  timer.unref();
  return {
    path,
    check,
    close: () => {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      release(path, bound);
    },
  };
};

const bind = async (options: BoundSocketOptions): Promise<Bound> => {
  const { path, onConnection, onError } = options;
  // Shorter than any public name, so it fits wherever that one fits.
  const passing = join(dirname(path), `.${randomBytes(4).toString('hex')}`);
  const server = createServer(onConnection);
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(passing, () => resolve());
    });
    server.removeAllListeners('error');
    server.on('error', onError);
    chmodSync(passing, SOCKET_MODE);
    const { dev, ino } = lstatSync(passing);
    renameSync(passing, path);
    return { server, place: { dev, ino } };
  } catch (cause) {
    server.close();
    throw new ConductorError(
      'unsafe_runtime_dir',
      `No socket can be made at ${path}; see that its directory is there`,
      {
        details: { path },
        cause,
      },
    );
  }
};

const isAt = (path: string, place: Place): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.dev === place.dev && stats.ino === place.ino;
};

const release = (path: string, { server, place }: Bound): void => {
  server.close();
  if (isAt(path, place)) unlinkSync(path);
};
