/**
 * Holds a chatty child's progress back: at most two reports a second are kept, and the last one always is.
 *
 * C1. A report that a later one replaces is answered like one that was applied: the later one says more.
 * C2. Evidence is never replaced: the artifacts of a replaced report go on with the next.
 */
import type { ChildAnswer } from '../../supervisor/runners/protocol.ts';
import type { ChildBody } from './child-message.ts';

/** Time between two reports that are kept, in ms. */
const PACE_MS = 500;

type Progress = Extract<ChildBody, { kind: 'child.progress' }>;
type Held = { readonly body: Progress; readonly settle: (answer: Promise<ChildAnswer> | ChildAnswer) => void };

export class ProgressPace {
  readonly #keep: (body: Progress) => Promise<ChildAnswer>;
  #keptAt = -Infinity;
  #held: Held | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param keep Puts a report into the spool. */
  constructor(keep: (body: Progress) => Promise<ChildAnswer>) {
    this.#keep = keep;
  }

  submit(body: Progress): Promise<ChildAnswer> {
    const waitMs = this.#keptAt + PACE_MS - performance.now();
    if (waitMs <= 0 && this.#held === null) return this.#keepNow(body);
    const before = this.#held;
    before?.settle({ applied: true });
    return new Promise((settle) => {
      this.#held = { body: { ...body, artifacts: [...(before?.body.artifacts ?? []), ...body.artifacts] }, settle };
      this.#timer ??= setTimeout(() => this.flush(), Math.max(waitMs, 0));
    });
  }

  /** Keeps what is held back, at once: something follows that must come after it. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const held = this.#held;
    this.#held = null;
    held?.settle(this.#keepNow(held.body));
  }

  async #keepNow(body: Progress): Promise<ChildAnswer> {
    this.#keptAt = performance.now();
    return this.#keep(body);
  }
}
