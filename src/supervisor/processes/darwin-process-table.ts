/**
 * The process table of macOS, asked through `ps`, `sysctl` and `vm_stat`. The parsing is tried on Linux, whose `ps`
 * prints the same columns; the three programs of macOS itself are not.
 *
 * M1. `ps` does not tell sessions (sid 0), and start times are whole seconds: a pid given away again within the same
 *     second would be taken for the process before.
 * M2. Cookies are read for all new programs in one call and kept for the identity. "None" is asked again after an exec
 *     only when the program's name changed, for macOS tells no more.
 */
import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { ConductorError } from '../../machines/errors.ts';
import { hashHostId } from './host-identity.ts';
import { judgeLiveness, sameIdentity, type Liveness, type ProcessIdentity } from './process-identity.ts';
import { sendGroupSignal, sendSignal } from './process-signal.ts';
import { findCookie, parsePsLine, parsePsTexts, parsePsUsage, parseVmStat, PS_COLUMNS } from './darwin-process-text.ts';
import type { ProcessRow, ProcessSignal, ProcessTable, ProcessUsage, SignalResult } from './process-table.ts';

/** Runs a program and returns what it printed; '' when it ended with an exit code above 0, as `ps -p` does for nobody. */
export type RunProgram = (file: string, args: readonly string[]) => string;

type Known = { readonly startTicks: string; readonly command: string; cookie: string | null; asked: boolean };

const OUTPUT_BYTES_MAX = 64 * 1_024 * 1_024;
const PROGRAM_TIMEOUT_MS = 5_000;
/** `ps -p` takes a list; an argument list is limited to 1 MiB on macOS, and 1,000 pids are 6 KiB. */
const PIDS_PER_CALL = 1_000;
const PID_AND_TEXT = ['-o', 'pid=', '-o', 'command='];

/** @param run Another way to run the system's programs; only in tests. @param hostId When it is known already. */
export const createDarwinProcessTable = (run: RunProgram = runProgram, hostId?: string): ProcessTable =>
  new DarwinProcessTable(run, hostId);

class DarwinProcessTable implements ProcessTable {
  readonly hostId: string;
  readonly bootId: string;
  readonly #run: RunProgram;
  readonly #uid = process.geteuid?.() ?? -1;
  #known = new Map<number, Known>();
  #self: ProcessIdentity | null = null;

  constructor(run: RunProgram, hostId: string | undefined) {
    this.#run = run;
    this.hostId = hostId ?? hashHostId(run('/usr/sbin/sysctl', ['-n', 'kern.uuid']).trim() || hostname());
    // The session's id stays when the clock is set; kern.boottime moves with it.
    const boot = run('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']).trim();
    this.bootId = boot || (/sec = (\d+)/.exec(run('/usr/sbin/sysctl', ['-n', 'kern.boottime']))?.[1] ?? '');
    if (this.bootId === '') {
      throw new ConductorError('internal', 'sysctl tells neither kern.bootsessionuuid nor kern.boottime');
    }
  }

  self(): ProcessIdentity {
    this.#self ??= this.identify(process.pid);
    if (this.#self === null) throw new ConductorError('internal', '/bin/ps does not show this process');
    return this.#self;
  }

  identify(pid: number): ProcessIdentity | null {
    return this.#row(pid)?.identity ?? null;
  }

  liveness(id: ProcessIdentity): Liveness {
    return judgeLiveness(id, this, id.hostId === this.hostId ? this.#row(id.pid) : null);
  }

  list(): readonly ProcessRow[] {
    const rows = this.#ps(['-ax', ...PS_COLUMNS]).flatMap((line) => parsePsLine(line, this) ?? []);
    this.#known = new Map(rows.map((row) => [row.identity.pid, this.#recall(row)]));
    this.#readCookies(rows.filter((row) => row.uid === this.#uid && row.state !== 'zombie'));
    return rows;
  }

  cookieOf(id: ProcessIdentity): string | null {
    const known = this.#known.get(id.pid);
    if (known?.asked === true && known.startTicks === id.startTicks) return known.cookie;
    const row = this.#row(id.pid);
    if (row === null || row.uid !== this.#uid || !sameIdentity(row.identity, id)) return null;
    this.#known.set(id.pid, this.#recall(row));
    this.#readCookies([row]);
    return this.#known.get(id.pid)?.cookie ?? null;
  }

  signal(id: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const liveness = this.liveness(id);
    if (liveness === 'foreign') return 'denied';
    return liveness === 'alive' ? sendSignal(id.pid, signal) : 'gone';
  }

  signalGroup(pgid: number, proof: ProcessIdentity, signal: ProcessSignal): SignalResult {
    const row = this.#row(proof.pid);
    if (row === null || row.pgid !== pgid || !sameIdentity(row.identity, proof)) return 'gone';
    return sendGroupSignal(pgid, this.#row(process.pid)?.pgid ?? pgid, signal);
  }

  memoryFreeBytes(): number {
    return parseVmStat(this.#run('/usr/bin/vm_stat', []));
  }

  rssBytes(pid: number): number | null {
    const text = this.#run('/bin/ps', ['-o', 'rss=', '-p', String(pid)]).trim();
    return text === '' ? null : Number(text) * 1_024;
  }

  /** Always as it is now: a listing does not say it. */
  usage(pids: readonly number[]): ReadonlyMap<number, ProcessUsage> {
    if (pids.length === 0) return new Map();
    const text = this.#run('/bin/ps', ['-o', 'pid=', '-o', 'rss=', '-o', 'time=', '-p', pids.join(',')]);
    return parsePsUsage(text, performance.now());
  }

  #row(pid: number): ProcessRow | null {
    const [line] = this.#ps([...PS_COLUMNS, '-p', String(pid)]);
    return line === undefined ? null : parsePsLine(line, this);
  }

  #ps(args: readonly string[]): readonly string[] {
    return this.#run('/bin/ps', args)
      .split('\n')
      .filter((line) => line.trim() !== '');
  }

  #recall({ identity, command }: ProcessRow): Known {
    const before = this.#known.get(identity.pid);
    if (before?.startTicks === identity.startTicks && (before.cookie !== null || before.command === command)) {
      return before;
    }
    return { startTicks: identity.startTicks, command, cookie: null, asked: false };
  }

  /** `ps -E` appends the environment to the arguments; without -E it prints the arguments alone, to be cut off. */
  #readCookies(rows: readonly ProcessRow[]): void {
    const pids = rows.map((row) => row.identity.pid).filter((pid) => this.#known.get(pid)?.asked === false);
    for (let from = 0; from < pids.length; from += PIDS_PER_CALL) {
      const list = pids.slice(from, from + PIDS_PER_CALL).join(',');
      const plain = parsePsTexts(this.#run('/bin/ps', ['-ww', ...PID_AND_TEXT, '-p', list]));
      const full = parsePsTexts(this.#run('/bin/ps', ['-Eww', ...PID_AND_TEXT, '-p', list]));
      for (const [pid, text] of full) {
        const known = this.#known.get(pid);
        if (known === undefined) continue;
        known.cookie = findCookie(plain.get(pid) ?? '', text);
        known.asked = true;
      }
    }
  }
}

const runProgram: RunProgram = (file, args) => {
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      env: { LC_ALL: 'C', TZ: 'UTC' },
      maxBuffer: OUTPUT_BYTES_MAX,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PROGRAM_TIMEOUT_MS,
    });
  } catch (cause) {
    const { status, stdout } = cause as { status?: number | null; stdout?: string };
    // `ps` ends with 1 when one of the pids is gone, and prints the others; everything else is our own trouble.
    if (typeof status === 'number') return stdout ?? '';
    throw new ConductorError('internal', `${file} could not be run: ${(cause as Error).message}`, {
      retryable: true,
      details: { file },
      cause,
    });
  }
};
