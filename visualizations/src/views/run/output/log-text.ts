/**
 * A log as lines, of which a stretch is held. Pure.
 *
 * G1. Bytes become text across the borders of chunks; a character cut apart by the beginning of the stretch is left out.
 * G2. A line longer than `LINE_SHOWN_MAX` is cut until it is opened; opened it takes as many rows as it needs, so that no row is long.
 * G3. The stretch holds at most `HELD_MAX` characters: at the front it forgets what is oldest.
 */
import { carriedAfter, lastDrawn } from './ansi-text.ts';

/** Characters of a line that are shown before it is opened, and of each row after. */
export const LINE_SHOWN_MAX = 2_000;
/** Some 8 MiB: what a browser searches while somebody types. */
export const HELD_MAX = 8 * 2 ** 20;

export type LogLine = {
  /** Counted from the beginning of the stretch; stays the same while it grows at its end. */
  readonly number: number;
  readonly text: string;
  /** Colours in force where it begins. */
  readonly carried: string;
};
export type LogText = {
  readonly lines: readonly LogLine[];
  /** What came after the last line end. */
  readonly rest: string;
  readonly characters: number;
};

export const EMPTY_LOG: LogText = { lines: [], rest: '', characters: 0 };

/** Adds what was printed. The unfinished last line is shown as a line of its own by `rowsOf`. */
export function appendText(log: LogText, text: string): LogText {
  if (text === '') return log;
  const parts = (log.rest + text).split('\n');
  const rest = parts.pop() ?? '';
  const lines = [...log.lines];
  for (const part of parts) lines.push(lineAfter(lines.at(-1), part));
  return bounded({ lines, rest, characters: log.characters + text.length });
}

const lineAfter = (before: LogLine | undefined, raw: string): LogLine => ({
  number: (before?.number ?? 0) + 1,
  text: lastDrawn(raw),
  carried: before === undefined ? '' : carriedAfter(before.carried, before.text),
});

/** Forgets by the quarter, so that a log that grows is not copied for every line. */
function bounded(log: LogText): LogText {
  if (log.characters <= HELD_MAX) return log;
  let characters = log.characters;
  let from = 0;
  while (characters > HELD_MAX * 0.75 && from < log.lines.length - 1) {
    characters -= log.lines[from]!.text.length + 1;
    from += 1;
  }
  return { lines: log.lines.slice(from), rest: log.rest, characters };
}

/** A row of the list: a line, or a part of an opened one. */
export type LogRow = {
  readonly line: LogLine;
  /** 0 for the first row of a line. */
  readonly part: number;
  /** Without the rest of a cut line. */
  readonly text: string;
  /** Characters of the line that are not shown; 0: all are. */
  readonly hidden: number;
  readonly carried: string;
};

export function rowsOf(log: LogText, opened: ReadonlySet<number>): readonly LogRow[] {
  const lines = log.rest === '' ? log.lines : [...log.lines, lineAfter(log.lines.at(-1), log.rest)];
  return lines.flatMap((line) => rowsOfLine(line, opened.has(line.number)));
}

const wholeEnd = (text: string, end: number): number => {
  const code = text.charCodeAt(end - 1);
  return end < text.length && code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
};

function rowsOfLine(line: LogLine, isOpen: boolean): readonly LogRow[] {
  const { text, carried } = line;
  if (text.length <= LINE_SHOWN_MAX) return [{ line, part: 0, text, hidden: 0, carried }];
  const rows: LogRow[] = [];
  let colours = carried;
  for (let from = 0; from < text.length;) {
    const end = wholeEnd(text, Math.min(text.length, from + LINE_SHOWN_MAX));
    const part = text.slice(from, end);
    rows.push({ line, part: rows.length, text: part, hidden: isOpen ? 0 : text.length - end, carried: colours });
    if (!isOpen) break;
    colours = carriedAfter(colours, part);
    from = end;
  }
  return rows;
}
