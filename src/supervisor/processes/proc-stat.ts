/** Reads one line of /proc/<pid>/stat (proc_pid_stat(5)). Pure text to values. */
import type { ProcessState } from './process-table.ts';

export type ProcStat = {
  readonly pid: number;
  readonly command: string;
  readonly state: ProcessState;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly startTicks: string;
  /** User and system time together, its own and that of ended children that it has waited for, in clock ticks. */
  readonly cpuTicks: number;
  /** Resident, in pages of the machine. */
  readonly rssPages: number;
  /** Changes when the process executes another program, hence when its environment may have become another one. */
  readonly image: string;
};

/** Field numbers as the manual counts them; the first after the command's name is 3. */
const FIELD = {
  state: 3,
  ppid: 4,
  pgid: 5,
  sid: 6,
  user: 14,
  system: 15,
  childUser: 16,
  childSystem: 17,
  threads: 20,
  startTicks: 22,
  rss: 24,
  code: 26,
  env: 50,
  envEnd: 51,
};

/** Null when the text is not such a line. The name is whatever stands between the first `(` and the *last* `)`. */
export const parseProcStat = (text: string): ProcStat | null => {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const field = (number: number): string => fields[number - FIELD.state] ?? '';
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0) || field(FIELD.startTicks) === '') return null;
  return {
    pid,
    command: text.slice(open + 1, close),
    state: stateOf(field(FIELD.state), Number(field(FIELD.threads))),
    ppid: Number(field(FIELD.ppid)),
    pgid: Number(field(FIELD.pgid)),
    sid: Number(field(FIELD.sid)),
    startTicks: field(FIELD.startTicks),
    // A build's time is mostly that of programs which have come and gone between two looks.
    cpuTicks: [FIELD.user, FIELD.system, FIELD.childUser, FIELD.childSystem].reduce(
      (sum, number) => sum + Number(field(number)),
      0,
    ),
    rssPages: Number(field(FIELD.rss)),
    // Address randomization gives every exec another stack, so the environment's bounds tell two programs apart.
    image: `${field(FIELD.code)}:${field(FIELD.env)}:${field(FIELD.envEnd).trimEnd()}`,
  };
};

/** A process whose first thread has ended is shown as `Z` while its other threads work on: that one is no zombie. */
const stateOf = (letter: string, threads: number): ProcessState => {
  if (letter === 'T' || letter === 't') return 'stopped';
  return (letter === 'Z' || letter === 'X') && !(threads > 1) ? 'zombie' : 'running';
};
