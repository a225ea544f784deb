/**
 * What groups of processes use of the machine, such as a run with all it has started: one look at the process table for all of them.
 *
 * U1. Nothing is looked at while nobody asks, and at most every LOOK_MS, however many ask.
 * U2. No figure is better than a wrong one: a share of a processor is told only when two looks in a row saw the group, and none when
 *     its time went back, as it does when somebody outside of it took the time of one that ended.
 */
import type { ProcessTable, ProcessUsage } from './process-table.ts';

export type MeasuredUsage = {
  /** Resident, of all together; what they share counts for each. */
  readonly memoryBytes: number | null;
  /** Of one processor between the last two looks; null at the first. */
  readonly cpuPercent: number | null;
};

export const NO_USAGE: MeasuredUsage = { memoryBytes: null, cpuPercent: null };

/** Who belongs to which group now, by the name of the group. */
export type UsageGroups = () => ReadonlyMap<string, readonly number[]>;

/** Two pages that ask every 2 s cost no more than one. While runs live their monitors list the table more often than this. */
export const LOOK_MS = 8_000;
/** A look that is older says nothing about now. */
const STALE_MS = 60_000;

/** `at`: when it was so, as the table says. */
type Look = { readonly at: number; readonly cpuMs: number; readonly usage: MeasuredUsage };

export type UsageMeterParts = {
  readonly table: Pick<ProcessTable, 'usage'>;
  readonly groups: UsageGroups;
  /** Monotonic, in ms. */
  readonly now: () => number;
};

export class UsageMeter {
  readonly #parts: UsageMeterParts;
  #at: number | null = null;
  #looks = new Map<string, Look>();

  constructor(parts: UsageMeterParts) {
    this.#parts = parts;
  }

  /** A group of which nobody is there any more, or that came since the last look, has no figures. */
  of(group: string): MeasuredUsage {
    const { now } = this.#parts;
    if (this.#at === null || now() - this.#at >= LOOK_MS) this.#look(now());
    return this.#looks.get(group)?.usage ?? NO_USAGE;
  }

  #look(at: number): void {
    this.#at = at;
    try {
      const members = this.#parts.groups();
      const used = this.#parts.table.usage([...new Set([...members.values()].flat())], LOOK_MS);
      const looks = [...members].map(([group, pids]) => [group, this.#lookAt(group, pids, used)] as const);
      this.#looks = new Map(looks.filter((entry): entry is [string, Look] => entry[1] !== null));
    } catch {
      // No file descriptors are left: who starts and ends processes says so, figures are just missing until the next look.
      this.#looks = new Map();
    }
  }

  #lookAt(group: string, pids: readonly number[], used: ReadonlyMap<number, ProcessUsage>): Look | null {
    const found = pids.flatMap((pid) => used.get(pid) ?? []);
    if (found.length === 0) return null;
    const memoryBytes = found.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    const cpuMs = found.reduce((sum, one) => sum + one.cpuMs, 0);
    const at = Math.max(...found.map((one) => one.at));
    const before = this.#looks.get(group);
    // The same as last time, from the same listing.
    if (before?.at === at) return before;
    return { at, cpuMs, usage: { memoryBytes, cpuPercent: share(before, cpuMs, at) } };
  }
}

/** U2. */
const share = (before: Look | undefined, cpuMs: number, at: number): number | null => {
  if (before === undefined || at - before.at >= STALE_MS || cpuMs < before.cpuMs) return null;
  return Math.round(((cpuMs - before.cpuMs) / (at - before.at)) * 1_000) / 10;
};
