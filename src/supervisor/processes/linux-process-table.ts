/**
 * The process table of Linux, read from /proc. One listing costs one small read and one stat a process; a cookie is
 * read once a program.
 *
 * L1. A carrier stays a carrier: a cookie that was read once is kept for the identity, for a program may overwrite its
 *     environment in place (`setproctitle`). "Has none" is kept only until the process executes another program.
 * L2. The cache holds listed processes only, so it never outgrows the table.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { ConductorError } from '../../machines/errors.ts';
import { identifyHost } from './host-identity.ts';
import { judgeLiveness, sameIdentity, type Liveness, type ProcessIdentity } from './process-identity.ts';
import { sendGroupSignal, sendSignal } from './process-signal.ts';
import {
  COOKIE_VARIABLE,
  type ProcessRow,
  type ProcessSignal,
  type ProcessTable,
  type ProcessUsage,
  type SignalResult,
} from './process-table.ts';
import { parseProcStat, type ProcStat } from './proc-stat.ts';

/** A stat line is below 1 KiB; an environment may be megabytes and has a reader of its own. */
const STAT_BYTES_MAX = 4_096;
/** A clock tick as the kernel tells times to programs: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** A page of memory where nothing tells. */
const USUAL_PAGE_BYTES = 4_096;

/** Parent of the kernel's own threads, most of the table: they are root's without a look. */
const KTHREADD = 2;

type Known = { startTicks: string; image: string; cookie: string | null; asked: boolean } & Used;
/** As of the last listing. */
type Used = { rssPages: number; cpuTicks: number };

/** @param proc Where procfs is mounted; another folder only in tests. @param hostId When it is known already. */
export const createLinuxProcessTable = (proc = '/proc', hostId?: string): ProcessTable =>
  new LinuxProcessTable(proc, hostId);

class LinuxProcessTable implements ProcessTable {
  readonly hostId: string;
  readonly bootId: string;
  readonly #proc: string;
  readonly #uid = process.geteuid?.() ?? -1;
  readonly #buffer = Buffer.allocUnsafe(STAT_BYTES_MAX);
  #known = new Map<number, Known>();
  #self: ProcessIdentity | null = null;
  #pageBytes: number | null = null;
  #listedAt = -Infinity;

  constructor(proc: string, hostId: string | undefined) {
    this.#proc = proc;
    const host = identifyHost({
      machineId: readText('/etc/machine-id') ?? '',
      hostName: hostname(),
      bootId: readText(`${proc}/sys/kernel/random/boot_id`) ?? '',
      pidNamespace: readLink(`${proc}/self/ns/pid`),
      hostId,
    });
    if (host.bootId === '') {
      throw new ConductorError('internal', `${proc}/sys/kernel/random/boot_id cannot be read; mount procfs at ${proc}`);
    }
    this.hostId = host.hostId;
    this.bootId = host.bootId;
  }

  self(): ProcessIdentity {
    this.#self ??= this.identify(process.pid);
    if (this.#self === null) {
      throw new ConductorError('internal', `${this.#proc} does not show this process; mount procfs there`);
    }
    return this.#self;
  }

  identify(pid: number): ProcessIdentity | null {
    const stat = this.#readStat(pid);
    return stat === null ? null : this.#identity(stat);
  }

  liveness(id: ProcessIdentity): Liveness {
    const stat = id.hostId === this.hostId ? this.#readStat(id.pid) : null;
    return judgeLiveness(id, this, stat === null ? null : { identity: this.#identity(stat), state: stat.state });
  }

  list(): readonly ProcessRow[] {
    const rows: ProcessRow[] = [];
    const known = new Map<number, Known>();
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!Number.isSafeInteger(pid) || pid < 1) continue;
      const stat = this.#readStat(pid);
      if (stat === null) continue; // Ended between the listing and the look.
      const uid = stat.ppid === KTHREADD ? 0 : statSync(`${this.#proc}/${pid}`, { throwIfNoEntry: false })?.uid;
      if (uid === undefined) continue;
      known.set(pid, this.#recall(stat));
      const { ppid, pgid, sid, state, command } = stat;
      rows.push({ identity: this.#identity(stat), ppid, pgid, sid, uid, state, command });
    }
    this.#known = known;
    this.#listedAt = performance.now();
    return rows;
  }

  cookieOf(id: ProcessIdentity): string | null {
    let entry = this.#known.get(id.pid);
    if (entry === undefined || entry.startTicks !== id.startTicks) {
      const stat = this.#readStat(id.pid);
      if (stat === null || !sameIdentity(this.#identity(stat), id)) return null;
      entry = this.#recall(stat);
    }
    if (entry.cookie === null && !entry.asked) {
      entry.cookie = this.#readCookie(id.pid);
      entry.asked = true;
    }
    return entry.cookie;
  }

  signal(id: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const liveness = this.liveness(id);
    if (liveness === 'foreign') return 'denied';
    return liveness === 'alive' ? sendSignal(id.pid, signal) : 'gone';
  }

  signalGroup(pgid: number, proof: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const stat = proof.hostId === this.hostId ? this.#readStat(proof.pid) : null;
    if (stat === null || stat.pgid !== pgid || !sameIdentity(this.#identity(stat), proof)) return 'gone';
    return sendGroupSignal(pgid, this.#readStat(process.pid)?.pgid ?? pgid, signal);
  }

  memoryFreeBytes(): number {
    const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readText(`${this.#proc}/meminfo`) ?? '')?.[1];
    return Number(kibibytes ?? 0) * 1_024;
  }

  rssBytes(pid: number): number | null {
    const status = readText(`${this.#proc}/${pid}/status`);
    if (status === null) return null;
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
  }

  usage(pids: readonly number[], ageMaxMs: number): ReadonlyMap<number, ProcessUsage> {
    const now = performance.now();
    const listedAt = now - this.#listedAt <= ageMaxMs ? this.#listedAt : null;
    const used = new Map<number, ProcessUsage>();
    for (const pid of pids) {
      const listed = listedAt === null ? undefined : this.#known.get(pid);
      const found: Used | null = listed ?? this.#readStat(pid);
      if (found === null) continue;
      const at = listed === undefined ? now : listedAt!;
      used.set(pid, { rssBytes: found.rssPages * this.#pageSize(), cpuMs: found.cpuTicks * TICK_MS, at });
    }
    return used;
  }

  /** In bytes, read off this process, which is told in both units: `status` of everybody would cost as much as all the rest. */
  #pageSize(): number {
    if (this.#pageBytes !== null) return this.#pageBytes;
    const pages = this.#readStat(process.pid)?.rssPages ?? 0;
    const bytes = this.rssBytes(process.pid) ?? 0;
    this.#pageBytes = pages > 0 && bytes > 0 ? 2 ** Math.round(Math.log2(bytes / pages)) : USUAL_PAGE_BYTES;
    return this.#pageBytes;
  }

  #identity(stat: ProcStat): ProcessIdentity {
    return { hostId: this.hostId, bootId: this.bootId, pid: stat.pid, startTicks: stat.startTicks };
  }

  /** What is known of this process from before (L1), or a blank entry. */
  #recall({ pid, startTicks, image, rssPages, cpuTicks }: ProcStat): Known {
    const before = this.#known.get(pid);
    if (before?.startTicks === startTicks && (before.image === image || before.cookie !== null)) {
      return Object.assign(before, { rssPages, cpuTicks });
    }
    return { startTicks, image, cookie: null, asked: false, rssPages, cpuTicks };
  }

  /** Null: ended, another user's, or without the variable. The first entry counts, as for getenv(3). */
  #readCookie(pid: number): string | null {
    const uid = statSync(`${this.#proc}/${pid}`, { throwIfNoEntry: false })?.uid;
    if (uid !== this.#uid) return null;
    const prefix = `${COOKIE_VARIABLE}=`;
    const entry = readText(`${this.#proc}/${pid}/environ`)
      ?.split('\0')
      .find((line) => line.startsWith(prefix));
    return entry?.slice(prefix.length) ?? null;
  }

  #readStat(pid: number): ProcStat | null {
    try {
      const file = openSync(`${this.#proc}/${pid}/stat`, 'r');
      try {
        return parseProcStat(this.#buffer.toString('utf8', 0, readSync(file, this.#buffer, 0, STAT_BYTES_MAX, 0)));
      } finally {
        closeSync(file);
      }
    } catch (error) {
      return nullWhenHidden(error, `${this.#proc}/${pid}/stat`);
    }
  }
}

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return nullWhenHidden(error, path);
  }
};

const readLink = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch (error) {
    return nullWhenHidden(error, path) ?? '';
  }
};

/** Ended, or another user's: an answer. Anything else, EMFILE above all, is our own trouble (T2). */
const nullWhenHidden = (cause: unknown, path: string): null => {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
  throw new ConductorError('internal', `${path} cannot be read (${code}); raise \`ulimit -n\` when it is EMFILE`, {
    retryable: true,
    details: { path, code: code ?? 'unknown' },
    cause,
  });
};
