/**
 * Who asks: decided by the server from what the process table shows and what the client reports. Pure.
 *
 * This guards against mistakes and obedient agents. A hostile process of the same user can open a terminal of its own, or the
 * database; nothing on one machine and one user id can stop it.
 *
 * P1. A run's cookie, in the caller's environment or an ancestor's, outranks everything: `child_run`.
 * P2. `human` needs two terminals and a caller that the process table shows. Everybody else is `parent_agent`.
 * P3. Nothing in a request makes anybody more than this.
 */
import type { Principal } from '../../machines/schema.ts';
import type { ProcessTable } from '../../supervisor/processes/process-table.ts';

export type CallerReport = { readonly pid: number; readonly stdinTty: boolean; readonly stdoutTty: boolean };

/** One look at the process table. */
export type ProcessLook = {
  /** Null when nobody has this pid. */
  parentOf(pid: number): number | null;
  /** Whether this process carries any run's cookie. */
  hasCookie(pid: number): boolean;
};

/** Longest chain of ancestors that is followed; a table that changes underneath must not make a loop endless. */
const ANCESTORS_MAX = 256;

export const decidePrincipal = (report: CallerReport, look: ProcessLook): Principal => {
  if (carriesCookie(report.pid, look)) return 'child_run';
  const isSeen = look.parentOf(report.pid) !== null;
  return isSeen && report.stdinTty && report.stdoutTty ? 'human' : 'parent_agent';
};

/** True when the process or one of its ancestors carries a run's cookie. */
export const carriesCookie = (pid: number, look: ProcessLook): boolean => {
  let current: number | null = pid;
  for (let step = 0; step < ANCESTORS_MAX && current !== null && current > 0; step += 1) {
    if (look.hasCookie(current)) return true;
    current = look.parentOf(current);
  }
  return false;
};

/** The cookies of a process and all its ancestors that are ours to read, nearest first. */
export const cookiesAbove = (pid: number, table: ProcessTable): readonly string[] => {
  const rows = new Map(table.list().map((row) => [row.identity.pid, row]));
  const cookies: string[] = [];
  let row = rows.get(pid);
  for (let step = 0; step < ANCESTORS_MAX && row !== undefined; step += 1) {
    const cookie = table.cookieOf(row.identity);
    if (cookie !== null) cookies.push(cookie);
    row = rows.get(row.ppid);
  }
  return cookies;
};

/** A look at everything as it is now: one listing, and one read of the environment for each ancestor. */
export const lookAtProcesses = (table: ProcessTable): ProcessLook => {
  const rows = new Map(table.list().map((row) => [row.identity.pid, row]));
  return {
    parentOf: (pid) => rows.get(pid)?.ppid ?? null,
    hasCookie: (pid) => {
      const row = rows.get(pid);
      return row !== undefined && table.cookieOf(row.identity) !== null;
    },
  };
};
