/**
 * The port to the operating system's processes. Types only: what the kernel needs to know and may do, small enough
 * that a simulation can offer the same. It decides nothing about whose a process is; `census.ts` does.
 *
 * T1. Synchronous, and never older than the call: no answer comes from a listing made before it. (Only a cookie may be
 *     remembered from the last listing.)
 * T2. "Not there" is an answer only when the system said so. Trouble of our own (no file descriptors left) is thrown
 *     as `internal`, because a process judged gone by mistake would be started twice.
 * T3. Every signal checks the identity again right before it is sent, and none ever reaches pid 0, pid 1, this
 *     process or this process's own group.
 */
import type { Liveness, ProcessIdentity } from './process-identity.ts';

/** Name of the environment variable that every process of a run inherits: `<projectKey>/<runId>/<epoch>`. */
export const COOKIE_VARIABLE = 'CONDUCTOR_COOKIE';

/** `stopped`: by a signal or a debugger, and deaf to SIGTERM until continued. */
export type ProcessState = 'running' | 'stopped' | 'zombie';

/** One line of the process table. */
export type ProcessRow = {
  readonly identity: ProcessIdentity;
  readonly ppid: number;
  readonly pgid: number;
  /** Session; 0 where the system does not tell (macOS). */
  readonly sid: number;
  /** Effective user. */
  readonly uid: number;
  readonly state: ProcessState;
  /** Short name of the program as the system keeps it; may hold any character, is for people only. */
  readonly command: string;
};

export type ProcessSignal = 'SIGTERM' | 'SIGKILL' | 'SIGINT' | 'SIGHUP' | 'SIGCONT';

/** `gone`: nobody was signalled, it is not there any more. `denied`: the system or T3 refused. */
export type SignalResult = 'sent' | 'gone' | 'denied';

/**
 * Resident memory in bytes, and time that it has used of all processors since its start, in ms; on Linux with that of its ended
 * children. `at`: when this was so, in monotonic ms.
 */
export type ProcessUsage = { readonly rssBytes: number; readonly cpuMs: number; readonly at: number };

export interface ProcessTable {
  readonly hostId: string;
  readonly bootId: string;
  /** The process that asks. */
  self(): ProcessIdentity;
  /** Who has this pid now; a zombie still has its. Null when nobody. */
  identify(pid: number): ProcessIdentity | null;
  liveness(id: ProcessIdentity): Liveness;
  /** All processes that can be seen, zombies too, in no particular order. Not atomic: see `census.ts` C5. */
  list(): readonly ProcessRow[];
  /** The cookie of exactly this process; null when it has none, was gone at the last listing, or is another user's. */
  cookieOf(id: ProcessIdentity): string | null;
  /** Signals exactly this process. */
  signal(id: ProcessIdentity, signal: ProcessSignal): SignalResult;
  /** Signals a group, as long as `proof` is in it: a process (or zombie) known to be ours. Otherwise `gone`. */
  signalGroup(pgid: number, proof: ProcessIdentity, signal: ProcessSignal): SignalResult;
  /** Memory that new programs can have without swapping, in bytes. */
  memoryFreeBytes(): number;
  /** Resident memory in bytes; null when nobody has this pid. */
  rssBytes(pid: number): number | null;
  /** What these processes use, now, or at a listing they are in that is at most this old, in ms; who is gone or hidden is absent. */
  usage(pids: readonly number[], ageMaxMs: number): ReadonlyMap<number, ProcessUsage>;
}
