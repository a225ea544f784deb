/**
 * The supervisor's socket: takes connections, asks each for its hello, and gives it the session of its role.
 *
 * R1. Before `hello` nothing is done for anybody; who says nothing is closed after HELLO_MS.
 * R2. A connection has one role for good: a runner calls `runner/…` only, a client never does.
 * R3. Own and previous protocol are spoken; any other is told both sides and the way out.
 * R4. An exception of a handler never reaches the other side, only the text of a ConductorError does.
 */
import type { Socket } from 'node:net';
import type { CancellationToken } from 'vscode-jsonrpc/node';
import { ConductorError } from '../../machines/errors.ts';
import { CLIENT_FRAME_BYTES_MAX, PROTOCOL, PROTOCOL_OLDEST, RUNNER_CALLS } from '../../supervisor/runners/protocol.ts';
import { bindSocket } from './bound-socket.ts';
import { createClientSession, type Session } from './client-session.ts';
import { guardConnection, type GuardedConnection } from './guarded-connection.ts';
import { decidePrincipal, type ProcessLook } from './principal.ts';
import type { SupervisorFace } from './rpc-face.ts';
import { createRunnerSession } from './runner-session.ts';
import { responseError } from './wire-errors.ts';
import { ANSWER_BYTES_MAX, HELLO, type Hello, type HelloAnswer } from './wire.ts';

export type RpcServerOptions = {
  readonly face: SupervisorFace;
  /** From `socketPath()` of the runtime directory: named with our epoch. */
  readonly socketPath: string;
  /** One look at the process table, taken at every client's hello. */
  readonly look: () => ProcessLook;
  /** Called after the socket's name had vanished and is there again: publish it anew. */
  readonly onRebound: (path: string) => void;
  /** What nobody outside may see: unknown exceptions of handlers, trouble of the socket. */
  readonly log: (error: unknown, where: string) => void;
  /** How often the socket's name is looked at, in ms. Default 2,000. */
  readonly checkMs?: number;
  /** How long a connection may take to say hello, in ms. Default 10,000. */
  readonly helloMs?: number;
};

export type RpcServer = {
  readonly path: string;
  readonly connections: number;
  /** Looks at the socket's name now, without waiting for the next look. */
  check(): Promise<boolean>;
  /** Takes the name away, lets every connection read what was answered, and closes it. */
  close(): Promise<void>;
};

const HELLO_MS = 10_000;

/** @throws unsafe_runtime_dir when the socket cannot be bound. */
export const startRpcServer = async (options: RpcServerOptions): Promise<RpcServer> => {
  const { face, log } = options;
  const open = new Set<GuardedConnection>();
  let clients = 0;
  const countClient = (change: 1 | -1): void => {
    clients += change;
    face.idle.clients(clients);
  };
  const bound = await bindSocket({
    path: options.socketPath,
    onConnection: (socket) => serve(socket, { ...options, open, countClient }),
    onRebound: options.onRebound,
    onError: (error) => log(error, 'socket'),
    ...(options.checkMs === undefined ? {} : { checkMs: options.checkMs }),
  });
  return {
    path: bound.path,
    get connections() {
      return open.size;
    },
    check: () => bound.check(),
    close: async () => {
      bound.close();
      const closing = [...open].map(async (guarded) => {
        guarded.end();
        await guarded.closed;
      });
      await Promise.all(closing);
    },
  };
};

type Served = RpcServerOptions & {
  readonly open: Set<GuardedConnection>;
  readonly countClient: (change: 1 | -1) => void;
};

const serve = (socket: Socket, served: Served): void => {
  const { face, open, log } = served;
  const guarded = guardConnection(socket, { frameBytesMax: CLIENT_FRAME_BYTES_MAX, sendBytesMax: ANSWER_BYTES_MAX });
  open.add(guarded);
  let session: Session | null = null;
  let isClient = false;
  const helloTimer = setTimeout(
    () => guarded.refuse('invalid_params', 'the first request of a connection must be hello'),
    served.helloMs ?? HELLO_MS,
  );
  helloTimer.unref();

  const begin = (next: Session): Session => {
    clearTimeout(helloTimer);
    session = next;
    return next;
  };
  const greet = (params: unknown): HelloAnswer => {
    const hello = checkedHello(params);
    const facts = face.facts();
    const protocol = agreedProtocol(hello, facts.version);
    if (hello.role === 'runner') {
      begin(createRunnerSession(face.intake, guarded));
      return { protocol, facts, principal: null };
    }
    const principal = decidePrincipal(hello, served.look());
    begin(createClientSession({ face, guarded, principal }));
    isClient = true;
    served.countClient(1);
    return { protocol, facts, principal };
  };
  const handle = async (method: string, params: unknown, token: CancellationToken): Promise<unknown> => {
    if (session !== null) {
      if (method === HELLO) throw new ConductorError('invalid_params', 'hello was said');
      return session.handle(method, params, token);
    }
    if (method === HELLO) return greet(params);
    // A runner's first word carries protocol and version, and its token proves more than a hello could.
    if (method !== RUNNER_CALLS.ready) throw new ConductorError('invalid_params', 'say hello first');
    return begin(createRunnerSession(face.intake, guarded)).handle(method, params, token);
  };
  guarded.connection.onRequest(async (method: string, params: object | unknown[] | undefined, token) => {
    // A request that was canceled in the tick it came in arrives with its token already set.
    if (token.isCancellationRequested) return responseError(canceled(method), method, log);
    try {
      return await handle(method, params, token);
    } catch (error) {
      return responseError(error, method, log);
    }
  });
  socket.once('close', () => {
    clearTimeout(helloTimer);
    open.delete(guarded);
    session?.close();
    if (isClient) served.countClient(-1);
  });
  guarded.connection.listen();
};

const canceled = (method: string): ConductorError =>
  new ConductorError('canceled', `${method.slice(0, 64)} was canceled before its turn; nothing was done`);

const checkedHello = (params: unknown): Hello => {
  const fields = (typeof params === 'object' && params !== null ? params : {}) as Record<string, unknown>;
  const { protocol, protocolOldest = protocol, version, role, pid, stdinTty, stdoutTty } = fields;
  const isWhole =
    [protocol, protocolOldest].every(Number.isSafeInteger) &&
    typeof version === 'string' &&
    (role === 'runner' || (role === 'client' && Number.isSafeInteger(pid)));
  if (!isWhole) {
    throw new ConductorError(
      'invalid_params',
      'hello needs protocol, version, role (client or runner) and, of a client, pid',
    );
  }
  return {
    protocol: protocol as number,
    protocolOldest: protocolOldest as number,
    version: version.slice(0, 64),
    role,
    pid: typeof pid === 'number' ? pid : 0,
    stdinTty: stdinTty === true,
    stdoutTty: stdoutTty === true,
  };
};

/** The newest protocol that both sides speak. */
const agreedProtocol = (hello: Hello, ownVersion: string): number => {
  const newest = Math.min(hello.protocol, PROTOCOL);
  if (newest >= Math.max(hello.protocolOldest, PROTOCOL_OLDEST)) return newest;
  const theirs = `${hello.version} speaks protocol ${range(hello.protocolOldest, hello.protocol)}`;
  const ours = `the supervisor ${ownVersion} speaks ${range(PROTOCOL_OLDEST, PROTOCOL)}`;
  const wayOut =
    hello.protocol > PROTOCOL
      ? 'run `conductor upgrade` to replace the supervisor; its runs go on'
      : `install version ${ownVersion} of conductor-kernel`;
  throw new ConductorError('protocol_mismatch', `This ${hello.role} ${theirs}, ${ours}: ${wayOut}.`, {
    details: {
      client: { version: hello.version, protocol: hello.protocol, protocolOldest: hello.protocolOldest },
      supervisor: { version: ownVersion, protocol: PROTOCOL, protocolOldest: PROTOCOL_OLDEST },
    },
  });
};

const range = (oldest: number, newest: number): string =>
  oldest === newest ? String(newest) : `${String(oldest)} to ${String(newest)}`;
