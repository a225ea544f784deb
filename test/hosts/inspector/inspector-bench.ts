/**
 * The real inspector on a real port of this machine, around a face with a journal in memory, a clock that a test sets, and a client that
 * can send what a browser never would.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectorService, type InspectorParts } from '../../../src/hosts/inspector/inspector-child.ts';
import {
  API,
  PASS_HEADER,
  type ServerMessage,
  type SessionAnswer,
  type Watched,
} from '../../../src/hosts/inspector/protocol.ts';
import type {
  InspectorDoor,
  InspectorLink,
  InvokeRequest,
  LiveRunView,
  OperationAnswer,
} from '../../../src/hosts/rpc/rpc-face.ts';
import { projectHome, type ProjectHome } from '../../../src/persistence/project-home.ts';
import type { RunningService, Service } from '../../../src/supervisor/tree/tree-child.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { createSmallFace, type SmallFace } from '../rpc/small-face.ts';
import { helloOf, passAt } from './page-pass.ts';

export type Sent = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: the right one. */
  readonly host?: string;
};
export type Got = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly bytes: Buffer };
type Answers = Readonly<Record<string, (request: InvokeRequest) => unknown>>;

export const GATE = `gate-${'0'.repeat(14)}abcdef`;
export const TASK = `task-${'0'.repeat(20)}`;
export const RUN = `run-${'0'.repeat(20)}`;
export const OBJECTIVE = `objective-${'0'.repeat(20)}`;

export class InspectorBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  readonly paths: ProjectHome;
  readonly face: SmallFace;
  readonly log: string[] = [];
  readonly live: LiveRunView[] = [];
  /** Answers by operation; a test adds its own. */
  readonly answers: Record<string, (request: InvokeRequest) => unknown>;
  /** Ms by which the inspector's clock is ahead. */
  ahead = 0;
  door: InspectorDoor = { kind: 'off', why: 'not started' };
  failed: unknown[] = [];
  readonly #parts: Partial<InspectorParts>;
  readonly #sockets: FeedClient[] = [];
  #running: RunningService | null = null;

  constructor(parts: Partial<InspectorParts> = {}, answers: Answers = {}) {
    this.#parts = parts;
    this.paths = projectHome(this.directory, 'small-000000000000');
    mkdirSync(this.paths.root, { recursive: true, mode: 0o700 });
    const small = createSmallFace({
      identity: { hostId: 'h', bootId: 'b', pid: process.pid, startTicks: '1' },
      socket: '/nowhere',
      memory: null,
    });
    this.answers = { ...feedAnswers(small), ...answers };
    this.face = { ...small, invoke: (request) => this.#invoke(request), liveRuns: () => this.live };
  }

  static async open(parts: Partial<InspectorParts> = {}, answers: Answers = {}): Promise<InspectorBench> {
    const bench = new InspectorBench(parts, answers);
    await bench.start();
    return bench;
  }

  /** @param service one that was started before goes on counting its failures. */
  async start(service = this.service()): Promise<void> {
    this.#running = await service.start((cause) => this.failed.push(cause));
  }

  service(): Service {
    return inspectorService({
      face: this.face,
      paths: this.paths,
      log: (where, text) => this.log.push(`${where}: ${text}`),
      showInspector: (door) => (this.door = door),
      now: () => Date.now() + this.ahead,
      pageFolder: null,
      ...this.#parts,
    });
  }

  async stop(hard = false): Promise<void> {
    await this.#running?.stop(hard);
    this.#running = null;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get port(): number {
    if (this.door.kind === 'off') throw new Error(`it is off: ${this.door.why}`);
    return Number(new URL(this.door.url).port);
  }

  get origin(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** What stands in the fragment of a fresh link, as the page takes it. */
  async link(): Promise<string> {
    return new URL((await this.linkWith(false)).url).hash.replace(/^#link=/, '');
  }

  async linkWith(file: boolean): Promise<InspectorLink> {
    if (this.door.kind === 'off') throw new Error(`it is off: ${this.door.why}`);
    return this.door.link(file);
  }

  request(path: string, { method = 'GET', headers = {}, body, host }: Sent = {}): Promise<Got> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const all = {
      host: host ?? `127.0.0.1:${String(this.port)}`,
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.port, path, method, headers: all, agent: false };
      const sent = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
        );
      });
      sent.once('error', reject);
      sent.end(text);
    });
  }

  async session(): Promise<string> {
    const got = await this.request(API.session, { method: 'POST', body: { link: await this.link() } });
    return (jsonOf(got) as SessionAnswer).session;
  }

  /** What lets this session, or a new one, in. */
  async pass(session?: string): Promise<string> {
    return passAt(this.origin, session ?? (await this.session()));
  }

  /** A call as the page makes it. */
  call(pass: string, body: unknown, path: string = API.call): Promise<Got> {
    return this.request(path, { method: 'POST', body, headers: { [PASS_HEADER]: pass } });
  }

  /** Whether it is let in; asked for something that is not there. */
  async isIn(headers: Readonly<Record<string, string>>, host?: string): Promise<boolean> {
    const sent = host === undefined ? { headers } : { headers, host };
    const { status } = await this.request(`${API.log}?runId=${RUN}`, sent);
    if (status !== 401 && status !== 403 && status !== 404) throw new Error(`answered ${String(status)}`);
    return status === 404;
  }

  /** A socket of the page; it says nothing by itself. */
  socket(path: string = API.feed, headers: Readonly<Record<string, string>> = { origin: this.origin }): FeedClient {
    const client = new FeedClient(`ws://127.0.0.1:${String(this.port)}${path}`, headers);
    this.#sockets.push(client);
    return client;
  }

  /** A feed that has said hello. */
  async feed(pass: string, after: number | null = null, watch: Watched = null): Promise<FeedClient> {
    const client = this.socket();
    await client.opened;
    client.send(helloOf(pass, { after, watch }));
    return client;
  }

  async #invoke(request: InvokeRequest): Promise<OperationAnswer> {
    this.face.invoked.push(request);
    const answer = this.answers[request.operation];
    if (answer === undefined) throw new Error(`the bench has no answer for ${request.operation}`);
    return { content: [{ type: 'text', text: 'ok' }], details: await answer(request) };
  }

  /** How often an operation was called. */
  count(operation: string): number {
    return this.face.invoked.filter((request) => request.operation === operation).length;
  }
}

/** What a feed reads, from the journal of the face. */
const feedAnswers = ({ journal }: SmallFace): Answers => ({
  conductor_get_overview: () => ({
    seq: journal.length,
    at: null,
    lastSeq: journal.length,
    counts: null,
    items: { objectives: [], tasks: [], runs: [], gates: [], workers: [] },
    omitted: { objectives: 0, tasks: 0 },
  }),
  conductor_get_overview_items: ({ params }) => ({
    objectives: [],
    tasks: (params as { ids: string[] }).ids.map((taskId) => ({ taskId, revision: journal.length })),
    runs: [],
    gates: [],
    workers: [],
  }),
  conductor_list_events: ({ params }) => {
    const {
      afterSequence = 0,
      limit = 50,
      tail,
    } = params as { afterSequence?: number; limit?: number; tail?: boolean };
    return { items: tail === true ? journal.slice(-limit) : journal.slice(afterSequence, afterSequence + limit) };
  },
});

/** The page's end of a socket: everything it was sent, in order. */
export class FeedClient {
  readonly messages: ServerMessage[] = [];
  readonly bytes: Buffer[] = [];
  readonly opened: Promise<void>;
  /** The code and the reason of the end; code 1006 when it was never opened. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#socket = new WebSocket(url, { headers } as never);
    this.#socket.binaryType = 'arraybuffer';
    this.opened = new Promise((resolve) => {
      this.#socket.addEventListener('open', () => resolve());
    });
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
    this.#socket.addEventListener('message', ({ data }: { readonly data: unknown }) => {
      if (typeof data === 'string') this.messages.push(JSON.parse(data) as ServerMessage);
      else this.bytes.push(Buffer.from(data as ArrayBuffer));
    });
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  close(): void {
    this.#socket.close();
  }

  /** Waits for the first message of this kind that came. */
  async first<Type extends ServerMessage['type']>(type: Type): Promise<Extract<ServerMessage, { type: Type }>> {
    const found = () => this.messages.find((message) => message.type === type);
    await waitUntil(`a message ${type}`, () => found() !== undefined);
    return found() as Extract<ServerMessage, { type: Type }>;
  }

  /** Numbers of all entries it was told of. */
  get seqs(): readonly number[] {
    return this.messages.flatMap((message) =>
      message.type === 'changes' ? message.entries.map(({ seq }) => seq) : [],
    );
  }
}

export const jsonOf = ({ bytes }: Got): unknown => JSON.parse(bytes.toString('utf8'));

/** Code and status of a refusal. */
export const refusalOf = (got: Got): { readonly status: number; readonly code: string } => ({
  status: got.status,
  code: (jsonOf(got) as { error?: { code?: string } }).error?.code ?? 'answered',
});

/** Whole numbers from one to the other. */
export const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
