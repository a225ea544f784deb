/** A terminal's recording, asciicast v2, as events in time. Pure. */

export type CastEvent =
  | { readonly at: number; readonly kind: 'output'; readonly text: string }
  | { readonly at: number; readonly kind: 'resize'; readonly cols: number; readonly rows: number }
  | { readonly at: number; readonly kind: 'note'; readonly text: string };

export type Cast = {
  readonly cols: number;
  readonly rows: number;
  /** Seconds since 1970; null when the recording does not say. */
  readonly startedAt: number | null;
  /** In order; `at` in seconds. */
  readonly events: readonly CastEvent[];
  /** Seconds. */
  readonly duration: number;
};

const COLS = 80;
const ROWS = 24;
const SIZE = /^(\d{1,4})x(\d{1,4})$/;

/** A torn last line is what a recording ends with while it is written; it is left out. Null: this is no recording. */
export function parseCast(text: string): Cast | null {
  const [first = '', ...lines] = text.split('\n');
  const header = parsed(first);
  if (typeof header !== 'object' || header === null || !('version' in header) || header.version !== 2) return null;
  const { width, height, timestamp } = header as Readonly<Record<string, unknown>>;
  const events = lines.map((line) => eventOf(parsed(line))).filter((event) => event !== null);
  return {
    cols: sizeOr(width, COLS),
    rows: sizeOr(height, ROWS),
    startedAt: typeof timestamp === 'number' ? timestamp : null,
    events,
    duration: events.at(-1)?.at ?? 0,
  };
}

const parsed = (line: string): unknown => {
  if (line === '') return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};

const sizeOr = (value: unknown, other: number): number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 10_000 ? value : other;

function eventOf(line: unknown): CastEvent | null {
  if (!Array.isArray(line)) return null;
  const [at, code, data] = line as unknown[];
  if (typeof at !== 'number' || typeof data !== 'string') return null;
  if (code === 'o') return { at, kind: 'output', text: data };
  if (code === 'm') return { at, kind: 'note', text: data };
  const size = code === 'r' ? SIZE.exec(data) : null;
  return size === null
    ? null
    : { at, kind: 'resize', cols: sizeOr(Number(size[1]), COLS), rows: sizeOr(Number(size[2]), ROWS) };
}

/** Index of the first event after a time. */
export function indexAfter(events: readonly CastEvent[], seconds: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (events[middle]!.at <= seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

export type Screen = { readonly cols: number; readonly rows: number };

/** What to do to a terminal so that it shows a time. `fromStart`: it is emptied first. */
export type Draw = {
  readonly fromStart: boolean;
  readonly size: Screen | null;
  readonly text: string;
  readonly next: number;
};

/** From event `next` on to a time; back in time begins anew. */
export function drawTo(cast: Cast, next: number, seconds: number): Draw {
  const end = indexAfter(cast.events, seconds);
  const fromStart = end < next || next === 0;
  const events = cast.events.slice(fromStart ? 0 : next, end);
  const resize = events.findLast((event) => event.kind === 'resize');
  const first = fromStart ? { cols: cast.cols, rows: cast.rows } : null;
  return {
    fromStart,
    size: resize === undefined ? first : { cols: resize.cols, rows: resize.rows },
    text: events.map((event) => (event.kind === 'output' ? event.text : '')).join(''),
    next: end,
  };
}

/** Longest pause that is played, in seconds: a terminal at rest is not watched. */
export const PAUSE_MAX_S = 2;

/** The time after `seconds` more of playing; a pause longer than that is jumped over. */
export function playOn(cast: Cast, at: number, seconds: number): number {
  const next = cast.events[indexAfter(cast.events, at)];
  if (next === undefined) return cast.duration;
  const isLongPause = next.at - at > PAUSE_MAX_S;
  return Math.min(cast.duration, isLongPause ? Math.max(at + seconds, next.at - PAUSE_MAX_S) : at + seconds);
}

const two = (part: number): string => String(part).padStart(2, '0');

/** `1:02:07`, `0:09`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor((whole % 3_600) / 60);
  return `${hours > 0 ? `${String(hours)}:${two(minutes)}` : String(minutes)}:${two(whole % 60)}`;
}
