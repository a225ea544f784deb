/**
 * The runner's connection to whichever supervisor owns the project now, made again as often as it breaks.
 *
 * L1. The socket's path is read from supervisor.json before every try and derived from nothing.
 * L2. Tries back off with jitter; a new supervisor.json is tried at once, so that a restarted supervisor has all its runners back
 *     within a fraction of a second.
 * L3. Before the grant the tries end after `UNGRANTED_MS`; afterwards they never do.
 * L4. What arrives with the answer that grants is carried out after it: both may be read from the socket in one piece.
 */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import {
  CLIENT_FRAME_BYTES_MAX,
  INSTRUCTIONS,
  RUNNER_CALLS,
  type Heartbeat,
  type ReadyAnswer,
  type ReportAnswer,
  type RunnerAddress,
  type RunnerReady,
  type RunnerReport,
  type SupervisorFile,
} from '../../supervisor/runners/protocol.ts';
import { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import type { Send } from './report-desk.ts';

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2_000;
/** How often supervisor.json is looked at while it waits, in ms. */
const LOOK_MS = 100;
const UNGRANTED_MS = 60_000;
const CONNECT_MS = 5_000;
const FAREWELL_MS = 500;
/** A grant is committed, fsynced and behind everything else that starts at the same time, in ms. */
const READY_MS = 30_000;

export type InstructionHandlers = Readonly<Record<keyof typeof INSTRUCTIONS, (params: never) => Promise<unknown>>>;

export type LinkParts = {
  readonly supervisorFile: string;
  readonly hostId: string;
  readonly address: RunnerAddress;
  readonly heartbeatMs: number;
  readonly ready: () => Omit<RunnerReady, keyof RunnerAddress>;
  readonly heartbeat: () => Omit<Heartbeat, keyof RunnerAddress>;
  readonly instructions: InstructionHandlers;
  readonly onGranted: (send: Send, appliedSeq: number) => void;
  readonly onAway: () => void;
  /** It may not go on: denied, or nobody answered before a grant. */
  readonly onRefused: (reason: string) => void;
};

export class SupervisorLink {
  readonly #parts: LinkParts;
  readonly #startedAt = performance.now();
  #peer: RpcPeer | null = null;
  #granted = false;
  #stopped = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  /** Sends what is written, then closes, within `FAREWELL_MS`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const socket = this.#peer?.socket;
    if (socket === undefined || socket.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  async #run(): Promise<void> {
    let backoffMs = BACKOFF_MS_MIN;
    while (!this.#stopped) {
      const text = this.#readFile();
      const lived = text === null ? false : await this.#try(text);
      if (this.#stopped) return;
      if (!this.#granted && performance.now() - this.#startedAt > UNGRANTED_MS) {
        this.#refuse(`no supervisor granted this run within ${String(UNGRANTED_MS)} ms`);
        return;
      }
      backoffMs = lived ? BACKOFF_MS_MIN : Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      await this.#pause(backoffMs * (0.5 + Math.random() / 2), text);
    }
  }

  /** Waits, but no longer than until supervisor.json says something else (L2). */
  async #pause(ms: number, before: string | null): Promise<void> {
    const until = performance.now() + ms;
    while (!this.#stopped && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, until - performance.now())));
      if (this.#readFile() !== before) return;
    }
  }

  #readFile(): string | null {
    try {
      return readFileSync(this.#parts.supervisorFile, 'utf8');
    } catch {
      return null; // None runs, or it is just being replaced.
    }
  }

  /** One connection, from its beginning to its end. @returns whether it was granted. */
  async #try(text: string): Promise<boolean> {
    const socketPath = socketOf(text, this.#parts.hostId);
    const granted = Promise.withResolvers<void>();
    const peer = socketPath === null ? null : await this.#connect(socketPath, granted.promise);
    if (peer === null) return false;
    const closed = new Promise<void>((resolve) => {
      if (peer.closed) resolve();
      else peer.socket.once('close', () => resolve());
    });
    let answer: ReadyAnswer;
    try {
      const ready: RunnerReady = { ...this.#parts.address, ...this.#parts.ready() };
      answer = (await peer.call(RUNNER_CALLS.ready, ready, READY_MS)) as ReadyAnswer;
    } catch (error) {
      process.stderr.write(`conductor runner: not granted yet: ${(error as Error).message}\n`);
      peer.socket.destroy();
      return false;
    }
    if (answer.kind === 'denied') {
      peer.socket.destroy();
      this.#refuse(answer.reason);
      return false;
    }
    if (peer.closed || this.#stopped) return true;
    this.#granted = true;
    this.#peer = peer;
    const heartbeat = this.#beat(peer);
    this.#parts.onGranted((entries) => this.#report(peer, entries), answer.appliedSeq);
    granted.resolve();
    await closed;
    clearInterval(heartbeat);
    this.#peer = null;
    this.#parts.onAway();
    return true;
  }

  #refuse(reason: string): void {
    this.#stopped = true;
    this.#parts.onRefused(reason);
  }

  #beat(peer: RpcPeer): NodeJS.Timeout {
    const beat = (): void => {
      const heartbeat: Heartbeat = { ...this.#parts.address, ...this.#parts.heartbeat() };
      // An unanswered heartbeat says nothing that the connection's end does not say better.
      peer.call(RUNNER_CALLS.heartbeat, heartbeat, 2 * this.#parts.heartbeatMs).catch(() => null);
    };
    beat();
    return setInterval(beat, this.#parts.heartbeatMs);
  }

  async #report(peer: RpcPeer, entries: RunnerReport['entries']): Promise<ReportAnswer> {
    const report: RunnerReport = { ...this.#parts.address, entries };
    return (await peer.call(RUNNER_CALLS.report, report)) as ReportAnswer;
  }

  /** @param granted Settles when instructions may be carried out (L4). */
  async #connect(path: string, granted: Promise<void>): Promise<RpcPeer | null> {
    const { instructions } = this.#parts;
    const names = Object.keys(INSTRUCTIONS) as (keyof typeof INSTRUCTIONS)[];
    const methods = names.map((name) => {
      const carryOut = async (params: unknown): Promise<unknown> => {
        await granted;
        return instructions[name](params as never);
      };
      return [INSTRUCTIONS[name], carryOut];
    });
    return new Promise((resolve) => {
      const socket = createConnection(path);
      const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
      const fail = (): void => {
        clearTimeout(timer);
        resolve(null);
      };
      socket.once('error', fail);
      socket.once('close', fail);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', fail);
        socket.off('close', fail);
        resolve(new RpcPeer(socket, { frameBytesMax: CLIENT_FRAME_BYTES_MAX, methods: Object.fromEntries(methods) }));
      });
    });
  }
}

/** Null for what is no supervisor of this host: a home that another machine shares is not answered from here. */
const socketOf = (text: string, hostId: string): string | null => {
  try {
    const file = JSON.parse(text) as Partial<SupervisorFile> | null;
    const foreign = file?.identity !== undefined && file.identity.hostId !== hostId;
    return foreign || typeof file?.socket !== 'string' ? null : file.socket;
  } catch {
    return null; // Half a file is nobody's; it is read again soon.
  }
};
