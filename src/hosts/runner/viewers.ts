/**
 * People who watch a run's terminal (or the output of a headless run) through the runner's own socket.
 *
 * V1. Whoever has the ticket may see; typing and resizing need `write`, and a terminal.
 * V2. A viewer that does not read is dropped with a message; the run never waits for one.
 */
import { ConductorError } from '../../machines/errors.ts';
import {
  VIEWER_NEWS,
  type Attach,
  type AttachAnswer,
  type ViewerEnded,
  type ViewerInput,
  type ViewerResize,
} from '../../supervisor/runners/protocol.ts';
import type { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import { isSameSecret, viewerTicket } from '../../supervisor/runners/token.ts';
import type { OutputTap } from './output-tap.ts';
import type { Size } from './recording.ts';

/** Output that a viewer has not read, in bytes. */
const UNREAD_BYTES_MAX = 4_194_304;
/** Output per message, in bytes; base64 makes it a third longer. */
const PIECE_BYTES = 32_768;
/** How long a dropped viewer may take to read what it was sent, in ms. */
const LINGER_MS = 5_000;
const SIDE_MAX = 1_000;

export type Terminal = { write(bytes: Buffer): void; resize(size: Size): void };

export class Viewers {
  readonly #token: string;
  readonly #tap: OutputTap;
  /** True for a viewer that may write. */
  readonly #peers = new Map<RpcPeer, boolean>();
  #terminal: Terminal | null = null;
  #mode: 'headless' | 'pty' = 'headless';
  size: Size = { cols: 120, rows: 32 };
  /** For the recording. */
  onResize: (size: Size) => void = () => undefined;

  constructor(token: string, tap: OutputTap) {
    this.#token = token;
    this.#tap = tap;
    tap.addSink((bytes) => this.#show(bytes));
  }

  /** The agent has a terminal from now on. */
  open(terminal: Terminal): void {
    this.#terminal = terminal;
    this.#mode = 'pty';
  }

  /** The agent has ended: nothing more will come. */
  close(reason: string): void {
    this.#terminal = null;
    for (const peer of this.#peers.keys()) peer.notify(VIEWER_NEWS.ended, { reason } satisfies ViewerEnded);
  }

  has(peer: RpcPeer): boolean {
    return this.#peers.has(peer);
  }

  /** @throws not_permitted with another ticket than the run's. */
  attach(params: Partial<Attach> | null, peer: RpcPeer): AttachAnswer {
    if (typeof params?.ticket !== 'string' || !isSameSecret(viewerTicket(this.#token), params.ticket)) {
      throw new ConductorError('not_permitted', 'the ticket is not the one of this run');
    }
    const writes = params.write === true && this.#terminal !== null;
    if (!this.#peers.has(peer)) peer.socket.once('close', () => this.#peers.delete(peer));
    this.#peers.set(peer, writes);
    if (writes && params.cols !== undefined && params.rows !== undefined) this.resize(params as ViewerResize, peer);
    return { mode: this.#mode, writable: writes, ...this.size, tail: this.#tap.tail().toString('base64') };
  }

  /** @throws not_permitted for one that only watches. */
  input(params: Partial<ViewerInput> | null, peer: RpcPeer): null {
    this.#checkWriter(peer);
    if (typeof params?.data !== 'string') throw new ConductorError('invalid_params', 'data must be base64');
    this.#terminal?.write(Buffer.from(params.data, 'base64'));
    return null;
  }

  resize(params: Partial<ViewerResize> | null, peer: RpcPeer): null {
    this.#checkWriter(peer);
    const { cols, rows } = params ?? {};
    if (!isSide(cols) || !isSide(rows)) {
      throw new ConductorError('invalid_params', `cols and rows must be 1 to ${String(SIDE_MAX)}`);
    }
    this.size = { cols, rows };
    this.#terminal?.resize(this.size);
    this.onResize(this.size);
    for (const other of this.#peers.keys()) if (other !== peer) other.notify(VIEWER_NEWS.resized, this.size);
    return null;
  }

  detach(peer: RpcPeer): null {
    this.#peers.delete(peer);
    return null;
  }

  #checkWriter(peer: RpcPeer): void {
    if (this.#peers.get(peer) !== true) {
      throw new ConductorError('not_permitted', 'this viewer only watches; attach with write');
    }
  }

  #show(bytes: Buffer): void {
    if (this.#peers.size === 0) return;
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const data = bytes.subarray(start, start + PIECE_BYTES).toString('base64');
      for (const peer of this.#peers.keys()) {
        if (peer.socket.writableLength > UNREAD_BYTES_MAX) this.#drop(peer);
        else peer.notify(VIEWER_NEWS.output, { data });
      }
    }
  }

  #drop(peer: RpcPeer): void {
    this.#peers.delete(peer);
    peer.notify(VIEWER_NEWS.ended, { reason: 'too_slow' } satisfies ViewerEnded);
    peer.end();
    setTimeout(() => peer.socket.destroy(), LINGER_MS).unref();
  }
}

const isSide = (value: number | undefined): value is number =>
  Number.isInteger(value) && value! >= 1 && value! <= SIDE_MAX;
