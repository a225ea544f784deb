/**
 * What a run printed: its end first, older stretches on demand, and what it goes on printing.
 *
 * O1. One look at the end at a time; while the run lives the end is looked at again after `POLL_MS`.
 * O2. What is held is one stretch; where the supervisor has dropped bytes in between, the text says so.
 * O3. A stretch somewhere else is shown when it is asked for, and rests there until the end is asked for again.
 */
import { appendText, EMPTY_LOG, HELD_MAX, type LogText } from './log-text.ts';
import { textStart, type RunPiece } from './run-pieces.ts';

/** Bytes asked for at a time: the most that one answer has. */
export const PIECE_BYTES = 262_144;
/** Between two looks at the end of a log that grows, and after one that failed, in ms. */
const POLL_MS = 700;
const RETRY_MS = 3_000;

export type LogView = {
  readonly text: LogText;
  /** Place of the first byte held, of the next, and of the end. */
  readonly first: number;
  readonly to: number;
  readonly size: number;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly error: Error | null;
  readonly isLoadingOlder: boolean;
  /** There is more before it, and room for it. */
  readonly hasOlder: boolean;
  /** It reaches to the end, and follows that. */
  readonly isAtEnd: boolean;
  /** All that is kept of the log is held. */
  readonly isWhole: boolean;
  /** The line that was asked for last, anew for every time; null when it is not in this stretch. */
  readonly target: { readonly line: number } | null;
};
export type LogPorts = {
  readonly read: (from: number) => Promise<RunPiece>;
  /** Runs once, later. Returns how to stop it. */
  readonly after: (ms: number, run: () => void) => () => void;
};
/** Bytes that are shown before a place that was asked for. */
const BEFORE_BYTES = 65_536;
/** Characters up to which older output is added in front: beyond, the front begins to be forgotten. */
const OLDER_MAX = HELD_MAX / 2;

const NOTHING: LogView = {
  text: EMPTY_LOG,
  first: 0,
  to: 0,
  size: 0,
  state: 'loading',
  error: null,
  isLoadingOlder: false,
  hasOlder: false,
  isAtEnd: true,
  isWhole: false,
  target: null,
};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export class LogSource {
  readonly #ports: LogPorts;
  readonly #listeners = new Set<() => void>();
  #decoder = new TextDecoder();
  /** What is held as it came, for adding in front. */
  #raw: string[] = [];
  /** The end was read: the next look reads what follows. */
  #hasEnd = false;
  #isFollowed = false;
  #isLoadingNewer = false;
  /** Of the stretch that is held; what was read for another one is not wanted any more. */
  #stretch = 0;
  #view = NOTHING;

  constructor(ports: LogPorts) {
    this.#ports = ports;
  }

  readonly view = (): LogView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Looks until stopped; once when the run has ended. Returns how to stop. */
  follow(isLive: boolean): () => void {
    let isWanted = true;
    let cancel: (() => void) | null = null;
    const look = async (): Promise<void> => {
      const pause = await this.#look(() => isWanted);
      if (!isWanted) return;
      this.#isFollowed = isLive || pause === 0;
      if (this.#isFollowed) cancel = this.#ports.after(pause, () => void look());
    };
    this.#isFollowed = true;
    void look();
    return () => {
      isWanted = false;
      this.#isFollowed = false;
      cancel?.();
    };
  }

  async loadOlder(): Promise<void> {
    const { first, hasOlder, isLoadingOlder } = this.#view;
    if (!hasOlder || isLoadingOlder) return;
    const stretch = this.#stretch;
    this.#show({ isLoadingOlder: true });
    try {
      const piece = await this.#ports.read(Math.max(0, first - PIECE_BYTES));
      if (this.#stretch !== stretch) return;
      // Nothing before it: what was there has been dropped since.
      const start = piece.from >= first ? 0 : textStart(piece.bytes, piece.from);
      const bytes = piece.bytes.subarray(start, Math.max(start, first - piece.from));
      this.#raw.unshift(new TextDecoder().decode(bytes));
      const from = bytes.length === 0 ? 0 : piece.from + start;
      this.#show({ text: appendText(EMPTY_LOG, this.#raw.join('')), first: from, isLoadingOlder: false, target: null });
    } catch (error) {
      if (this.#stretch === stretch) this.#show({ error: asError(error), isLoadingOlder: false });
    }
  }

  /** O3. The line that begins at this place becomes the target. */
  async showAt(place: number): Promise<void> {
    this.#stretch += 1;
    const stretch = this.#stretch;
    try {
      const piece = await this.#ports.read(Math.max(0, place - BEFORE_BYTES));
      if (this.#stretch !== stretch) return;
      const start = piece.from >= place ? 0 : textStart(piece.bytes, piece.from);
      const bytes = piece.bytes.subarray(start);
      const before = bytes.subarray(0, Math.max(0, place - piece.from - start));
      this.#decoder = new TextDecoder();
      const text = this.#decoder.decode(bytes, { stream: true });
      this.#raw = [text];
      this.#show({
        text: appendText(EMPTY_LOG, text),
        first: piece.from + start,
        to: piece.to,
        size: piece.size,
        isAtEnd: false,
        isLoadingOlder: false,
        error: null,
        target: { line: before.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 1) },
      });
    } catch (error) {
      if (this.#stretch === stretch) this.#show({ error: asError(error) });
    }
  }

  /** What follows a stretch that does not reach to the end. */
  async loadNewer(): Promise<void> {
    const { isAtEnd, to } = this.#view;
    if (isAtEnd || this.#isLoadingNewer) return;
    const stretch = this.#stretch;
    this.#isLoadingNewer = true;
    try {
      const piece = await this.#ports.read(to);
      if (this.#stretch !== stretch) return;
      // From here on the looks read on, when this was the end.
      this.#hasEnd = true;
      this.#take(piece);
      this.#show({ isAtEnd: piece.to >= piece.size });
    } catch (error) {
      if (this.#stretch === stretch) this.#show({ error: asError(error) });
    } finally {
      this.#isLoadingNewer = false;
    }
  }

  /** Goes on with the end of the log, which the next look reads. */
  toEnd(): void {
    if (this.#view.isAtEnd) return;
    this.#stretch += 1;
    this.#hasEnd = false;
    this.#show({ isAtEnd: true, target: null, isLoadingOlder: false });
    if (!this.#isFollowed) void this.#look(() => true);
  }

  /** @returns When to look again, in ms; 0: there is more already. */
  async #look(isAsked: () => boolean): Promise<number> {
    const { state, to, error: before, isAtEnd } = this.#view;
    const hasEnd = this.#hasEnd;
    const stretch = this.#stretch;
    const isWanted = (): boolean => isAsked() && this.#stretch === stretch;
    if (!isAtEnd) return POLL_MS;
    try {
      const piece = await this.#ports.read(hasEnd ? to : -PIECE_BYTES);
      if (!isWanted()) return POLL_MS;
      if (piece.bytes.length > 0 || !hasEnd || before !== null) this.#take(piece);
      return piece.to < piece.size && piece.bytes.length > 0 ? 0 : POLL_MS;
    } catch (error) {
      if (isWanted()) this.#show({ error: asError(error), state: state === 'ready' ? 'ready' : 'failed' });
      return RETRY_MS;
    }
  }

  #take(piece: RunPiece): void {
    const isFirst = !this.#hasEnd;
    this.#hasEnd = true;
    if (isFirst) {
      this.#raw = [];
      this.#decoder = new TextDecoder();
    }
    const gone = isFirst ? 0 : piece.from - this.#view.to;
    const start = isFirst ? textStart(piece.bytes, piece.from) : 0;
    const text = this.#decoder.decode(piece.bytes.subarray(start), { stream: true });
    const added = gone > 0 ? `\n[${String(gone)} bytes are gone]\n${text}` : text;
    if (isFirst || this.#view.text.characters < OLDER_MAX) this.#raw.push(added);
    else this.#raw = [];
    this.#show({
      text: appendText(isFirst ? EMPTY_LOG : this.#view.text, added),
      first: isFirst ? piece.from + start : this.#view.first,
      to: piece.to,
      size: piece.size,
      state: 'ready',
      error: null,
    });
  }

  #show(next: Partial<LogView>): void {
    const view = { ...this.#view, ...next };
    const hasOlder = view.state === 'ready' && view.first > 0 && view.text.characters < OLDER_MAX;
    const hasForgotten = (view.text.lines[0]?.number ?? 1) > 1;
    const isWhole = view.first === 0 && view.to === view.size && !hasForgotten;
    this.#view = { ...view, hasOlder, isWhole };
    for (const listener of this.#listeners) listener();
  }
}
