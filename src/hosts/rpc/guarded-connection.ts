/**
 * A vscode-jsonrpc connection over a socket that may be anybody's: limits in front of it, an end behind it.
 *
 * G1. A frame's length is judged before its body is read; a message's shape before the library sees it (its own reader
 *     buffers without limit, and throws on a cancellation without an id).
 * G2. At most `unansweredMax` requests wait for an answer; the next is answered `overloaded` and never handled.
 * G3. While more than OUTPUT_BYTES_MAX is unread by the other side, nothing more is read from it.
 * G4. When the socket closes, everything that waits on the connection settles.
 */
import type { Socket } from 'node:net';
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type Disposable,
  type Message,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import { ConductorError, type ErrorCode } from '../../machines/errors.ts';
import { encodeFrame, FrameDecoder } from '../../supervisor/runners/frames.ts';
import { errorObject, receivedError } from './wire-errors.ts';

/** Output that may wait for one reader, in bytes; beyond, subscriptions lag and requests are not read. */
export const OUTPUT_BYTES_MAX = 4_194_304;
export const UNANSWERED_MAX = 64;
/** How long a refused connection may take to read why, in ms. */
const LINGER_MS = 1_000;

export type GuardLimits = {
  /** Largest frame taken from the other side, in bytes. */
  readonly frameBytesMax: number;
  /** Largest frame sent, in bytes. Instead of a larger answer, or as the answer to a larger request, there is `too_large`. */
  readonly sendBytesMax: number;
  /** Default UNANSWERED_MAX. */
  readonly unansweredMax?: number;
};

export type GuardedConnection = {
  /** Handlers are added before `listen()`. */
  readonly connection: MessageConnection;
  /** Bytes that wait to be read by the other side. */
  unread(): number;
  /** Settles at once while less than half of OUTPUT_BYTES_MAX is unread, else when all is read or the connection closed. */
  drained(): Promise<void>;
  /** Says why, then closes. */
  refuse(code: ErrorCode, message: string): void;
  /** Sends what is written, then closes; what is still unread after a second is dropped. */
  end(): void;
  /** Closes at once; what is unread is lost. */
  destroy(): void;
  /** Why the other side closed, if it said so. */
  lastWord(): ConductorError | null;
  readonly closed: Promise<void>;
};

type Shape = { readonly id?: unknown; readonly method?: unknown; readonly params?: unknown; readonly error?: unknown };

/** Takes over the socket: nobody else may read or write it. */
export const guardConnection = (socket: Socket, limits: GuardLimits): GuardedConnection => {
  const stream = new GuardedStream(socket, limits);
  const connection = createMessageConnection(stream.reader, stream.writer);
  // The library tells of closing, but leaves the promises of unanswered requests open until it is disposed.
  connection.onClose(() => connection.dispose());
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  return {
    connection,
    unread: () => socket.writableLength,
    drained: () => stream.drained(),
    refuse: (code, message) => stream.refuse(new ConductorError(code, message)),
    end: () => stream.end(),
    destroy: () => void socket.destroy(),
    lastWord: () => stream.lastWord,
    closed,
  };
};

class Reader extends AbstractMessageReader implements MessageReader {
  deliver: (message: Message) => void = () => undefined;
  readonly #start: () => void;

  constructor(start: () => void) {
    super();
    this.#start = start;
  }

  override listen(callback: (message: Message) => void): Disposable {
    this.deliver = callback;
    this.#start();
    return { dispose: () => (this.deliver = () => undefined) };
  }

  close(): void {
    this.fireClose();
  }
}

class Writer extends AbstractMessageWriter implements MessageWriter {
  readonly #send: (message: Message) => void;

  constructor(send: (message: Message) => void) {
    super();
    this.#send = send;
  }

  // Frames are whole and in order; how much waits is judged by who sends, not by a promise per message.
  write(message: Message): Promise<void> {
    try {
      this.#send(message);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  end(): void {
    // The socket is ended by GuardedStream alone.
  }
}

class GuardedStream {
  readonly reader: Reader;
  readonly writer: Writer;
  lastWord: ConductorError | null = null;
  readonly #socket: Socket;
  readonly #limits: GuardLimits;
  readonly #decoder: FrameDecoder;
  readonly #unanswered = new Set<number | string>();
  #refused = false;
  #waitingForDrain: (() => void)[] = [];

  constructor(socket: Socket, limits: GuardLimits) {
    this.#socket = socket;
    this.#limits = limits;
    this.#decoder = new FrameDecoder(limits.frameBytesMax, (body) => this.#take(body));
    this.reader = new Reader(() => socket.on('data', (chunk: Buffer) => this.#read(chunk)));
    this.writer = new Writer((message) => this.#send(message));
    // An error is always followed by `close`, which says all there is to say.
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => this.#drain());
    socket.once('close', () => {
      this.#drain();
      this.reader.close();
    });
  }

  drained(): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableLength < OUTPUT_BYTES_MAX / 2) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForDrain.push(resolve));
  }

  refuse(error: ConductorError): void {
    if (this.#refused) return;
    this.#refused = true;
    if (this.#socket.writable) {
      this.#socket.write(encodeFrame({ jsonrpc: '2.0', id: null, error: errorObject(error) }));
    }
    this.end();
  }

  end(): void {
    // What still comes in is read and dropped: closing with unread bytes would take our last word from the other side.
    this.#refused = true;
    this.#socket.resume();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  #read(chunk: Buffer): void {
    if (this.#refused) return;
    const fault = this.#decoder.push(chunk);
    if (fault !== null) this.refuse(new ConductorError(fault.code, fault.message));
  }

  #take(body: Buffer): void {
    if (this.#refused) return;
    let message: Shape | null = null;
    try {
      message = JSON.parse(body.toString('utf8')) as Shape | null;
    } catch {
      // Said below: no JSON is no message.
    }
    const fault = this.#judge(message);
    if (fault !== null) this.refuse(new ConductorError('invalid_params', fault));
  }

  /** Passes the message on, or answers it here (G2); returns what makes it no message. */
  #judge(message: Shape | null): string | null {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      return 'a message must be one JSON object';
    }
    const { id, method } = message;
    if (typeof method !== 'string') return this.#judgeAnswer(message);
    if (id === undefined) return this.#judgeNotification(message, method);
    if (!isId(id)) return 'the id of a request must be a number or a string';
    if (this.#unanswered.has(id)) return 'two requests that wait for an answer have the same id';
    const max = this.#limits.unansweredMax ?? UNANSWERED_MAX;
    if (this.#unanswered.size >= max) {
      const text = `${String(max)} requests of this connection wait for an answer; send more when some are answered`;
      const error = errorObject(new ConductorError('overloaded', text, { retryable: true }));
      this.#write(encodeFrame({ jsonrpc: '2.0', id, error }));
      return null;
    }
    this.#unanswered.add(id);
    this.#deliver(message);
    return null;
  }

  #judgeNotification(message: Shape, method: string): string | null {
    const isCancellation = method === '$/cancelRequest';
    if (isCancellation && !isId((message.params as { id?: unknown } | null | undefined)?.id)) {
      return 'a cancellation must name the id of a request';
    }
    // The library's own notifications (progress, trace) are none of ours.
    if (isCancellation || !method.startsWith('$/')) this.#deliver(message);
    return null;
  }

  #judgeAnswer(message: Shape): string | null {
    if (isId(message.id)) {
      const { error } = message as { error?: { message?: unknown } | null };
      const isError = typeof error === 'object' && error !== null && typeof error.message === 'string';
      if (!isError && !('result' in message)) return 'an answer must have a result or an error';
      this.#deliver(message);
      return null;
    }
    // An error without an id is the other side's last word before it closes.
    if (message.error === undefined) return 'a message must have a method or an id';
    this.lastWord = receivedError(message.error);
    return null;
  }

  #deliver(message: Shape): void {
    this.reader.deliver(message as unknown as Message);
  }

  #send(message: Message): void {
    if (this.#socket.destroyed || this.#refused) return;
    const { id, method } = message as { id?: number | string; method?: string };
    const isAnswer = method === undefined && id !== undefined;
    const frame = encodeFrame(message);
    if (frame.length > this.#limits.sendBytesMax) {
      const text = `a message of ${String(frame.length)} bytes cannot be sent, at most ${String(this.#limits.sendBytesMax)} can`;
      const error = new ConductorError('too_large', text);
      const answer = { jsonrpc: '2.0', id, error: errorObject(error) };
      if (id === undefined) throw error;
      if (isAnswer) this.#write(encodeFrame(answer));
      // Our own request is answered here, in the other side's place.
      else this.#deliver(answer);
    } else this.#write(frame);
    if (isAnswer) this.#unanswered.delete(id);
  }

  #write(frame: Buffer): void {
    this.#socket.write(frame);
    if (this.#socket.writableLength > OUTPUT_BYTES_MAX) this.#socket.pause();
  }

  #drain(): void {
    this.#socket.resume();
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const resolve of waiting) resolve();
  }
}

const isId = (id: unknown): id is number | string => typeof id === 'number' || typeof id === 'string';
