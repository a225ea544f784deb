/**
 * One connection of a client, from `hello` to its end.
 *
 * C1. A request settles: with the answer, with the supervisor's error, or as `lost` when the connection ends first.
 * C2. While something is waited for, a ping shows that the other side still runs; one without an answer ends the connection, so
 *     that a stopped supervisor does not keep its callers for ever.
 */
import { connect, type Socket } from 'node:net';
import { isatty } from 'node:tty';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { ConductorError } from '../../machines/errors.ts';
import { CLIENT_FRAME_BYTES_MAX, PROTOCOL, PROTOCOL_OLDEST } from '../../supervisor/runners/protocol.ts';
import { guardConnection, type GuardedConnection } from './guarded-connection.ts';
import { ownPackage } from './own-package.ts';
import { receivedError } from './wire-errors.ts';
import { ANSWER_BYTES_MAX, CLIENT_CALLS, HELLO, type Hello, type HelloAnswer } from './wire.ts';

/** `lost`: whether the request was carried out is not known. */
export type Reply = { readonly kind: 'answered'; readonly result: unknown } | { readonly kind: 'lost' };

export type ClientConnection = {
  readonly hello: HelloAnswer;
  isOpen(): boolean;
  /** @throws ConductorError as the supervisor answered; `canceled` when the signal is aborted first. */
  request(method: string, params: unknown, signal?: AbortSignal): Promise<Reply>;
  /** Notifications of this method. @returns ends it. */
  onNews(method: string, listener: (news: unknown) => void): () => void;
  /** Pings while something else than a request waits for this connection. @returns ends it. */
  watch(): () => void;
  readonly closed: Promise<void>;
  close(): void;
};

/** `refused`: nobody listens there. `mute`: somebody does, and does not answer. */
export type Opening =
  | { readonly kind: 'open'; readonly connection: ClientConnection }
  | { readonly kind: 'refused' }
  | { readonly kind: 'mute' };

/** @throws protocol_mismatch, and whatever else the supervisor answers to hello. */
export const openClientConnection = async (socketPath: string, timeoutMs: number): Promise<Opening> => {
  const deadline = performance.now() + timeoutMs;
  const socket = await connectTo(socketPath, timeoutMs);
  if (socket === null) return { kind: 'refused' };
  const guarded = guardConnection(socket, { frameBytesMax: ANSWER_BYTES_MAX, sendBytesMax: CLIENT_FRAME_BYTES_MAX });
  const connection = new Connection(guarded, timeoutMs);
  const hello: Hello = {
    protocol: PROTOCOL,
    protocolOldest: PROTOCOL_OLDEST,
    version: ownPackage().version,
    role: 'client',
    pid: process.pid,
    stdinTty: isatty(0),
    stdoutTty: isatty(1),
  };
  try {
    const reply = await withDeadline(connection.request(HELLO, hello), deadline - performance.now());
    if (reply === 'late') {
      guarded.destroy();
      return { kind: 'mute' };
    }
    if (reply.kind === 'lost') return { kind: 'refused' };
    connection.hello = reply.result as HelloAnswer;
    return { kind: 'open', connection };
  } catch (error) {
    guarded.destroy();
    throw error;
  }
};

class Connection implements ClientConnection {
  hello!: HelloAnswer;
  readonly closed: Promise<void>;
  readonly #guarded: GuardedConnection;
  readonly #pingMs: number;
  readonly #listeners = new Map<string, Set<(news: unknown) => void>>();
  #watched = 0;
  #pinging: NodeJS.Timeout | null = null;
  #open = true;

  constructor(guarded: GuardedConnection, pingMs: number) {
    this.#guarded = guarded;
    this.#pingMs = pingMs;
    this.closed = this.#settle();
    guarded.connection.onNotification((method: string, news: unknown) => {
      for (const listener of this.#listeners.get(method) ?? []) listener(news);
    });
    guarded.connection.listen();
  }

  isOpen(): boolean {
    return this.#open;
  }

  async request(method: string, params: unknown, signal?: AbortSignal): Promise<Reply> {
    if (signal?.aborted === true) throw canceled(method);
    const canceling = new CancellationTokenSource();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => {
      canceling.cancel();
      aborted.reject(canceled(method));
    };
    signal?.addEventListener('abort', abort, { once: true });
    const unwatch = this.watch();
    try {
      const sent = this.#guarded.connection.sendRequest(method, params, canceling.token);
      return { kind: 'answered', result: await Promise.race([sent, aborted.promise]) };
    } catch (error) {
      const said = receivedError(error) ?? this.#guarded.lastWord();
      if (said !== null) throw said;
      return { kind: 'lost' };
    } finally {
      signal?.removeEventListener('abort', abort);
      unwatch();
    }
  }

  onNews(method: string, listener: (news: unknown) => void): () => void {
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  watch(): () => void {
    this.#watched += 1;
    this.#pinging ??= setTimeout(() => void this.#ping(), this.#pingMs).unref();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#watched -= 1;
      if (this.#watched > 0) return;
      clearTimeout(this.#pinging ?? undefined);
      this.#pinging = null;
    };
  }

  close(): void {
    this.#open = false;
    this.#guarded.end();
  }

  async #ping(): Promise<void> {
    // Not by `request`, which watches: a ping must not keep the pinging alive.
    const answer = this.#guarded.connection.sendRequest(CLIENT_CALLS.ping, {}).then(
      () => 'here' as const,
      (error: unknown) => (receivedError(error) === null ? ('gone' as const) : ('here' as const)),
    );
    const outcome = await withDeadline(answer, this.#pingMs);
    if (outcome === 'late') this.#guarded.destroy();
    this.#pinging = null;
    if (outcome === 'here' && this.#watched > 0) {
      this.#pinging = setTimeout(() => void this.#ping(), this.#pingMs).unref();
    }
  }

  async #settle(): Promise<void> {
    await this.#guarded.closed;
    this.#open = false;
    clearTimeout(this.#pinging ?? undefined);
    this.#pinging = null;
  }
}

/** Null when nobody listens there. */
const connectTo = (path: string, timeoutMs: number): Promise<Socket | null> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    // Whatever keeps a local socket from being connected means the same: nobody takes it there now.
    socket.once('error', () => resolve(null));
    socket.once('close', () => resolve(null));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });

/** The timer is held, not unreferenced: a process that waits for an answer must not end instead. */
const withDeadline = async <Value>(promise: Promise<Value>, ms: number): Promise<Value | 'late'> => {
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), Math.max(0, ms));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

const canceled = (method: string): ConductorError =>
  new ConductorError('canceled', `${method} was canceled by its caller; what is committed stays`);
