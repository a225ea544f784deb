/**
 * Snapshots and effects that an older version of a machine wrote, brought to this one: pure functions, one version at a time.
 *
 * V1. A snapshot of a newer version is refused, never guessed at.
 * V2. Every version that was ever released keeps its function and its golden snapshots in the tests.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { ActorKind } from '../../machines/ids.ts';
import { whyOf, type Why } from '../../machines/run/ends.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { OutboxRow, PersistedSnapshot, StoredActor } from '../../persistence/store.ts';
import { entryOf, type MachineSet } from './machine-set.ts';

/** From a version to the next: `to` says which one that is. */
export type SnapshotMigration = {
  readonly to: string;
  readonly migrate: (snapshot: PersistedSnapshot) => PersistedSnapshot;
  /** Effects of that version that wait; default: as they are. */
  readonly migrateEffect?: (row: OutboxRow) => OutboxRow;
};

export type Migrations = {
  readonly [Kind in ActorKind]?: { readonly [fromVersion: string]: SnapshotMigration };
};

export const MIGRATIONS: Migrations = {
  task: {
    // 2: a task that is started by name may wait for a worker.
    '1': { to: '2', migrate: (snapshot) => ({ ...snapshot, context: { ...snapshot.context, queuedAt: null } }) },
    // 3: what the agent said of an end stands beside the reason.
    '2': {
      to: '3',
      migrate: (snapshot) => ({ ...snapshot, context: { ...snapshot.context, ...wordsApart(snapshot) } }),
    },
  },
};

/** Version 2 did not keep whose words they were: those that may be an agent's are taken for them, never the other way round. */
function wordsApart({ context }: PersistedSnapshot): Why {
  const { end, reason, acceptedBy } = context as unknown as TaskContext;
  return acceptedBy === null && reason !== null ? whyOf(end, reason) : { reason, said: null };
}

/** What a machine of some version wrote. */
export type Versioned = Pick<StoredActor, 'id' | 'kind' | 'version' | 'snapshot'>;

/** The actor at the version of the code; the same object when it is there already. @throws ConductorError `store_too_new`. */
export function migrateStored<Actor extends Versioned>(set: MachineSet, migrations: Migrations, stored: Actor): Actor {
  const wanted = entryOf(set, stored.id).entry.version;
  if (stored.version === wanted) return stored;
  let { version, snapshot } = stored;
  for (const step of stepsBetween(migrations, stored, wanted)) {
    snapshot = step.migrate(snapshot);
    version = step.to;
  }
  return { ...stored, version, snapshot };
}

/** The outbox row at the version of the code. @throws ConductorError `store_too_new`. */
export function migrateEffect(
  set: MachineSet,
  migrations: Migrations,
  row: OutboxRow & { readonly kind: ActorKind },
): OutboxRow {
  const wanted = entryOf(set, row.actor).entry.version;
  if (row.version === wanted) return row;
  let migrated: OutboxRow = row;
  for (const step of stepsBetween(migrations, { id: row.actor, kind: row.kind, version: row.version }, wanted)) {
    migrated = { ...(step.migrateEffect?.(migrated) ?? migrated), version: step.to };
  }
  return migrated;
}

function stepsBetween(
  migrations: Migrations,
  from: Pick<StoredActor, 'id' | 'kind' | 'version'>,
  wanted: string,
): readonly SnapshotMigration[] {
  const steps: SnapshotMigration[] = [];
  let version = from.version;
  while (version !== wanted) {
    const step = migrations[from.kind]?.[version];
    // A table that leads in a circle would never end; no chain is longer than the versions there ever were.
    if (step === undefined || steps.length > 1_000) throw unreadable(from, wanted);
    steps.push(step);
    version = step.to;
  }
  return steps;
}

function unreadable(from: Pick<StoredActor, 'id' | 'kind' | 'version'>, wanted: string): ConductorError {
  const details = { id: from.id, kind: from.kind, version: from.version, supported: wanted };
  const writer = `${from.id} was written by version ${from.version} of the machine ${from.kind}`;
  return Number(from.version) < Number(wanted)
    ? new ConductorError('internal', `${writer}, and no migration leads from there to ${wanted}.`, { details })
    : new ConductorError('store_too_new', `${writer}; this program has version ${wanted}. Use a newer conductor.`, {
        details,
      });
}
