/**
 * Which living processes belong to one epoch of a run. It looks and proves; `sweep.ts` ends them.
 *
 * C1. Every member is proven ours: its identity is recorded, it carries the cookie exactly, it descends from a member,
 *     or it is in a recorded group or session in which something else is proven. A number alone proves nothing, so a
 *     reused pid never makes a stranger a member.
 * C2. Zombies are no members. A zombie with a recorded identity still proves its group: its number is taken.
 * C3. Spared processes, the process that asks, and pid 1 are never members, and nothing descends through them.
 * C4. What clears its environment, leaves the group and session, *and* loses its parent before anybody looked escapes.
 *     Remember descendants while the run lives (`descendants.ts`) or use a cgroup (`cgroup-scope.ts`).
 * C5. A listing is not atomic: a parent that forks and ends while it runs can hide its child from it. "Empty" is
 *     therefore said only after two listings in a row that found nobody.
 */
import { sameIdentity, type ProcessIdentity } from './process-identity.ts';
import { rowOf, snapshotProcesses, type ProcessSnapshot } from './process-snapshot.ts';
import type { ProcessRow, ProcessTable } from './process-table.ts';

export type CensusSubject = {
  /** `<projectKey>/<runId>/<epoch>`, matched exactly. */
  readonly cookie: string;
  /** Runner, agent, and the descendants seen while the run lived. */
  readonly recorded: readonly ProcessIdentity[];
  /** Process groups that were recorded before the agent was executed. */
  readonly groups: readonly number[];
  readonly sessions: readonly number[];
  /** Never members: the supervisor, the recorded identities of other runs. */
  readonly spare: readonly ProcessIdentity[];
  /** Pids now in the run's cgroup; absent without one. With it the census is exact. */
  readonly cgroupPids?: () => readonly number[];
};

/** Why a process is a member: the first of these that holds. */
export type CensusReason = 'recorded' | 'cgroup' | 'cookie' | 'descendant' | 'group' | 'session';

export type CensusMember = ProcessRow & { readonly why: CensusReason };

export type Census = {
  readonly members: readonly CensusMember[];
  /**
   * In a recorded group or session whose leader is gone, and nothing proves them ours: never signalled, never waited
   * for, worth telling a person.
   */
  readonly unproven: readonly ProcessRow[];
};

/**
 * @param snapshot A listing shared between runs; then the caller sees to C5. By default the table is listed here.
 */
export const takeCensus = (table: ProcessTable, subject: CensusSubject, snapshot?: ProcessSnapshot): Census => {
  if (snapshot !== undefined) return countMembers(table, subject, snapshot);
  const first = countMembers(table, subject, snapshotProcesses(table));
  return first.members.length > 0 ? first : countMembers(table, subject, snapshotProcesses(table));
};

const countMembers = (table: ProcessTable, subject: CensusSubject, snapshot: ProcessSnapshot): Census => {
  const count = new MemberCount(table, subject, snapshot);
  for (const id of subject.recorded) count.add(rowOf(snapshot, id), 'recorded');
  for (const pid of subject.cgroupPids?.() ?? []) count.add(snapshot.byPid.get(pid) ?? null, 'cgroup');
  for (const row of snapshot.byCookie.get(subject.cookie) ?? []) count.add(row, 'cookie');
  count.addRelated();
  return { members: [...count.members.values()], unproven: count.unproven() };
};

/** One counting: members found so far, by pid, and those whose relatives are still to be looked at. */
class MemberCount {
  readonly members = new Map<number, CensusMember>();
  readonly #subject: CensusSubject;
  readonly #snapshot: ProcessSnapshot;
  readonly #self: ProcessIdentity;
  readonly #queue: CensusMember[] = [];
  readonly #open: { readonly why: 'group' | 'session'; readonly rows: readonly ProcessRow[] }[];

  constructor(table: ProcessTable, subject: CensusSubject, snapshot: ProcessSnapshot) {
    this.#subject = subject;
    this.#snapshot = snapshot;
    this.#self = table.self();
    // The group and session of the process that asks are full of strangers to the run, whatever was recorded.
    const { self } = snapshot;
    this.#open = [...new Set(subject.groups.filter((pgid) => pgid > 1 && pgid !== self?.pgid))].map((pgid) => ({
      why: 'group' as const,
      rows: snapshot.byGroup.get(pgid) ?? [],
    }));
    for (const sid of new Set(subject.sessions.filter((id) => id > 1 && id !== self?.sid))) {
      this.#open.push({ why: 'session', rows: snapshot.bySession.get(sid) ?? [] });
    }
  }

  add(row: ProcessRow | null, why: CensusReason): void {
    if (row === null || row.state === 'zombie' || this.members.has(row.identity.pid) || !this.#mayBelong(row)) return;
    const member = { ...row, why };
    this.members.set(row.identity.pid, member);
    this.#queue.push(member);
  }

  /** Descendants first, then the recorded groups and sessions that are proven by now, until nothing is added. */
  addRelated(): void {
    let before = -1;
    while (this.members.size !== before) {
      before = this.members.size;
      for (let member = this.#queue.pop(); member !== undefined; member = this.#queue.pop()) this.#addChildren(member);
      for (const { why, rows } of this.#open) {
        if (rows.some((row) => this.#proves(row))) for (const row of rows) this.add(row, why);
      }
    }
  }

  unproven(): readonly ProcessRow[] {
    const left = new Map<number, ProcessRow>();
    for (const { why, rows } of this.#open) {
      for (const row of rows) {
        const leader = this.#snapshot.byPid.get(why === 'group' ? row.pgid : row.sid);
        // With a leader that is not ours the number was given away again: these are strangers, not doubtful.
        if (leader !== undefined || row.state === 'zombie' || this.members.has(row.identity.pid)) continue;
        if (this.#mayBelong(row)) left.set(row.identity.pid, row);
      }
    }
    return [...left.values()];
  }

  #addChildren(parent: CensusMember): void {
    for (const child of this.#snapshot.byParent.get(parent.identity.pid) ?? []) {
      // A child older than its parent is another process's, whose number the parent got while the listing was made.
      if (Number(child.identity.startTicks) >= Number(parent.identity.startTicks)) this.add(child, 'descendant');
    }
  }

  #proves(row: ProcessRow): boolean {
    if (this.members.has(row.identity.pid)) return true;
    return row.state === 'zombie' && this.#subject.recorded.some((id) => sameIdentity(id, row.identity));
  }

  #mayBelong(row: ProcessRow): boolean {
    const { identity } = row;
    if (identity.pid <= 1 || sameIdentity(identity, this.#self)) return false;
    // A plain search: candidates are few, while a set of all other runs' identities would be built for every run.
    return !this.#subject.spare.some((id) => sameIdentity(id, identity));
  }
}
