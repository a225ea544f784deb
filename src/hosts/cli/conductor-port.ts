/**
 * What the command line needs of a project: calls of operations, the journal as it grows, and who answers.
 *
 * A running supervisor stands behind it, or the store opened read-only; a command never knows which.
 *
 * C1. Every mutation is an operation. Nothing here writes to a store or a worktree.
 */
import type { JournalEntry } from '../../persistence/store.ts';
import type { SupervisorFile } from '../../supervisor/runners/protocol.ts';

export type OperationContent = { readonly type: 'text'; readonly text: string };
export type OperationResult = { readonly content: readonly OperationContent[]; readonly details: unknown };

/** Answer to a question that only a person at a terminal can give: the last six characters of a gate's id, typed. */
export type TypedChallenge = { readonly gateId: string; readonly typed: string };

export type CallOptions = {
  /** Made once per intent; a repeat after a lost connection reuses it. Default: a fresh one. */
  readonly requestId?: string;
  /** Values of granted variables for the runs that this call causes; in memory only. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Proof that a person typed it at the terminal. */
  readonly challenge?: TypedChallenge;
};

/** Who answers, and for which project. */
export type PortFacts = {
  /** null: the store is read without a supervisor. */
  readonly supervisor: Pick<SupervisorFile, 'identity' | 'startedAt' | 'version' | 'socket'> | null;
  readonly project: {
    readonly key: string;
    readonly repoRoot: string;
    /** `<CONDUCTOR_HOME>/projects/<key>`; it may not exist. */
    readonly home: string;
  };
};

export interface ConductorPort {
  /**
   * @throws ConductorError the operation's refusal; `supervisor_unreachable` when the supervisor is gone;
   *   `supervisor_away` for a writing operation without a supervisor.
   */
  call(operation: string, params: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<OperationResult>;
  /**
   * Entries after `after`, in order, each once. Ends when the supervisor goes; never ends by itself otherwise.
   * Without a supervisor it yields what is there and ends.
   */
  subscribe(from: { readonly after: number; readonly signal?: AbortSignal }): AsyncIterable<JournalEntry>;
  facts(): PortFacts;
  close(): Promise<void>;
}

/**
 * `read`: a running supervisor, else the store read-only, else nothing but zeros; creates nothing. `running`: a supervisor that runs
 * already. `start`: starts one when none runs.
 */
export type PortNeed = 'read' | 'running' | 'start';

export interface PortOpener {
  /**
   * @param repo any directory of the project's checkout.
   * @throws ConductorError `not_a_repository`, `repository_empty`, `supervisor_away` (nothing runs and `running` was asked),
   *   `owned_elsewhere`, `home_on_network_fs` and whatever else keeps a supervisor from starting.
   */
  open(repo: string, need: PortNeed): Promise<ConductorPort>;
}
