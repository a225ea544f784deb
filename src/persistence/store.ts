/**
 * Where everything durable lives: the port. Every adapter passes one conformance suite (test/persistence/store-suite.ts).
 *
 * P1. A batch is committed whole or not at all; `committed` means that it survives a power cut.
 * P2. Every commit is fenced by the owner's epoch and instance; every actor by its revision.
 * P3. Reads see committed batches only, in the order of their commits.
 * P4. Lists are keyset pages; no read costs more because of history, and none stays open across an await.
 */
import type { Relation } from '../machines/commands.ts';
import type { EffectName, Lane } from '../machines/effects.ts';
import type { ActorId, ActorKind, EpochMs } from '../machines/ids.ts';
import type { Principal } from '../machines/schema.ts';
import type { ArchiveMove, ArchiveRow } from './archive-row.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { HistoryReader } from './snapshot-history.ts';
import type { StoredBlob } from './stored-blob.ts';

/** What XState persists of a machine without children or history. */
export type PersistedSnapshot = {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value: string | Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
};

/** Columns that lists filter by; derived from the snapshot by `describeActor`. */
export type ActorFacts = {
  /** Public status name: the top-level state. */
  readonly state: string;
  /** A task's place in the counts of its objective; null for other kinds. */
  readonly bucket: string | null;
  readonly settled: boolean;
  readonly name: string | null;
  readonly objectiveId: string | null;
  readonly taskId: string | null;
  readonly runId: string | null;
  readonly workerId: string | null;
};

export type StoredActor = {
  readonly id: ActorId;
  readonly kind: ActorKind;
  /** Version of the machine that wrote it. */
  readonly version: string;
  /** 1 after creation, +1 with every commit that changed it. */
  readonly revision: number;
  readonly snapshot: PersistedSnapshot;
  readonly facts: ActorFacts;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
};

export type ActorWrite = StoredActor & {
  /** Revision it must still have; 0 = must not exist. */
  readonly expectedRevision: number;
};

export type JournalKind = 'transition' | 'rejected' | 'note';

export type JournalEntry = {
  /** Strictly increasing from 1 without gaps but those of archived actors; given by the kernel before the commit. */
  readonly seq: number;
  readonly at: EpochMs;
  /** Entries of one commit share it; equals the seq of its first entry. */
  readonly commit: number;
  readonly kind: JournalKind;
  readonly actor: string;
  readonly machine: string;
  readonly version: string;
  readonly event: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly from: string | null;
  readonly to: string | null;
  /** Ids of the transitions taken. */
  readonly taken: readonly string[];
  readonly principal: Principal;
  readonly objectiveId: string | null;
  readonly taskId: string | null;
  readonly runId: string | null;
  /** Why a `rejected` entry changed nothing. */
  readonly reason: string | null;
  /**
   * JSON merge patch from the snapshot before to the one after; `{keyframe}` holds the full snapshot (creation, every 100th
   * entry of an actor, migrations); `{blob}` its hash when it is larger than 16 KiB.
   */
  readonly patch:
    | { readonly merge: unknown }
    | { readonly keyframe: PersistedSnapshot }
    | { readonly blob: string }
    | null;
};

export type OutboxState = 'waiting' | 'parked' | 'done' | 'failed';

export type OutboxRow = {
  /** `<actor>/<seq>/<index>`: the same for every try. */
  readonly key: string;
  readonly actor: ActorId;
  /** Version of the machine that asked. */
  readonly version: string;
  readonly name: EffectName;
  readonly lane: Lane;
  readonly params: Readonly<Record<string, unknown>>;
  readonly tries: number;
  /** Tries begun by a supervisor that did not live to finish them, in a row. */
  readonly deaths: number;
  readonly state: OutboxState;
  readonly createdAt: EpochMs;
};

/** A change to an outbox row. Rows that become `done` or `failed` may be deleted by the adapter. */
export type OutboxUpdate = {
  readonly key: string;
  readonly state: OutboxState;
  readonly tries: number;
  readonly deaths: number;
};

export type TimerRow = {
  readonly actor: ActorId;
  readonly key: string;
  readonly dueAt: EpochMs;
  readonly event: string;
};
export type RelationRow = { readonly relation: Relation; readonly from: string; readonly to: string };

/** The rest of a tell to a relation that was too wide for one commit. Served oldest first, one source at a time in order. */
export type Continuation = {
  readonly id: number;
  readonly relation: Relation;
  readonly of: ActorId;
  readonly event: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly mode: 'required' | 'notify';
  /** Rows with `afterRow` < row <= `untilRow` are still to be told. */
  readonly afterRow: number;
  readonly untilRow: number;
};

export type StoredRequest = {
  readonly requestId: string;
  /** Hash of operation and parameters. */
  readonly hash: string;
  readonly result: unknown;
  readonly at: EpochMs;
};

export type ArtifactRow = {
  readonly artifactId: string;
  readonly type: string;
  readonly name: string;
  /** Bytes and SHA-256 of the stored copy. */
  readonly bytes: number;
  readonly sha256: string;
  readonly truncated: boolean;
  readonly producer: Principal;
  readonly taskId: string | null;
  readonly runId: string | null;
  readonly objectiveId: string | null;
  readonly workerId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: EpochMs;
};

export type Owner = { readonly epoch: number; readonly instance: string };

export type CommitBatch = {
  readonly owner: Owner;
  readonly at: EpochMs;
  readonly actors: readonly ActorWrite[];
  readonly journal: readonly JournalEntry[];
  /**
   * Numbered `lastRelationRow() + 1` and on, in this order, so that the kernel knows the numbers before the commit: an edge that
   * exists keeps the number it has, and the one it would have had stays unused.
   */
  readonly relations: readonly RelationRow[];
  readonly outbox: readonly OutboxRow[];
  readonly outboxUpdates: readonly OutboxUpdate[];
  readonly timers: readonly TimerRow[];
  /** Applied before `timers`: a key in both is armed. */
  readonly timersCleared: readonly { readonly actor: ActorId; readonly key: string }[];
  readonly requests: readonly StoredRequest[];
  readonly blobs: readonly StoredBlob[];
  readonly artifacts: readonly ArtifactRow[];
  readonly deadLetters: readonly DeadLetter[];
  readonly continuations: readonly Continuation[];
  /** Progress of continuations; `afterRow >= untilRow` removes it. */
  readonly continuationsAdvanced: readonly { readonly id: number; readonly afterRow: number }[];
};

/**
 * `failed`: rolled back, nothing of it is there (`io` says whether the cause was the disk). `unknown`: COMMIT itself failed,
 * the outcome is whatever the next opening finds; the process must end without another write. `lost`: another owner.
 */
export type CommitResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict'; readonly actor: ActorId }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly io: boolean; readonly code: 'store_full' | 'internal'; readonly cause: unknown }
  | { readonly kind: 'unknown'; readonly cause: unknown };

export type Page<Item> = {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly total: number | null;
};

export type ActorQuery = {
  readonly kind: ActorKind;
  readonly state?: string;
  readonly bucket?: string;
  /** null: those of no objective, with `state` alone. */
  readonly objectiveId?: string | null;
  readonly taskId?: string;
  readonly workerId?: string;
  readonly runId?: string;
  readonly name?: string;
  /** Only actors that are not settled. */
  readonly live?: boolean;
  /** 1..1000. */
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string;
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest';
};

export type JournalQuery = {
  /** Only entries with a greater seq; default 0. */
  readonly after?: number;
  /** Only entries with at most this seq. */
  readonly until?: number;
  readonly actor?: string;
  readonly objectiveId?: string;
  readonly taskId?: string;
  readonly runId?: string;
  readonly type?: string;
  /** 1..1000. */
  readonly limit: number;
  /** Default `oldest`. */
  readonly order?: 'newest' | 'oldest';
};

/** Everything that can be read. The command line opens it without a supervisor. */
export interface StoreReader extends HistoryReader {
  getActor(id: string): Promise<StoredActor | null>;
  getActors(ids: readonly string[]): Promise<ReadonlyMap<string, StoredActor>>;
  /** The one actor of this kind whose id begins with `prefix`, or how many there are (counted to 20). */
  resolvePrefix(kinds: readonly ActorKind[], prefix: string): Promise<readonly string[]>;
  listActors(query: ActorQuery): Promise<Page<StoredActor>>;
  /** The ids alone, of one page: nothing of an actor is read or parsed. */
  listActorIds(query: ActorQuery): Promise<readonly string[]>;
  /** Actors by kind and state. Kept by the commits, never counted. */
  counts(): Promise<Readonly<Record<ActorKind, Readonly<Record<string, number>>>>>;
  listJournal(query: JournalQuery): Promise<readonly JournalEntry[]>;
  lastSeq(): Promise<number>;
  getBlob(hash: string): Promise<Uint8Array | null>;
  /** Hashes of the blobs that these actors use, 1..1000 of them. */
  blobsOf(actors: readonly string[]): Promise<readonly string[]>;
  listArtifacts(query: {
    readonly taskId?: string;
    readonly runId?: string;
    readonly objectiveId?: string;
    readonly type?: string;
    readonly limit: number;
    readonly after?: string;
  }): Promise<Page<ArtifactRow>>;
  getArtifact(id: string): Promise<ArtifactRow | null>;
  /** Those of these content hashes that an artifact has; 1..1000 are asked for. */
  namedHashes(hashes: readonly string[]): Promise<ReadonlySet<string>>;
  /** Rows of a relation in row order; `row` is the place to continue from. */
  listRelation(
    relation: Relation,
    from: string,
    page: { readonly after: number; readonly until?: number; readonly limit: number },
  ): Promise<readonly { readonly row: number; readonly to: string }[]>;
  lastRelationRow(): Promise<number>;
  getRequest(requestId: string): Promise<StoredRequest | null>;
  listOutbox(): Promise<readonly OutboxRow[]>;
  listTimers(): Promise<readonly TimerRow[]>;
  listContinuations(): Promise<readonly Continuation[]>;
  listDeadLetters(limit: number): Promise<readonly DeadLetter[]>;
  /** Archived subjects, newest first; `after` is the id of the last one of the page before. */
  listArchived(page: { readonly limit: number; readonly after?: string }): Promise<Page<ArchiveRow>>;
  /** The archive that holds this actor or artifact; null when it is not archived. */
  findArchived(id: string): Promise<ArchiveRow | null>;
  close(): Promise<void>;
}

export interface Store extends StoreReader {
  readonly owner: Owner;
  commit(batch: CommitBatch): Promise<CommitResult>;
  /** Lets go of what stands in a verified file. `conflict`: something of it has changed; nothing happened. */
  archive(move: ArchiveMove): Promise<CommitResult>;
  /** Forgets all dead letters but the newest. @returns how many went. */
  pruneDeadLetters(keep: number): Promise<number>;
  /** A verified copy into `backups/`, newest three kept. @returns its path. */
  backup(): Promise<string>;
}
