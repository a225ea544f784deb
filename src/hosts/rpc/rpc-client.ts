/**
 * A client of whichever supervisor owns the project now.
 *
 * S1. Where it listens is read from `supervisor.json` at every try and derived from nothing.
 * S2. One intent has one request id. When the connection ends before the answer, the call is repeated with the same id, and the
 *     supervisor answers what it answered, or does it once.
 * S3. A subscription goes on after every reconnect, without gap or repeat.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { ConductorError } from '../../machines/errors.ts';
import type { Principal } from '../../machines/schema.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { SupervisorFile } from '../../supervisor/runners/protocol.ts';
import { openClientConnection, type ClientConnection } from './client-connection.ts';
import { followJournal } from './journal-subscription.ts';
import { ownerState, unreachable, type OwnerState } from './owner-report.ts';
import type { InspectorLink, OperationAnswer, StopMode, SupervisorFacts } from './rpc-face.ts';
import { readSupervisorFile } from './supervisor-file.ts';
import {
  CLIENT_CALLS,
  CLIENT_NEWS,
  type CallParams,
  type Challenge,
  type ChallengeAnswer,
  type ChallengeParams,
  type InspectorLinkParams,
  type ProgressNews,
  type StopParams,
} from './wire.ts';

export type ConnectOptions = {
  /** `<home>/projects/<key>`. */
  readonly projectHome: string;
  /**
   * How long one answer to hello or ping may take, and how long a lost connection is tried again, in ms. Calls themselves have no
   * limit. Default 5,000.
   */
  readonly timeoutMs?: number;
  /** How long an owner that is not there yet is waited for, as after a start, in ms. Default 0. */
  readonly waitMs?: number;
};

export type CallOptions = {
  /** Made once per intent; default a fresh one. null for an operation that only reads. */
  readonly requestId?: string | null;
  readonly signal?: AbortSignal;
  /** Values of variables that the user has granted to runs. */
  readonly env?: Readonly<Record<string, string>>;
  /** What a human typed for a challenge of this client. */
  readonly challenge?: ChallengeAnswer;
};

export interface SupervisorClient {
  /** Of the supervisor that answered last. */
  readonly facts: SupervisorFacts;
  /** What the supervisor takes this process for. */
  readonly principal: Principal;
  /** @throws ConductorError as the operation refused; `supervisor_unreachable` {state, pid, commands, requestId}; `canceled`. */
  call(operation: string, params: unknown, options?: CallOptions): Promise<OperationAnswer>;
  /** Every entry after `after`, once, in order, for as long as it is read. Ends when the signal is aborted. */
  subscribe(from: { readonly after: number; readonly signal?: AbortSignal }): AsyncIterable<JournalEntry>;
  /** Begins a high-risk approval. @throws not_permitted for everybody but a human at a terminal. */
  challenge(gateId: string): Promise<Challenge>;
  /**
   * An address that lets one browser into the inspector: once, within two minutes.
   * @param file with a file that leads there, for a program that opens it.
   * @throws not_permitted for everybody but a human at a terminal; `invalid_state` when the inspector is off.
   */
  inspectorLink(file: boolean): Promise<InspectorLink>;
  /** Resolves when the supervisor's process has ended. */
  stop(mode: StopMode, progress?: (line: string) => void): Promise<void>;
  /** The supervisor is not to end by itself any more, as after `conductor start`. */
  stay(): Promise<void>;
  close(): Promise<void>;
}

type Place = { readonly projectHome: string; readonly timeoutMs: number };

const TIMEOUT_MS = 5_000;
/** How long a supervisor that has stopped its work may take to end: it closes its store and takes its socket away. */
const END_MS = 30_000;
const BACKOFF_MS_MIN = 10;
const BACKOFF_MS_MAX = 250;
/** A call that takes its supervisor down every time must not do so for ever. */
const TRIES_MAX = 5;

/** @throws supervisor_unreachable {state, pid, commands}; protocol_mismatch. */
export const connectSupervisor = async (options: ConnectOptions): Promise<SupervisorClient> => {
  const { projectHome, timeoutMs = TIMEOUT_MS, waitMs = 0 } = options;
  const place = { projectHome, timeoutMs };
  return new Client(place, await reach({ ...place, timeoutMs: Math.max(timeoutMs, waitMs) }, waitMs > 0));
};

class Client implements SupervisorClient {
  readonly #place: Place;
  #connection: ClientConnection;
  #reaching: Promise<ClientConnection> | null = null;
  #closed = false;

  constructor(place: Place, connection: ClientConnection) {
    this.#place = place;
    this.#connection = connection;
  }

  get facts(): SupervisorFacts {
    return this.#connection.hello.facts;
  }

  get principal(): Principal {
    // A client's hello is always answered with one.
    return this.#connection.hello.principal ?? 'parent_agent';
  }

  async call(operation: string, params: unknown, options: CallOptions = {}): Promise<OperationAnswer> {
    const { signal, env = {}, challenge = null } = options;
    const requestId = options.requestId === undefined ? randomUUID() : options.requestId;
    const message: CallParams = { operation, params, requestId, env, challenge };
    return (await this.#ask(CLIENT_CALLS.call, message, { requestId, ...(signal && { signal }) })) as OperationAnswer;
  }

  subscribe(from: { readonly after: number; readonly signal?: AbortSignal }): AsyncIterable<JournalEntry> {
    return followJournal(() => this.#connected(), from);
  }

  async challenge(gateId: string): Promise<Challenge> {
    const params: ChallengeParams = { gateId };
    return (await this.#ask(CLIENT_CALLS.challenge, params, { requestId: null })) as Challenge;
  }

  async inspectorLink(file: boolean): Promise<InspectorLink> {
    const params: InspectorLinkParams = { file };
    const link = (await this.#ask(CLIENT_CALLS.inspectorLink, params, { requestId: null })) as Partial<InspectorLink>;
    // A supervisor of an older version knows nothing of files.
    return { url: String(link.url), file: link.file ?? null };
  }

  async stop(mode: StopMode, progress: (line: string) => void = () => undefined): Promise<void> {
    const connection = await this.#connected();
    const { pid } = connection.hello.facts.identity;
    const end = connection.onNews(CLIENT_NEWS.progress, (news) => progress((news as ProgressNews).line));
    try {
      const params: StopParams = { mode };
      await connection.request(CLIENT_CALLS.stop, params);
      // Answered or lost: what counts is that the process is gone, or somebody could start the next one too early.
      if (pid !== process.pid) await goneWithin(connection.hello.facts, END_MS);
    } finally {
      end();
      await this.close();
    }
  }

  async stay(): Promise<void> {
    await this.#ask(CLIENT_CALLS.stay, {}, { requestId: null });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connection.close();
    await this.#connection.closed;
  }

  async #ask(
    method: string,
    params: unknown,
    { requestId, signal }: { readonly requestId: string | null; readonly signal?: AbortSignal },
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const connection = await this.#connected().catch((error: unknown) => {
        throw attempt === 1 ? error : withRequest(error, method, requestId);
      });
      const reply = await connection.request(method, params, signal);
      if (reply.kind === 'answered') return reply.result;
      if (attempt === TRIES_MAX) throw withRequest(unreachable('gone', null), method, requestId);
    }
  }

  /** The connection, made again when it has ended; everybody waits for the same one. */
  async #connected(): Promise<ClientConnection> {
    if (this.#closed) throw new ConductorError('canceled', 'this client is closed');
    if (this.#connection.isOpen()) return this.#connection;
    this.#reaching ??= reach(this.#place, true).finally(() => (this.#reaching = null));
    const connection = await this.#reaching;
    this.#connection = connection;
    if (this.#closed) connection.close();
    return connection;
  }
}

/** @param patient whether the next supervisor is waited for when there is none now. */
const reach = async (place: Place, patient: boolean): Promise<ClientConnection> => {
  const deadline = performance.now() + place.timeoutMs;
  let file: SupervisorFile | null = null;
  for (let backoffMs = BACKOFF_MS_MIN; ; backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX)) {
    file = readSupervisorFile(place.projectHome) ?? file;
    if (file !== null) {
      const opening = await openClientConnection(file.socket, Math.max(1, deadline - performance.now()));
      if (opening.kind === 'open') return opening.connection;
    }
    const isOver = performance.now() + backoffMs >= deadline;
    const state = file === null ? 'absent' : await ownerState(file);
    if (isOver || (!patient && !mayAnswerYet(state))) throw unreachable(state, file);
    await wait(backoffMs);
  }
};

/** A living one may be binding its socket anew, or be continued. */
const mayAnswerYet = (state: OwnerState): boolean => state === 'mute' || state === 'stopped';

const goneWithin = async ({ identity }: SupervisorFacts, timeoutMs: number): Promise<void> => {
  const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
  const table = openProcessTable();
  const deadline = performance.now() + timeoutMs;
  while (table.liveness(identity) === 'alive') {
    if (performance.now() > deadline) {
      const text = `The supervisor (pid ${String(identity.pid)}) has stopped its work but its process has not ended`;
      throw new ConductorError('supervisor_unreachable', text, { retryable: true, details: { pid: identity.pid } });
    }
    await wait(BACKOFF_MS_MIN);
  }
};

const withRequest = (error: unknown, method: string, requestId: string | null): unknown => {
  if (!(error instanceof ConductorError)) return error;
  const text = `${error.message} Whether the ${method} was carried out is not known; a repeat with the same request id is safe.`;
  return new ConductorError(error.code, text, {
    retryable: error.retryable,
    details: { ...error.details, requestId, sent: true },
    cause: error,
  });
};
