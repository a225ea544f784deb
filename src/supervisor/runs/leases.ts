/**
 * Who was heard from, and how long ago. Pure arithmetic on a monotonic clock, in memory only.
 *
 * E1. Silence is counted only while the monitor itself was awake: after a gap every lease has its full time again.
 * E2. A verdict is given only in a tick that follows a complete poll of the connections; the caller sees to that.
 */

/** Silence after which a runner is shown as unresponsive, in ms. Six missed heartbeats. */
export const LEASE_MS = 30_000;
/** Silence after which a runner that still has a process is fenced, in ms. A swap storm passes in less. */
export const UNRESPONSIVE_MS = 600_000;
/** Two ticks further apart than this mean that the machine or this process slept, in ms. */
export const GAP_MS = 5_000;

export type LeaseVerdict = 'held' | 'unresponsive' | 'expired';

export class Leases {
  readonly #heardAt = new Map<string, number>();
  #tickAt: number | null = null;

  /** @param now Monotonic, in ms. */
  renew(runId: string, now: number): void {
    this.#heardAt.set(runId, now);
  }

  drop(runId: string): void {
    this.#heardAt.delete(runId);
  }

  /**
   * To be called first in every tick of the monitor.
   * @returns the length of the gap in ms when there was one, else 0.
   */
  tick(now: number): number {
    const gap = this.#tickAt === null ? 0 : now - this.#tickAt;
    this.#tickAt = now;
    if (gap <= GAP_MS) return 0;
    for (const runId of this.#heardAt.keys()) this.#heardAt.set(runId, now);
    return gap;
  }

  verdict(runId: string, now: number): LeaseVerdict {
    const heardAt = this.#heardAt.get(runId);
    if (heardAt === undefined) return 'held';
    const silence = now - heardAt;
    if (silence >= UNRESPONSIVE_MS) return 'expired';
    return silence >= LEASE_MS ? 'unresponsive' : 'held';
  }

  /** Ms since the last word; null for a run that has no lease. */
  silence(runId: string, now: number): number | null {
    const heardAt = this.#heardAt.get(runId);
    return heardAt === undefined ? null : now - heardAt;
  }
}
