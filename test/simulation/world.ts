/**
 * The world that the kernel is simulated in: the parts every other file of this folder is given.
 *
 *     people ─ posts ─▶ ┌ supervisor: kernel, effects, monitor, intake, scheduler (the real ones) ┐ ◀─ reports ─ runners
 *                       └ store: memory disk with faults · git, processes, files, time: virtual ──┘ ─ instructions ─▶ agents
 *
 * Run it: `npm run simulate -- --seed N --events M [--episode K] [--complete] [--json]`. A run is a row of episodes of 20,000
 * events; each begins with an empty project from the seed `N/K`, has trouble for most of its length, is then left in peace, and
 * must settle. An event is one message that the kernel took or one step of the world. A failure names the invariant, the event, the last
 * journal entries of the entity, and the one command that replays its episode.
 *
 * W1. Everything is derived from the seed: no clock, timer, chance, file, process or socket of the real machine.
 * W2. Between two steps all microtasks are done (one turn of the event loop), so a kill happens at a definite place.
 *     Commits, git and spawns take virtual time, so that it also happens between their beginning and their end.
 * W3. What stands in `witness` is what really happened; invariants compare it with what the store says.
 *
 * It does not test the runner's own code, git, SQLite, or sockets: those have tests with the real thing.
 */
import { createIdSource, type NewId } from '../../src/persistence/id-source.ts';
import { createMemoryDisk, type MemoryDisk } from '../../src/persistence/memory-disk.ts';
import type { RunnerIntake } from '../../src/supervisor/runs/runner-link.ts';
import { Chance } from './chance.ts';
import { RunFiles } from './run-files.ts';
import { VirtualGit } from './virtual-git.ts';
import { VirtualHost } from './virtual-host.ts';
import { Life, VirtualTime } from './virtual-time.ts';
import { Witness } from './witness.ts';

/** The supervisor as a runner finds it: a door that is open or not. */
export type SupervisorDoor = {
  readonly life: Life;
  readonly intake: RunnerIntake;
  /** A connection is gone: the monitor may look at once. */
  look(runId: string): void;
  readonly connections: Set<{ close(): void }>;
};

export type Trouble = {
  /** Faults happen. */
  on: boolean;
  /** Virtual ms until which the disk is full. */
  diskFullUntil: number;
  /** Virtual ms until which every commit takes its time. */
  diskSlowUntil: number;
  gitFailsUntil: number;
  gitLockedUntil: number;
  /** Runs whose every runner dies before its agent starts. */
  readonly doomedRuns: Set<string>;
};

export class World {
  readonly seed: string;
  readonly chance: Chance;
  readonly time = new VirtualTime();
  /** Everything that is not a process. */
  readonly life = new Life();
  readonly host = new VirtualHost(this.time);
  readonly files = new RunFiles();
  readonly git = new VirtualGit();
  readonly disk: MemoryDisk = createMemoryDisk();
  readonly witness: Witness;
  readonly trouble: Trouble = {
    on: true,
    diskFullUntil: 0,
    diskSlowUntil: 0,
    gitFailsUntil: 0,
    gitLockedUntil: 0,
    doomedRuns: new Set(),
  };
  readonly #newId: NewId = createIdSource();
  /** Where a runner connects; null while none answers. */
  door: SupervisorDoor | null = null;
  /** Messages that kernels took. */
  messages = 0;
  steps = 0;

  constructor(seed: string) {
    this.seed = seed;
    this.chance = new Chance(seed);
    this.witness = new Witness(this.host, this.disk, () => this.events);
  }

  get events(): number {
    return this.messages + this.steps;
  }

  newId(kind: Parameters<NewId>[0]): string {
    return this.#newId(kind, this.time.wall, (size) => this.chance.bytes(size));
  }

  get isDiskFull(): boolean {
    return this.time.monotonic < this.trouble.diskFullUntil;
  }

  /** While there is trouble, and then as often as said. */
  happens(fault: string, probability: number): boolean {
    if (!this.trouble.on || !this.chance.is(probability)) return false;
    this.witness.fault(fault);
    return true;
  }
}
