/**
 * Finding a text in all that a run printed, also in what is not held: pieces are read from the beginning, one after the other, and only
 * the places of lines are kept.
 *
 * N1. One piece at a time, and none after `stop`; what was found stays, with how far it came.
 * N2. The same lines are found as in what is held: without what a terminal would act on, without regard to case.
 */
import { lastDrawn, plainText } from './ansi-text.ts';
import { MATCHES_MAX } from './log-search.ts';
import type { RunPiece } from './run-pieces.ts';

/** A line that goes on over so many bytes is looked at in parts. */
const LINE_BYTES_MAX = 2 ** 20;
const LINE_END = 0x0a;

export type ScanView = {
  /** In lower case; '' before anything is looked for. */
  readonly query: string;
  /** Places at which lines begin that hold the text, in order. */
  readonly matches: readonly number[];
  /** Up to which place was looked, and where the next byte will be. */
  readonly searched: number;
  readonly size: number;
  readonly state: 'searching' | 'stopped' | 'done' | 'failed';
};

export const NO_SCAN: ScanView = { query: '', matches: [], searched: 0, size: 0, state: 'done' };

export class LogScan {
  readonly #read: (from: number) => Promise<RunPiece>;
  readonly #listeners = new Set<() => void>();
  #view = NO_SCAN;
  /** The beginning of a line whose end was not read yet, and its place. */
  #rest: Uint8Array = new Uint8Array();
  /** Of the search that goes on; an older one ends where it is. */
  #turn = 0;

  constructor(read: (from: number) => Promise<RunPiece>) {
    this.#read = read;
  }

  readonly view = (): ScanView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** From the beginning; '' looks for nothing. */
  begin(query: string): void {
    this.#turn += 1;
    this.#rest = new Uint8Array();
    this.#show({ ...NO_SCAN, query: query.toLowerCase() });
    if (query !== '') this.goOn();
  }

  /** From where it stopped, failed, or was at the end of what there was. */
  goOn(): void {
    if (this.#view.query === '' || this.#view.state === 'searching') return;
    this.#turn += 1;
    this.#show({ ...this.#view, state: 'searching' });
    void this.#run(this.#turn);
  }

  stop(): void {
    this.#turn += 1;
    if (this.#view.state === 'searching') this.#show({ ...this.#view, state: 'stopped' });
  }

  async #run(turn: number): Promise<void> {
    try {
      for (let isMore = true; isMore && this.#turn === turn;) {
        const piece = await this.#read(this.#view.searched + this.#rest.length);
        if (this.#turn !== turn) return;
        isMore = piece.bytes.length > 0;
        this.#take(piece, isMore);
      }
    } catch {
      // What keeps it from reading is said beside the output, which is read the same way.
      if (this.#turn === turn) this.#show({ ...this.#view, state: 'failed' });
    }
  }

  /** Looks through the lines that are whole; at the end of what there is also through the last one. */
  #take(piece: RunPiece, isMore: boolean): void {
    const { matches, searched, query } = this.#view;
    // Older output was dropped meanwhile: what was kept of the line before goes on nowhere.
    const isGap = piece.from !== searched + this.#rest.length;
    const begin = isGap ? piece.from : searched;
    const bytes = isGap ? piece.bytes : joined(this.#rest, piece.bytes);
    const lineEnd = bytes.lastIndexOf(LINE_END) + 1;
    const end = !isMore || (lineEnd === 0 && bytes.length > LINE_BYTES_MAX) ? bytes.length : lineEnd;
    const found = matchesIn(bytes.subarray(0, end), query).map((place) => begin + place);
    // What has no line end yet is looked through again when it goes on.
    const next = isMore ? end : lineEnd;
    this.#rest = bytes.subarray(next);
    const all = [...matches.filter((place) => place < begin), ...found].slice(0, MATCHES_MAX);
    const isFull = all.length >= MATCHES_MAX;
    this.#show({
      query,
      matches: all,
      searched: begin + next,
      size: piece.size,
      state: isMore && !isFull ? 'searching' : 'done',
    });
    if (isFull) this.#turn += 1;
  }

  #show(view: ScanView): void {
    this.#view = view;
    for (const listener of this.#listeners) listener();
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

const isIn = (text: string, query: string): boolean => plainText(text).toLowerCase().includes(query);

/** Where lines begin that hold the text. Most pieces hold none: they are looked at once as a whole. */
const matchesIn = (bytes: Uint8Array, query: string): readonly number[] => {
  const decoder = new TextDecoder();
  if (!isIn(decoder.decode(bytes), query)) return [];
  const places: number[] = [];
  for (let from = 0; from < bytes.length;) {
    const lineEnd = bytes.indexOf(LINE_END, from);
    const end = lineEnd === -1 ? bytes.length : lineEnd;
    if (isIn(lastDrawn(decoder.decode(bytes.subarray(from, end))), query)) places.push(from);
    from = end + 1;
  }
  return places;
};
