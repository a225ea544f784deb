/**
 * One JSON-RPC 2.0 connection, either side: what runner and child need of vscode-jsonrpc, which speaks to it unchanged.
 *
 * J1. A call settles: with the result, with the other side's error, at its deadline, or when the connection closes.
 * J2. At most `UNANSWERED_MAX` requests of the other side wait at a time; the next is answered `overloaded`.
 * J3. A handler's unknown exception never reaches the other side; it is answered as `internal`.
 */
import type { Socket } from 'node:net';
import { ConductorError, isConductorError, type ErrorCode } from '../../machines/errors.ts';
import { encodeFrame, FrameDecoder } from './frames.ts';

const UNANSWERED_MAX = 64;
/** How long a refused connection may take to read why, in ms. */
const LINGER_MS = 1_000;
/** JSON-RPC's numbers (jsonrpc.org/specification §5.1), and one of the range kept for servers. */
const RPC_CODES = { parse: -32_700, invalidRequest: -32_600, methodNotFound: -32_601, refused: -32_000 } as const;

export type RpcOptions = {
  /** Largest message taken from the other side, in bytes. */
  readonly frameBytesMax: number;
  /** Answers the other side's requests and hears its notifications; `undefined` when the method is unknown. */
  readonly methods: Readonly<Record<string, (params: unknown, peer: RpcPeer) => unknown>>;
  /** Called once, when nothing can be sent or received any more. */
  readonly onClose?: () => void;
};

type Waiting = {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ConductorError) => void;
  readonly timer: NodeJS.Timeout | null;
};
type Message = {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: unknown; readonly data?: unknown };
};

export class RpcPeer {
  readonly socket: Socket;
  readonly #options: RpcOptions;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #unanswered = 0;
  #closed = false;

  constructor(socket: Socket, options: RpcOptions) {
    this.socket = socket;
    this.#options = options;
    const decoder = new FrameDecoder(options.frameBytesMax, (body) => this.#receive(body));
    socket.on('data', (chunk: Buffer) => {
      if (this.#closed) return;
      const fault = decoder.push(chunk);
      if (fault !== null) this.refuse(fault.code, fault.message);
    });
    // An error is always followed by `close`, which says all there is to say.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#close());
  }

  /** Requests of the other side that are not answered yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Calls the other side.
   *
   * @param timeoutMs Deadline; 0 waits as long as the connection lives.
   * @throws the other side's error by its code; `supervisor_unreachable` when the connection closes first or time is up.
   */
  call(method: string, params: unknown, timeoutMs = 0): Promise<unknown> {
    if (this.#closed) return Promise.reject(unreachable(`${method}: the connection is closed`));
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer =
        timeoutMs === 0
          ? null
          : setTimeout(() => this.#settle(id)?.reject(unreachable(`${method}: no answer`)), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
    });
    this.#send({ jsonrpc: '2.0', id, method, params });
    return answer;
  }

  notify(method: string, params: unknown): void {
    this.#send({ jsonrpc: '2.0', method, params });
  }

  /** Says why, then closes: for a stream that cannot be understood or is not wanted. */
  refuse(code: ErrorCode, message: string): void {
    if (this.#closed) return;
    const error = {
      code: RPC_CODES.invalidRequest,
      message,
      data: { code, retryable: code === 'overloaded', details: {} },
    };
    this.socket.end(encodeFrame({ jsonrpc: '2.0', id: null, error }));
    // What still comes in is read and dropped: closing with unread bytes would take our last word from the other side.
    setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
    this.#close();
  }

  /** Sends what is written, then closes. */
  end(): void {
    this.socket.end();
  }

  #send(message: unknown): void {
    if (!this.#closed && this.socket.writable) this.socket.write(encodeFrame(message));
  }

  #receive(body: Buffer): void {
    let message: Message | null = null;
    try {
      message = JSON.parse(body.toString('utf8')) as Message | null;
    } catch {
      // Said below: no JSON is no message.
    }
    if (this.#closed) return;
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      this.refuse('invalid_params', 'a message must be one JSON object');
    } else if (typeof message.method === 'string') void this.#answer(message.method, message);
    else if (typeof message.id === 'number') this.#settleWith(message.id, message);
    // An error without an id is the other side's last word before it closes.
    else if (message.error === undefined) this.refuse('invalid_params', 'a message must have a method or an id');
  }

  async #answer(method: string, { id, params }: Message): Promise<void> {
    const handler = Object.hasOwn(this.#options.methods, method) ? this.#options.methods[method] : undefined;
    const wants = typeof id === 'number' || typeof id === 'string';
    if (!wants) {
      // A notification has nobody to tell about its failure; `$/…` of vscode-jsonrpc is for those who know it.
      try {
        await handler?.(params, this);
      } catch {
        // Nobody waits for it.
      }
      return;
    }
    if (handler === undefined) {
      this.#send(
        failure(id, new ConductorError('not_found', `unknown method ${method.slice(0, 64)}`), RPC_CODES.methodNotFound),
      );
      return;
    }
    if (this.#unanswered >= UNANSWERED_MAX) {
      this.#send(failure(id, new ConductorError('overloaded', 'too many unanswered requests', { retryable: true })));
      return;
    }
    this.#unanswered += 1;
    try {
      const result = await handler(params, this);
      this.#send({ jsonrpc: '2.0', id, result: result ?? null });
    } catch (error) {
      const known = isConductorError(error)
        ? error
        : new ConductorError('internal', `${method} failed`, { cause: error });
      this.#send(failure(id, known));
    } finally {
      this.#unanswered -= 1;
    }
  }

  #settleWith(id: number, message: Message): void {
    const waiting = this.#settle(id);
    if (message.error === undefined) waiting?.resolve(message.result);
    else waiting?.reject(receivedError(message.error));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting?.timer != null) clearTimeout(waiting.timer);
    return waiting;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(unreachable('the connection was closed'));
    this.#options.onClose?.();
  }
}

const failure = (id: number | string, error: ConductorError, code: number = RPC_CODES.refused): unknown => ({
  jsonrpc: '2.0',
  id,
  error: {
    code,
    message: error.message,
    data: { code: error.code, retryable: error.retryable, details: error.details },
  },
});

const receivedError = ({ message, data }: NonNullable<Message['error']>): ConductorError => {
  const { code, retryable } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const text = typeof message === 'string' ? message : 'the other side failed without a message';
  // The other side's codes are the same closed union; a newer one's are shown as they are.
  return new ConductorError(typeof code === 'string' ? (code as ErrorCode) : 'internal', text, {
    retryable: retryable === true,
  });
};

const unreachable = (message: string): ConductorError =>
  new ConductorError('supervisor_unreachable', message, { retryable: true });
