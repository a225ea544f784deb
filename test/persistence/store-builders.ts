/** Rows for store tests: valid, small, and different only in what a test names. */
import type { ActorId, ActorKind, EpochMs } from '../../src/machines/ids.ts';
import type {
  ActorFacts,
  ActorWrite,
  ArtifactRow,
  CommitBatch,
  JournalEntry,
  OutboxRow,
  Owner,
  PersistedSnapshot,
} from '../../src/persistence/store.ts';

export const at = (ms: number): EpochMs => ms as EpochMs;
export const startOfTime = at(1_795_000_000_000);
export const firstOwner: Owner = { epoch: 1, instance: 'first' };

/** The nth id of a kind; ids rise with n. */
export const idOf = (kind: ActorKind, n: number): ActorId => `${kind}-${String(n).padStart(20, '0')}` as ActorId;

export const snapshotOf = (context: Record<string, unknown>, value = 'ready'): PersistedSnapshot => ({
  status: 'active',
  value,
  context,
});

const noFacts: ActorFacts = {
  state: 'ready',
  bucket: null,
  settled: false,
  name: null,
  objectiveId: null,
  taskId: null,
  runId: null,
  workerId: null,
};

/** A write that makes revision `revision` out of the one before. */
export const actorOf = (
  id: ActorId,
  options: {
    readonly revision?: number;
    readonly facts?: Partial<ActorFacts>;
    readonly context?: Record<string, unknown>;
  } = {},
): ActorWrite => {
  const revision = options.revision ?? 1;
  const facts = { ...noFacts, ...options.facts };
  return {
    id,
    kind: id.slice(0, id.lastIndexOf('-')) as ActorKind,
    version: '1',
    revision,
    expectedRevision: revision - 1,
    snapshot: snapshotOf(options.context ?? { n: revision, none: null }, facts.state),
    facts,
    createdAt: startOfTime,
    updatedAt: at(startOfTime + revision),
  };
};

export const entryOf = (seq: number, actor: string, rest: Partial<JournalEntry> = {}): JournalEntry => ({
  seq,
  at: at(startOfTime + seq),
  commit: seq,
  kind: 'transition',
  actor,
  machine: actor.slice(0, actor.lastIndexOf('-')),
  version: '1',
  event: { type: 'task.progressed', at: startOfTime, text: `entry ${seq}` },
  from: 'ready',
  to: 'running',
  taken: ['ready:task.start'],
  principal: 'system',
  objectiveId: null,
  taskId: null,
  runId: null,
  reason: null,
  patch: { merge: { context: { n: seq } } },
  ...rest,
});

export const outboxOf = (key: string, rest: Partial<OutboxRow> = {}): OutboxRow => ({
  key,
  actor: idOf('run', 1),
  version: '1',
  name: 'startRunner',
  lane: 'start',
  params: { runId: idOf('run', 1), epoch: 1 },
  tries: 0,
  deaths: 0,
  state: 'waiting',
  createdAt: startOfTime,
  ...rest,
});

export const artifactOf = (n: number, rest: Partial<ArtifactRow> = {}): ArtifactRow => ({
  artifactId: `artifact-${String(n).padStart(20, '0')}`,
  type: 'log',
  name: `log ${n}`,
  bytes: 12,
  sha256: 'a'.repeat(64),
  truncated: false,
  producer: 'system',
  taskId: null,
  runId: null,
  objectiveId: null,
  workerId: null,
  metadata: { exitCode: null },
  createdAt: startOfTime,
  ...rest,
});

export const batchOf = (rest: Partial<CommitBatch>): CommitBatch => ({
  owner: firstOwner,
  at: startOfTime,
  actors: [],
  journal: [],
  relations: [],
  outbox: [],
  outboxUpdates: [],
  timers: [],
  timersCleared: [],
  requests: [],
  blobs: [],
  artifacts: [],
  deadLetters: [],
  continuations: [],
  continuationsAdvanced: [],
  ...rest,
});
