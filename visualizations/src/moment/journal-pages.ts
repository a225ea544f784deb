/** Pages of a scope's journal, and the search for the next entry that somebody would stop at. */
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';

/** Entries of one call: the most that `conductor_list_events` gives. */
export const PAGE_ENTRIES = 100;
/** Pages that one jump reads: 5,000 entries. */
export const JUMP_PAGES_MAX = 50;

/** Which entries of a scope: `after` gives the first ones after a number, `until` the last ones up to a number. */
export type PageWanted =
  | { readonly after: number; readonly limit?: number }
  | { readonly until: number | null; readonly limit?: number };

/** Oldest first. */
export type ReadPage = (wanted: PageWanted) => Promise<readonly FeedEntry[]>;

/** Parameters of `conductor_list_events` beside the scope's. */
export const pageParams = (wanted: PageWanted): Readonly<Record<string, number | boolean>> => {
  const limit = wanted.limit ?? PAGE_ENTRIES;
  if ('after' in wanted) return { afterSequence: wanted.after, limit };
  return { tail: true, limit, ...(wanted.until === null ? {} : { until: wanted.until }) };
};

export type Found =
  | { readonly kind: 'found'; readonly entry: FeedEntry }
  /** Looked through to the end. */
  | { readonly kind: 'none' }
  /** Nothing up to here; there is more. */
  | { readonly kind: 'unfinished'; readonly at: number };

/** The next entry after a number that matches. Bounded: who reaches the bound gets told how far it came. */
export async function findAfter(read: ReadPage, from: number, matches: (entry: FeedEntry) => boolean): Promise<Found> {
  let after = from;
  for (let pages = 0; pages < JUMP_PAGES_MAX; pages++) {
    const page = await read({ after });
    const entry = page.find(matches);
    if (entry !== undefined) return { kind: 'found', entry };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ENTRIES) return { kind: 'none' };
    after = last.seq;
  }
  return { kind: 'unfinished', at: after };
}
