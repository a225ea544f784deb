/**
 * What processes use of a processor, from how much they had used when somebody looked before.
 *
 * U1. Nothing is measured while nobody asks.
 */
import type { ProcessTable } from './process-table.ts';

export type MeasuredUsage = {
  readonly memoryBytes: number;
  /** Of one processor since the last look; null at the first. */
  readonly cpuPercent: number | null;
};

/** Two looks that are closer, as of two pages, get the same figure: the tick of a process's time is too coarse for less. */
const APART_MS = 500;
/** A look that is older says nothing about now. */
const STALE_MS = 60_000;

type Look = { readonly at: number; readonly cpuMs: number; readonly percent: number | null };

export class UsageMeter {
  readonly #table: Pick<ProcessTable, 'usage'>;
  /** Monotonic, in ms. */
  readonly #now: () => number;
  #looks = new Map<number, Look>();

  constructor(table: Pick<ProcessTable, 'usage'>, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** Who is gone is absent. A pid that another process has got since gets no figure: its time went back. */
  look(pids: readonly number[]): ReadonlyMap<number, MeasuredUsage> {
    const at = this.#now();
    const found = new Map<number, MeasuredUsage>();
    const looks = new Map([...this.#looks].filter(([, look]) => at - look.at < STALE_MS));
    for (const [pid, { rssBytes, cpuMs }] of this.#table.usage(pids)) {
      const look = nextLook(looks.get(pid), { at, cpuMs });
      looks.set(pid, look);
      found.set(pid, { memoryBytes: rssBytes, cpuPercent: look.percent });
    }
    this.#looks = looks;
    return found;
  }
}

const nextLook = (before: Look | undefined, { at, cpuMs }: Omit<Look, 'percent'>): Look => {
  if (before === undefined || cpuMs < before.cpuMs) return { at, cpuMs, percent: null };
  if (at - before.at < APART_MS) return before;
  const percent = Math.round(((cpuMs - before.cpuMs) / (at - before.at)) * 1_000) / 10;
  return { at, cpuMs, percent };
};
