/**
 * A batch as it crosses to the writer's thread: per table the values of its rows, JSON already text, in the order of the statement
 * that binds them. Whatever cannot be written as JSON throws here, before anything is sent.
 */
import { packTables, unpackTables, type Packed, type Row } from './sqlite-wire.ts';
import type { ActorWrite, ArtifactRow, CommitBatch, JournalEntry } from './store.ts';

/** Fact columns, in the order in which they stand in an actor's row. */
export const FACT_COLUMNS = [
  'state',
  'bucket',
  'settled',
  'name',
  'objective_id',
  'task_id',
  'run_id',
  'worker_id',
] as const;

/** Columns of a row of `actors`: id, created_at, the revision it must have, those that always change, then the facts. */
export const ALWAYS_COLUMNS = ['version', 'revision', 'snapshot', 'updated_at'] as const;
export const ALWAYS_AT = 3;
export const FACTS_AT = ALWAYS_AT + ALWAYS_COLUMNS.length;

/** Tables of a batch, in the order in which they are written. */
const TABLES = [
  'actors',
  'journal',
  'relations',
  'outbox',
  'outboxUpdates',
  'timersCleared',
  'timers',
  'requests',
  'blobs',
  'blobUses',
  'artifacts',
  'deadLetters',
  'continuations',
  'continuationsAdvanced',
] as const;
type Tables = Readonly<Record<(typeof TABLES)[number], readonly Row[]>>;

type Head = {
  readonly epoch: number;
  readonly instance: string;
  readonly at: number;
  /** Of the first journal entry; 0 without one. */
  readonly firstSeq: number;
};

export type WireBatch = Head & Packed;
export type RowBatch = Head & Tables;

export const encodeBatch = (batch: CommitBatch): WireBatch => {
  const tables: Tables = {
    actors: batch.actors.map(encodeActor),
    journal: batch.journal.map(encodeEntry),
    relations: batch.relations.map(({ relation, from, to }) => [relation, from, to]),
    outbox: batch.outbox.map(({ key, state, tries, deaths, ...body }) => [
      key,
      state,
      tries,
      deaths,
      JSON.stringify(body),
    ]),
    outboxUpdates: batch.outboxUpdates.map(({ key, state, tries, deaths }) => [state, tries, deaths, key]),
    timersCleared: batch.timersCleared.map(({ actor, key }) => [actor, key]),
    timers: batch.timers.map(({ actor, key, dueAt, event }) => [actor, key, dueAt, event]),
    requests: batch.requests.map(({ requestId, hash, at, result }) => [
      requestId,
      hash,
      at,
      JSON.stringify(result) ?? null,
    ]),
    blobs: batch.blobs.map(({ hash, data }) => [hash, data]),
    blobUses: batch.blobs.flatMap(({ hash, usedBy }) => usedBy.map((actor) => [hash, actor])),
    artifacts: batch.artifacts.map(encodeArtifact),
    deadLetters: batch.deadLetters.map((letter) => [JSON.stringify(letter)]),
    continuations: batch.continuations.map(({ id, afterRow, untilRow, ...body }) => [
      id,
      afterRow,
      untilRow,
      JSON.stringify(body),
    ]),
    continuationsAdvanced: batch.continuationsAdvanced.map(({ id, afterRow }) => [afterRow, id]),
  };
  return {
    epoch: batch.owner.epoch,
    instance: batch.owner.instance,
    at: batch.at,
    firstSeq: batch.journal[0]?.seq ?? 0,
    ...packTables(TABLES.map((table) => tables[table])),
  };
};

export const decodeBatch = ({ epoch, instance, at, firstSeq, ...packed }: WireBatch): RowBatch => {
  const rows = unpackTables(packed);
  const tables = Object.fromEntries(TABLES.map((table, index) => [table, rows[index]!])) as Record<keyof Tables, Row[]>;
  return { epoch, instance, at, firstSeq, ...tables };
};

const encodeArtifact = (row: ArtifactRow): Row => [
  row.artifactId,
  row.type,
  row.objectiveId,
  row.taskId,
  row.runId,
  JSON.stringify(row),
];

const encodeActor = ({
  id,
  createdAt,
  expectedRevision,
  version,
  revision,
  snapshot,
  updatedAt,
  facts,
}: ActorWrite): Row => [
  id,
  createdAt,
  expectedRevision,
  version,
  revision,
  JSON.stringify(snapshot),
  updatedAt,
  facts.state,
  facts.bucket,
  facts.settled ? 1 : 0,
  facts.name,
  facts.objectiveId,
  facts.taskId,
  facts.runId,
  facts.workerId,
];

const encodeEntry = (entry: JournalEntry): Row => [
  entry.seq,
  entry.at,
  entry.commit,
  entry.kind,
  entry.actor,
  entry.event.type,
  entry.objectiveId,
  entry.taskId,
  entry.runId,
  JSON.stringify({
    machine: entry.machine,
    version: entry.version,
    event: entry.event,
    from: entry.from,
    to: entry.to,
    taken: entry.taken,
    principal: entry.principal,
    reason: entry.reason,
    patch: entry.patch,
  }),
];
