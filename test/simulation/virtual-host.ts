/**
 * The virtual machine: its processes, their signals, its boots. Small numbers, so that pids are used again soon.
 *
 * H1. An identity is never given twice: a pid that is used again has later start ticks.
 * H2. A process ends by exit, by a signal, or with the machine; SIGKILL may have to wait (uninterruptible sleep).
 */
import { judgeLiveness, sameIdentity, type ProcessIdentity } from '../../src/supervisor/processes/process-identity.ts';
import type {
  ProcessRow,
  ProcessSignal,
  ProcessTable,
  SignalResult,
} from '../../src/supervisor/processes/process-table.ts';
import { Life, type VirtualTime } from './virtual-time.ts';

export type Exit = { readonly code: number | null; readonly signal: string | null };

export type ProcessOptions = {
  readonly ppid: number;
  /** The group and session it joins; absent: it leads its own. */
  readonly joins?: VirtualProcess;
  readonly uid?: number;
  readonly command: string;
  /** What others can read in its environment. */
  readonly cookie: string | null;
  /** Whose it really is, as a cookie would say; absent: the cookie says it. */
  readonly owner?: string;
  readonly cwd: string | null;
  /** @returns whether it was handled; otherwise the signal ends the process. */
  readonly onSignal?: (signal: string) => boolean;
};

export type VirtualProcess = ProcessOptions & {
  readonly identity: ProcessIdentity;
  readonly life: Life;
  readonly pgid: number;
  readonly sid: number;
  parent: number;
  zombie: boolean;
  /** SIGKILL takes effect from then on. */
  unkillableUntil: number;
  readonly pending: string[];
  readonly onExit: ((exit: Exit) => void)[];
};

const PID_MIN = 300;
const PID_MAX = 700;
const OWN_UID = 1_000;
const PLENTY_BYTES = 8 * 1_073_741_824;

export class VirtualHost {
  readonly hostId = 'host';
  bootId = 'boot-1';
  memoryFree = PLENTY_BYTES;
  readonly #time: VirtualTime;
  readonly #processes = new Map<number, VirtualProcess>();
  #boots = 1;
  #pid = PID_MIN;
  #ticks = 1;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  spawn(options: ProcessOptions, wantedPid?: number): VirtualProcess {
    const pid = wantedPid !== undefined && !this.#processes.has(wantedPid) ? wantedPid : this.#freePid();
    this.#ticks += 1;
    const startTicks = String(this.#ticks);
    const process: VirtualProcess = {
      ...options,
      identity: { hostId: this.hostId, bootId: this.bootId, pid, startTicks },
      life: new Life(),
      pgid: options.joins?.pgid ?? pid,
      sid: options.joins?.sid ?? pid,
      parent: options.ppid,
      zombie: false,
      unkillableUntil: 0,
      pending: [],
      onExit: [],
    };
    this.#processes.set(pid, process);
    return process;
  }

  /** The living, zombies not among them. */
  living(): VirtualProcess[] {
    return [...this.#processes.values()].filter(({ zombie }) => !zombie);
  }

  isAlive(process: VirtualProcess): boolean {
    return this.#processes.get(process.identity.pid) === process && !process.zombie;
  }

  signal(process: VirtualProcess, signal: string): void {
    if (!this.isAlive(process)) return;
    if (signal === 'SIGKILL') return this.#kill(process);
    if (signal === 'SIGCONT') return this.resume(process);
    const isDeaf = process.unkillableUntil > this.#time.monotonic;
    if (process.life.stopped || isDeaf) process.pending.push(signal);
    else if (process.onSignal?.(signal) !== true) this.exit(process, { code: null, signal });
  }

  stop(process: VirtualProcess): void {
    process.life.stopped = true;
  }

  resume(process: VirtualProcess): void {
    if (!process.life.stopped || !this.isAlive(process)) return;
    this.#time.resume(process.life);
    for (const signal of process.pending.splice(0)) this.signal(process, signal);
    this.#reap(process.identity.pid);
  }

  exit(process: VirtualProcess, exit: Exit): void {
    if (!this.isAlive(process)) return;
    const { pid } = process.identity;
    process.life.alive = false;
    for (const child of this.#processes.values()) if (child.parent === pid) child.parent = 1;
    this.#reap(1);
    const parent = this.#processes.get(process.parent);
    if (parent?.life.stopped === true && parent.life.alive) process.zombie = true;
    else this.#processes.delete(pid);
    for (const tell of process.onExit) tell(exit);
  }

  /** Power off and on: nobody is left, and nobody hears of it. */
  reboot(): void {
    for (const { life } of this.#processes.values()) life.alive = false;
    this.#processes.clear();
    this.#boots += 1;
    this.bootId = `boot-${String(this.#boots)}`;
    this.#pid = PID_MIN;
  }

  restoreMemory(): void {
    this.memoryFree = PLENTY_BYTES;
  }

  tableFor(self: VirtualProcess): ProcessTable {
    const find = (id: ProcessIdentity): VirtualProcess | null => {
      const process = this.#processes.get(id.pid);
      return process !== undefined && sameIdentity(process.identity, id) ? process : null;
    };
    return {
      hostId: this.hostId,
      bootId: this.bootId,
      self: () => self.identity,
      identify: (pid) => this.#processes.get(pid)?.identity ?? null,
      liveness: (id) => {
        const process = this.#processes.get(id.pid);
        return judgeLiveness(id, this, process === undefined ? null : rowOf(process));
      },
      list: () => [...this.#processes.values()].map(rowOf),
      cookieOf: (id) => find(id)?.cookie ?? null,
      signal: (id, signal) => this.#signalFrom(self, find(id), signal),
      signalGroup: (pgid, proof, signal) => {
        const proven = find(proof);
        if (proven === null || proven.pgid !== pgid) return 'gone';
        const group = [...this.#processes.values()].filter((process) => process.pgid === pgid);
        for (const process of group) this.#signalFrom(self, process, signal);
        return 'sent';
      },
      memoryFreeBytes: () => this.memoryFree,
      usage: () => new Map(),
      rssBytes: (pid) => (this.#processes.has(pid) ? 48 * 1_048_576 : null),
    };
  }

  #signalFrom(self: VirtualProcess, to: VirtualProcess | null, signal: ProcessSignal): SignalResult {
    if (!self.life.alive || to === null) return 'gone';
    if (to === self || (to.uid ?? OWN_UID) !== OWN_UID) return 'denied';
    this.signal(to, signal);
    return 'sent';
  }

  #kill(process: VirtualProcess): void {
    const wait = process.unkillableUntil - this.#time.monotonic;
    if (wait <= 0) return this.exit(process, { code: null, signal: 'SIGKILL' });
    process.life.stopped = true;
    if (process.pending.includes('SIGKILL')) return;
    process.pending.push('SIGKILL');
    const world = new Life();
    this.#time.after(world, wait, () => this.exit(process, { code: null, signal: 'SIGKILL' }));
  }

  #reap(parent: number): void {
    for (const [pid, process] of this.#processes) {
      if (process.zombie && process.parent === parent) this.#processes.delete(pid);
    }
  }

  #freePid(): number {
    do {
      this.#pid = this.#pid >= PID_MAX ? PID_MIN : this.#pid + 1;
    } while (this.#processes.has(this.#pid));
    return this.#pid;
  }
}

/** Run and epoch that a process works for; null for a stranger. */
export const workOf = ({
  owner,
  cookie,
}: VirtualProcess): { readonly runId: string; readonly epoch: number } | null => {
  const parts = (owner ?? cookie)?.split('/') ?? [];
  return parts.length === 3 ? { runId: parts[1]!, epoch: Number(parts[2]) } : null;
};

const rowOf = ({ identity, parent, pgid, sid, uid, zombie, life, command }: VirtualProcess): ProcessRow => ({
  identity,
  ppid: parent,
  pgid,
  sid,
  uid: uid ?? OWN_UID,
  state: zombie ? 'zombie' : life.stopped ? 'stopped' : 'running',
  command,
});
