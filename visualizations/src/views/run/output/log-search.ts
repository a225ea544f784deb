/** Finding a text in a log, without regard to case. Pure; a long log is searched in slices so that typing stays smooth. */
import { plainText } from './ansi-text.ts';
import type { LogRow } from './log-text.ts';

/** Matches that are counted; more are «more than». */
export const MATCHES_MAX = 10_000;

export type Search = {
  readonly query: string;
  /** Index of the row to look at next. */
  readonly next: number;
  /** Indexes of rows that hold the text. */
  readonly matches: readonly number[];
};

export const newSearch = (query: string): Search => ({ query: query.toLowerCase(), next: 0, matches: [] });

export const isOver = (search: Search, rows: readonly LogRow[]): boolean =>
  search.query === '' || search.next >= rows.length || search.matches.length >= MATCHES_MAX;

/** Looks at up to `count` rows more. */
export function searchOn(search: Search, rows: readonly LogRow[], count: number): Search {
  if (isOver(search, rows)) return search;
  const end = Math.min(rows.length, search.next + count);
  const matches = [...search.matches];
  for (let index = search.next; index < end && matches.length < MATCHES_MAX; index++) {
    if (plainText(rows[index]!.text).toLowerCase().includes(search.query)) matches.push(index);
  }
  return { ...search, next: end, matches };
}

/** The match after or before a row, around the ends; null without any. */
export function nextMatch(matches: readonly number[], from: number, step: 1 | -1): number | null {
  if (matches.length === 0) return null;
  const found = step === 1 ? matches.find((row) => row > from) : matches.findLast((row) => row < from);
  return found ?? (step === 1 ? matches[0]! : matches.at(-1)!);
}

export type Marked = { readonly at: number; readonly text: string; readonly isMatch: boolean };

/** Splits a text at the matches. */
export function markMatches(text: string, query: string): readonly Marked[] {
  if (query === '') return [{ at: 0, text, isMatch: false }];
  const lower = text.toLowerCase();
  // Lower case may be longer (İ): then places do not agree, and the row is left unmarked.
  if (lower.length !== text.length) return [{ at: 0, text, isMatch: false }];
  const pieces: Marked[] = [];
  let from = 0;
  for (let at = lower.indexOf(query); at !== -1; at = lower.indexOf(query, from)) {
    if (at > from) pieces.push({ at: from, text: text.slice(from, at), isMatch: false });
    pieces.push({ at, text: text.slice(at, at + query.length), isMatch: true });
    from = at + query.length;
  }
  if (from < text.length) pieces.push({ at: from, text: text.slice(from), isMatch: false });
  return pieces;
}
