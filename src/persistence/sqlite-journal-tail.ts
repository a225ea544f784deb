/**
 * The newest entries of the journal stand in a table of their own, without indexes, until there are enough of them to be moved
 * together. What 64 actors write in turn lies on 64 pages of an index; moved at once, each page is written for many entries.
 *
 * T1. Every entry of the tail comes after every entry of the journal; entries of one commit stand in one of them.
 * T2. Who reads entries reads both in one statement: between two of them the tail may have been moved.
 */
import type { DatabaseSync } from 'node:sqlite';

/** Entries of the tail after a commit, at most. Read whole by every query for an actor, a task, a type: a third of a ms. */
export const TAIL_ENTRIES_MAX = 1_024;

export const INSERT_TAIL = 'INSERT INTO journal_tail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';

/** The last entry there is; T1. */
export const SELECT_LAST_SEQ = `SELECT coalesce((SELECT seq FROM journal_tail ORDER BY seq DESC LIMIT 1),
  (SELECT seq FROM journal ORDER BY seq DESC LIMIT 1), 0) AS seq`;

/** Moves the tail into the journal, within the transaction of the caller. */
export const settleTail = (db: DatabaseSync): void => {
  db.exec('INSERT INTO journal SELECT * FROM journal_tail; DELETE FROM journal_tail');
};

export const countTail = (db: DatabaseSync): number =>
  db.prepare('SELECT count(*) AS n FROM journal_tail').get()!['n'] as number;
