/**
 * What actors were, kept while somebody looks at the past: a step of time travel reads only those that differ from what was looked at
 * before.
 *
 * K1. An entry of the journal is never written again, so what an actor was after its entry stays true. Nothing is kept that depends
 *     on the moment it was asked for, or on another actor.
 * K2. Which entry of an actor is its newest at a moment, the store is asked every time: what was archived is gone, what is new counts.
 * K3. What is kept has at most KEPT_BYTES_MAX, what was not used for longest goes first, and all of it goes IDLE_MS after the last use.
 */
import { kindOfId, type ActorId } from '../../machines/ids.ts';
import type { StoreReader } from '../../persistence/store.ts';
import type { HandlerContext } from '../operation-context.ts';
import { nextTurn } from './overview-items.ts';
import { seenAt, type Seen } from './overview-seen.ts';

/** Some 20,000 of them: each actor of the largest overview as it was at four moments. */
export const KEPT_BYTES_MAX = 24 * 1_048_576;
/** Longer than a person looks at one moment before the next. */
export const IDLE_MS = 60_000;
/** Actors that are looked up in one turn of the loop: two milliseconds, then others may go on. */
const LOOKUPS_PER_TURN = 1_000;
/** Actors that are rebuilt in one: each has up to a hundred patches. Three milliseconds, mostly. */
const REBUILT_PER_TURN = 40;

type Clock = Pick<HandlerContext['clock'], 'after'>;

export class PastMoments {
  readonly #reader: StoreReader;
  readonly #clock: Clock;
  /** By actor and entry, least recently used first. */
  readonly #kept = new Map<string, Seen>();
  #bytes = 0;
  #cancelDrop: () => void = () => undefined;

  constructor(reader: StoreReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /** In the order of `ids`; who was not there yet, or has gone to the archive, is left out. */
  async of(ids: readonly string[], seq: number): Promise<Seen[]> {
    this.#dropLater();
    const found = new Map<string, Seen>();
    for (let first = 0; first < ids.length; first += LOOKUPS_PER_TURN) {
      const missing = new Map<string, string>();
      const last = await this.#reader.lastEntriesAt(ids.slice(first, first + LOOKUPS_PER_TURN), seq);
      for (const [id, entry] of last) {
        const key = `${id} ${String(entry)}`;
        const known = this.#use(key);
        if (known === null) missing.set(id, key);
        else found.set(id, known);
      }
      await this.#rebuild(missing, seq, found);
      await nextTurn();
    }
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  async #rebuild(missing: ReadonlyMap<string, string>, seq: number, found: Map<string, Seen>): Promise<void> {
    const ids = [...missing.keys()];
    for (let first = 0; first < ids.length; first += REBUILT_PER_TURN) {
      await nextTurn();
      const moments = await this.#reader.momentsAt(ids.slice(first, first + REBUILT_PER_TURN), seq);
      for (const [id, moment] of moments) {
        const seen = seenAt(id as ActorId, kindOfId(id)!, moment);
        found.set(id, seen);
        this.#keep(missing.get(id)!, seen);
      }
    }
  }

  #use(key: string): Seen | null {
    const seen = this.#kept.get(key);
    if (seen === undefined) return null;
    this.#kept.delete(key);
    this.#kept.set(key, seen);
    return seen;
  }

  #keep(key: string, seen: Seen): void {
    if (!this.#kept.has(key)) this.#bytes += bytesOf(seen);
    this.#kept.set(key, seen);
    for (const [oldest, gone] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES_MAX) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytesOf(gone);
    }
  }

  #dropLater(): void {
    this.#cancelDrop();
    this.#cancelDrop = this.#clock.after(IDLE_MS, () => {
      this.#kept.clear();
      this.#bytes = 0;
    });
  }
}

/** Of one store: ids and numbers of entries mean nothing in another. */
const byReader = new WeakMap<StoreReader, PastMoments>();

export const pastMomentsOf = ({ reader, clock }: Pick<HandlerContext, 'reader' | 'clock'>): PastMoments => {
  const known = byReader.get(reader);
  if (known !== undefined) return known;
  const made = new PastMoments(reader, clock);
  byReader.set(reader, made);
  return made;
};

/** An object with its place in the map, an object in it, a text: measured, 800 for a task. */
const SEEN_BYTES = 400;
const OBJECT_BYTES = 100;
const TEXT_BYTES = 24;

/** At most: a character has one byte or two. */
const bytesOf = ({ context }: Seen): number => {
  let bytes = SEEN_BYTES;
  for (const value of Object.values(context as object)) {
    if (typeof value === 'string') bytes += TEXT_BYTES + 2 * value.length;
    else if (typeof value === 'object' && value !== null) bytes += OBJECT_BYTES;
  }
  return bytes;
};
