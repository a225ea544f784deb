/**
 * Armed timers, by the wall clock. They are rows of the store; here they stand in memory, sorted by when they are due.
 *
 * I1. A timer fires at or after its time, never before it, whatever the clock did in between: it is compared with now, at least
 *     every `timerCheckMs`.
 * I2. It is gone only with the commit that holds its message; until then it is fired again.
 */
import type { TimerRow } from '../../persistence/store.ts';
import { timerKey } from './draft.ts';
import type { Clock } from './kernel.ts';

type Armed = { readonly key: string; readonly row: TimerRow };

/** Entries of timers that are gone, tolerated in the heap before it is built anew. */
const staleMax = 1_024;

export class Timers {
  readonly #armed = new Map<string, Armed>();
  /** A binary heap by time, then key. Entries that are not in `#armed` any more are skipped when they surface. */
  #heap: Armed[] = [];
  readonly #firing = new Map<TimerRow, Armed>();

  get(key: string): TimerRow | undefined {
    return this.#armed.get(key)?.row;
  }

  get size(): number {
    return this.#armed.size;
  }

  set(row: TimerRow): void {
    const armed = { key: timerKey(row.actor, row.key), row };
    this.#armed.set(armed.key, armed);
    this.#push(armed);
    if (this.#heap.length > 2 * this.#armed.size + staleMax) this.#rebuild();
  }

  clear(key: string): void {
    this.#armed.delete(key);
  }

  /** When the next one is due that is not being fired; null when none is armed. */
  nextDueAt(): number | null {
    this.#dropStale();
    return this.#heap[0]?.row.dueAt ?? null;
  }

  /** The timers due at `now`, soonest first, at most `max`. They count as being fired until `fired` or `clear`. */
  takeDue(now: number, max: number): TimerRow[] {
    const due: TimerRow[] = [];
    for (;;) {
      this.#dropStale();
      const first = this.#heap[0];
      if (first === undefined || first.row.dueAt > now || due.length === max) return due;
      this.#pop();
      this.#firing.set(first.row, first);
      due.push(first.row);
    }
  }

  /** The message of a timer was committed or refused: when the timer is still armed it will be fired again. */
  fired(row: TimerRow): void {
    const armed = this.#firing.get(row);
    this.#firing.delete(row);
    if (armed !== undefined && this.#armed.get(armed.key) === armed) this.#push(armed);
  }

  /** Timers that are set again and again leave entries behind that would never surface. */
  #rebuild(): void {
    const alive = this.#heap.filter((armed) => this.#armed.get(armed.key) === armed);
    this.#heap = [];
    for (const armed of alive) this.#push(armed);
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#armed.get(first.key) === first) return;
      this.#pop();
    }
  }

  #push(armed: Armed): void {
    const heap = this.#heap;
    heap.push(armed);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isSooner(heap[at]!, heap[parent]!)) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let soonest = at;
      if (left < heap.length && isSooner(heap[left]!, heap[soonest]!)) soonest = left;
      if (left + 1 < heap.length && isSooner(heap[left + 1]!, heap[soonest]!)) soonest = left + 1;
      if (soonest === at) return;
      [heap[at], heap[soonest]] = [heap[soonest]!, heap[at]!];
      at = soonest;
    }
  }
}

const isSooner = (left: Armed, right: Armed): boolean =>
  left.row.dueAt < right.row.dueAt || (left.row.dueAt === right.row.dueAt && left.key < right.key);

/** Looks at the clock when the next timer is due and at least every `checkMs`. */
export class TimerLoop {
  readonly #timers: Timers;
  readonly #clock: Clock;
  readonly #checkMs: number;
  readonly #fire: (now: number) => void;
  #cancel: (() => void) | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #isRunning = false;

  constructor(options: {
    readonly timers: Timers;
    readonly clock: Clock;
    readonly checkMs: number;
    /** Posts the messages of what is due. */
    readonly fire: (now: number) => void;
  }) {
    this.#timers = options.timers;
    this.#clock = options.clock;
    this.#checkMs = options.checkMs;
    this.#fire = options.fire;
  }

  start(): void {
    this.#isRunning = true;
    this.#tick();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** To be called when timers changed: a sooner one moves the next look forward. */
  rearm(): void {
    if (!this.#isRunning) return;
    const next = this.#timers.nextDueAt();
    // A look that lies in the past belongs to a clock that jumped forward since it was planned.
    const isPlanned = this.#wakeAt > this.#clock.now();
    if (next === null || (next >= this.#wakeAt && isPlanned)) return;
    this.#schedule();
  }

  #tick(): void {
    this.#cancel = null;
    if (!this.#isRunning) return;
    this.#fire(this.#clock.now());
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel?.();
    const now = this.#clock.now();
    const next = this.#timers.nextDueAt();
    const waitMs = Math.min(this.#checkMs, Math.max(0, (next ?? Number.POSITIVE_INFINITY) - now));
    this.#wakeAt = now + waitMs;
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#tick();
    });
  }
}
