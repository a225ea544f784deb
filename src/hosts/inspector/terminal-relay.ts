/**
 * A page that watches the terminal of a run: the runner's own socket on one side, binary frames on the other. Read-only.
 *
 * T1. Bytes go from the runner to the page and through no kernel; nothing a page sends reaches the run.
 * T2. A page with more than UNSENT_BYTES_MAX unsent is dropped with a message; the run never waits.
 */
import { readFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import type { WebSocket } from 'ws';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import { RUN_FILES, type RunnerContract } from '../../supervisor/runners/contract.ts';
import {
  CHILD_CALLS,
  CLIENT_FRAME_BYTES_MAX,
  VIEWER_NEWS,
  type Attach,
  type AttachAnswer,
  type ViewerEnded,
  type ViewerOutput,
  type ViewerResize,
} from '../../supervisor/runners/protocol.ts';
import { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import { viewerTicket } from '../../supervisor/runners/token.ts';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import type { PageSessions } from './page-sessions.ts';
import { CLOSE, openPageSocket, type PageSocket } from './page-socket.ts';
import { UNSENT_BYTES_MAX, type TerminalMessage } from './protocol.ts';
import { runDirectory } from './run-files.ts';

/** Terminals that are watched at a time; the next is refused. */
const TERMINALS_MAX = 16;
/** How long a runner may take to answer, in ms. */
const ANSWER_MS = 10_000;

export type TerminalParts = {
  readonly face: SupervisorFace;
  readonly paths: ProjectHome;
  readonly sessions: PageSessions;
  readonly log: (error: unknown) => void;
  /** Default HELLO_MS. */
  readonly helloMs?: number;
};

export class TerminalRelay {
  readonly #parts: TerminalParts;
  readonly #open = new Set<PageSocket>();
  readonly #ending = new AbortController();

  constructor(parts: TerminalParts) {
    this.#parts = parts;
  }

  accept(socket: WebSocket): void {
    const { sessions, helloMs } = this.#parts;
    let greeted = false;
    const page = openPageSocket(socket, {
      sessions,
      ...(helloMs === undefined ? {} : { helloMs }),
      onHello: ({ fields }, opened) => {
        if (greeted) return opened.close(CLOSE.badMessage, 'hello was said');
        greeted = true;
        void this.#watch(opened, fields['runId']);
      },
    });
    if (this.#open.size >= TERMINALS_MAX) return page.close(CLOSE.tooMany, 'too many terminals');
    this.#open.add(page);
    void page.closed.then(() => this.#open.delete(page));
  }

  /** Tells every page, and resolves when all have gone. */
  async stop(): Promise<void> {
    this.#ending.abort();
    for (const page of this.#open) finish(page, 'stopping');
    await Promise.all([...this.#open].map(({ closed }) => closed));
  }

  async #watch(page: PageSocket, runId: unknown): Promise<void> {
    try {
      const contract = await this.#contractOf(runId);
      const socket = await connectTo(contract);
      void page.closed.then(() => socket.destroy());
      await relay(page, socket, contract);
    } catch (error) {
      if (!isConductorError(error)) this.#parts.log(error);
      finish(page, isConductorError(error) ? error.message : 'the inspector failed; its log says why');
    }
  }

  /** @throws ConductorError when there is no such run, or no runner of it any more. */
  async #contractOf(runId: unknown): Promise<RunnerContract> {
    const { face, paths } = this.#parts;
    const directory = runDirectory(paths, runId);
    const { details } = await face.invoke({
      operation: 'conductor_get_run',
      params: { runId },
      requestId: null,
      principal: 'human',
      clientEnv: {},
      confirmedGate: null,
      signal: this.#ending.signal,
    });
    const { run } = details as { readonly run: { readonly epoch: number; readonly endedAt: number | null } };
    if (run.endedAt !== null) throw new ConductorError('run_final', 'the run has ended');
    try {
      return JSON.parse(await readFile(join(directory, RUN_FILES.contract(run.epoch)), 'utf8')) as RunnerContract;
    } catch (cause) {
      throw new ConductorError('invalid_state', 'the run has no runner yet', { retryable: true, cause });
    }
  }
}

const relay = async (page: PageSocket, socket: Socket, { token }: RunnerContract): Promise<void> => {
  /** Output that arrived in one piece with the answer: the tail comes before it. */
  let held: Buffer[] | null = [];
  const end = (reason: string): void => {
    finish(page, reason);
    socket.destroy();
  };
  const show = (bytes: Buffer): void => {
    if (held !== null) held.push(bytes);
    else if (page.unsent() <= UNSENT_BYTES_MAX) void page.send(bytes);
    else end('too_slow');
  };
  const peer = new RpcPeer(socket, {
    frameBytesMax: CLIENT_FRAME_BYTES_MAX,
    methods: {
      [VIEWER_NEWS.output]: (params) => show(Buffer.from((params as ViewerOutput).data, 'base64')),
      [VIEWER_NEWS.resized]: (params) => say(page, sizeOf(params as ViewerResize)),
      [VIEWER_NEWS.ended]: (params) => end((params as ViewerEnded).reason),
    },
    onClose: () => end('runner_gone'),
  });
  const request: Attach = { ticket: viewerTicket(token) };
  const answer = (await peer.call(CHILD_CALLS.attach, request, ANSWER_MS)) as AttachAnswer;
  say(page, sizeOf(answer));
  const first = [Buffer.from(answer.tail, 'base64'), ...held];
  held = null;
  for (const bytes of first) show(bytes);
};

const sizeOf = ({ cols, rows }: ViewerResize): TerminalMessage => ({ type: 'size', cols, rows });

const connectTo = ({ socketPath }: RunnerContract): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) => {
      reject(new ConductorError('supervisor_away', 'the runner does not answer', { retryable: true, cause }));
    });
  });

const say = (page: PageSocket, message: TerminalMessage): void => void page.send(JSON.stringify(message));

/** Said once: a socket that is closing takes nothing more. */
const finish = (page: PageSocket, reason: string): void => {
  say(page, { type: 'end', reason });
  page.close(CLOSE.going, 'end');
};
