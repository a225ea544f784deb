/**
 * Who a process is, across pid reuse, reboots and hosts. Pure values: nothing here looks at the machine.
 *
 * I1. A pid alone names nobody. Four parts name a process, and they are compared as written, never interpreted.
 * I2. Another host's identity is `foreign`: it is never judged, signalled or collected here.
 * I3. Another boot of this host ended everything that carried the boot before.
 */

/** JSON-safe, stored as it stands. */
export type ProcessIdentity = {
  /** Hash of this machine's id; made by `ProcessTable.hostId`. */
  readonly hostId: string;
  /** Changes with every boot (and with every new pid namespace, for its numbers begin anew). */
  readonly bootId: string;
  readonly pid: number;
  /**
   * A decimal number that never falls from parent to child. Linux: clock ticks since boot (field 22 of
   * /proc/<pid>/stat). macOS: seconds since 1970 of `ps -o lstart`.
   */
  readonly startTicks: string;
};

/** `zombie`: has ended, its parent has not collected it yet. `foreign`: of another host, so not ours to judge. */
export type Liveness = 'alive' | 'gone' | 'zombie' | 'foreign';

/** True when all four parts are equal as written. */
export const sameIdentity = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId && a.hostId === b.hostId;

/** One string per identity, for sets and maps. Never parsed back. */
export const identityKey = (id: ProcessIdentity): string => `${id.hostId}/${id.bootId}/${id.pid}/${id.startTicks}`;

/**
 * Judges an identity by what the table holds now under its pid (I1 to I3).
 *
 * @param here The host and boot of the table that is asked.
 * @param now The process that has this pid now, or null when none has.
 */
export const judgeLiveness = (
  id: ProcessIdentity,
  here: { readonly hostId: string; readonly bootId: string },
  now: { readonly identity: ProcessIdentity; readonly state: string } | null,
): Liveness => {
  if (id.hostId !== here.hostId) return 'foreign';
  if (now === null || !sameIdentity(id, now.identity)) return 'gone';
  return now.state === 'zombie' ? 'zombie' : 'alive';
};
