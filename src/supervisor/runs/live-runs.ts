/**
 * What the supervisor knows of running runs and keeps in memory only: connections, processes, leases.
 *
 * V1. Nothing here is needed to be right after a restart: it is learnt again from runners, start records and the process table.
 * V2. The recorded identities of every other run are spared by a sweep of one.
 */
import type { CensusSubject } from '../processes/census.ts';
import type { CgroupScope } from '../processes/cgroup-scope.ts';
import type { ProcessIdentity } from '../processes/process-identity.ts';
import type { RunnerPhase, WireIdentity } from '../runners/protocol.ts';
import { Leases } from './leases.ts';
import type { RunnerLink } from './runner-link.ts';

export type AgentProcess = { readonly identity: WireIdentity; readonly pgid: number; readonly sid: number };

export type LiveRun = {
  readonly runId: string;
  epoch: number;
  link: RunnerLink | null;
  /** Its runner's, once a message proved it: every later one is compared with it. */
  token: string | null;
  /** The granted runner, or the one that was spawned and has not asked yet. */
  runner: ProcessIdentity | null;
  agent: AgentProcess | null;
  /** The cgroup of its processes; null until it is known, and where there is none. */
  scope: CgroupScope | null;
  /** Descendants seen while the run lived. */
  remembered: readonly ProcessIdentity[];
  /** A sweep found nobody but the runner, and it was told to start nothing since. */
  emptied: boolean;
  phase: RunnerPhase | null;
  idleMs: number;
  outputBytes: number;
  /** Its end is being looked into: one look at a time. */
  losing: boolean;
};

export class LiveRuns {
  readonly leases = new Leases();
  readonly #runs = new Map<string, LiveRun>();
  readonly #waiting = new Map<string, Set<() => void>>();

  get(runId: string): LiveRun | null {
    return this.#runs.get(runId) ?? null;
  }

  all(): IterableIterator<LiveRun> {
    return this.#runs.values();
  }

  get size(): number {
    return this.#runs.size;
  }

  /** The entry of this epoch; an older epoch's processes are forgotten, a newer one's are not overwritten. */
  of(runId: string, epoch: number): LiveRun {
    const known = this.#runs.get(runId);
    if (known !== undefined && known.epoch === epoch) return known;
    const fresh: LiveRun = {
      runId,
      epoch,
      link: null,
      token: null,
      runner: null,
      agent: null,
      scope: null,
      remembered: [],
      emptied: false,
      phase: null,
      idleMs: 0,
      outputBytes: 0,
      losing: false,
    };
    if (known === undefined || known.epoch < epoch) this.#runs.set(runId, fresh);
    return fresh;
  }

  drop(runId: string): void {
    this.#runs.get(runId)?.link?.close();
    this.#runs.delete(runId);
    this.leases.drop(runId);
  }

  /** A runner connected, or connected again. */
  link(run: LiveRun, link: RunnerLink): void {
    if (run.link !== null && run.link !== link) run.link.close();
    run.link = link;
    for (const wake of this.#waiting.get(run.runId) ?? []) wake();
    this.#waiting.delete(run.runId);
  }

  /** Calls `wake` once when the run is linked. @returns forgets it. */
  onLinked(runId: string, wake: () => void): () => void {
    const waiting = this.#waiting.get(runId) ?? new Set();
    waiting.add(wake);
    this.#waiting.set(runId, waiting);
    return () => waiting.delete(wake);
  }

  /** The run whose link this is. */
  byLink(link: RunnerLink): LiveRun | null {
    for (const run of this.#runs.values()) if (run.link === link) return run;
    return null;
  }

  /** Everything a census of one epoch of a run needs to know. */
  subject(cookie: string, run: LiveRun, self: ProcessIdentity): CensusSubject {
    const recorded = [run.runner, run.agent?.identity ?? null, ...run.remembered].filter((id) => id !== null);
    return {
      cookie,
      recorded,
      groups: run.agent === null ? [] : [run.agent.pgid],
      sessions: run.agent === null ? [] : [run.agent.sid],
      spare: [self, ...this.#others(run.runId)],
      ...(run.scope === null ? {} : { cgroupPids: () => run.scope?.pids() ?? [] }),
    };
  }

  #others(runId: string): readonly ProcessIdentity[] {
    const spared: ProcessIdentity[] = [];
    for (const run of this.#runs.values()) {
      if (run.runId === runId) continue;
      if (run.runner !== null) spared.push(run.runner);
      if (run.agent !== null) spared.push(run.agent.identity);
    }
    return spared;
  }
}
