/**
 * What the kernel holds of the committed state, and what it loads of the rest for one batch.
 *
 * G1. It changes at one place, `apply`, with a draft that was committed.
 * G2. What was loaded for a batch stays known until the batch is over, however small the cache is.
 */
import type { Relation } from '../../machines/commands.ts';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import type { EpochMs } from '../../machines/ids.ts';
import type { ActorWrite, Continuation, Store, StoredRequest, TimerRow } from '../../persistence/store.ts';
import { ActorCache, revive, storedOf, type LiveActor } from './actor-cache.ts';
import type { Draft, Ground, RelationPage, Wanted } from './draft.ts';
import type { KernelLimits } from './limits.ts';
import type { MachineSet } from './machine-set.ts';
import type { Migrations } from './migrations.ts';
import type { Timers } from './timers.ts';

/** Ids asked for in one read. */
const readIdsMax = 500;

export class CommittedState {
  readonly cache: ActorCache;
  readonly timers: Timers;
  readonly continuations = new Map<number, Continuation>();
  lastSeq = 0;
  lastRow = 0;
  lastContinuation = 0;

  constructor(limits: KernelLimits, timers: Timers) {
    this.cache = new ActorCache(limits.settledInMemoryMax);
    this.timers = timers;
  }

  async open(store: Store): Promise<void> {
    const [lastSeq, lastRow, timers, continuations] = await Promise.all([
      store.lastSeq(),
      store.lastRelationRow(),
      store.listTimers(),
      store.listContinuations(),
    ]);
    this.lastSeq = lastSeq;
    this.lastRow = lastRow;
    for (const timer of timers) this.timers.set(timer);
    for (const one of continuations) {
      this.continuations.set(one.id, one);
      this.lastContinuation = Math.max(this.lastContinuation, one.id);
    }
  }

  /** The oldest continuation, or null: they are served one at a time, so that a source's tells arrive in order. */
  get nextContinuation(): Continuation | null {
    let oldest: Continuation | null = null;
    for (const one of this.continuations.values()) if (oldest === null || one.id < oldest.id) oldest = one;
    return oldest;
  }

  /** Takes over what was committed. @returns the actors as they are now. */
  apply(draft: Draft, at: EpochMs): LiveActor[] {
    const changed: LiveActor[] = [];
    for (const actor of draft.actors.values()) {
      const committed = committedForm(actor, at);
      this.cache.put(committed);
      changed.push(committed);
    }
    this.lastSeq = draft.lastSeq;
    this.lastRow = draft.lastRow;
    this.lastContinuation = draft.lastContinuation;
    for (const [key, timer] of draft.timers) {
      if (timer === null) this.timers.clear(key);
      else this.timers.set(timer);
    }
    for (const one of draft.continuations) this.continuations.set(one.id, one);
    for (const { id, afterRow } of draft.continuationsAdvanced) {
      const one = this.continuations.get(id);
      if (one !== undefined && afterRow < one.untilRow) this.continuations.set(id, { ...one, afterRow });
      else this.continuations.delete(id);
    }
    return changed;
  }
}

/** What a batch that is being written will have changed, as the next one sees it. */
export type FlightView = {
  readonly actors: ReadonlyMap<string, LiveActor>;
  readonly timers: ReadonlyMap<string, TimerRow | null>;
  readonly requests: ReadonlyMap<string, StoredRequest>;
  readonly lastSeq: number;
};

export const flightOf = (draft: Draft, at: EpochMs): FlightView => ({
  actors: new Map(Array.from(draft.actors, ([id, actor]) => [id, committedForm(actor, at)])),
  timers: draft.timers,
  requests: new Map(draft.requests.map((request) => [request.requestId, request])),
  lastSeq: draft.lastSeq,
});

const committedForm = (actor: LiveActor, at: EpochMs): LiveActor => ({
  ...actor,
  storedRevision: actor.storedRevision + 1,
  updatedAt: at,
});

/** The ground of one batch. */
export class BatchGround implements Ground {
  readonly #state: CommittedState;
  readonly #store: Store;
  readonly #set: MachineSet;
  readonly #migrations: Migrations;
  readonly #limits: KernelLimits;
  /** An Error: it is there, and this program cannot read it. */
  readonly #actors = new Map<string, LiveActor | Error | null>();
  readonly #requests = new Map<string, StoredRequest | null>();
  readonly #relations = new Map<string, RelationPage>();
  readonly #flight: FlightView | null;
  readonly lastSeq: number;
  readonly lastRow: number;
  readonly lastContinuation: number;

  constructor(
    state: CommittedState,
    from: {
      readonly store: Store;
      readonly set: MachineSet;
      readonly migrations: Migrations;
      readonly limits: KernelLimits;
      /** The batch that is being written; it has no edges and no continuations. */
      readonly flight: FlightView | null;
    },
  ) {
    this.#state = state;
    this.#store = from.store;
    this.#set = from.set;
    this.#migrations = from.migrations;
    this.#limits = from.limits;
    this.#flight = from.flight;
    this.lastSeq = from.flight?.lastSeq ?? state.lastSeq;
    this.lastRow = state.lastRow;
    this.lastContinuation = state.lastContinuation;
  }

  actor(id: string): LiveActor | null | undefined {
    const found = this.#flight?.actors.get(id) ?? this.#state.cache.get(id) ?? this.#actors.get(id);
    if (found instanceof Error) throw found;
    return found;
  }

  timer(key: string): TimerRow | undefined {
    const written = this.#flight?.timers.get(key);
    return written === undefined ? this.#state.timers.get(key) : (written ?? undefined);
  }

  request(id: string): StoredRequest | null | undefined {
    return this.#flight?.requests.get(id) ?? this.#requests.get(id);
  }

  relation(relation: Relation, of: string, after: number): RelationPage | undefined {
    return this.#relations.get(`${relation}/${of}/${String(after)}`);
  }

  continuations(): Iterable<Continuation> {
    return this.#state.continuations.values();
  }

  async load(wanted: Wanted): Promise<void> {
    if (wanted.kind === 'actors') await this.#loadActors(wanted.ids);
    else if (wanted.kind === 'request') this.#requests.set(wanted.id, await this.#store.getRequest(wanted.id));
    else {
      const { relation, of, after } = wanted;
      const rows = await this.#store.listRelation(relation, of, { after, limit: this.#limits.relationTellsMax + 1 });
      this.#relations.set(`${relation}/${of}/${String(after)}`, rows);
    }
  }

  async #loadActors(ids: readonly string[]): Promise<void> {
    for (let first = 0; first < ids.length; first += readIdsMax) {
      const page = ids.slice(first, first + readIdsMax);
      const found = await this.#store.getActors(page);
      for (const id of page) {
        const stored = found.get(id);
        if (stored === undefined) {
          this.#actors.set(id, null);
          continue;
        }
        try {
          const actor = revive(this.#set, this.#migrations, stored);
          this.#actors.set(id, actor);
          this.#state.cache.put(actor);
        } catch (error) {
          // Kept as the answer for whoever asks for this actor; the others of the batch are not concerned.
          this.#actors.set(id, isConductorError(error) ? error : unreadable(id, stored.version, error));
        }
      }
    }
  }
}

export const writeOf = (actor: LiveActor, at: EpochMs): ActorWrite => ({
  ...storedOf(actor),
  revision: actor.storedRevision + 1,
  expectedRevision: actor.storedRevision,
  updatedAt: at,
});

const unreadable = (id: string, version: string, cause: unknown): ConductorError =>
  new ConductorError(
    'store_damaged',
    `${id} (version ${version}) cannot be read by its machine: ${cause instanceof Error ? cause.message : String(cause)}`,
    { details: { id, version }, cause },
  );
