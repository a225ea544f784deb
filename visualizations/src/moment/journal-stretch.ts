/**
 * The part of a journal that a page holds: one stretch without gap that ends now, growing at both ends.
 *
 * J1. Entries are in order, each once, whoever brought it: a page of the journal or the feed.
 * J2. It holds at most `ENTRIES_MAX`; beyond, the oldest leave and are read again when somebody scrolls there.
 */
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';

/** Some 20 MB of entries; a list of more is searched, not scrolled. */
export const ENTRIES_MAX = 20_000;

export type JournalStretch = {
  readonly entries: readonly FeedEntry[];
  /** The first entry is the first there is. */
  readonly isStart: boolean;
};

export const EMPTY_STRETCH: JournalStretch = { entries: [], isStart: false };

export function withNewer(stretch: JournalStretch, entries: readonly FeedEntry[]): JournalStretch {
  const last = stretch.entries.at(-1)?.seq ?? 0;
  const newer = sorted(entries.filter(({ seq }) => seq > last));
  if (newer.length === 0) return stretch;
  const all = [...stretch.entries, ...newer];
  return all.length <= ENTRIES_MAX
    ? { entries: all, isStart: stretch.isStart }
    : { entries: all.slice(-ENTRIES_MAX), isStart: false };
}

/** The newest stay: somebody who scrolls up past the limit sees the old ones, and the newest are a jump away. */
export function withOlder(stretch: JournalStretch, older: readonly FeedEntry[], isStart: boolean): JournalStretch {
  const first = stretch.entries[0]?.seq ?? Number.POSITIVE_INFINITY;
  const fresh = sorted(older.filter(({ seq }) => seq < first));
  return { entries: [...fresh, ...stretch.entries], isStart };
}

/**
 * The newest page, read again after the feed left entries out: what was held up to `gapAfter` stays where the page reaches back to it,
 * what is newer than the page stays too, and all else is read again on demand.
 */
export function acrossGap(held: JournalStretch, page: JournalStretch, gapAfter: number): JournalStretch {
  const first = page.entries[0]?.seq ?? Number.POSITIVE_INFINITY;
  const joins = first <= gapAfter;
  const before = joins ? held.entries.filter(({ seq }) => seq < first) : [];
  const isStart = before.length === 0 ? page.isStart : held.isStart;
  return withNewer({ entries: [...before, ...page.entries], isStart }, held.entries);
}

const sorted = (entries: readonly FeedEntry[]): FeedEntry[] => {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
};

/** Index of the newest entry at or before a number; -1 when all are later. */
export function indexAt(entries: readonly { readonly seq: number }[], seq: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
