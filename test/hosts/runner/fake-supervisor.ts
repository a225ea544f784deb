/**
 * The supervisor's end of the wire, with vscode-jsonrpc over a real socket: grants the first instance, records every report, and
 * can go away and come back, as often as a test wants.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createMessageConnection,
  ResponseError,
  SocketMessageWriter,
  StreamMessageReader,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import {
  RUNNER_CALLS,
  type Heartbeat,
  type ReadyAnswer,
  type ReportBody,
  type ReportResult,
  type RunnerReady,
  type RunnerReport,
  type SpoolEntry,
  type SupervisorFile,
  type WireIdentity,
} from '../../../src/supervisor/runners/protocol.ts';

export type Word = (entry: SpoolEntry) => ReportResult | null;

export class FakeSupervisor {
  readonly #directory: string;
  readonly #identity: WireIdentity;
  #server: Server | null = null;
  #epoch = 0;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<string, MessageConnection>();
  /** The instance that has the grant. */
  instance: string | null = null;
  readonly asked: RunnerReady[] = [];
  /** Every entry that came, repeats too. */
  readonly received: SpoolEntry[] = [];
  /** What was applied: each sequence number once. */
  readonly applied = new Map<number, SpoolEntry>();
  readonly heartbeats: Heartbeat[] = [];
  /** Another answer to `runner/ready`; null = the usual one. */
  onReady: (ready: RunnerReady) => ReadyAnswer | null = () => null;
  /** Another word on a report; null = the usual one. */
  word: Word = () => null;
  /** What a connection does before it answers a report; may end the supervisor. */
  beforeAnswer: () => void = () => undefined;

  constructor(directory: string, identity: WireIdentity) {
    this.#directory = directory;
    this.#identity = identity;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  get file(): string {
    return `${this.#directory}/supervisor.json`;
  }

  get bodies(): ReportBody[] {
    return [...this.applied.values()].map(({ body }) => body);
  }

  async start(): Promise<void> {
    this.#epoch += 1;
    const socket = `${this.#directory}/s${String(this.#epoch)}`;
    this.#server = createServer((connection) => this.#accept(connection));
    await new Promise<void>((resolve) => this.#server!.listen(socket, resolve));
    const file: SupervisorFile = {
      identity: this.#identity,
      socket,
      version: '0.0.0',
      protocol: 1,
      epoch: this.#epoch,
      startedAt: Date.now(),
      home: this.#directory,
      repoRoot: this.#directory,
      projectKey: 'p',
    };
    writeFileSync(`${this.file}.new`, JSON.stringify(file));
    renameSync(`${this.file}.new`, this.file);
  }

  /** Gone at once, as after kill -9: connections break, the file stays. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#connections.clear();
    const server = this.#server;
    this.#server = null;
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  /** An instruction to the granted runner. */
  async call(method: string, params: unknown): Promise<unknown> {
    const connection = this.instance === null ? undefined : this.#connections.get(this.instance);
    if (connection === undefined) throw new Error('the granted runner is not connected');
    return connection.sendRequest(method, params);
  }

  get connected(): boolean {
    return this.instance !== null && this.#connections.has(this.instance);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const connection = createMessageConnection(new StreamMessageReader(socket), new SocketMessageWriter(socket));
    connection.onClose(() => {
      connection.dispose();
      this.#sockets.delete(socket);
      for (const [instance, other] of this.#connections) if (other === connection) this.#connections.delete(instance);
    });
    connection.onRequest(RUNNER_CALLS.ready, (ready: RunnerReady): unknown => this.#ready(ready, connection));
    connection.onRequest(RUNNER_CALLS.report, (report: RunnerReport) => this.#report(report));
    connection.onRequest(RUNNER_CALLS.heartbeat, (heartbeat: Heartbeat) => {
      this.heartbeats.push(heartbeat);
      return null;
    });
    connection.listen();
  }

  #ready(ready: RunnerReady, connection: MessageConnection): ReadyAnswer {
    this.asked.push(ready);
    const other = this.onReady(ready);
    if (other !== null) return other;
    this.instance ??= ready.instance;
    if (this.instance !== ready.instance) return { kind: 'denied', reason: 'another runner was granted' };
    this.#connections.set(ready.instance, connection);
    return { kind: 'granted', appliedSeq: Math.max(0, ...this.applied.keys()) };
  }

  #report(report: RunnerReport): readonly ReportResult[] {
    if (report.instance !== this.instance) {
      throw new ResponseError(-32_000, 'not granted', { code: 'lease_lost' });
    }
    this.received.push(...report.entries);
    const results = report.entries.map((entry): ReportResult => {
      const known = this.applied.has(entry.seq);
      const word = this.word(entry);
      if (word?.result !== 'rejected') this.applied.set(entry.seq, entry);
      return word ?? { result: known ? 'repeat' : 'applied', seq: entry.seq };
    });
    this.beforeAnswer();
    return results;
  }
}
