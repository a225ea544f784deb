/**
 * Ends everything that belongs to one epoch of a run, in order: SIGTERM to the agent's group and strays, SIGKILL after
 * the grace, the runner last, so that it can write its exit record. Whom it may touch is the census's word alone.
 *
 *     others:  SIGTERM ──graceMs──▶ SIGKILL every round
 *     runner:            (others gone, or 2 × graceMs) ▶ SIGTERM ──graceMs──▶ SIGKILL every round
 *     deadline − last call: SIGKILL to all that is left, so "leftover" means: survived SIGKILL, or may not be signalled
 *
 * W1. Only members of a census taken in the same round are signalled, and each identity is checked again by the table.
 * W2. A group is signalled as a group only when every process in it is a member and none of them is the runner.
 *     Otherwise its members are signalled one by one.
 * W3. SIGTERM reaches a process once: many programs take a second one for "at once".
 * W4. Empty is believed after two different listings in a row (C5 of `census.ts`).
 * W5. Whoever was a member in one round is one in the next, also when its parent has ended by then.
 */
import { takeCensus, type CensusMember, type CensusSubject } from './census.ts';
import { identityKey, sameIdentity, type ProcessIdentity } from './process-identity.ts';
import { snapshotProcesses, type ProcessSnapshot } from './process-snapshot.ts';
import type { ProcessTable, SignalResult } from './process-table.ts';

export type SweepClock = {
  /** Milliseconds of a clock that does not go backwards. */
  now(): number;
  sleep(ms: number): Promise<void>;
};

export type SweepDeps = {
  readonly table: ProcessTable;
  readonly clock: SweepClock;
  /** Listings shared by sweeps that run together (`createSnapshotSource`); by default each lists for itself. */
  readonly snapshot?: () => ProcessSnapshot;
};

export type SweepOptions = {
  /** Milliseconds between SIGTERM and SIGKILL, for the others and again for the runner. */
  readonly graceMs: number;
  /** Milliseconds after which it gives up. More than 3 × `graceMs` lets the runner have all of its grace. */
  readonly sweepMs: number;
  /** The runner. */
  readonly keepLast?: ProcessIdentity;
  /** A listing that found nobody already, taken when nothing of the epoch could be started any more: the first look (W4). */
  readonly seenEmpty?: ProcessSnapshot;
  /** `CgroupScope.kill` of the agent's scope: ends it at once where SIGKILL is due. Goes with `subject.cgroupPids`. */
  readonly killScope?: () => boolean;
};

export type SweepResult = {
  /** Empty when the epoch's processes are gone. */
  readonly leftover: readonly CensusMember[];
  /** How many processes were signalled at all. */
  readonly signalled: number;
};

/** Looks follow each other quickly at first, for most programs end at once, then more calmly. */
const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 100;
/** Room before the deadline in which SIGKILL takes effect: at most this long, at most a quarter of `sweepMs`. */
const LAST_CALL_MAX_MS = 2_000;

/** Never rejects because of what it finds; @throws internal when the process table cannot be read. */
export const sweep = async (deps: SweepDeps, subject: CensusSubject, options: SweepOptions): Promise<SweepResult> => {
  const { clock } = deps;
  const round = new SweepRound(deps, subject, options);
  const look = deps.snapshot ?? (() => snapshotProcesses(deps.table));
  const deadline = clock.now() + options.sweepMs;
  let pollMs = POLL_FIRST_MS;
  let emptyListing: ProcessSnapshot | null = options.seenEmpty ?? null;
  // A member may lose what proved it (its parent ends first): once proven it stays recorded (W5).
  let proven: readonly ProcessIdentity[] = [];
  for (;;) {
    const snapshot = look();
    const { members } = takeCensus(deps.table, { ...subject, recorded: [...subject.recorded, ...proven] }, snapshot);
    proven = members.map((member) => member.identity);
    const isEmpty = members.length === 0;
    const isSecondEmpty = isEmpty && emptyListing !== null && emptyListing !== snapshot;
    const isOver = isSecondEmpty || (!isEmpty && clock.now() >= deadline);
    if (isOver) return { leftover: members, signalled: round.signalled };
    emptyListing = isEmpty ? (emptyListing ?? snapshot) : null;
    round.signal(members, snapshot);
    // After an empty listing the second look is all that is missing.
    await clock.sleep(isEmpty ? POLL_FIRST_MS : pollMs);
    pollMs = Math.min(POLL_MAX_MS, pollMs * 1.5);
  }
};

/** What one sweep has done so far, and what it does to the members of the next census. */
class SweepRound {
  readonly #deps: SweepDeps;
  readonly #subject: CensusSubject;
  readonly #options: SweepOptions;
  readonly #startedAt: number;
  readonly #lastCallAt: number;
  readonly #touched = new Set<string>();
  readonly #asked = new Set<string>();
  #runnerAskedAt: number | null = null;

  constructor(deps: SweepDeps, subject: CensusSubject, options: SweepOptions) {
    this.#deps = deps;
    this.#subject = subject;
    this.#options = options;
    this.#startedAt = deps.clock.now();
    this.#lastCallAt = this.#startedAt + options.sweepMs - Math.min(LAST_CALL_MAX_MS, options.sweepMs / 4);
  }

  get signalled(): number {
    return this.#touched.size;
  }

  signal(members: readonly CensusMember[], snapshot: ProcessSnapshot): void {
    const now = this.#deps.clock.now();
    const { graceMs, keepLast } = this.#options;
    const isRunner = (member: CensusMember): boolean =>
      keepLast !== undefined && sameIdentity(member.identity, keepLast);
    const others = members.filter((member) => !isRunner(member));
    const killOthers = now >= Math.min(this.#startedAt + graceMs, this.#lastCallAt);
    if (killOthers) this.#killScope(others);
    this.#signalGroups(others, snapshot, killOthers);
    for (const member of others) this.#signalOne(member, killOthers);

    const runner = members.find(isRunner);
    const isRunnersTurn = others.length === 0 || now >= Math.min(this.#startedAt + 2 * graceMs, this.#lastCallAt);
    if (runner === undefined || !isRunnersTurn) return;
    this.#runnerAskedAt ??= now;
    this.#signalOne(runner, now >= Math.min(this.#runnerAskedAt + graceMs, this.#lastCallAt));
  }

  /** Only when nobody but members is in it; the runner and the spared are never taken along (W2). */
  #killScope(others: readonly CensusMember[]): void {
    const pids = new Set(others.map((member) => member.identity.pid));
    const inside = this.#subject.cgroupPids?.() ?? [];
    if (inside.length > 0 && inside.every((pid) => pids.has(pid))) this.#options.killScope?.();
  }

  /** One signal for a whole group also reaches what is forked at this moment (W2). */
  #signalGroups(others: readonly CensusMember[], snapshot: ProcessSnapshot, kill: boolean): void {
    const byPid = new Map(others.map((member) => [member.identity.pid, member]));
    for (const pgid of this.#subject.groups) {
      const group = (snapshot.byGroup.get(pgid) ?? []).filter((row) => row.state !== 'zombie');
      const ours = group.flatMap((row) => byPid.get(row.identity.pid) ?? []);
      const proof = ours[0];
      if (proof === undefined || ours.length < group.length) continue;
      if (!kill && ours.some((member) => this.#asked.has(identityKey(member.identity)))) continue;
      const result = this.#deps.table.signalGroup(pgid, proof.identity, kill ? 'SIGKILL' : 'SIGTERM');
      if (result === 'sent') for (const member of ours) this.#note(member, kill, result);
    }
  }

  #signalOne(member: CensusMember, kill: boolean): void {
    const { table } = this.#deps;
    const key = identityKey(member.identity);
    if (!kill && this.#asked.has(key)) return;
    this.#note(member, kill, table.signal(member.identity, kill ? 'SIGKILL' : 'SIGTERM'));
  }

  #note(member: CensusMember, kill: boolean, result: SignalResult): void {
    const key = identityKey(member.identity);
    if (result === 'sent') this.#touched.add(key);
    if (kill) return;
    this.#asked.add(key);
    // A stopped process hears SIGTERM only after it was continued.
    if (result === 'sent' && member.state === 'stopped') this.#deps.table.signal(member.identity, 'SIGCONT');
  }
}
