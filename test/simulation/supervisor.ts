/**
 * One supervisor of the simulation: the real kernel, effects, monitor, intake, scheduler and supervision tree on virtual ports,
 * put together as open-supervisor.ts does it. It dies whole: whatever it was waiting for never comes.
 */
import { openMemoryStore, type MemoryFault } from '../../src/persistence/memory-store.ts';
import type { CommitBatch, CommitResult, Store } from '../../src/persistence/store.ts';
import { coreServices, noServices } from '../../src/supervisor/core-children.ts';
import { createEffectHandlers } from '../../src/supervisor/effects/effect-handlers.ts';
import { readRunFacts } from '../../src/supervisor/effects/run-facts.ts';
import { setupKeyOf } from '../../src/supervisor/effects/runner-contract.ts';
import { createKernel } from '../../src/supervisor/kernel/create-kernel.ts';
import type { Kernel, Post } from '../../src/supervisor/kernel/kernel.ts';
import { createSnapshotSource } from '../../src/supervisor/processes/process-snapshot.ts';
import { GrantedValues } from '../../src/supervisor/runs/granted-values.ts';
import { LiveRuns } from '../../src/supervisor/runs/live-runs.ts';
import { RUN_LIMITS, type RunParts } from '../../src/supervisor/runs/run-parts.ts';
import { createRunnerIntake } from '../../src/supervisor/runs/runner-intake.ts';
import type { RunnerPlatform } from '../../src/supervisor/runs/runner-platform.ts';
import type { Scheduler } from '../../src/supervisor/scheduler/scheduler.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import { endRuns, type StopMode } from '../../src/supervisor/stop-runs.ts';
import type { Service } from '../../src/supervisor/tree/tree-child.ts';
import {
  createSupervisionTree,
  TREE_POLICY,
  type SupervisionTree,
} from '../../src/supervisor/tree/supervision-tree.ts';
import { contextOf } from './committed-context.ts';
import type { Invariants } from './invariants.ts';
import type { VirtualProcess } from './virtual-host.ts';
import { VirtualRunner } from './virtual-runner.ts';
import type { World } from './world.ts';

export const PROJECT_RUNS_MAX = 12;
const COMMIT_MAX_MS = 6;
/** A commit of a slow disk, in ms. */
const SLOW_COMMIT_MS = [200, 900] as const;
/** Small enough that a crowd fills it. A batch takes less than waits, so that it stays full for a while. */
const MAILBOX = { mailboxMessagesMax: 200, batchPostsMax: 40, batchMessagesMax: 150 } as const;

const PROJECT = {
  key: 'project',
  repoRoot: '/repository',
  commonGitDir: '/repository/.git',
  home: '/home',
  projectHome: '/home/projects/project',
  secret: 'secret',
  version: '0.0.0',
};

export class Supervisor {
  readonly process: VirtualProcess;
  readonly live = new LiveRuns();
  kernel: Kernel | null = null;
  parts: RunParts | null = null;
  isReady = false;
  /** It is being taken down: nobody is heard any more. */
  isStopping = false;
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #epoch: number;
  readonly #held = noServices();
  readonly #failures = new Map<string, (cause: unknown) => void>();
  #store: Store | null = null;
  #tree: SupervisionTree | null = null;

  constructor(world: World, invariants: Invariants, epoch: number) {
    this.#world = world;
    this.#invariants = invariants;
    this.#epoch = epoch;
    this.process = world.host.spawn({ ppid: 1, command: 'supervisor', cookie: null, cwd: null });
    this.process.onExit.push(() => this.#gone());
  }

  get isAlive(): boolean {
    return this.process.life.alive;
  }

  get scheduler(): Scheduler | null {
    return this.#held.scheduler;
  }

  async open(): Promise<void> {
    const world = this.#world;
    const owner = { epoch: this.#epoch, instance: `s${String(this.#epoch)}` };
    this.#store = this.#watchedStore(openMemoryStore({ owner, disk: world.disk, faults: () => this.#nextFault() }));
    const clock = world.time.clockOf(this.process.life, world.chance);
    const parts = this.#partsOf(clock);
    this.parts = parts;
    this.kernel = await createKernel({
      store: this.#store,
      clock,
      handlers: createEffectHandlers(parts),
      limits: { validateTells: true, ...MAILBOX },
      onFatal: () => this.die(),
    });
    this.#countPosts(this.kernel);
    await this.#bringUp(parts);
    this.isReady = true;
  }

  /** kill -9, or the end of the process by its own hand. */
  die(): void {
    this.#world.host.exit(this.process, { code: null, signal: 'SIGKILL' });
  }

  /** A service fails and the tree starts it again, with all that come after it. */
  failService(id: 'runs' | 'scheduler'): void {
    this.#failures.get(id)?.(new Error('a fault of the simulation'));
  }

  /** What a client's `stop` does; a second one may be in more of a hurry than the first. */
  async stop(mode: StopMode): Promise<void> {
    await endRuns(this.parts!, this.#held, { mode, progress: () => undefined });
    if (mode !== 'keep') this.#checkEnded(mode);
    if (this.isStopping) return;
    this.isStopping = true;
    await this.#tree!.stop('stopped');
    await this.kernel!.stop();
    await this.#store!.close();
    this.die();
  }

  /** Whoever waited for the runs is told the truth: only those are left that have not begun, or that end by hand alone. */
  #checkEnded(mode: StopMode): void {
    const { disk, witness } = this.#world;
    const parked = new Set<string>();
    for (const { state, actor } of disk.outbox.values()) if (state === 'parked') parked.add(actor);
    // One that was canceled before it had a slot has nothing to be waited for.
    const hadSlot = (id: string): boolean => contextOf('run', this.#invariants.actors.get(id)!).dispatched;
    const left = disk.ids.of('run live').filter((id) => !parked.has(id) && hadSlot(id));
    if (left.length > 0)
      witness.broken('a stop that waits for runs ends after them', left[0]!, `${mode}: ${left.join(', ')}`);
    else if (mode === 'drain') witness.fault('drained');
  }

  #gone(): void {
    const { door } = this.#world;
    if (door?.life !== this.process.life) return;
    this.#world.door = null;
    for (const connection of door.connections) connection.close();
  }

  async #bringUp(parts: RunParts): Promise<void> {
    const intake = createRunnerIntake(parts);
    const heard: typeof intake = {
      ...intake,
      deliver: async (runId, epoch, entries) => {
        const words = await intake.deliver(runId, epoch, entries);
        entries.forEach(({ body }, place) => this.#world.witness.word(runId, epoch, { body, word: words[place]! }));
        return words;
      },
      report: async (message) => {
        const words = await intake.report(message);
        const { runId, epoch } = message;
        message.entries.forEach(({ body }, place) =>
          this.#world.witness.word(runId, epoch, { body, word: words[place]! }),
        );
        return words;
      },
    };
    const core = coreServices({ parts, projectMax: PROJECT_RUNS_MAX }, heard, this.#held).map((service) => ({
      ...service,
      start: (fail: (cause: unknown) => void) => {
        this.#failures.set(service.id, fail);
        return service.start(fail);
      },
    }));
    this.#tree = createSupervisionTree({
      services: [...core, this.#hosts(heard)],
      policy: { ...TREE_POLICY, strategy: 'rest_for_one' },
      clock: parts.clock,
      report: () => undefined,
    });
    await this.#tree.start();
    void this.#tree.defeated.then(() => this.die());
  }

  /** Stands for hosts/rpc: lets runners in. */
  #hosts(intake: ReturnType<typeof createRunnerIntake>): Service {
    const world = this.#world;
    return {
      id: 'hosts',
      restart: 'permanent',
      shutdownMs: 1_000,
      start: () => {
        // It may have died in the step before: nobody listens then.
        if (!this.isAlive) return new Promise<never>(() => undefined);
        const connections = new Set<{ close(): void }>();
        const door = {
          life: this.process.life,
          intake,
          look: (runId: string) => this.#held.monitor?.look(runId),
          connections,
        };
        world.door = door;
        return Promise.resolve({
          stop: () => {
            if (world.door === door) world.door = null;
            for (const connection of connections) connection.close();
            return Promise.resolve();
          },
        });
      },
    };
  }

  #partsOf(clock: RunParts['clock']): RunParts {
    const world = this.#world;
    const table = world.host.tableFor(this.process);
    const parts: RunParts = {
      kernel: () => this.kernel!,
      clock,
      table,
      snapshot: createSnapshotSource(table, () => clock.monotonic()),
      workspaces: world.git.for(world, this.process.life),
      platform: this.#platform(),
      evidence: {
        keepFile: ({ name }) => Promise.resolve({ sha256: sha256(name), bytes: name.length, truncated: false }),
        keepText: (text, secrets) => {
          const seen = (text.match(/token-\d+-of-a-person/g) ?? []).filter((token) => !secrets.includes(token));
          if (seen.length > 0) world.witness.broken('no copy holds a secret value', seen.join(' '), text.slice(0, 200));
          if (text.includes('Not copied')) world.witness.fault('evidence withheld');
          return Promise.resolve({ sha256: sha256(text), bytes: text.length, truncated: false });
        },
      },
      live: this.live,
      granted: new GrantedValues({ PATH: '/bin', GH_TOKEN: `token-${String(this.process.identity.pid)}-of-a-person` }),
      project: PROJECT,
      limits: RUN_LIMITS,
      setupFinished: async ({ runId, worktreePath }) => {
        const { spec, worker } = await readRunFacts(parts, runId);
        const place = worktreePath ?? worker.worktreePath;
        if (spec.setup.length > 0) world.files.marks.set(place, setupKeyOf(spec.setup));
      },
      runnerSocket: (runId, epoch) => `/run/${runId}.${String(epoch)}`,
      artifactsDirectory: (runId) => `${PROJECT.projectHome}/runs/${runId}/artifacts`,
      newId: (kind) => world.newId(kind),
    };
    return parts;
  }

  #platform(): RunnerPlatform {
    const world = this.#world;
    const { files } = world;
    return {
      install: async (contract) => {
        await world.time.wait(this.process.life, world.chance.int(0, 3));
        if (!files.install(contract)) {
          world.witness.broken('a repeated start writes the same contract', contract.runId, String(contract.epoch));
        }
      },
      hides: (runId, epoch) => Promise.resolve(files.hides(runId, epoch)),
      spawn: async (contract, environment) => {
        await world.time.wait(this.process.life, world.chance.int(0, 3));
        world.witness.epochBegins(contract.runId, contract.epoch);
        const from = { ppid: this.process.identity.pid, token: environment['GH_TOKEN']! };
        const runner = new VirtualRunner(world, contract, from);
        const second = world.happens('runner spawned twice', 0.03) ? new VirtualRunner(world, contract, from) : runner;
        await world.time.wait(this.process.life, world.chance.int(0, 8));
        return second.process.identity;
      },
      readSpool: (runId, epoch) => Promise.resolve(files.readSpool(runId, epoch)),
      readExit: (runId, epoch) => Promise.resolve(files.exit(runId, epoch)),
      recordRunner: (runId, epoch, runner) => void files.runners.set(`${runId}/${String(epoch)}`, runner),
      readRunner: (runId, epoch) => Promise.resolve(files.runners.get(`${runId}/${String(epoch)}`) ?? null),
      close: () => undefined,
      readStart: (runId, epoch) => Promise.resolve(files.start(runId, epoch)),
      readScope: () => Promise.resolve(null),
      removeSocket: () => Promise.resolve(),
      evidence: () => Promise.resolve([]),
      isSetUp: (path, key) => Promise.resolve(files.marks.get(path) === key),
      markSetUp: (path, key) => {
        files.marks.set(path, key);
        return Promise.resolve();
      },
    };
  }

  #nextFault(): MemoryFault | null {
    const world = this.#world;
    if (world.isDiskFull) return world.happens('store full', 0.9) ? { kind: 'before', cause: 'full' } : null;
    // A post that no store can take (`internal`) would be set aside; which one that is, a fault cannot know.
    if (world.happens('commit failed', 0.001)) return { kind: 'before', cause: world.chance.pick(['io', 'full']) };
    if (world.happens('commit of unknown outcome', 0.000_3)) return { kind: 'unknown', written: world.chance.is(0.5) };
    return null;
  }

  /** Commits take time now and then, before the deed or after it; what was written is looked at in the same instant. */
  #watchedStore(store: Store): Store {
    const world = this.#world;
    const { life } = this.process;
    const commit = store.commit.bind(store);
    const wait = async (): Promise<void> => world.time.wait(life, world.chance.int(1, COMMIT_MAX_MS));
    const isSlow = (): boolean => world.time.monotonic < world.trouble.diskSlowUntil;
    store.commit = async (batch: CommitBatch): Promise<CommitResult> => {
      if (!life.alive) return new Promise<never>(() => undefined);
      const how = world.chance.weighted({ atOnce: 70, before: 15, after: 15 });
      if (isSlow()) await world.time.wait(life, world.chance.int(...SLOW_COMMIT_MS));
      else if (how === 'before') await wait();
      const before = world.disk.lastSeq;
      const result = await commit(batch);
      const isWritten = result.kind === 'committed' || (result.kind === 'unknown' && isThere(world, batch, before));
      world.messages += batch.outboxUpdates.length;
      if (isWritten) this.#invariants.committed(batch);
      if (how === 'after') await wait();
      return result;
    };
    return store;
  }

  #checkNoStart({ messages }: Post): void {
    for (const message of messages) {
      if (message.kind === 'create') continue;
      const { type, dispatch } = message.event;
      if (type === 'run.dispatch' || (type === 'task.start' && dispatch === true)) {
        this.#world.witness.broken('nothing is started by a supervisor that is to stop', message.to, type);
      }
    }
  }

  #countPosts(kernel: Kernel): void {
    const post = kernel.post.bind(kernel);
    kernel.post = (message) => {
      if (!this.isAlive) return new Promise<never>(() => undefined);
      this.#world.messages += Math.max(1, message.messages.length);
      if (this.#held.isClosing) this.#checkNoStart(message);
      return post(message);
    };
  }
}

/** Whether a batch of unknown outcome reached the disk. */
function isThere(world: World, batch: CommitBatch, lastSeqBefore: number): boolean {
  if (batch.journal.length > 0) return world.disk.lastSeq > lastSeqBefore;
  return false;
}
