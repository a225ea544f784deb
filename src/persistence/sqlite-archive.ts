/**
 * Takes the rows of what is archived out of the tables, and old dead letters: the writer's side, in its own thread.
 *
 * M1 to M3 of archive-row.ts hold here: whatever does not fit rolls everything back.
 */
import type { DatabaseSync } from 'node:sqlite';
import { kindOfId } from '../machines/ids.ts';
import type { ArchiveMove } from './archive-row.ts';
import type { WireResult } from './sqlite-commit.ts';
import { classifyFailure } from './sqlite-errors.ts';
import { settleTail } from './sqlite-journal-tail.ts';
import type { Owner } from './store.ts';

export const archiveRows = (db: DatabaseSync, move: ArchiveMove): WireResult => {
  try {
    db.exec('BEGIN IMMEDIATE');
    const refusal = isOwner(db, move.owner) ? removeRows(db, move) : ({ kind: 'lost' } as const);
    if (refusal !== null) {
      db.exec('ROLLBACK');
      return refusal;
    }
    addIndex(db, move);
  } catch (cause) {
    const result: WireResult = { kind: 'failed', ...classifyFailure(cause), cause };
    return rollBack(db) ?? result;
  }
  try {
    db.exec('COMMIT');
  } catch (cause) {
    return { kind: 'unknown', cause };
  }
  return { kind: 'committed' };
};

/** @returns how many rows went; 0 when this is not the owner any more. */
export const pruneDeadLetterRows = (db: DatabaseSync, owner: Owner, keep: number): number => {
  const { epoch, instance } = owner;
  const prune = db.prepare(`DELETE FROM dead_letter
    WHERE row <= (SELECT row FROM dead_letter ORDER BY row DESC LIMIT 1 OFFSET ?)
      AND EXISTS (SELECT 1 FROM store WHERE epoch = ? AND instance = ?)`);
  return Number(prune.run(keep, epoch, instance).changes);
};

const isOwner = (db: DatabaseSync, { epoch, instance }: Owner): boolean =>
  db.prepare('SELECT 1 FROM store WHERE id = 1 AND epoch = ? AND instance = ?').get(epoch, instance) !== undefined;

/** M2. @returns null when all went. */
const removeRows = (db: DatabaseSync, move: ArchiveMove): WireResult | null => {
  const { row, actors, edges } = move;
  const removeActor = db.prepare(
    'DELETE FROM actor WHERE id = ? AND revision = ? AND settled = 1 RETURNING state AS state',
  );
  const waits = db.prepare(`SELECT 1 WHERE EXISTS (SELECT 1 FROM timer WHERE actor = ?1)
    OR EXISTS (SELECT 1 FROM outbox WHERE key > ?1 || '/' AND key < ?1 || '0')
    OR EXISTS (SELECT 1 FROM continuation WHERE json_extract(body, '$.of') = ?1)`);
  const removeEntries = db.prepare('DELETE FROM journal WHERE actor = ?');
  const removeEdges = db.prepare(
    "DELETE FROM relation WHERE relation IN ('member', 'dependent', 'gate') AND source = ?",
  );
  const count = db.prepare('UPDATE tally SET n = n - 1 WHERE kind = ? AND state = ?');
  settleTail(db);
  let entries = 0;
  for (const { id, revision } of actors) {
    const removed = removeActor.get(id, revision);
    if (removed === undefined || waits.get(id) !== undefined) return { kind: 'conflict', actor: id };
    count.run(kindOfId(id) ?? 'unknown', removed['state'] as string);
    entries += Number(removeEntries.run(id).changes);
    removeEdges.run(id);
  }
  const removeEdge = db.prepare('DELETE FROM relation WHERE relation = ? AND source = ? AND target = ?');
  for (const { relation, from, to } of edges) removeEdge.run(relation, from, to);
  removeBlobs(db, actors);
  const isAll = entries === row.entries && removeArtifacts(db, move);
  return isAll ? null : { kind: 'conflict', actor: row.subjectId };
};

/** @returns whether all that were named were there, and no other is about one of the actors. */
const removeArtifacts = (db: DatabaseSync, { actors, artifacts }: ArchiveMove): boolean => {
  const remove = db.prepare('DELETE FROM artifact WHERE artifact_id = ?');
  for (const id of artifacts) if (Number(remove.run(id).changes) !== 1) return false;
  const left = db.prepare(`SELECT 1 WHERE EXISTS (SELECT 1 FROM artifact WHERE run_id = ?1)
    OR EXISTS (SELECT 1 FROM artifact WHERE task_id = ?1) OR EXISTS (SELECT 1 FROM artifact WHERE objective_id = ?1)`);
  return actors.every(({ id }) => left.get(id) === undefined);
};

/** M3. */
const removeBlobs = (db: DatabaseSync, actors: ArchiveMove['actors']): void => {
  const letGo = db.prepare('DELETE FROM blob_use WHERE actor = ? RETURNING hash AS hash');
  const hashes = new Set(actors.flatMap(({ id }) => letGo.all(id).map((row) => row['hash'] as string)));
  const remove = db.prepare('DELETE FROM blob WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_use WHERE hash = ?1)');
  for (const hash of hashes) remove.run(hash);
};

const addIndex = (db: DatabaseSync, { row, actors, artifacts }: ArchiveMove): void => {
  db.prepare('INSERT INTO archive VALUES (?, ?)').run(row.subjectId, JSON.stringify(row));
  const add = db.prepare('INSERT INTO archived VALUES (?, ?)');
  for (const id of [...actors.map((actor) => actor.id), ...artifacts]) add.run(id, row.subjectId);
  // Opening compares the journal's end with what was counted.
  db.exec(
    `UPDATE store SET gap_to = last_seq, gap_from = coalesce((SELECT seq FROM journal ORDER BY seq DESC LIMIT 1), 0)`,
  );
};

/** SQLite has already rolled back by itself after some errors. @returns null when that was possible. */
const rollBack = (db: DatabaseSync): WireResult | null => {
  try {
    if (db.isTransaction) db.exec('ROLLBACK');
    return null;
  } catch (cause) {
    return { kind: 'unknown', cause };
  }
};
