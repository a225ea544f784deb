/**
 * Every query of the port over one connection of the calling thread. Statements are prepared once and run to their end in the tick
 * they begin in: none is open across an await, so that none holds the log.
 */
import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACTOR_KINDS, type ActorKind } from '../machines/ids.ts';
import type { ArchiveRow } from './archive-row.ts';
import type { DeadLetter } from './dead-letter.ts';
import { pageSize, storeClosed } from './commit-check.ts';
import { createMemoryDisk } from './memory-disk.ts';
import { MemoryReader } from './memory-reader.ts';
import type { ActorMoment } from './snapshot-history.ts';
import { actorIdStatement, actorStatement } from './sqlite-actor-query.ts';
import type { Value } from './sqlite-wire.ts';
import { openingError } from './sqlite-errors.ts';
import { lastEntriesAt, momentsAt } from './sqlite-history.ts';
import { journalStatement } from './sqlite-journal-query.ts';
import { openForReading } from './sqlite-opening.ts';
import {
  actorOfRow,
  bodyOfRow,
  continuationOfRow,
  entryOfRow,
  outboxOfRow,
  requestOfRow,
  type SqliteRow,
} from './sqlite-rows.ts';
import type { ActorQuery, ArtifactRow, JournalQuery, Page, StoredActor, StoreReader, TimerRow } from './store.ts';

/** Ids that match a prefix are looked for up to here; one more than one is only for the message. */
const PREFIX_MATCHES_MAX = 20;
/** Prepared statements kept; the combinations that hosts ask for are fewer. */
const STATEMENTS_MAX = 200;

/**
 * Reads beside a living supervisor and without one. Makes no file; where there is no database everything is empty.
 * @throws ConductorError `store_damaged`, `store_too_new`, `home_read_only` (not readable for this user).
 */
export const openSqliteReader = async (path: string): Promise<StoreReader> => {
  const opened = openForReading(path);
  return opened === null ? new MemoryReader(createMemoryDisk()) : new SqliteReader(path, opened);
};

export class SqliteReader implements StoreReader {
  readonly #path: string;
  #db: DatabaseSync;
  #asItIs: boolean;
  readonly #statements = new Map<string, StatementSync>();
  readonly #tables = { statement: (sql: string) => this.#statement(sql), blob: (hash: string) => this.#blob(hash) };

  constructor(path: string, opened: { readonly db: DatabaseSync; readonly asItIs: boolean }) {
    this.#path = path;
    this.#db = opened.db;
    this.#asItIs = opened.asItIs;
  }

  protected get isOpen(): boolean {
    return this.#db.isOpen;
  }

  async getActor(id: string): Promise<StoredActor | null> {
    const row = this.#get('SELECT * FROM actor WHERE id = ?', id);
    return row === null ? null : actorOfRow(row);
  }

  async getActors(ids: readonly string[]): Promise<ReadonlyMap<string, StoredActor>> {
    const rows = this.#all('SELECT * FROM actor WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
    return new Map(rows.map((row) => [row['id'] as string, actorOfRow(row)]));
  }

  async resolvePrefix(kinds: readonly ActorKind[], prefix: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const kind of kinds) {
      const start = prefix.startsWith(`${kind}-`) ? prefix : `${kind}-${prefix}`;
      const sql = 'SELECT id FROM actor WHERE id >= ? AND id < ? ORDER BY id LIMIT ?';
      // `~` follows every character of an id.
      const rows = this.#all(sql, start, `${start}~`, PREFIX_MATCHES_MAX - found.length);
      found.push(...rows.map((row) => row['id'] as string));
    }
    return found;
  }

  async listActors(query: ActorQuery): Promise<Page<StoredActor>> {
    const { sql, values, limit } = actorStatement(query);
    const rows = this.#all(sql, ...values);
    const items = rows.slice(0, limit).map(actorOfRow);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.id : null, total: this.#totalOf(query) };
  }

  async listActorIds(query: ActorQuery): Promise<readonly string[]> {
    const { sql, values } = actorIdStatement(query);
    return this.#all(sql, ...values).map((row) => row['id'] as string);
  }

  async counts(): Promise<Readonly<Record<ActorKind, Readonly<Record<string, number>>>>> {
    const counts = Object.fromEntries(ACTOR_KINDS.map((kind) => [kind, {}])) as Record<
      ActorKind,
      Record<string, number>
    >;
    for (const { kind, state, n } of this.#all('SELECT kind, state, n FROM tally WHERE n > 0')) {
      counts[kind as ActorKind][state as string] = n as number;
    }
    return counts;
  }

  async listJournal(query: JournalQuery) {
    const { sql, values } = journalStatement(query);
    return this.#all(sql, ...values).map(entryOfRow);
  }

  async lastSeq(): Promise<number> {
    return this.#get('SELECT last_seq FROM store')!['last_seq'] as number;
  }

  async snapshotAt(actor: string, seq: number) {
    return this.#momentsAt([actor], seq).get(actor)?.snapshot ?? null;
  }

  async momentsAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, ActorMoment>> {
    return this.#momentsAt(actors, seq);
  }

  async lastEntriesAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, number>> {
    return this.#read(() => lastEntriesAt(this.#tables, actors, seq));
  }

  async getBlob(hash: string): Promise<Uint8Array | null> {
    return this.#blob(hash);
  }

  async blobsOf(actors: readonly string[]): Promise<readonly string[]> {
    pageSize(actors.length);
    const sql = 'SELECT DISTINCT hash FROM blob_use WHERE actor IN (SELECT value FROM json_each(?))';
    return this.#all(sql, JSON.stringify(actors)).map((row) => row['hash'] as string);
  }

  async listArtifacts(query: Parameters<StoreReader['listArtifacts']>[0]): Promise<Page<ArtifactRow>> {
    const limit = pageSize(query.limit);
    const asked = (
      [
        ['runId', 'run_id'],
        ['taskId', 'task_id'],
        ['objectiveId', 'objective_id'],
        ['type', 'type'],
      ] as const
    ).filter(([field]) => query[field] !== undefined);
    const conditions = asked.map(([, column], index) => `${index === 0 ? '' : '+'}${column} = ? AND `).join('');
    const sql = `SELECT body FROM artifact WHERE ${conditions}artifact_id < ? ORDER BY artifact_id DESC LIMIT ?`;
    const rows = this.#all(sql, ...asked.map(([field]) => query[field]!), query.after ?? '~', limit + 1);
    const items = rows.slice(0, limit).map((row) => bodyOfRow(row) as ArtifactRow);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.artifactId : null, total: null };
  }

  async getArtifact(id: string): Promise<ArtifactRow | null> {
    const row = this.#get('SELECT body FROM artifact WHERE artifact_id = ?', id);
    return row === null ? null : (bodyOfRow(row) as ArtifactRow);
  }

  async namedHashes(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    pageSize(hashes.length);
    const sql = `SELECT DISTINCT body ->> '$.sha256' AS hash FROM artifact INDEXED BY artifact_by_hash
      WHERE body ->> '$.sha256' IN (SELECT value FROM json_each(?))`;
    return new Set(this.#all(sql, JSON.stringify(hashes)).map((row) => row['hash'] as string));
  }

  async listRelation(...[relation, from, { after, until, limit }]: Parameters<StoreReader['listRelation']>) {
    const sql = `SELECT row, target FROM relation INDEXED BY relation_by_row
      WHERE relation = ? AND source = ? AND row > ? AND row <= ? ORDER BY row LIMIT ?`;
    const rows = this.#all(sql, relation, from, after, until ?? Number.MAX_SAFE_INTEGER, pageSize(limit));
    return rows.map((row) => ({ row: row['row'] as number, to: row['target'] as string }));
  }

  async lastRelationRow(): Promise<number> {
    return this.#get('SELECT last_row FROM store')!['last_row'] as number;
  }

  async getRequest(requestId: string) {
    const row = this.#get('SELECT * FROM request WHERE request_id = ?', requestId);
    return row === null ? null : requestOfRow(row);
  }

  async listOutbox() {
    return this.#all('SELECT * FROM outbox ORDER BY row').map(outboxOfRow);
  }

  async listTimers(): Promise<readonly TimerRow[]> {
    const rows = this.#all('SELECT actor, key, due_at AS dueAt, event FROM timer ORDER BY due_at');
    return rows.map((row) => ({ ...row }) as TimerRow);
  }

  async listContinuations() {
    return this.#all('SELECT * FROM continuation ORDER BY id').map(continuationOfRow);
  }

  async listDeadLetters(limit: number): Promise<readonly DeadLetter[]> {
    const rows = this.#all('SELECT body FROM dead_letter ORDER BY row DESC LIMIT ?', pageSize(limit));
    return rows.map((row) => bodyOfRow(row) as DeadLetter);
  }

  async listArchived({ limit, after }: Parameters<StoreReader['listArchived']>[0]): Promise<Page<ArchiveRow>> {
    const size = pageSize(limit);
    const sql = 'SELECT body FROM archive WHERE subject_id < ? ORDER BY subject_id DESC LIMIT ?';
    const rows = this.#all(sql, after ?? '~', size + 1);
    const items = rows.slice(0, size).map((row) => bodyOfRow(row) as ArchiveRow);
    return { items, nextCursor: rows.length > size ? items.at(-1)!.subjectId : null, total: null };
  }

  async findArchived(id: string): Promise<ArchiveRow | null> {
    const sql = 'SELECT body FROM archive WHERE subject_id = (SELECT subject_id FROM archived WHERE id = ?)';
    const row = this.#get(sql, id);
    return row === null ? null : (bodyOfRow(row) as ArchiveRow);
  }

  async close(): Promise<void> {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #momentsAt(actors: readonly string[], seq: number): ReadonlyMap<string, ActorMoment> {
    return this.#read(() => momentsAt(this.#tables, actors, seq));
  }

  #blob(hash: string): Uint8Array | null {
    return (this.#get('SELECT data FROM blob WHERE hash = ?', hash)?.['data'] ?? null) as Uint8Array | null;
  }

  /** Only where a kept count gives it. */
  #totalOf({ kind, state, limit: _limit, after: _after, order: _order, ...rest }: ActorQuery): number | null {
    if (Object.values(rest).some((value) => value !== undefined && value !== false)) return null;
    const sql = `SELECT coalesce(sum(n), 0) AS total FROM tally WHERE kind = ?${state === undefined ? '' : ' AND state = ?'}`;
    return this.#get(sql, kind, ...(state === undefined ? [] : [state]))!['total'] as number;
  }

  #get(sql: string, ...values: Value[]): SqliteRow | null {
    return this.#read(() => this.#statement(sql).get(...values) ?? null);
  }

  #all(sql: string, ...values: Value[]): readonly SqliteRow[] {
    return this.#read(() => this.#statement(sql).all(...values));
  }

  #read<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw openingError(error, this.#path);
    }
  }

  #statement(sql: string): StatementSync {
    if (!this.#db.isOpen) throw storeClosed();
    if (this.#asItIs && existsSync(`${this.#path}-wal`)) this.#openAgain();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Somebody writes now: from here on with locks, and with what stands in the log. */
  #openAgain(): void {
    const opened = openForReading(this.#path);
    if (opened === null) return;
    this.#statements.clear();
    this.#db.close();
    this.#db = opened.db;
    this.#asItIs = opened.asItIs;
  }
}
