/**
 * What a commit will write, while it is being computed. Drafts lie on top of one another: one per post on the one of the
 * batch, the batch's on the committed state. A post that is refused is dropped with its draft and leaves no trace.
 *
 * D1. A lookup sees the newest layer first, then what lies below, then what was loaded for this batch.
 * D2. What is not in memory is never guessed: the lookup throws `NeedsLoading`, the batch loads it and goes on.
 */
import type { Relation } from '../../machines/commands.ts';
import type { ActorId } from '../../machines/ids.ts';
import type {
  ArtifactRow,
  Continuation,
  JournalEntry,
  OutboxRow,
  OutboxUpdate,
  RelationRow,
  StoredRequest,
  TimerRow,
} from '../../persistence/store.ts';
import type { DeadLetter } from '../../persistence/dead-letter.ts';
import type { StoredBlob } from '../../persistence/stored-blob.ts';
import type { LiveActor } from './actor-cache.ts';

export type RelationPage = readonly { readonly row: number; readonly to: string }[];

/** Facts of the store that a computation asked for and did not find in memory. */
export type Wanted =
  | { readonly kind: 'actors'; readonly ids: readonly string[] }
  | { readonly kind: 'relation'; readonly relation: Relation; readonly of: ActorId; readonly after: number }
  | { readonly kind: 'request'; readonly id: string };

export class NeedsLoading extends Error {
  override readonly name: string = 'NeedsLoading';
  readonly wanted: Wanted;

  constructor(wanted: Wanted) {
    super(`needs ${wanted.kind}`);
    this.wanted = wanted;
  }
}

/** The ground: committed state in memory, and what was loaded for the batch. Undefined: not known here. */
export interface Ground {
  readonly lastSeq: number;
  readonly lastRow: number;
  readonly lastContinuation: number;
  actor(id: string): LiveActor | null | undefined;
  timer(key: string): TimerRow | undefined;
  request(id: string): StoredRequest | null | undefined;
  relation(relation: Relation, of: string, after: number): RelationPage | undefined;
  continuations(): Iterable<Continuation>;
}

export const timerKey = (actor: string, key: string): string => `${actor}/${key}`;
const relationKey = (row: RelationRow): string => `${row.relation}/${row.from}/${row.to}`;

export class Draft {
  readonly below: Draft | Ground;
  readonly actors = new Map<string, LiveActor>();
  /** null: cleared. */
  readonly timers = new Map<string, TimerRow | null>();
  readonly journal: JournalEntry[] = [];
  readonly relations: RelationRow[] = [];
  readonly outbox: OutboxRow[] = [];
  readonly outboxUpdates: OutboxUpdate[] = [];
  readonly requests: StoredRequest[] = [];
  readonly blobs: StoredBlob[] = [];
  readonly artifacts: ArtifactRow[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly continuations: Continuation[] = [];
  readonly continuationsAdvanced: { readonly id: number; readonly afterRow: number }[] = [];
  /** Messages told through relations in this layer. */
  told = 0;
  readonly #related = new Set<string>();

  constructor(below: Draft | Ground) {
    this.below = below;
  }

  /** Seq of the last entry up to and with this layer. */
  get lastSeq(): number {
    return this.below.lastSeq + this.journal.length;
  }

  /** Row that the last relation of this layer will have. */
  get lastRow(): number {
    return this.below.lastRow + this.relations.length;
  }

  get lastContinuation(): number {
    return this.below.lastContinuation + this.continuations.length;
  }

  /** Messages told through relations in this commit so far. */
  get toldInAll(): number {
    return this.told + (this.below instanceof Draft ? this.below.toldInAll : 0);
  }

  get isEmpty(): boolean {
    return (
      this.actors.size === 0 &&
      this.timers.size === 0 &&
      [this.journal, this.relations, this.outbox, this.outboxUpdates, this.requests].every(isNone) &&
      [this.blobs, this.artifacts, this.deadLetters, this.continuations, this.continuationsAdvanced].every(isNone)
    );
  }

  /** null: there is no such actor. @throws NeedsLoading. */
  actor(id: string): LiveActor | null {
    const found = this.actors.get(id) ?? this.below.actor(id);
    if (found === undefined) throw new NeedsLoading({ kind: 'actors', ids: [id] });
    return found;
  }

  /** Ids of these that nobody has looked up yet, so that they are loaded in one go. */
  unknownAmong(ids: readonly string[]): readonly string[] {
    const isUnknown = (layer: Draft | Ground, id: string): boolean =>
      layer instanceof Draft ? !layer.actors.has(id) && isUnknown(layer.below, id) : layer.actor(id) === undefined;
    return ids.filter((id) => isUnknown(this, id));
  }

  timer(key: string): TimerRow | undefined {
    const own = this.timers.get(key);
    return own === undefined ? this.below.timer(key) : (own ?? undefined);
  }

  /** null: nobody asked with this id before. @throws NeedsLoading. */
  request(id: string): StoredRequest | null {
    const found = this.requests.find(({ requestId }) => requestId === id) ?? this.below.request(id);
    if (found === undefined) throw new NeedsLoading({ kind: 'request', id });
    return found;
  }

  /** The stored rows of a relation after a row: one more than are ever told in a commit. @throws NeedsLoading. */
  relation(relation: Relation, of: ActorId, after: number): RelationPage {
    const found = this.below.relation(relation, of, after);
    if (found === undefined) throw new NeedsLoading({ kind: 'relation', relation, of, after });
    return found;
  }

  /** Rows that were added since the last commit, with the numbers they will have. */
  *addedRelations(): Generator<RelationRow & { readonly row: number }> {
    if (this.below instanceof Draft) yield* this.below.addedRelations();
    for (const [index, row] of this.relations.entries()) yield { ...row, row: this.below.lastRow + index + 1 };
  }

  /** A row that this commit writes already is not written twice, and takes no number; one that the store has takes one in vain. */
  relate(row: RelationRow): void {
    const key = relationKey(row);
    if (this.#isRelated(key)) return;
    this.#related.add(key);
    this.relations.push(row);
  }

  /** Whether something of this source still waits to be told along this relation: what comes now goes behind it. */
  hasContinuation(relation: Relation, of: string): boolean {
    const matches = (one: Continuation) => one.relation === relation && one.of === of;
    if (this.continuations.some(matches)) return true;
    if (this.below instanceof Draft) return this.below.hasContinuation(relation, of);
    for (const one of this.below.continuations()) if (matches(one)) return true;
    return false;
  }

  /** Adds everything of this layer to the one below. */
  mergeDown(): void {
    const { below } = this;
    if (!(below instanceof Draft)) throw new Error('a batch is committed, not merged');
    for (const [id, actor] of this.actors) below.actors.set(id, actor);
    for (const [key, timer] of this.timers) below.timers.set(key, timer);
    append(below.journal, this.journal);
    for (const row of this.relations) below.relate(row);
    append(below.outbox, this.outbox);
    append(below.outboxUpdates, this.outboxUpdates);
    append(below.requests, this.requests);
    append(below.blobs, this.blobs);
    append(below.artifacts, this.artifacts);
    append(below.deadLetters, this.deadLetters);
    append(below.continuations, this.continuations);
    append(below.continuationsAdvanced, this.continuationsAdvanced);
    below.told += this.told;
  }

  #isRelated(key: string): boolean {
    return this.#related.has(key) || (this.below instanceof Draft && this.below.#isRelated(key));
  }
}

const isNone = (list: readonly unknown[]): boolean => list.length === 0;

const append = <Item>(to: Item[], items: readonly Item[]): void => {
  for (const item of items) to.push(item);
};
