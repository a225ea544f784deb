/** Takes what is archived off a memory disk: M1 to M3 of archive-row.ts. Checked whole first, then applied. */
import type { ActorId } from '../machines/ids.ts';
import type { ArchiveMove } from './archive-row.ts';
import { isSameOwner } from './commit-check.ts';
import { indexKeys, type MemoryActor, type MemoryDisk, type MemoryEntry } from './memory-disk.ts';
import type { CommitResult } from './store.ts';

/** M2. @returns null when everything fits. */
export const archiveRefusal = (disk: MemoryDisk, move: ArchiveMove): CommitResult | null => {
  const { owner, row, actors } = move;
  if (!isSameOwner(disk.owner, owner)) return { kind: 'lost' };
  const awaited = new Set<string>();
  for (const timer of disk.timers.values()) awaited.add(timer.actor);
  for (const key of disk.outbox.keys()) awaited.add(key.slice(0, key.indexOf('/')));
  for (const { of } of disk.continuations.values()) awaited.add(of);
  let entries = 0;
  for (const { id, revision } of actors) {
    const actor = disk.actors.get(id);
    const fits = actor?.revision === revision && actor.facts.settled && !awaited.has(id);
    if (!fits) return { kind: 'conflict', actor: id as ActorId };
    entries += disk.seqs.of(`actor ${id}`).length;
  }
  const isAll = entries === row.entries && namesAllArtifacts(disk, move);
  return isAll ? null : { kind: 'conflict', actor: row.subjectId as ActorId };
};

/** M1. */
export const removeArchived = (disk: MemoryDisk, { row, actors, artifacts, edges }: ArchiveMove): void => {
  for (const { id } of actors) {
    removeActor(disk, disk.actors.get(id)!);
    for (const seq of disk.seqs.of(`actor ${id}`).slice()) removeEntry(disk, disk.journal[seq - 1]!);
    for (const relation of ['member', 'dependent', 'gate']) {
      for (const { to } of disk.relations.get(`${relation} ${id}`) ?? [])
        disk.related.delete(`${relation} ${id} ${to}`);
      disk.relations.delete(`${relation} ${id}`);
    }
    disk.archived.set(id, row.subjectId);
  }
  for (const { relation, from, to } of edges) {
    disk.related.delete(`${relation} ${from} ${to}`);
    const rest = (disk.relations.get(`${relation} ${from}`) ?? []).filter((edge) => edge.to !== to);
    disk.relations.set(`${relation} ${from}`, rest);
  }
  for (const id of artifacts) {
    disk.artifacts.delete(id);
    disk.artifactIds.splice(disk.artifactIds.indexOf(id), 1);
    disk.archived.set(id, row.subjectId);
  }
  removeBlobs(disk, actors);
  disk.archives.set(row.subjectId, { ...row });
};

const namesAllArtifacts = (disk: MemoryDisk, { actors, artifacts }: ArchiveMove): boolean => {
  const named = new Set(artifacts);
  const found = artifactsOf(disk, new Set(actors.map(({ id }) => id)));
  return found.length === named.size && found.every((id) => named.has(id));
};

/** Artifacts that are about one of these. */
const artifactsOf = (disk: MemoryDisk, ids: ReadonlySet<string>): readonly string[] =>
  disk.artifactIds.filter((id) => {
    const { runId, taskId, objectiveId } = disk.artifacts.get(id)!;
    return [runId, taskId, objectiveId].some((subject) => subject !== null && ids.has(subject));
  });

/** M3. */
const removeBlobs = (disk: MemoryDisk, actors: ArchiveMove['actors']): void => {
  for (const [hash, users] of disk.blobUses) {
    const isLetGo = actors.filter(({ id }) => users.delete(id)).length > 0;
    if (!isLetGo || users.size > 0) continue;
    disk.blobUses.delete(hash);
    disk.blobs.delete(hash);
  }
};

const removeActor = (disk: MemoryDisk, actor: MemoryActor): void => {
  for (const key of indexKeys(actor.kind, actor.facts)) disk.ids.remove(key, actor.id);
  disk.actors.delete(actor.id);
  const counts = disk.counts[actor.kind];
  counts[actor.facts.state] = counts[actor.facts.state]! - 1;
  if (counts[actor.facts.state] === 0) delete counts[actor.facts.state];
};

const removeEntry = (disk: MemoryDisk, entry: MemoryEntry): void => {
  disk.journal[entry.seq - 1] = null;
  disk.seqs.remove(`actor ${entry.actor}`, entry.seq);
  for (const field of ['objectiveId', 'taskId', 'runId'] as const) {
    if (entry[field] !== null) disk.seqs.remove(`${field} ${entry[field]}`, entry.seq);
  }
};
