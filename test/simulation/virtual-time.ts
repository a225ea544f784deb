/**
 * Time of the simulation: one queue of everything that is due, in order, for every process of the virtual machine.
 *
 * V1. Nothing happens but through `step`: two runs with the same additions have the same order.
 * V2. What is due for a dead process never happens; what is due for a stopped one waits, timers before input, as in Node's loop.
 * V3. The wall clock is the monotonic one plus an offset that only `setWall` and a suspend change.
 */
import type { EpochMs } from '../../src/machines/ids.ts';
import type { Clock } from '../../src/supervisor/kernel/kernel.ts';
import type { Chance } from './chance.ts';

type Entry = {
  at: number;
  order: number;
  readonly life: Life;
  readonly input: boolean;
  run: (() => void) | null;
};

/** Whose entry it is: a process, or the world itself. */
export class Life {
  alive = true;
  stopped = false;
  readonly held: Entry[] = [];
}

export class VirtualTime {
  readonly #heap: Entry[] = [];
  #order = 0;
  #monotonic = 0;
  #wallOffset = 1_795_000_000_000;
  #latestOffset = this.#wallOffset;

  get monotonic(): number {
    return this.#monotonic;
  }

  get wall(): EpochMs {
    return Math.floor(this.#monotonic + this.#wallOffset) as EpochMs;
  }

  /** @returns cancels. */
  after(life: Life, ms: number, run: () => void): () => void {
    return this.#add(life, ms, { run, input: false });
  }

  /** Comes through a socket: a process that was stopped reads it only after its due timers. */
  arrive(life: Life, ms: number, run: () => void): void {
    this.#add(life, ms, { run, input: true });
  }

  /** Resolves after `ms`; never when the process dies first. */
  async wait(life: Life, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.after(life, ms, resolve);
    });
  }

  /** Lets the next thing happen. @returns false when nothing is due ever. */
  step(): boolean {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.run === null || !entry.life.alive) continue;
      if (entry.life.stopped) {
        entry.life.held.push(entry);
        continue;
      }
      this.#monotonic = Math.max(this.#monotonic, entry.at);
      entry.run();
      return true;
    }
    return false;
  }

  /** What waited for a process that goes on. */
  resume(life: Life): void {
    life.stopped = false;
    const held = life.held.splice(0);
    for (const entry of [...held.filter(({ input }) => !input), ...held.filter(({ input }) => input)]) {
      entry.at = this.#monotonic;
      entry.order = this.#order += 1;
      this.#push(entry);
    }
  }

  /** The wall clock is set, as by a person or NTP. */
  setWall(ms: number): void {
    this.#wallOffset += ms;
    this.#latestOffset = Math.max(this.#latestOffset, this.#wallOffset);
  }

  /** To the latest it ever was: deadlines are wall times, and what was set after them comes late by as much. */
  restoreWall(): void {
    this.#wallOffset = this.#latestOffset;
  }

  /** The machine slept. @param counted Whether its monotonic clock counts that (macOS does, Linux does not). */
  suspend(ms: number, counted: boolean): void {
    if (counted) this.#monotonic += ms;
    else this.setWall(ms);
  }

  clockOf(life: Life, chance: Chance): Clock {
    return {
      now: () => this.wall,
      monotonic: () => this.#monotonic,
      after: (ms, run) => this.after(life, ms, run),
      sleep: (ms) => this.wait(life, ms),
      random: () => chance.next(),
    };
  }

  #add(life: Life, ms: number, what: Pick<Entry, 'run' | 'input'>): () => void {
    const entry: Entry = { ...what, at: this.#monotonic + Math.max(0, ms), order: (this.#order += 1), life };
    this.#push(entry);
    return () => {
      entry.run = null;
    };
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isSooner(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isSooner(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

const isSooner = (left: Entry, right: Entry): boolean =>
  left.at < right.at || (left.at === right.at && left.order < right.order);
