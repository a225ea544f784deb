/**
 * What really happened, told by the world itself: who was granted, which agents were executed, what was said to whom. The first
 * thing that must not happen is kept as the violation; invariants.ts adds what the store says wrongly.
 */
import type { MemoryDisk } from '../../src/persistence/memory-disk.ts';
import type { ReportBody, ReportResult } from '../../src/supervisor/runners/protocol.ts';
import { workOf, type VirtualHost, type VirtualProcess } from './virtual-host.ts';

export type Violation = {
  readonly invariant: string;
  readonly entity: string;
  readonly detail: string;
  readonly event: number;
};

type RunProcess = { readonly runId: string; readonly epoch: number; readonly process: VirtualProcess };

const epochKey = (runId: string, epoch: number): string => `${runId}/${String(epoch)}`;

export class Witness {
  violation: Violation | null = null;
  readonly faults = new Map<string, number>();
  readonly ends = new Map<string, number>();
  /** Reports in the journal by run, epoch and seq: whether they changed something. */
  readonly journalled = new Map<string, 'transition' | 'rejected'>();
  /** Epochs of which it is stored how the agent ended. */
  readonly exits = new Set<string>();
  /** Reports that were answered. */
  readonly #words = new Set<string>();
  readonly #host: VirtualHost;
  readonly #disk: MemoryDisk;
  readonly #event: () => number;
  readonly #granted = new Map<string, VirtualProcess>();
  readonly #runners = new Map<string, readonly VirtualProcess[]>();
  readonly #executed = new Set<string>();
  /** Runs whose completion was acknowledged as applied. */
  readonly #completed = new Set<string>();

  constructor(host: VirtualHost, disk: MemoryDisk, event: () => number) {
    this.#host = host;
    this.#disk = disk;
    this.#event = event;
  }

  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  ended(reason: string): void {
    this.ends.set(reason, (this.ends.get(reason) ?? 0) + 1);
  }

  broken(invariant: string, entity: string, detail: string): void {
    this.violation ??= { invariant, entity, detail, event: this.#event() };
  }

  runnerStarts(runId: string, epoch: number, process: VirtualProcess): void {
    const key = epochKey(runId, epoch);
    this.#runners.set(key, [...(this.#runners.get(key) ?? []), process]);
  }

  granted(runId: string, epoch: number, process: VirtualProcess): void {
    const first = this.#granted.get(epochKey(runId, epoch));
    if (first !== undefined && first !== process) {
      this.broken('one granted instance per epoch', runId, `epoch ${String(epoch)}: a second one was granted`);
    }
    this.#granted.set(epochKey(runId, epoch), process);
  }

  /** Who must not be called lost: the granted runner, or without a grant any, as long as none of them has ended. */
  missedFor(runId: string, epoch: number): VirtualProcess | null {
    const granted = this.#granted.get(epochKey(runId, epoch));
    if (granted !== undefined) return this.#host.isAlive(granted) ? granted : null;
    const runners = this.#runners.get(epochKey(runId, epoch)) ?? [];
    return runners.every((runner) => this.#host.isAlive(runner)) ? (runners[0] ?? null) : null;
  }

  /** Right before a runner of this epoch is spawned. */
  epochBegins(runId: string, epoch: number): void {
    const old = this.processesOf(runId).filter((other) => other.epoch < epoch);
    if (old.length > 0) {
      this.broken('no epoch before the census of the one before is empty', runId, namesOf(old));
    }
  }

  agentStarts(runId: string, epoch: number, cwd: string): void {
    const key = epochKey(runId, epoch);
    if (this.#executed.has(key)) this.broken('an agent is executed at most once per epoch', runId, key);
    this.#executed.add(key);
    if (this.#completed.has(runId)) this.broken('no agent runs after an applied completion', runId, key);
    const others = this.#processes().filter((other) => {
      const sameRun = other.runId === runId && other.epoch !== epoch;
      const samePlace = other.runId !== runId && other.process.cwd === cwd;
      return sameRun || samePlace;
    });
    if (others.length > 0) this.broken('one agent at a time in a worktree and a run', runId, namesOf(others));
  }

  /** A runner works in the directory of its run, so it is not in the way. */
  worktreeTouched(path: string, how: string): void {
    const there = this.#processes().filter(({ process }) => process.cwd === path);
    if (there.length > 0) {
      this.broken('a worktree is not touched while somebody works there', there[0]!.runId, `${how}: ${namesOf(there)}`);
    }
  }

  processesOf(runId: string): readonly RunProcess[] {
    return this.#processes().filter((process) => process.runId === runId);
  }

  /** Whether the supervisor has ever had this report. */
  wasOffered(runId: string, epoch: number, seq: number): boolean {
    const key = `${epochKey(runId, epoch)}/${String(seq)}`;
    return this.journalled.has(key) || this.#words.has(key) || this.#disk.requests.has(`followup/${key}`);
  }

  /** What the supervisor said about a report. */
  word(runId: string, epoch: number, said: { readonly body: ReportBody; readonly word: ReportResult }): void {
    const { body, word } = said;
    this.#words.add(`${epochKey(runId, epoch)}/${String(word.seq)}`);
    if (word.result === 'rejected' || body.kind === 'agent.started') return;
    if (word.result === 'applied' && body.kind === 'child.complete') this.#completed.add(runId);
    if (!this.#isTrue(`${epochKey(runId, epoch)}/${String(word.seq)}`, said)) {
      const what = `${word.result}: ${body.kind} ${String(word.seq)} of epoch ${String(epoch)}`;
      this.broken('what is called applied is stored', runId, what);
    }
  }

  /** A question is applied also when its gate had its answer before: then nothing is stored. */
  #isTrue(key: string, { body, word }: { readonly body: ReportBody; readonly word: ReportResult }): boolean {
    if (body.kind === 'child.gate') return true;
    if (body.kind === 'child.followup') return this.#disk.requests.has(`followup/${key}`);
    const found = this.journalled.get(key);
    // A dead runner's exit record tells the same under a number of its own, when the disk had no room for the report itself.
    if (found === undefined && body.kind === 'agent.exited' && word.result === 'repeat') {
      return this.exits.has(key.slice(0, key.lastIndexOf('/')));
    }
    return word.result === 'applied' ? found === 'transition' : found !== undefined;
  }

  /** A runner that was started ahead and holds no grant knows nothing and does nothing; denied, it goes. */
  #isIdleWarm(process: VirtualProcess, { runId, epoch }: { readonly runId: string; readonly epoch: number }): boolean {
    const isWarm = process.command === 'runner' && process.cookie === null;
    return isWarm && this.#granted.get(epochKey(runId, epoch)) !== process;
  }

  #processes(): RunProcess[] {
    return this.#host.living().flatMap((process) => {
      const work = workOf(process);
      return work === null || this.#isIdleWarm(process, work) ? [] : [{ ...work, process }];
    });
  }
}

const namesOf = (processes: readonly RunProcess[]): string =>
  processes
    .map(
      ({ runId, epoch, process }) => `${process.command} ${String(process.identity.pid)} of ${runId}/${String(epoch)}`,
    )
    .join(', ');
