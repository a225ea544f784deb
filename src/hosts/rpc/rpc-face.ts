/**
 * The supervisor as the RPC server sees it. The composition root gives the real one, tests give a small one.
 *
 * F1. What `invoke` has answered is committed. An abort says only that nobody waits any more: it undoes nothing.
 * F2. A subscription gets every entry after its cursor once, in the order of `seq`.
 */
import type { Principal } from '../../machines/schema.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { LiveRunFacts } from '../../operations/operation-context.ts';
import type { WireIdentity } from '../../supervisor/runners/protocol.ts';
import type { RunnerIntake } from '../../supervisor/runs/runner-link.ts';

/** Who answers. Everything that `supervisor.json` says, from the process itself. */
export type SupervisorFacts = {
  readonly identity: WireIdentity;
  readonly version: string;
  readonly protocol: number;
  readonly epoch: number;
  /** Ms since 1970. */
  readonly startedAt: number;
  /** Where it listens now. */
  readonly socket: string;
  readonly project: { readonly key: string; readonly repoRoot: string; readonly home: string };
  /** Address of the inspector, without anything that opens it; null while it is off. */
  readonly inspector: string | null;
};

export type InvokeRequest = {
  readonly operation: string;
  readonly params: unknown;
  /** Made once per intent by the caller; null for an operation that only reads. */
  readonly requestId: string | null;
  /** Decided by the server, never by the caller. */
  readonly principal: Principal;
  /** Values of variables that the caller's user has granted to runs. In memory only. */
  readonly clientEnv: Readonly<Record<string, string>>;
  /** The gate for which a human has just answered this connection's challenge; null in any other call. */
  readonly confirmedGate: string | null;
  /** Aborted when the caller cancels or is gone. */
  readonly signal: AbortSignal;
};

export type OperationAnswer = {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly details: unknown;
};

/** `keep` leaves runs alone, `drain` waits for them, `now` ends them. */
export const STOP_MODES = ['keep', 'drain', 'now'] as const;
export type StopMode = (typeof STOP_MODES)[number];

/**
 * Gets entries in order, and the seq of the last one the journal has. A promise means that the reader is slow: wait for it
 * before the next page of the backlog is read. Live entries need not wait, the server drops a subscription that lags.
 */
export type EntriesListener = (entries: readonly JournalEntry[], lastSeq: number) => void | Promise<void>;

/** A run that has a runner, as it was last heard of. */
export type LiveRunView = LiveRunFacts & { readonly runId: string };

/** What the inspector lets the rest of its process know. */
export type InspectorDoor =
  /** `why`: the end of a sentence that begins with «the inspector is off:». */
  | { readonly kind: 'off'; readonly why: string }
  /** `link` makes an address that lets one browser in, once and soon; `inFile`: with a file that leads there. */
  | { readonly kind: 'open'; readonly url: string; readonly link: (inFile: boolean) => Promise<InspectorLink> };

/** `file`: path of a page for this user alone that leads to `url`, for programs whose arguments others see; null without one. */
export type InspectorLink = { readonly url: string; readonly file: string | null };

export interface SupervisorFace {
  facts(): SupervisorFacts;
  /** @throws ConductorError; anything else is answered as `internal` without its text. */
  invoke(request: InvokeRequest): Promise<OperationAnswer>;
  /** Backlog after `after` from the store, then live, without gap or repeat (F2). @returns ends it. */
  subscribe(after: number, listener: EntriesListener): Promise<() => void>;
  /** From memory, and every few seconds a look at the process table; costs nothing that grows with the project. */
  liveRuns(): readonly LiveRunView[];
  /** Whoever holds what its `link` makes acts as a human: to be handed to a human's terminal only. */
  inspector(): InspectorDoor;
  readonly intake: RunnerIntake;
  /** Resolves when nothing but the answer is left to do. `progress` gets lines for people. */
  stop(mode: StopMode, progress: (line: string) => void): Promise<void>;
  /** Told at every arrival and departure of a client, and at every call; `idleExitMs` counts from the last. */
  readonly idle: {
    touch(): void;
    clients(count: number): void;
    /** From now on it does not end by itself. */
    stay?(): void;
  };
}
