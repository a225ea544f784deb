/**
 * The tables of `conductor.db` and the steps that lead from one version of them to the next.
 *
 * Ids begin with their kind, so a range of ids is a kind: no index needs a column for it, and every index ends with the id, which is
 * the order of every list. Each index costs every commit that touches its columns; each is named by the query that needs it.
 */
import type { DatabaseSync } from 'node:sqlite';

/** "Cndc": marks the file as ours. */
export const APPLICATION_ID = 0x436e6463;
/** Version of the tables; stands in `user_version`. */
export const SCHEMA_VERSION = 4;

/** Bytes of a page. A snapshot is about half of one. */
const PAGE_BYTES = 4_096;

/** Version 1. */
const TABLES = `
-- One row: who may write, and where counting goes on.
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  instance TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  last_row INTEGER NOT NULL,
  clean INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 0, '', 0, 0, 1);

CREATE TABLE actor (
  id TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  bucket TEXT,
  settled INTEGER NOT NULL,
  name TEXT,
  objective_id TEXT,
  task_id TEXT,
  run_id TEXT,
  worker_id TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  snapshot TEXT NOT NULL
) STRICT;
CREATE INDEX actor_by_state ON actor (state, id);
CREATE INDEX actor_by_bucket ON actor (bucket, id) WHERE bucket IS NOT NULL;
CREATE INDEX actor_by_objective ON actor (objective_id, id) WHERE objective_id IS NOT NULL;
CREATE INDEX actor_by_objective_state ON actor (objective_id, state, id) WHERE objective_id IS NOT NULL;
CREATE INDEX actor_by_objective_bucket ON actor (objective_id, bucket, id) WHERE bucket IS NOT NULL;
CREATE INDEX actor_by_task ON actor (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX actor_by_run ON actor (run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX actor_by_worker ON actor (worker_id, id) WHERE worker_id IS NOT NULL;
CREATE INDEX actor_by_name ON actor (name, id) WHERE name IS NOT NULL;
CREATE INDEX actor_live ON actor (id) WHERE settled = 0;

-- Actors by kind and state; kept by the commits, so that nobody counts.
CREATE TABLE tally (
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (kind, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  commit_seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  type TEXT NOT NULL,
  objective_id TEXT,
  task_id TEXT,
  run_id TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_actor ON journal (actor);
CREATE INDEX journal_by_objective ON journal (objective_id) WHERE objective_id IS NOT NULL;
-- Only what is not found by actor or task (sqlite-journal-query.ts): each index that is missing here is a fifth less to write.
CREATE INDEX journal_about_task ON journal (task_id) WHERE task_id <> actor;
CREATE INDEX journal_about_run ON journal (run_id) WHERE run_id <> actor AND task_id IS NULL;
CREATE INDEX journal_by_type ON journal (type);

CREATE TABLE relation (
  relation TEXT NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY (relation, source, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_by_row ON relation (relation, source, row);

-- Rows that are done are deleted: the number of the newest living row gives the order.
CREATE TABLE outbox (
  row INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE timer (
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

-- A replaced request gets a new row: rows are in order of age.
CREATE TABLE request (
  row INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  result TEXT
) STRICT;

CREATE TABLE blob (hash TEXT NOT NULL UNIQUE, data BLOB NOT NULL) STRICT;

CREATE TABLE artifact (
  artifact_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  objective_id TEXT,
  task_id TEXT,
  run_id TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX artifact_by_type ON artifact (type, artifact_id);
CREATE INDEX artifact_by_objective ON artifact (objective_id, artifact_id) WHERE objective_id IS NOT NULL;
CREATE INDEX artifact_by_task ON artifact (task_id, artifact_id) WHERE task_id IS NOT NULL;
CREATE INDEX artifact_by_run ON artifact (run_id, artifact_id) WHERE run_id IS NOT NULL;

CREATE TABLE dead_letter (row INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;

CREATE TABLE continuation (
  id INTEGER PRIMARY KEY,
  after_row INTEGER NOT NULL,
  until_row INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
`;

/** Version 2: the archive. */
const ARCHIVE_TABLES = `
-- The journal lacks its last entries when they were archived: after gap_from there is none up to gap_to.
ALTER TABLE store ADD COLUMN gap_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN gap_to INTEGER NOT NULL DEFAULT 0;
CREATE TABLE archive (objective_id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE archived_actor (id TEXT NOT NULL PRIMARY KEY, objective_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Version 3: an index page of the journal is written for many entries, not for each. */
const JOURNAL_TAIL_TABLE = `
-- The newest entries, all of them after those in journal; without indexes, because it is short (sqlite-journal-tail.ts).
CREATE TABLE journal_tail (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  commit_seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  type TEXT NOT NULL,
  objective_id TEXT,
  task_id TEXT,
  run_id TEXT,
  body TEXT NOT NULL
) STRICT;
`;

/** Version 4: what is archived lets go of its blobs and of the files of its artifacts; tasks of no objective are archived too. */
const USE_TABLES = `
-- Who names a blob: the last one that goes takes it along. Whole from the first row on, or a blob could go that somebody needs.
CREATE TABLE blob_use (hash TEXT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (hash, actor)) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_by_actor ON blob_use (actor);
INSERT OR IGNORE INTO blob_use SELECT snapshot ->> '$.context.spec', id FROM actor
  WHERE id > 'task-' AND id < 'task.' AND snapshot ->> '$.context.spec' IS NOT NULL;
INSERT OR IGNORE INTO blob_use
  SELECT coalesce(body ->> '$.event.input.spec', body ->> '$.event.spec'), actor
  FROM (SELECT type, actor, body FROM journal UNION ALL SELECT type, actor, body FROM journal_tail)
  WHERE type IN ('task.created', 'task.update')
    AND coalesce(body ->> '$.event.input.spec', body ->> '$.event.spec') IS NOT NULL;
INSERT OR IGNORE INTO blob_use SELECT body ->> '$.patch.blob', actor
  FROM (SELECT actor, body FROM journal UNION ALL SELECT actor, body FROM journal_tail)
  WHERE body ->> '$.patch.blob' IS NOT NULL;
-- A spec names the blob of a long prompt.
INSERT OR IGNORE INTO blob_use SELECT prompt, actor FROM (
  SELECT CASE WHEN json_valid(CAST(data AS TEXT)) THEN CAST(data AS TEXT) ->> '$.promptBlob' END AS prompt, actor
  FROM blob_use JOIN blob USING (hash)) WHERE prompt IS NOT NULL;

-- Rows are written once: which files of evidence are still named is asked, not counted.
CREATE INDEX artifact_by_hash ON artifact (body ->> '$.sha256');
CREATE INDEX actor_loose ON actor (state, id) WHERE objective_id IS NULL;

ALTER TABLE archive RENAME COLUMN objective_id TO subject_id;
UPDATE archive SET body = json_remove(json_set(body, '$.subjectId', body ->> '$.objectiveId'), '$.objectiveId');
ALTER TABLE archived_actor RENAME COLUMN objective_id TO subject_id;
ALTER TABLE archived_actor RENAME TO archived;
`;

/** Step n leads from version n + 1 to n + 2; each runs in the transaction of all. A new store is made by the same steps. */
const MIGRATIONS: readonly string[] = [ARCHIVE_TABLES, JOURNAL_TAIL_TABLE, USE_TABLES];

/** Makes the tables in an empty database, whole or not at all. */
export const createSchema = (db: DatabaseSync): void => {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec(`BEGIN IMMEDIATE; ${TABLES} ${MIGRATIONS.join('')}
    PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
};

/** Brings tables of an older version to this one, whole or not at all. */
export const migrateSchema = (db: DatabaseSync, from: number): void => {
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of MIGRATIONS.slice(from - 1)) db.exec(step);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
};
