/**
 * One commit to a memory disk: checked whole and turned into text first, applied without an await after.
 *
 * C1. Whatever can fail comes before the first change: a batch that is refused leaves no trace.
 * C2. What the caller handed in is never kept; a later change to it does not reach the disk.
 */
import { failed, isSameOwner, journalGap, REQUEST_KEPT_MS, REQUESTS_PRUNED_MAX } from './commit-check.ts';
import { indexKeys, insertSorted, type MemoryActor, type MemoryDisk } from './memory-disk.ts';
import type { ActorWrite, CommitBatch, CommitResult, JournalEntry } from './store.ts';

/** Everything a database would refuse, in the order in which it would. */
export const refusalOf = (disk: MemoryDisk, batch: CommitBatch): CommitResult | null => {
  if (!isSameOwner(disk.owner, batch.owner)) return { kind: 'lost' };
  const gap = journalGap(batch, disk.lastSeq);
  if (gap !== null) return failed(gap);
  const revisions = new Map<string, number>();
  for (const { id, expectedRevision, revision } of batch.actors) {
    if ((revisions.get(id) ?? disk.actors.get(id)?.revision ?? 0) !== expectedRevision) {
      return { kind: 'conflict', actor: id };
    }
    revisions.set(id, revision);
  }
  const keys = new Set<string>();
  for (const { key } of batch.outbox) {
    if (disk.outbox.has(key) || keys.has(key)) return failed(new Error(`Outbox row ${key} exists.`));
    keys.add(key);
  }
  return null;
};

/** Turns the batch into text, which may throw, and returns what writes it, which cannot. */
export const prepareCommit = (disk: MemoryDisk, batch: CommitBatch): (() => void) => {
  const actors = batch.actors.map(toMemoryActor);
  const entries = batch.journal.map((entry) => JSON.stringify(entry));
  const requests = batch.requests.map((request) => ({ ...request, text: JSON.stringify(request) }));
  const deadLetters = batch.deadLetters.map((letter) => JSON.stringify(letter));
  const [outbox, artifacts, continuations] = plain([batch.outbox, batch.artifacts, batch.continuations] as const);
  return () => {
    for (const actor of actors) putActor(disk, actor);
    for (const [index, text] of entries.entries()) putEntry(disk, batch.journal[index]!, text);
    putRelations(disk, batch);
    putOutbox(disk, outbox, batch.outboxUpdates);
    putTimers(disk, batch);
    pruneRequests(disk, batch.at);
    for (const { requestId, at, text } of requests) {
      disk.requests.delete(requestId);
      disk.requests.set(requestId, { at, text });
    }
    putBlobs(disk, batch.blobs);
    for (const artifact of artifacts) putArtifact(disk, artifact);
    disk.deadLetters.push(...deadLetters);
    putContinuations(disk, continuations, batch.continuationsAdvanced);
  };
};

const plain = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

const toMemoryActor = (write: ActorWrite): MemoryActor => ({
  id: write.id,
  kind: write.kind,
  version: write.version,
  revision: write.revision,
  snapshot: JSON.stringify(write.snapshot),
  facts: { ...write.facts },
  createdAt: write.createdAt,
  updatedAt: write.updatedAt,
});

const putActor = (disk: MemoryDisk, next: MemoryActor): void => {
  const before = disk.actors.get(next.id);
  disk.actors.set(next.id, next);
  const counts = disk.counts[next.kind];
  const newKeys = indexKeys(next.kind, next.facts);
  const oldKeys = before === undefined ? [] : indexKeys(before.kind, before.facts);
  for (const key of oldKeys) if (!newKeys.includes(key)) disk.ids.remove(key, next.id);
  for (const key of newKeys) if (!oldKeys.includes(key)) disk.ids.add(key, next.id);
  if (before?.facts.state === next.facts.state) return;
  counts[next.facts.state] = (counts[next.facts.state] ?? 0) + 1;
  if (before === undefined) return;
  counts[before.facts.state] = counts[before.facts.state]! - 1;
  if (counts[before.facts.state] === 0) delete counts[before.facts.state];
};

const putEntry = (disk: MemoryDisk, entry: JournalEntry, text: string): void => {
  const { seq, actor, objectiveId, taskId, runId, event } = entry;
  disk.journal.push({ seq, actor, objectiveId, taskId, runId, type: event.type, text });
  disk.lastSeq = seq;
  disk.seqs.add(`actor ${actor}`, seq);
  if (objectiveId !== null) disk.seqs.add(`objectiveId ${objectiveId}`, seq);
  if (taskId !== null) disk.seqs.add(`taskId ${taskId}`, seq);
  if (runId !== null) disk.seqs.add(`runId ${runId}`, seq);
};

const putRelations = (disk: MemoryDisk, batch: CommitBatch): void => {
  for (const { relation, from, to } of batch.relations) {
    const edge = `${relation} ${from} ${to}`;
    disk.lastRow += 1;
    if (disk.related.has(edge)) continue;
    disk.related.add(edge);
    const list = disk.relations.get(`${relation} ${from}`) ?? [];
    list.push({ row: disk.lastRow, to });
    disk.relations.set(`${relation} ${from}`, list);
  }
};

const putOutbox = (disk: MemoryDisk, rows: CommitBatch['outbox'], updates: CommitBatch['outboxUpdates']): void => {
  for (const row of rows) disk.outbox.set(row.key, row);
  for (const { key, state, tries, deaths } of updates) {
    const row = disk.outbox.get(key);
    if (row === undefined) continue;
    if (state === 'done' || state === 'failed') disk.outbox.delete(key);
    else disk.outbox.set(key, { ...row, state, tries, deaths });
  }
};

const putBlobs = (disk: MemoryDisk, blobs: CommitBatch['blobs']): void => {
  for (const { hash, data, usedBy } of blobs) {
    if (!disk.blobs.has(hash)) disk.blobs.set(hash, data.slice());
    const users = disk.blobUses.get(hash) ?? new Set();
    for (const actor of usedBy) users.add(actor);
    disk.blobUses.set(hash, users);
  }
};

const putTimers = (disk: MemoryDisk, { timersCleared, timers }: CommitBatch): void => {
  for (const { actor, key } of timersCleared) disk.timers.delete(`${actor} ${key}`);
  for (const { actor, key, dueAt, event } of timers) disk.timers.set(`${actor} ${key}`, { actor, key, dueAt, event });
};

const putContinuations = (
  disk: MemoryDisk,
  rows: CommitBatch['continuations'],
  advanced: CommitBatch['continuationsAdvanced'],
): void => {
  for (const row of rows) disk.continuations.set(row.id, row);
  for (const { id, afterRow } of advanced) {
    const row = disk.continuations.get(id);
    if (row === undefined) continue;
    if (afterRow >= row.untilRow) disk.continuations.delete(id);
    else disk.continuations.set(id, { ...row, afterRow });
  }
};

const putArtifact = (disk: MemoryDisk, artifact: CommitBatch['artifacts'][number]): void => {
  if (disk.artifacts.has(artifact.artifactId)) return;
  disk.artifacts.set(artifact.artifactId, artifact);
  insertSorted(disk.artifactIds, artifact.artifactId);
};

const pruneRequests = (disk: MemoryDisk, now: number): void => {
  let left = REQUESTS_PRUNED_MAX;
  for (const [id, { at }] of disk.requests) {
    if (at >= now - REQUEST_KEPT_MS || left === 0) return;
    disk.requests.delete(id);
    left -= 1;
  }
};
