/**
 * The kernel as everything above it sees it: messages go in, committed outcomes come out.
 *
 * K1. `post` answers only after the commit that holds its messages, or with a refusal that changed nothing.
 * K2. The messages of one post, and all that they tell, are committed together or not at all.
 * K3. Subscribers see commits in order, each after it is durable.
 */
import type { EffectName, EffectParams } from '../../machines/effects.ts';
import type { ActorId, EpochMs } from '../../machines/ids.ts';
import type { Principal } from '../../machines/schema.ts';
import type { ArtifactRow, JournalEntry, OutboxRow, Store, StoredActor } from '../../persistence/store.ts';
import type { StoredBlob } from '../../persistence/stored-blob.ts';

/** `at` is stamped by the kernel when it is absent. */
export type EventBody = { readonly type: string; readonly at?: EpochMs; readonly [field: string]: unknown };

export type Message =
  | { readonly kind: 'event'; readonly to: ActorId; readonly event: EventBody; readonly mode?: 'required' | 'notify' }
  | { readonly kind: 'create'; readonly id: ActorId; readonly input: Readonly<Record<string, unknown>> };

export type Post = {
  /** 1..5,000. Applied in this order, in one commit. */
  readonly messages: readonly Message[];
  readonly principal: Principal;
  /** A repeat with the same hash gets the stored result, one with another hash `idempotency_conflict`. */
  readonly request?: { readonly id: string; readonly hash: string; readonly result: unknown };
  readonly blobs?: readonly StoredBlob[];
  readonly artifacts?: readonly ArtifactRow[];
  /** Outbox row that this post answers: marked done in the same commit, also when the messages are ignored. */
  readonly effectDone?: string;
  /** Facts for people, written as `note` entries of the journal. */
  readonly notes?: readonly { readonly actor: string; readonly type: string; readonly text: string }[];
};

/**
 * `ignored`: the only message of the post is not for that state. `refused`: a required message or tell was not handled, so
 * nothing of the post happened. `repeated`: the request was answered before.
 */
export type Outcome =
  | { readonly kind: 'applied'; readonly commit: number; readonly changed: readonly ActorId[] }
  | { readonly kind: 'ignored'; readonly to: ActorId; readonly reason: string; readonly state: string | null }
  | {
      readonly kind: 'refused';
      readonly to: ActorId;
      readonly event: string;
      readonly reason: string;
      readonly state: string | null;
    }
  | { readonly kind: 'repeated'; readonly result: unknown };

export type Commit = {
  readonly commit: number;
  readonly lastSeq: number;
  readonly at: EpochMs;
  readonly entries: readonly JournalEntry[];
  readonly actors: readonly StoredActor[];
  readonly artifacts: readonly ArtifactRow[];
};

export type EffectCall<Name extends EffectName> = {
  readonly key: string;
  readonly actor: ActorId;
  readonly params: EffectParams<Name>;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborted at the effect's deadline and when the supervisor stops. */
  readonly signal: AbortSignal;
};

/** What an effect tells when it is done; the messages and the done mark are one commit. */
export type EffectResult = {
  readonly messages: readonly Message[];
  readonly artifacts?: readonly ArtifactRow[];
  readonly notes?: Post['notes'];
};

/** One handler per effect. A throw is a failed try; `ConductorError` with `retryable: false` gives up at once. */
export type EffectHandlers = { readonly [Name in EffectName]: (call: EffectCall<Name>) => Promise<EffectResult> };

/** Time, timers and chance, so that a simulation can own them. Milliseconds throughout. */
export interface Clock {
  /** Wall clock, for `at` and deadlines. */
  now(): EpochMs;
  /** Monotonic, for leases and gaps. */
  monotonic(): number;
  /** @returns cancels. */
  after(ms: number, run: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export interface Kernel {
  /**
   * @throws ConductorError `overloaded` (retryable; the mailbox is full), `cascade_too_deep`, `idempotency_conflict`,
   *   `outcome_unknown {requestId}` (the process ends), `too_large`, `not_found` (a message to an actor that is not there),
   *   `internal` (a machine threw; the message is dead-lettered), `store_full`.
   */
  post(post: Post): Promise<Outcome>;
  /** The committed actor; null when it does not exist. From memory when live, else from the store. */
  read(id: string): Promise<StoredActor | null>;
  /** The committed actor if it is in memory (every unsettled one that was touched since start), synchronously. */
  peek(id: string): StoredActor | null;
  /** Its actors are read at the version of the code, as `read` does. */
  readonly store: Store;
  /**
   * Tries parked effects again, because whoever asks believes that the cause is gone. Each may end in our death as often as before.
   * @returns those that wait for their next try now.
   */
  retryParked(): Promise<readonly OutboxRow[]>;
  /** Drops settled actors that the store has let go of. */
  forget(ids: readonly string[]): void;
  subscribe(listener: (commit: Commit) => void): () => void;
  /** Messages waiting or being committed. */
  readonly depth: number;
  /** Resolves when the mailbox is empty and no effect is being executed. */
  idle(): Promise<void>;
  /** No new posts; waits for the batch in flight; effects are aborted and stay in the outbox. */
  stop(): Promise<void>;
}
