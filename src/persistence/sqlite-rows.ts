/** From rows back to values of the port; the other way is in sqlite-batch.ts. */
import { kindOfId, type ActorId, type ActorKind } from '../machines/ids.ts';
import type { Continuation, JournalEntry, OutboxRow, StoredActor, StoredRequest } from './store.ts';

export type SqliteRow = Readonly<Record<string, unknown>>;

const parse = (text: unknown): never => JSON.parse(text as string) as never;

export const actorOfRow = (row: SqliteRow): StoredActor => ({
  id: row['id'] as ActorId,
  kind: kindOfId(row['id'] as string) as ActorKind,
  version: row['version'] as string,
  revision: row['revision'] as number,
  snapshot: parse(row['snapshot']),
  facts: {
    state: row['state'] as string,
    bucket: row['bucket'] as string | null,
    settled: row['settled'] === 1,
    name: row['name'] as string | null,
    objectiveId: row['objective_id'] as string | null,
    taskId: row['task_id'] as string | null,
    runId: row['run_id'] as string | null,
    workerId: row['worker_id'] as string | null,
  },
  createdAt: row['created_at'] as StoredActor['createdAt'],
  updatedAt: row['updated_at'] as StoredActor['updatedAt'],
});

export const entryOfRow = (row: SqliteRow): JournalEntry => ({
  seq: row['seq'] as number,
  at: row['at'] as JournalEntry['at'],
  commit: row['commit_seq'] as number,
  kind: row['kind'] as JournalEntry['kind'],
  actor: row['actor'] as string,
  objectiveId: row['objective_id'] as string | null,
  taskId: row['task_id'] as string | null,
  runId: row['run_id'] as string | null,
  ...(parse(row['body']) as Pick<
    JournalEntry,
    'machine' | 'version' | 'event' | 'from' | 'to' | 'taken' | 'principal' | 'reason' | 'patch'
  >),
});

export const patchOfRow = (row: SqliteRow): Pick<JournalEntry, 'seq' | 'at' | 'version' | 'patch'> => {
  const { version, patch } = parse(row['body']) as Pick<JournalEntry, 'version' | 'patch'>;
  return { seq: row['seq'] as number, at: row['at'] as JournalEntry['at'], version, patch };
};

export const outboxOfRow = (row: SqliteRow): OutboxRow => ({
  ...(parse(row['body']) as OutboxRow),
  key: row['key'] as string,
  state: row['state'] as OutboxRow['state'],
  tries: row['tries'] as number,
  deaths: row['deaths'] as number,
});

export const requestOfRow = (row: SqliteRow): StoredRequest => ({
  requestId: row['request_id'] as string,
  hash: row['hash'] as string,
  at: row['at'] as StoredRequest['at'],
  result: row['result'] === null ? undefined : parse(row['result']),
});

export const continuationOfRow = (row: SqliteRow): Continuation => ({
  ...(parse(row['body']) as Continuation),
  id: row['id'] as number,
  afterRow: row['after_row'] as number,
  untilRow: row['until_row'] as number,
});

/** Artifacts and dead letters are kept whole; their columns only repeat what queries filter by. */
export const bodyOfRow = (row: SqliteRow): unknown => JSON.parse(row['body'] as string);
