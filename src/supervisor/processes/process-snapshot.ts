/**
 * One listing of the process table, indexed, so that the censuses of all runs share it: a beat over 50 runs lists once
 * and reads the cookies of new programs only. Pure but for the listing itself.
 *
 * S1. A snapshot is a photograph: it never changes. Whoever has signalled since takes a new one.
 */
import { sameIdentity, type ProcessIdentity } from './process-identity.ts';
import type { ProcessRow, ProcessTable } from './process-table.ts';

export type ProcessSnapshot = {
  readonly rows: readonly ProcessRow[];
  /** The process that took it. */
  readonly self: ProcessRow | null;
  readonly byPid: ReadonlyMap<number, ProcessRow>;
  readonly byParent: ReadonlyMap<number, readonly ProcessRow[]>;
  readonly byGroup: ReadonlyMap<number, readonly ProcessRow[]>;
  /** Without session 0, which means unknown. */
  readonly bySession: ReadonlyMap<number, readonly ProcessRow[]>;
  /** Zombies have no environment any more and are missing here. */
  readonly byCookie: ReadonlyMap<string, readonly ProcessRow[]>;
};

/** Lists now. */
export const snapshotProcesses = (table: ProcessTable): ProcessSnapshot => {
  const rows = table.list();
  const byPid = new Map(rows.map((row) => [row.identity.pid, row]));
  const self = byPid.get(table.self().pid) ?? null;
  return {
    rows,
    self,
    byPid,
    byParent: groupRows(rows, (row) => row.ppid),
    byGroup: groupRows(rows, (row) => row.pgid),
    bySession: groupRows(rows, (row) => (row.sid === 0 ? null : row.sid)),
    // Only our own user's processes can carry a cookie that counts; asking for the others would be wasted reads.
    byCookie: groupRows(rows, (row) =>
      row.state === 'zombie' || row.uid !== self?.uid ? null : table.cookieOf(row.identity),
    ),
  };
};

/** The row of exactly this process, or null when the listing has none. */
export const rowOf = (snapshot: ProcessSnapshot, id: ProcessIdentity): ProcessRow | null => {
  const row = snapshot.byPid.get(id.pid);
  return row !== undefined && sameIdentity(row.identity, id) ? row : null;
};

/**
 * Snapshots for many who ask at the same time (50 sweeps at once): a listing younger than `ageMaxMs` is handed out again.
 *
 * @param now Milliseconds of any clock that does not go backwards.
 * @param ageMaxMs Default 20, the shortest interval between two looks of one sweep.
 */
export const createSnapshotSource = (
  table: ProcessTable,
  now: () => number,
  ageMaxMs = 20,
): (() => ProcessSnapshot) => {
  let last: { readonly at: number; readonly snapshot: ProcessSnapshot } | null = null;
  return () => {
    if (last === null || now() - last.at >= ageMaxMs) last = { at: now(), snapshot: snapshotProcesses(table) };
    return last.snapshot;
  };
};

const groupRows = <Key>(
  rows: readonly ProcessRow[],
  keyOf: (row: ProcessRow) => Key | null,
): ReadonlyMap<Key, readonly ProcessRow[]> => {
  const groups = new Map<Key, ProcessRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
};
