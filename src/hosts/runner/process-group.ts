/**
 * One process group that this runner started, and its end.
 *
 * G1. While its leader has not been collected its number cannot be given away, so it may be signalled. Afterwards only with a
 *     proof: a member that carries the run's cookie (or is a recorded one).
 * G2. «Gone» means no member but zombies; those wait for a parent that is not ours.
 */
import type { ProcessIdentity } from '../../supervisor/processes/process-identity.ts';
import type { ProcessSignal, ProcessTable } from '../../supervisor/processes/process-table.ts';

/** How often a group is looked at while it ends, in ms; each look lists the process table only when the leader is gone. */
const LOOK_MS = 20;
/** After SIGKILL only the kernel can be slow: uninterruptible sleep on a dead disk. In ms. */
const KILLED_MS = 5_000;

export class ProcessGroup {
  readonly leader: ProcessIdentity;
  readonly #table: ProcessTable;
  readonly #cookie: string;
  #leaderCollected = false;

  constructor(table: ProcessTable, leader: ProcessIdentity, cookie: string) {
    this.#table = table;
    this.leader = leader;
    this.#cookie = cookie;
  }

  /** To be called as soon as the leader's exit is known (G1). */
  collected(): void {
    this.#leaderCollected = true;
  }

  signal(signal: ProcessSignal): void {
    if (this.#leaderCollected) {
      const proof = this.#members().find((identity) => this.#table.cookieOf(identity) === this.#cookie);
      if (proof !== undefined) this.#table.signalGroup(this.leader.pid, proof, signal);
      return;
    }
    try {
      process.kill(-this.leader.pid, signal);
    } catch {
      // ESRCH: it is ending right now; whoever waits will see it.
    }
  }

  isGone(): boolean {
    return this.#leaderCollected && (!this.#exists() || this.#members().length === 0);
  }

  /** Asking the kernel costs a thousandth of a listing; it counts zombies too. */
  #exists(): boolean {
    try {
      process.kill(-this.leader.pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ESRCH';
    }
  }

  /** SIGTERM, after `graceMs` SIGKILL. @returns false when members are left that nothing proves ours or that cannot end. */
  async end(graceMs: number): Promise<boolean> {
    if (this.isGone()) return true;
    this.signal('SIGTERM');
    if (await this.#goneWithin(graceMs)) return true;
    this.signal('SIGKILL');
    return this.#goneWithin(KILLED_MS);
  }

  async #goneWithin(ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    while (!this.isGone()) {
      if (performance.now() >= until) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }

  #members(): readonly ProcessIdentity[] {
    const rows = this.#table.list().filter((row) => row.pgid === this.leader.pid && row.state !== 'zombie');
    return rows.map((row) => row.identity);
  }
}
