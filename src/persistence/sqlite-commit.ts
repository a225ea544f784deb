/**
 * One batch, one transaction: the writer's side of `commit`, in its own thread.
 *
 * W1. The owner is checked first, in the transaction: nobody else's batch gets further than that.
 * W2. Whatever fails before COMMIT is rolled back. When COMMIT itself fails nothing is known, and nothing is written ever after.
 * W3. A write touches only the indexes whose facts changed. The facts it compares with are those this writer committed last; the
 *     revision in the statement guards against anything else.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { kindOfId } from '../machines/ids.ts';
import { REQUEST_KEPT_MS, REQUESTS_PRUNED_MAX } from './commit-check.ts';
import {
  ALWAYS_AT,
  ALWAYS_COLUMNS,
  decodeBatch,
  FACT_COLUMNS,
  FACTS_AT,
  type RowBatch,
  type WireBatch,
} from './sqlite-batch.ts';
import { classifyFailure } from './sqlite-errors.ts';
import { countTail, INSERT_TAIL, settleTail } from './sqlite-journal-tail.ts';
import type { Row, Value } from './sqlite-wire.ts';

/** What crosses back: `CommitResult` with a cause that survives the journey between threads. */
export type WireResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict'; readonly actor: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly io: boolean; readonly code: 'store_full' | 'internal'; readonly cause: unknown }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** Facts kept in memory, a few hundred bytes each; what is not kept is read again. */
const FACTS_KEPT_MAX = 20_000;

const INSERT_ACTOR = `INSERT OR IGNORE INTO actor (id, created_at, ${ALWAYS_COLUMNS.join()}, ${FACT_COLUMNS.join()})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const SELECT_FACTS = `SELECT rowid, ${FACT_COLUMNS.join()} FROM actor WHERE id = ?`;

/** Where an actor stands and what its facts are. */
type Known = { readonly rowid: number; readonly facts: Row };

/** Leaves the middle of a batch; never leaves this file. */
class Conflict extends Error {
  readonly actor: string;
  constructor(actor: string) {
    super('conflict');
    this.actor = actor;
  }
}

export class BatchWriter {
  readonly #db: DatabaseSync;
  readonly #options: { readonly tailEntriesMax: number; readonly beforeFlush: () => void };
  readonly #statements = new Map<string, StatementSync>();
  readonly #updates: StatementSync[] = [];
  #facts = new Map<string, Known>();
  readonly #factsOfBatch = new Map<string, Known>();
  #tally = new Map<string, number>();
  #lastRow: number;
  /** Entries of the journal's tail; more than there are after somebody else moved it. */
  #tail: number;
  #unknown: WireResult | null = null;

  /** @param options.beforeFlush Called right before COMMIT; benches delay it to play a slow disk. */
  constructor(db: DatabaseSync, options: { readonly tailEntriesMax: number; readonly beforeFlush: () => void }) {
    this.#db = db;
    this.#options = options;
    this.#lastRow = this.#committedRow();
    this.#tail = countTail(db);
  }

  commit(wire: WireBatch): WireResult {
    if (this.#unknown !== null) return this.#unknown;
    const batch = decodeBatch(wire);
    this.#factsOfBatch.clear();
    this.#tally.clear();
    try {
      this.#statement('BEGIN IMMEDIATE').run();
      const refusal = this.#fence(batch);
      if (refusal !== null) return this.#rollBack(refusal);
      this.#write(batch);
    } catch (error) {
      if (error instanceof Conflict) return this.#rollBack({ kind: 'conflict', actor: error.actor });
      return this.#rollBack({ kind: 'failed', ...classifyFailure(error), cause: error });
    }
    try {
      this.#options.beforeFlush();
      this.#statement('COMMIT').run();
    } catch (cause) {
      this.#unknown = { kind: 'unknown', cause };
      return this.#unknown;
    }
    this.#rememberFacts();
    return { kind: 'committed' };
  }

  /** Rows that another statement of this connection has removed. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#facts.delete(id);
  }

  /** W1, and the place where the journal goes on. */
  #fence({ epoch, instance, firstSeq, journal }: RowBatch): WireResult | null {
    const row = this.#statement('SELECT last_seq FROM store WHERE id = 1 AND epoch = ? AND instance = ?').get(
      epoch,
      instance,
    );
    if (row === undefined) return { kind: 'lost' };
    const lastSeq = row['last_seq'] as number;
    if (journal.length > 0 && firstSeq !== lastSeq + 1) {
      const cause = new Error(`Journal entry ${firstSeq} came where ${lastSeq + 1} belongs; nothing was written.`);
      return { kind: 'failed', io: false, code: 'internal', cause };
    }
    const update = 'UPDATE store SET last_seq = ? WHERE id = 1 AND epoch = ? AND instance = ?';
    return this.#change(update, [lastSeq + journal.length, epoch, instance]) === 1 ? null : { kind: 'lost' };
  }

  #write(batch: RowBatch): void {
    for (const actor of batch.actors) this.#writeActor(actor);
    this.#writeJournal(batch.journal);
    this.#writeRelations(batch.relations);
    this.#runAll('INSERT INTO outbox (key, state, tries, deaths, body) VALUES (?, ?, ?, ?, ?)', batch.outbox);
    for (const row of batch.outboxUpdates) {
      if (row[0] === 'done' || row[0] === 'failed') this.#change('DELETE FROM outbox WHERE key = ?', [row[3]!]);
      else this.#change('UPDATE outbox SET state = ?, tries = ?, deaths = ? WHERE key = ?', row);
    }
    this.#runAll('DELETE FROM timer WHERE actor = ? AND key = ?', batch.timersCleared);
    this.#runAll('INSERT OR REPLACE INTO timer VALUES (?, ?, ?, ?)', batch.timers);
    this.#pruneRequests(batch.at);
    this.#runAll('INSERT OR REPLACE INTO request (request_id, hash, at, result) VALUES (?, ?, ?, ?)', batch.requests);
    this.#runAll('INSERT OR IGNORE INTO blob VALUES (?, ?)', batch.blobs);
    this.#runAll('INSERT OR IGNORE INTO blob_use VALUES (?, ?)', batch.blobUses);
    this.#runAll('INSERT OR IGNORE INTO artifact VALUES (?, ?, ?, ?, ?, ?)', batch.artifacts);
    this.#runAll('INSERT INTO dead_letter (body) VALUES (?)', batch.deadLetters);
    this.#runAll('INSERT OR REPLACE INTO continuation VALUES (?, ?, ?, ?)', batch.continuations);
    this.#runAll('UPDATE continuation SET after_row = ? WHERE id = ?', batch.continuationsAdvanced);
    if (batch.continuationsAdvanced.length > 0)
      this.#change('DELETE FROM continuation WHERE after_row >= until_row', []);
    for (const [key, change] of this.#tally) {
      if (change === 0) continue;
      const [kind, state] = key.split(' ', 2) as [string, string];
      const add = 'INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n';
      this.#change(add, [kind, state, change]);
    }
  }

  #writeJournal(rows: readonly Row[]): void {
    this.#runAll(INSERT_TAIL, rows);
    this.#tail += rows.length;
    if (this.#tail <= this.#options.tailEntriesMax) return;
    settleTail(this.#db);
    this.#tail = 0;
  }

  #writeActor(row: Row): void {
    const [id, createdAt, expectedRevision] = row as [string, number, number];
    const facts = row.slice(FACTS_AT);
    if (expectedRevision === 0) {
      const made = this.#statement(INSERT_ACTOR).run(id, createdAt, ...row.slice(ALWAYS_AT));
      if (Number(made.changes) === 0) throw new Conflict(id);
      this.#count(id, facts[0]!, 1);
      this.#factsOfBatch.set(id, { rowid: Number(made.lastInsertRowid), facts });
      return;
    }
    const known = this.#factsOf(id);
    if (known === null) throw new Conflict(id);
    const { rowid, facts: before } = known;
    const values = row.slice(ALWAYS_AT, FACTS_AT);
    let changed = 0;
    for (let index = 0; index < facts.length; index += 1) {
      if (before[index] === facts[index]) continue;
      changed |= 1 << index;
      values.push(facts[index]!);
    }
    values.push(rowid, id, expectedRevision);
    if (Number(this.#update(changed).run(...values).changes) === 0) throw new Conflict(id);
    this.#factsOfBatch.set(id, { rowid, facts });
    if (before[0] === facts[0]) return;
    this.#count(id, before[0]!, -1);
    this.#count(id, facts[0]!, 1);
  }

  /** W3. @param changed Bit n: fact n is another one. */
  #update(changed: number): StatementSync {
    const known = this.#updates[changed];
    if (known !== undefined) return known;
    const columns = [...ALWAYS_COLUMNS, ...FACT_COLUMNS.filter((_, index) => (changed & (1 << index)) !== 0)];
    const assignments = columns.map((column) => `${column} = ?`).join();
    const statement = this.#db.prepare(`UPDATE actor SET ${assignments} WHERE rowid = ? AND id = ? AND revision = ?`);
    this.#updates[changed] = statement;
    return statement;
  }

  #count(id: string, state: Value, change: number): void {
    const key = `${kindOfId(id) ?? 'unknown'} ${String(state)}`;
    this.#tally.set(key, (this.#tally.get(key) ?? 0) + change);
  }

  #factsOf(id: string): Known | null {
    const known = this.#factsOfBatch.get(id) ?? this.#facts.get(id);
    if (known !== undefined) return known;
    const row = this.#statement(SELECT_FACTS).get(id);
    if (row === undefined) return null;
    const [rowid, ...facts] = Object.values(row) as [number, ...Value[]];
    return { rowid, facts };
  }

  /** Only what is committed is remembered; the oldest half goes when there is too much. */
  #rememberFacts(): void {
    for (const [id, facts] of this.#factsOfBatch) this.#facts.set(id, facts);
    if (this.#facts.size > FACTS_KEPT_MAX) this.#facts = new Map([...this.#facts].slice(FACTS_KEPT_MAX / 2));
  }

  #writeRelations(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    let row = this.#lastRow;
    for (const [relation, source, target] of rows) {
      row += 1;
      this.#change('INSERT OR IGNORE INTO relation VALUES (?, ?, ?, ?)', [relation!, source!, target!, row]);
    }
    this.#change('UPDATE store SET last_row = ? WHERE id = 1', [row]);
    this.#lastRow = row;
  }

  #pruneRequests(now: number): void {
    const prune = `DELETE FROM request WHERE row IN
      (SELECT row FROM (SELECT row, at FROM request ORDER BY row LIMIT ${REQUESTS_PRUNED_MAX}) WHERE at < ?)`;
    this.#change(prune, [now - REQUEST_KEPT_MS]);
  }

  #rollBack(result: WireResult): WireResult {
    try {
      // SQLite has already rolled back by itself after some errors, a full disk among them.
      if (this.#db.isTransaction) this.#statement('ROLLBACK').run();
      this.#lastRow = this.#committedRow();
      this.#tail = countTail(this.#db);
    } catch (cause) {
      this.#unknown = { kind: 'unknown', cause };
      return this.#unknown;
    }
    return result;
  }

  #committedRow(): number {
    return this.#statement('SELECT last_row FROM store').get()!['last_row'] as number;
  }

  #runAll(sql: string, rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const statement = this.#statement(sql);
    for (const row of rows) statement.run(...row);
  }

  /** @returns the number of rows that it changed. */
  #change(sql: string, values: Row): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
