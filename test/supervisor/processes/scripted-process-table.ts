/**
 * A process table that tests write by hand, and whose processes do as they are told when a signal comes. The clock
 * beside it moves only when somebody sleeps.
 */
import {
  judgeLiveness,
  sameIdentity,
  type Liveness,
  type ProcessIdentity,
} from '../../../src/supervisor/processes/process-identity.ts';
import type {
  ProcessRow,
  ProcessSignal,
  ProcessTable,
  ProcessUsage,
  SignalResult,
} from '../../../src/supervisor/processes/process-table.ts';

/** `obeys`: what ends it. `denies`: signals are refused, as for another user's program. */
export type ScriptedRow = Partial<Omit<ProcessRow, 'identity'>> & {
  readonly pid: number;
  readonly startTicks?: string;
  readonly cookie?: string;
  readonly obeys?: 'SIGTERM' | 'SIGKILL' | 'nothing';
  readonly denies?: boolean;
};

export const OWN_PID = 100;

export class ScriptedProcessTable implements ProcessTable {
  readonly hostId = 'host';
  readonly bootId = 'boot';
  readonly clock = {
    at: 0,
    now: () => this.clock.at,
    sleep: async (ms: number) => {
      this.clock.at += ms;
      this.onSleep(this.clock.at);
    },
  };
  /** What the world does while somebody sleeps. */
  onSleep: (at: number) => void = () => undefined;
  /** What the world does right before a listing; they are counted from 1. */
  onList: (count: number) => void = () => undefined;
  /** Every signal that was sent: `[ms, pid or -pgid, signal]`. */
  readonly sent: [number, number, ProcessSignal][] = [];
  lists = 0;
  cookiesRead = 0;
  readonly #rows = new Map<number, ScriptedRow>();

  constructor(rows: readonly ScriptedRow[] = []) {
    for (const row of [{ pid: OWN_PID, pgid: OWN_PID, sid: OWN_PID }, ...rows]) this.add(row);
  }

  add(row: ScriptedRow): void {
    this.#rows.set(row.pid, row);
  }

  remove(pid: number): void {
    this.#rows.delete(pid);
  }

  id(pid: number): ProcessIdentity {
    return { hostId: 'host', bootId: 'boot', pid, startTicks: this.#rows.get(pid)?.startTicks ?? '1' };
  }

  self(): ProcessIdentity {
    return this.id(OWN_PID);
  }

  identify(pid: number): ProcessIdentity | null {
    return this.#rows.has(pid) ? this.id(pid) : null;
  }

  liveness(id: ProcessIdentity): Liveness {
    return judgeLiveness(id, this, this.list().find((row) => row.identity.pid === id.pid) ?? null);
  }

  list(): readonly ProcessRow[] {
    this.lists += 1;
    this.onList(this.lists);
    return [...this.#rows.values()].map((row) => ({
      identity: this.id(row.pid),
      ppid: row.ppid ?? 1,
      pgid: row.pgid ?? row.pid,
      sid: row.sid ?? row.pid,
      uid: row.uid ?? 1000,
      state: row.state ?? 'running',
      command: row.command ?? 'program',
    }));
  }

  cookieOf(id: ProcessIdentity): string | null {
    this.cookiesRead += 1;
    return this.#rows.get(id.pid)?.cookie ?? null;
  }

  signal(id: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const row = this.#rows.get(id.pid);
    if (row === undefined || !sameIdentity(id, this.id(id.pid))) return 'gone';
    if (row.denies === true) return 'denied';
    this.sent.push([this.clock.at, id.pid, signal]);
    this.#deliver(row, signal);
    return 'sent';
  }

  signalGroup(pgid: number, proof: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const group = [...this.#rows.values()].filter((row) => (row.pgid ?? row.pid) === pgid && row.denies !== true);
    if (!group.some((row) => sameIdentity(this.id(row.pid), proof))) return 'gone';
    this.sent.push([this.clock.at, -pgid, signal]);
    for (const row of group) this.#deliver(row, signal);
    return 'sent';
  }

  memoryFreeBytes(): number {
    return 0;
  }

  rssBytes(): number | null {
    return null;
  }

  usage(): ReadonlyMap<number, ProcessUsage> {
    return new Map();
  }

  #deliver({ pid, obeys = 'SIGTERM' }: ScriptedRow, signal: ProcessSignal): void {
    if (signal === obeys || (signal === 'SIGKILL' && obeys !== 'nothing')) this.remove(pid);
  }
}
