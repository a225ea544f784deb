/**
 * What a memory store leaves behind when it is closed: its "disk". Everything is kept as JSON text or copied bytes, so that what
 * comes back is what a database would give, never the caller's own object.
 */
import { ACTOR_KINDS, type ActorKind } from '../machines/ids.ts';
import type { ArchiveRow } from './archive-row.ts';
import type {
  ActorFacts,
  ArtifactRow,
  Continuation,
  JournalEntry,
  Owner,
  OutboxRow,
  StoredActor,
  TimerRow,
} from './store.ts';

/** An actor with its snapshot as text. */
export type MemoryActor = Omit<StoredActor, 'snapshot'> & { readonly snapshot: string };

/** The fields of a journal entry that queries filter by, and the whole entry as text. */
export type MemoryEntry = Pick<JournalEntry, 'seq' | 'actor' | 'objectiveId' | 'taskId' | 'runId'> & {
  readonly type: string;
  readonly text: string;
};

export type MemoryDisk = {
  owner: Owner | null;
  lastSeq: number;
  lastRow: number;
  readonly actors: Map<string, MemoryActor>;
  /** Sorted ids by `<kind>` and by `<kind> <fact> <value>`. */
  readonly ids: SortedIndex<string>;
  /** Place `seq - 1`; null: archived. */
  readonly journal: (MemoryEntry | null)[];
  /** Sorted seqs by `<field> <value>`. */
  readonly seqs: SortedIndex<number>;
  readonly relations: Map<string, { readonly row: number; readonly to: string }[]>;
  readonly related: Set<string>;
  readonly outbox: Map<string, OutboxRow>;
  readonly timers: Map<string, TimerRow>;
  readonly requests: Map<string, { readonly at: number; readonly text: string }>;
  readonly blobs: Map<string, Uint8Array>;
  /** Actors by blob. */
  readonly blobUses: Map<string, Set<string>>;
  readonly artifacts: Map<string, ArtifactRow>;
  readonly artifactIds: string[];
  readonly deadLetters: string[];
  readonly continuations: Map<number, Continuation>;
  /** By subject. */
  readonly archives: Map<string, ArchiveRow>;
  /** Subject by archived actor or artifact. */
  readonly archived: Map<string, string>;
  readonly counts: Record<ActorKind, Record<string, number>>;
};

export const createMemoryDisk = (): MemoryDisk => ({
  owner: null,
  lastSeq: 0,
  lastRow: 0,
  actors: new Map(),
  ids: new SortedIndex(),
  journal: [],
  seqs: new SortedIndex(),
  relations: new Map(),
  related: new Set(),
  outbox: new Map(),
  timers: new Map(),
  requests: new Map(),
  blobs: new Map(),
  blobUses: new Map(),
  artifacts: new Map(),
  artifactIds: [],
  deadLetters: [],
  continuations: new Map(),
  archives: new Map(),
  archived: new Map(),
  counts: Object.fromEntries(ACTOR_KINDS.map((kind) => [kind, {}])) as Record<ActorKind, Record<string, number>>,
});

/** Sorted lists by key. Most additions are at the end: ids and seqs rise. */
export class SortedIndex<Value extends string | number> {
  readonly #lists = new Map<string, Value[]>();

  of(key: string): readonly Value[] {
    return this.#lists.get(key) ?? [];
  }

  add(key: string, value: Value): void {
    const list = this.#lists.get(key);
    if (list === undefined) this.#lists.set(key, [value]);
    else insertSorted(list, value);
  }

  remove(key: string, value: Value): void {
    const list = this.#lists.get(key);
    if (list === undefined) return;
    const place = firstAtLeast(list, value);
    if (list[place] === value) list.splice(place, 1);
    if (list.length === 0) this.#lists.delete(key);
  }
}

/** Index of the first item that is not less than `value`. */
export const firstAtLeast = <Value extends string | number>(list: readonly Value[], value: Value): number => {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
};

export const insertSorted = <Value extends string | number>(list: Value[], value: Value): void => {
  if (list.length === 0 || list.at(-1)! < value) list.push(value);
  else list.splice(firstAtLeast(list, value), 0, value);
};

/** Keys under which an actor stands in the index. */
export const indexKeys = (kind: ActorKind, facts: ActorFacts): string[] => {
  const keys = [kind, `${kind} state ${facts.state}`];
  if (!facts.settled) keys.push(`${kind} live`);
  for (const fact of ['bucket', 'name', 'objectiveId', 'taskId', 'runId', 'workerId'] as const) {
    if (facts[fact] !== null) keys.push(`${kind} ${fact} ${facts[fact]}`);
  }
  return keys;
};
