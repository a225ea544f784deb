/**
 * What a run printed: its end first, older stretches on demand, and what it goes on printing.
 *
 * O1. One look at the end at a time; while the run lives the end is looked at again after `POLL_MS`.
 * O2. What is held is one stretch; where the supervisor has dropped bytes in between, the text says so.
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
};
export type LogPorts = {
  readonly read: (from: number) => Promise<RunPiece>;
  /** Runs once, later. Returns how to stop it. */
  readonly after: (ms: number, run: () => void) => () => void;
};
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
};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export class LogSource {
  readonly #ports: LogPorts;
  readonly #listeners = new Set<() => void>();
  readonly #decoder = new TextDecoder();
  /** What is held as it came, for adding in front. */
  #raw: string[] = [];
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
      if (!isWanted || (pause > 0 && !isLive)) return;
      cancel = this.#ports.after(pause, () => void look());
    };
    void look();
    return () => {
      isWanted = false;
      cancel?.();
    };
  }

  async loadOlder(): Promise<void> {
    const { first, hasOlder, isLoadingOlder } = this.#view;
    if (!hasOlder || isLoadingOlder) return;
    this.#show({ isLoadingOlder: true });
    try {
      const piece = await this.#ports.read(Math.max(0, first - PIECE_BYTES));
      // Nothing before it: what was there has been dropped since.
      const start = piece.from >= first ? 0 : textStart(piece.bytes, piece.from);
      const bytes = piece.bytes.subarray(start, Math.max(start, first - piece.from));
      this.#raw.unshift(new TextDecoder().decode(bytes));
      const from = bytes.length === 0 ? 0 : piece.from + start;
      this.#show({ text: appendText(EMPTY_LOG, this.#raw.join('')), first: from, isLoadingOlder: false });
    } catch (error) {
      this.#show({ error: asError(error), isLoadingOlder: false });
    }
  }

  /** @returns When to look again, in ms; 0: there is more already. */
  async #look(isWanted: () => boolean): Promise<number> {
    const { state, to, error: before } = this.#view;
    try {
      const piece = await this.#ports.read(state === 'ready' ? to : -PIECE_BYTES);
      if (!isWanted()) return POLL_MS;
      if (piece.bytes.length > 0 || state !== 'ready' || before !== null) this.#take(piece);
      return piece.to < piece.size && piece.bytes.length > 0 ? 0 : POLL_MS;
    } catch (error) {
      if (isWanted()) this.#show({ error: asError(error), state: state === 'ready' ? 'ready' : 'failed' });
      return RETRY_MS;
    }
  }

  #take(piece: RunPiece): void {
    const isFirst = this.#view.state !== 'ready';
    const gone = isFirst ? 0 : piece.from - this.#view.to;
    const start = isFirst ? textStart(piece.bytes, piece.from) : 0;
    const text = this.#decoder.decode(piece.bytes.subarray(start), { stream: true });
    const added = gone > 0 ? `\n[${String(gone)} bytes are gone]\n${text}` : text;
    if (this.#view.text.characters < OLDER_MAX) this.#raw.push(added);
    else this.#raw = [];
    this.#show({
      text: appendText(this.#view.text, added),
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
    this.#view = { ...view, hasOlder };
    for (const listener of this.#listeners) listener();
  }
}
