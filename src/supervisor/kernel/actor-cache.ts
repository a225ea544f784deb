/**
 * Committed actors in memory: every unsettled one that was touched, and the settled ones that were touched last.
 *
 * A1. What stands here was committed; a batch that is being computed keeps its changes in a layer of its own (draft.ts).
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { ActorId, ActorKind } from '../../machines/ids.ts';
import type { ActorFacts, PersistedSnapshot, StoredActor } from '../../persistence/store.ts';
import type { EpochMs } from '../../machines/ids.ts';
import { migrateStored, type Migrations } from './migrations.ts';
import { entryOf, type MachineSet } from './machine-set.ts';
import { restore } from './transition.ts';

/** An actor as machines see it, with what its next commit needs. */
export type LiveActor = {
  readonly id: ActorId;
  readonly kind: ActorKind;
  readonly version: string;
  readonly snapshot: AnyMachineSnapshot;
  readonly persisted: PersistedSnapshot;
  readonly facts: ActorFacts;
  /** Revision the store has; 0: it is not there yet. */
  readonly storedRevision: number;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
  /** Journal entries since the last full snapshot; Infinity when that is not known, so that the next entry holds one. */
  readonly sinceKeyframe: number;
  /** Version of the stored snapshot when it was migrated on the way in and the migration is not journalled yet. */
  readonly migratedFrom: string | null;
};

export const storedOf = (actor: LiveActor): StoredActor => ({
  id: actor.id,
  kind: actor.kind,
  version: actor.version,
  revision: actor.storedRevision,
  snapshot: actor.persisted,
  facts: actor.facts,
  createdAt: actor.createdAt,
  updatedAt: actor.updatedAt,
});

/** @throws ConductorError `store_too_new` for a snapshot that a newer version wrote, `store_damaged` for one no machine can read. */
export function revive(set: MachineSet, migrations: Migrations, stored: StoredActor): LiveActor {
  const { kind, entry } = entryOf(set, stored.id);
  const migrated = migrateStored(set, migrations, stored);
  return {
    id: stored.id,
    kind,
    version: migrated.version,
    snapshot: restore(entry.machine, migrated.snapshot),
    persisted: migrated.snapshot,
    facts: migrated === stored ? stored.facts : set.describe({ kind, id: stored.id }, migrated.snapshot),
    storedRevision: stored.revision,
    createdAt: stored.createdAt,
    updatedAt: stored.updatedAt,
    sinceKeyframe: Number.POSITIVE_INFINITY,
    migratedFrom: migrated === stored ? null : stored.version,
  };
}

export class ActorCache {
  readonly #settledMax: number;
  readonly #unsettled = new Map<string, LiveActor>();
  /** Insertion order is the order of use. */
  readonly #settled = new Map<string, LiveActor>();

  constructor(settledMax: number) {
    this.#settledMax = settledMax;
  }

  get(id: string): LiveActor | undefined {
    return this.#unsettled.get(id) ?? this.#settled.get(id);
  }

  put(actor: LiveActor): void {
    this.#settled.delete(actor.id);
    if (!actor.facts.settled) {
      this.#unsettled.set(actor.id, actor);
      return;
    }
    this.#unsettled.delete(actor.id);
    this.#settled.set(actor.id, actor);
    if (this.#settled.size <= this.#settledMax) return;
    const [oldest] = this.#settled.keys();
    this.#settled.delete(oldest!);
  }

  forget(id: string): void {
    this.#unsettled.delete(id);
    this.#settled.delete(id);
  }
}
