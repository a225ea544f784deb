/**
 * The runner's own socket, for its children and its viewers.
 *
 * D1. It is opened only once the runner is granted, so there is one per epoch; a name left by a dead one is removed, never the
 *     name of one that answers.
 * D2. At most `CONNECTIONS_MAX` connections; one that neither asks nor watches is closed after `MUTE_MS`.
 * D3. When the name disappears (a cleaner of temporary files), it is made again.
 */
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { ConductorError } from '../../machines/errors.ts';
import {
  CHILD_CALLS,
  CHILD_FRAME_BYTES_MAX,
  type Attach,
  type ViewerInput,
  type ViewerResize,
} from '../../supervisor/runners/protocol.ts';
import { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import type { ChildDesk } from './child-desk.ts';
import type { Viewers } from './viewers.ts';

const CONNECTIONS_MAX = 32;
/** In ms; a child connects and asks at once. */
const MUTE_MS = 30_000;
/** How often the name is looked at, in ms. */
const WATCH_MS = 5_000;

export class Door {
  readonly #path: string;
  readonly #desk: ChildDesk;
  readonly #viewers: Viewers;
  readonly #peers = new Set<RpcPeer>();
  #server: Server | null = null;
  #watch: NodeJS.Timeout | null = null;

  constructor(path: string, desk: ChildDesk, viewers: Viewers) {
    this.#path = path;
    this.#desk = desk;
    this.#viewers = viewers;
  }

  /** @throws conflict when another process answers there. */
  async open(): Promise<void> {
    await this.#listen();
    this.#watch = setInterval(() => {
      if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) void this.#reopen();
    }, WATCH_MS);
  }

  /** Lets the last answers out, then closes and takes the name away. */
  async close(): Promise<void> {
    if (this.#watch !== null) clearInterval(this.#watch);
    const server = this.#server;
    this.#server = null;
    for (const peer of this.#peers) peer.end();
    if (server === null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const peer of this.#peers) peer.socket.destroy();
      }, 200);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #listen(): Promise<void> {
    try {
      await this.#bind();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (await isAnswered(this.#path)) {
        throw new ConductorError('conflict', `${this.#path} belongs to another living process`, { cause: error });
      }
      unlinkSync(this.#path);
      await this.#bind();
    }
  }

  async #reopen(): Promise<void> {
    const old = this.#server;
    if (old === null) return;
    this.#server = null;
    // Closing removes the name, so it comes first; connections that are open stay open.
    old.close();
    try {
      await this.#listen();
    } catch (error) {
      process.stderr.write(`conductor runner: ${this.#path} cannot be made again: ${String(error)}\n`);
      this.#server = old;
    }
  }

  async #bind(): Promise<void> {
    // A child that has sent its last request may close its half and still wants the answer.
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => process.stderr.write(`conductor runner: ${String(error)}\n`));
    chmodSync(this.#path, 0o600);
    this.#server = server;
  }

  #accept(socket: Socket): void {
    const viewers = this.#viewers;
    const peer = new RpcPeer(socket, {
      frameBytesMax: CHILD_FRAME_BYTES_MAX,
      methods: {
        [CHILD_CALLS.report]: (params, from) => this.#desk.report(params, from),
        [CHILD_CALLS.attach]: (params, from) => viewers.attach(params as Partial<Attach> | null, from),
        [CHILD_CALLS.input]: (params, from) => viewers.input(params as Partial<ViewerInput> | null, from),
        [CHILD_CALLS.resize]: (params, from) => viewers.resize(params as Partial<ViewerResize> | null, from),
        [CHILD_CALLS.detach]: (_params, from) => viewers.detach(from),
      },
      onClose: () => this.#peers.delete(peer),
    });
    socket.on('end', () => {
      if (peer.unanswered === 0) socket.end();
    });
    if (this.#peers.size >= CONNECTIONS_MAX) {
      peer.refuse('overloaded', `a run takes at most ${String(CONNECTIONS_MAX)} connections at a time`);
      return;
    }
    this.#peers.add(peer);
    socket.setTimeout(MUTE_MS, () => {
      if (peer.unanswered === 0 && !viewers.has(peer)) socket.destroy();
    });
  }
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
