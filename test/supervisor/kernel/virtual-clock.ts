/** A clock that stands still until a test moves it. Wall and monotonic time can part: `jump` moves the wall alone. */
import type { EpochMs } from '../../../src/machines/ids.ts';
import type { Clock } from '../../../src/supervisor/kernel/kernel.ts';

export type VirtualClock = Clock & {
  /** Lets time pass; timers fire in order, each at its own time, and what they cause settles before the next one. */
  advance(ms: number): Promise<void>;
  /** The wall clock is set, as by a person or NTP; nothing else happens. */
  jump(ms: number): void;
  readonly waiting: number;
};

/** Turns enough for a commit on a memory store and everything that follows from it. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
};

export function createVirtualClock(start = 1_795_000_000_000): VirtualClock {
  let wall = start;
  let monotonic = 0;
  let nextId = 0;
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  const after = (ms: number, run: () => void) => {
    const id = (nextId += 1);
    timers.set(id, { at: monotonic + ms, run });
    return () => {
      timers.delete(id);
    };
  };
  return {
    now: () => wall as EpochMs,
    monotonic: () => monotonic,
    after,
    sleep: async (ms) =>
      new Promise((resolve) => {
        after(ms, resolve);
      }),
    random: () => 0.5,
    get waiting() {
      return timers.size;
    },
    jump: (ms) => {
      wall += ms;
    },
    advance: async (ms) => {
      const end = monotonic + ms;
      for (;;) {
        await settle();
        const [first] = [...timers].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at);
        if (first === undefined) break;
        const [id, { at, run }] = first;
        timers.delete(id);
        wall += Math.max(0, at - monotonic);
        monotonic = Math.max(monotonic, at);
        run();
      }
      wall += end - monotonic;
      monotonic = end;
      await settle();
    },
  };
}
