/**
 * Redraws a few lines in place at the end of a terminal's output.
 *
 * S1. At most ten frames a second, whatever happens.
 * S2. After a resize the terminal has wrapped what was drawn in a way nobody knows: the screen is cleared and drawn anew.
 * S3. The cursor comes back, whatever ends the view.
 */
import type { CliIo } from '../cli-io.ts';

/** S1. */
const FRAME_MS = 100;
/** Elapsed times move on. */
const TICK_MS = 1_000;

const ESC = '\u001b[';
const HIDE_CURSOR = `${ESC}?25l`;
const SHOW_CURSOR = `${ESC}?25h`;
const CLEAR_SCREEN = `${ESC}2J${ESC}H`;
const CLEAR_BELOW = `${ESC}J`;
const CLEAR_LINE = `${ESC}2K`;

export class LiveScreen {
  readonly #io: Pick<CliIo, 'stdout' | 'after'>;
  readonly #render: (size: { readonly columns: number; readonly rows: number }) => readonly string[];
  readonly #stopListening: () => void;
  #drawn = 0;
  #cancel: (() => void) | null = null;
  #isSoon = false;
  #wasResized = false;
  #isOver = false;

  /** @param render the lines; at most `rows - 1`, none wider than `columns`. */
  constructor(
    io: Pick<CliIo, 'stdout' | 'after'>,
    render: (size: { readonly columns: number; readonly rows: number }) => readonly string[],
  ) {
    this.#io = io;
    this.#render = render;
    this.#stopListening = io.stdout.onResize(() => {
      this.#wasResized = true;
      this.changed();
    });
    io.stdout.write(HIDE_CURSOR);
    this.#draw();
  }

  /** Something to show: drawn within 100 ms. */
  changed(): void {
    if (this.#isSoon || this.#isOver) return;
    this.#isSoon = true;
    this.#cancel?.();
    this.#cancel = this.#io.after(FRAME_MS, () => this.#draw());
  }

  /** The last frame stays, or goes when `keep` is false; the cursor is back. */
  end(keep: boolean): void {
    if (this.#isOver) return;
    if (keep) this.#draw();
    this.#isOver = true;
    this.#cancel?.();
    this.#stopListening();
    if (!keep) this.#io.stdout.write(this.#upAndClear());
    this.#io.stdout.write(SHOW_CURSOR);
  }

  #draw(): void {
    if (this.#isOver) return;
    const { columns, rows } = this.#io.stdout;
    const lines = this.#render({ columns, rows });
    const start = this.#wasResized ? CLEAR_SCREEN : this.#drawn === 0 ? '' : `${ESC}${String(this.#drawn)}A\r`;
    this.#io.stdout.write(`${start}${lines.map((line) => `${CLEAR_LINE}${line}\r\n`).join('')}${CLEAR_BELOW}`);
    this.#drawn = lines.length;
    this.#wasResized = false;
    this.#isSoon = false;
    this.#cancel?.();
    this.#cancel = this.#io.after(TICK_MS, () => this.#draw());
  }

  #upAndClear(): string {
    return this.#drawn === 0 ? '' : `${ESC}${String(this.#drawn)}A\r${CLEAR_BELOW}`;
  }
}
