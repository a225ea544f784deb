/** The queries of the memory store. Every answer is parsed anew, so that no caller can reach into the disk. */
import { ACTOR_KINDS, type ActorKind } from '../machines/ids.ts';
import type { ArchiveRow } from './archive-row.ts';
import type { DeadLetter } from './dead-letter.ts';
import { pageSize, storeClosed } from './commit-check.ts';
import { firstAtLeast, type MemoryActor, type MemoryDisk, type MemoryEntry } from './memory-disk.ts';
import { rebuildMoment, type ActorMoment } from './snapshot-history.ts';
import type {
  ActorQuery,
  ArtifactRow,
  JournalEntry,
  JournalQuery,
  Page,
  StoredActor,
  StoredRequest,
  StoreReader,
} from './store.ts';

/** How many matches of a prefix are looked for; one more than two is only for the message. */
const PREFIX_MATCHES_MAX = 20;

export class MemoryReader implements StoreReader {
  protected readonly disk: MemoryDisk;
  #open = true;

  constructor(disk: MemoryDisk) {
    this.disk = disk;
  }

  protected get isOpen(): boolean {
    return this.#open;
  }

  async getActor(id: string): Promise<StoredActor | null> {
    const row = this.#disk().actors.get(id);
    return row === undefined ? null : toActor(row);
  }

  async getActors(ids: readonly string[]): Promise<ReadonlyMap<string, StoredActor>> {
    const { actors } = this.#disk();
    const rows = ids.map((id) => actors.get(id)).filter((row) => row !== undefined);
    return new Map(rows.map((row) => [row.id, toActor(row)]));
  }

  async resolvePrefix(kinds: readonly ActorKind[], prefix: string): Promise<readonly string[]> {
    const { ids } = this.#disk();
    const found: string[] = [];
    for (const kind of kinds) {
      const list = ids.of(kind);
      const start = prefix.startsWith(`${kind}-`) ? prefix : `${kind}-${prefix}`;
      for (let place = firstAtLeast(list, start); list[place]?.startsWith(start) === true; place += 1) {
        if (found.length < PREFIX_MATCHES_MAX) found.push(list[place]!);
        else return found;
      }
    }
    return found;
  }

  async listActors(query: ActorQuery): Promise<Page<StoredActor>> {
    const limit = pageSize(query.limit);
    const { rows, total } = this.#actors(query, limit + 1);
    const items = rows.slice(0, limit).map(toActor);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.id : null, total };
  }

  async listActorIds(query: ActorQuery): Promise<readonly string[]> {
    return this.#actors(query, pageSize(query.limit)).rows.map(({ id }) => id);
  }

  async counts(): Promise<Readonly<Record<ActorKind, Readonly<Record<string, number>>>>> {
    const { counts } = this.#disk();
    return Object.fromEntries(ACTOR_KINDS.map((kind) => [kind, { ...counts[kind] }])) as typeof counts;
  }

  async listJournal(query: JournalQuery): Promise<readonly JournalEntry[]> {
    const disk = this.#disk();
    const limit = pageSize(query.limit);
    const [after, until] = [query.after ?? 0, Math.min(query.until ?? disk.lastSeq, disk.lastSeq)];
    const keys = (['actor', 'objectiveId', 'taskId', 'runId'] as const)
      .filter((field) => query[field] !== undefined)
      .map((field) => `${field} ${query[field]}`);
    const entries: JournalEntry[] = [];
    const newest = query.order === 'newest';
    const seqs =
      keys.length === 0 ? null : keys.map((key) => disk.seqs.of(key)).reduce((a, b) => (a.length < b.length ? a : b));
    const placeAfter = (seq: number): number => (seqs === null ? seq : firstAtLeast(seqs, seq + 1));
    const [first, count] = [placeAfter(after), placeAfter(until)];
    for (let step = 0; step < count - first && entries.length < limit; step += 1) {
      const place = newest ? count - 1 - step : first + step;
      const entry = disk.journal[seqs === null ? place : seqs[place]! - 1] ?? null;
      if (entry === null) continue;
      if (isEntryWanted(entry, query)) entries.push(JSON.parse(entry.text) as JournalEntry);
    }
    return entries;
  }

  async lastSeq(): Promise<number> {
    return this.#disk().lastSeq;
  }

  async snapshotAt(actor: string, seq: number): Promise<StoredActor['snapshot'] | null> {
    return this.#momentAt(actor, seq)?.snapshot ?? null;
  }

  async momentsAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, ActorMoment>> {
    pageSize(actors.length);
    const found = actors.map((actor) => [actor, this.#momentAt(actor, seq)] as const);
    return new Map(found.filter((entry): entry is readonly [string, ActorMoment] => entry[1] !== null));
  }

  async lastEntriesAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, number>> {
    pageSize(actors.length);
    const { seqs } = this.#disk();
    const found = new Map<string, number>();
    for (const actor of actors) {
      const list = seqs.of(`actor ${actor}`);
      const last = list[firstAtLeast(list, seq + 1) - 1];
      if (last !== undefined) found.set(actor, last);
    }
    return found;
  }

  async getBlob(hash: string): Promise<Uint8Array | null> {
    return this.#disk().blobs.get(hash)?.slice() ?? null;
  }

  async blobsOf(actors: readonly string[]): Promise<readonly string[]> {
    pageSize(actors.length);
    const uses = [...this.#disk().blobUses].filter(([, users]) => actors.some((actor) => users.has(actor)));
    return uses.map(([hash]) => hash);
  }

  async listArtifacts(query: Parameters<StoreReader['listArtifacts']>[0]): Promise<Page<ArtifactRow>> {
    const disk = this.#disk();
    const limit = pageSize(query.limit);
    const rows: ArtifactRow[] = [];
    for (const id of walk(disk.artifactIds, 'newest', query.after)) {
      const row = disk.artifacts.get(id)!;
      const isWanted = (['taskId', 'runId', 'objectiveId', 'type'] as const).every(
        (field) => query[field] === undefined || row[field] === query[field],
      );
      if (isWanted) rows.push(row);
      if (rows.length > limit) break;
    }
    const items = rows.slice(0, limit).map(copy);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.artifactId : null, total: null };
  }

  async getArtifact(id: string): Promise<ArtifactRow | null> {
    return copy(this.#disk().artifacts.get(id) ?? null);
  }

  async namedHashes(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    pageSize(hashes.length);
    const named = new Set([...this.#disk().artifacts.values()].map(({ sha256 }) => sha256));
    return new Set(hashes.filter((hash) => named.has(hash)));
  }

  async listRelation(...[relation, from, page]: Parameters<StoreReader['listRelation']>) {
    const rows = this.#disk().relations.get(`${relation} ${from}`) ?? [];
    const limit = pageSize(page.limit);
    const first = rows.findIndex(({ row }) => row > page.after);
    if (first < 0) return [];
    return rows
      .slice(first, first + limit)
      .filter(({ row }) => page.until === undefined || row <= page.until)
      .map((row) => ({ ...row }));
  }

  async lastRelationRow(): Promise<number> {
    return this.#disk().lastRow;
  }

  async getRequest(requestId: string): Promise<StoredRequest | null> {
    const request = this.#disk().requests.get(requestId);
    return request === undefined ? null : (JSON.parse(request.text) as StoredRequest);
  }

  async listOutbox() {
    return [...this.#disk().outbox.values()].map(copy);
  }

  async listTimers() {
    return [...this.#disk().timers.values()].toSorted((a, b) => a.dueAt - b.dueAt).map(copy);
  }

  async listContinuations() {
    return [...this.#disk().continuations.values()].toSorted((a, b) => a.id - b.id).map(copy);
  }

  async listDeadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return this.#disk()
      .deadLetters.slice(-pageSize(limit))
      .toReversed()
      .map((text) => JSON.parse(text) as DeadLetter);
  }

  async listArchived({ limit, after }: Parameters<StoreReader['listArchived']>[0]): Promise<Page<ArchiveRow>> {
    const size = pageSize(limit);
    const ids = [...this.#disk().archives.keys()].filter((id) => after === undefined || id < after);
    const found = ids
      .toSorted()
      .toReversed()
      .slice(0, size + 1);
    const items = found.slice(0, size).map((id) => copy(this.#disk().archives.get(id)!));
    return { items, nextCursor: found.length > size ? items.at(-1)!.subjectId : null, total: null };
  }

  async findArchived(id: string): Promise<ArchiveRow | null> {
    const { archives, archived } = this.#disk();
    return copy(archives.get(archived.get(id) ?? '') ?? null);
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  #actors(
    query: ActorQuery,
    rowsMax: number,
  ): { readonly rows: readonly MemoryActor[]; readonly total: number | null } {
    const disk = this.#disk();
    const lists = listKeys(query).map((key) => disk.ids.of(key));
    const shortest = lists.reduce((best, list) => (list.length < best.length ? list : best));
    const rows: MemoryActor[] = [];
    for (const id of walk(shortest, query.order ?? 'newest', query.after)) {
      const row = disk.actors.get(id)!;
      if (matches(row, query)) rows.push(row);
      if (rows.length === rowsMax) break;
    }
    return { rows, total: lists.length === 1 ? shortest.length : null };
  }

  #momentAt(actor: string, seq: number): ActorMoment | null {
    const disk = this.#disk();
    const seqs = disk.seqs.of(`actor ${actor}`);
    const entries = function* (): Generator<JournalEntry> {
      for (let place = firstAtLeast(seqs, seq + 1) - 1; place >= 0; place -= 1) {
        yield JSON.parse(disk.journal[seqs[place]! - 1]!.text) as JournalEntry;
      }
    };
    return rebuildMoment(entries(), (hash) => disk.blobs.get(hash) ?? null);
  }

  #disk(): MemoryDisk {
    if (!this.#open) throw storeClosed();
    return this.disk;
  }
}

const isEntryWanted = (entry: MemoryEntry, query: JournalQuery): boolean =>
  (query.type === undefined || entry.type === query.type) &&
  (['actor', 'objectiveId', 'taskId', 'runId'] as const).every(
    (field) => query[field] === undefined || entry[field] === query[field],
  );

const copy = <Value>(value: Value): Value => structuredClone(value);

const toActor = (row: MemoryActor): StoredActor => ({
  ...row,
  facts: { ...row.facts },
  snapshot: JSON.parse(row.snapshot) as StoredActor['snapshot'],
});

/** Index keys of everything that the query asks for; the kind alone when it asks for nothing more. */
const listKeys = (query: ActorQuery): string[] => {
  const { kind } = query;
  const keys = (['state', 'bucket', 'name', 'objectiveId', 'taskId', 'runId', 'workerId'] as const)
    .filter((fact) => query[fact] !== undefined && query[fact] !== null)
    .map((fact) => `${kind} ${fact} ${query[fact]}`);
  if (query.live === true) keys.push(`${kind} live`);
  return keys.length === 0 ? [kind] : keys;
};

const matches = ({ facts }: MemoryActor, query: ActorQuery): boolean =>
  (query.live !== true || !facts.settled) &&
  (['state', 'bucket', 'name', 'objectiveId', 'taskId', 'runId', 'workerId'] as const).every(
    (fact) => query[fact] === undefined || facts[fact] === query[fact],
  );

/** Ids of a sorted list after a cursor. */
function* walk(list: readonly string[], order: 'newest' | 'oldest', after: string | undefined): Generator<string> {
  if (order === 'oldest') {
    let place = after === undefined ? 0 : firstAtLeast(list, after);
    if (list[place] === after) place += 1;
    for (; place < list.length; place += 1) yield list[place]!;
    return;
  }
  for (let place = (after === undefined ? list.length : firstAtLeast(list, after)) - 1; place >= 0; place -= 1) {
    yield list[place]!;
  }
}
