/**
 * A stretch of the live journal, told to any number of pages: what they have in common is put into words once.
 *
 * B1. A page gets the entries of what it watches, and what changed whatever it watches.
 */
import { kindOfId } from '../../machines/ids.ts';
import type { Changes, Entry } from './feed-source.ts';
import { WATCHED_MAX, type FeedEntry, type Pulse, type Watched } from './protocol.ts';

export class FeedBatch {
  readonly lastSeq: number;
  readonly #firstSeq: number;
  readonly #lastAt: number;
  readonly #entries: readonly Entry[];
  readonly #changes: string;
  /** Of all entries, once a page asked for them. */
  #all: string | null = null;

  /** @param entries one at least, in order. @param pulse what goes along */
  constructor(entries: readonly Entry[], { items, progress }: Changes, pulse: Pulse | null = null) {
    const last = entries.at(-1)!;
    this.#firstSeq = entries[0]!.seq;
    this.lastSeq = last.seq;
    this.#lastAt = last.at;
    this.#entries = entries;
    this.#changes = `"items":${JSON.stringify(items)},"progress":${JSON.stringify(progress)},"pulse":${JSON.stringify(pulse)}`;
  }

  /** The message `changes` for a page that knows everything up to `after`. */
  textFor(watch: Watched, after = 0): string {
    const head = `{"type":"changes","lastSeq":${String(this.lastSeq)},"lastAt":${String(this.#lastAt)}`;
    return `${head},"watch":${JSON.stringify(watch)},"entries":${this.#entriesFor(watch, after)},${this.#changes}}`;
  }

  #entriesFor(watch: Watched, after: number): string {
    if (watch !== null && watch.length === 0) return '[]';
    if (watch === null && after < this.#firstSeq) return (this.#all ??= textOf(this.#entries));
    return textOf(this.#entries.filter((entry) => entry.seq > after && (watch === null || isWatched(entry, watch))));
  }
}

const textOf = (entries: readonly Entry[]): string => JSON.stringify(entries.map(feedEntry));

const isWatched = ({ actor, objectiveId }: Entry, watch: readonly string[]): boolean =>
  watch.includes(actor) || (objectiveId !== null && watch.includes(objectiveId));

/** Patches stay behind: pages that want one ask for it. */
export const feedEntry = ({ patch: _, ...entry }: Entry): FeedEntry => ({ ...entry, taken: [...entry.taken] });

/** What a page said that it watches; undefined when it makes no sense. */
export const watchedIn = (value: unknown): Watched | undefined => {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length > WATCHED_MAX) return undefined;
  return value.every((id) => typeof id === 'string' && kindOfId(id) !== null) ? (value as string[]) : undefined;
};
