/** What goes wrong from outside, one thing at a time. What goes wrong inside of a step (commits, messages) is where that step is. */
import type { StopMode } from '../../src/supervisor/stop-runs.ts';
import type { Keeper } from './keeper.ts';
import { workOf, type VirtualProcess } from './virtual-host.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long a disk is slow while people come in crowds, and the time between two of them, in ms. */
const FLOOD_MS = 1_500;
const CROWD_MS = 150;

export class Faults {
  readonly #world: World;
  readonly #keeper: Keeper;
  readonly #crowd: () => void;

  /** @param crowd Many people ask at once. */
  constructor(world: World, keeper: Keeper, crowd: () => void) {
    this.#world = world;
    this.#keeper = keeper;
    this.#crowd = crowd;
  }

  strike(): void {
    const kind = this.#world.chance.weighted(WEIGHTS);
    if (this.#strike(kind)) this.#world.witness.fault(kind);
  }

  /** Everybody who was stopped goes on. */
  end(): void {
    const { host, time, trouble } = this.#world;
    time.restoreWall();
    Object.assign(trouble, { on: false, diskFullUntil: 0, diskSlowUntil: 0, gitFailsUntil: 0, gitLockedUntil: 0 });
    trouble.doomedRuns.clear();
    host.restoreMemory();
    for (const process of host.living()) host.resume(process);
  }

  /** @returns whether there was somebody to strike. */
  #strike(kind: Kind): boolean {
    if (kind === 'worktree vanished') return this.#vanish();
    if (kind === 'connection cut') return this.#cut();
    if (PROCESS_KINDS.has(kind)) return this.#strikeProcess(kind);
    return this.#strikeMachine(kind) || this.#strikeSupervisor(kind, this.#keeper.supervisor);
  }

  /** @returns whether this kind is about the machine. */
  #strikeMachine(kind: Kind): boolean {
    const { time, host, chance, trouble } = this.#world;
    const strikes: Partial<Record<Kind, () => void>> = {
      'mailbox flooded': () => {
        trouble.diskSlowUntil = time.monotonic + chance.wait(FLOOD_MS);
        this.#flood();
      },
      'clock set': () => time.setWall(chance.pick([-HOUR_MS, HOUR_MS])),
      'machine suspended': () => time.suspend(3 * HOUR_MS, chance.is(0.5)),
      'machine rebooted': () => {
        host.reboot();
        this.#world.door = null;
      },
      'disk full': () => {
        trouble.diskFullUntil = time.monotonic + chance.wait(15_000);
      },
      'git fails': () => {
        trouble.gitFailsUntil = time.monotonic + chance.wait(3_000);
      },
      'git locked': () => {
        trouble.gitLockedUntil = time.monotonic + chance.wait(10_000);
      },
      'memory short': () => {
        host.memoryFree = 100;
        time.after(this.#world.life, chance.wait(20_000), () => host.restoreMemory());
      },
    };
    strikes[kind]?.();
    return strikes[kind] !== undefined;
  }

  /** Crowds come as long as the disk is slow. */
  #flood(): void {
    const { time, chance, life, trouble } = this.#world;
    if (time.monotonic >= trouble.diskSlowUntil) return;
    this.#crowd();
    time.after(life, chance.wait(CROWD_MS), () => this.#flood());
  }

  #strikeSupervisor(kind: Kind, supervisor: Keeper['supervisor']): boolean {
    if (supervisor === null) return false;
    const { time, host, chance, life } = this.#world;
    if (kind === 'supervisor killed') {
      supervisor.die();
      return true;
    }
    if (kind === 'supervisor stopped for a minute') {
      host.stop(supervisor.process);
      time.after(life, MINUTE_MS, () => host.resume(supervisor.process));
      return true;
    }
    if (!supervisor.isReady || supervisor.isStopping) return false;
    if (kind === 'service failed') supervisor.failService(chance.pick(['runs', 'scheduler'] as const));
    else void supervisor.stop(STOPS[kind] ?? 'now').catch(() => supervisor.die());
    return true;
  }

  #strikeProcess(kind: Kind): boolean {
    const { time, host, chance, life, trouble } = this.#world;
    const victim = this.#victim(kind.startsWith('agent') ? 'agent' : 'runner');
    if (victim === null) return false;
    const stopFor = (ms: number): void => {
      host.stop(victim);
      time.after(life, ms, () => host.resume(victim));
    };
    if (kind === 'runner killed') host.signal(victim, 'SIGKILL');
    else if (kind === 'runner signalled') host.signal(victim, chance.pick(['SIGTERM', 'SIGINT', 'SIGHUP']));
    else if (kind === 'runner blocked for a minute') stopFor(MINUTE_MS);
    else if (kind === 'runner mute') stopFor(15 * MINUTE_MS);
    else if (kind === 'agent killed') host.signal(victim, 'SIGKILL');
    else if (kind === 'agent signalled') host.signal(victim, chance.pick(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGSEGV']));
    else if (kind === 'agent survives SIGKILL')
      victim.unkillableUntil = time.monotonic + chance.pick([20_000, 120_000]);
    else if (kind === 'runner reused pid') this.#reusePid(victim);
    else trouble.doomedRuns.add(workOf(victim)!.runId);
    if (kind === 'runner doomed') host.signal(victim, 'SIGKILL');
    return true;
  }

  /** The process is gone, and somebody else has its number before anybody looks. */
  #reusePid(victim: VirtualProcess): void {
    const { host, chance, time } = this.#world;
    const { pid } = victim.identity;
    host.signal(victim, 'SIGKILL');
    const uid = chance.is(0.5) ? 0 : 1_000;
    const stranger = host.spawn({ ppid: 1, uid, command: 'stranger', cookie: null, cwd: null }, pid);
    time.after(stranger.life, chance.wait(MINUTE_MS), () => host.exit(stranger, { code: 0, signal: null }));
  }

  #victim(command: string): VirtualProcess | null {
    const all = this.#world.host.living().filter((process) => process.command === command && !process.life.stopped);
    return all.length === 0 ? null : this.#world.chance.pick(all);
  }

  #vanish(): boolean {
    const { git, chance } = this.#world;
    const paths = [...git.worktrees.keys()];
    if (paths.length === 0) return false;
    git.vanish(chance.pick(paths));
    return true;
  }

  #cut(): boolean {
    const connections = [...(this.#world.door?.connections ?? [])];
    if (connections.length === 0) return false;
    this.#world.chance.pick(connections).close();
    return true;
  }
}

const WEIGHTS = {
  'supervisor killed': 14,
  'supervisor stopped for a minute': 3,
  'stopped, runs kept': 3,
  'stopped now': 1,
  'drained, then stopped': 3,
  'service failed': 2,
  'runner killed': 14,
  'runner signalled': 3,
  'runner blocked for a minute': 4,
  'runner mute': 1,
  'runner reused pid': 3,
  'runner doomed': 3,
  'agent killed': 5,
  'agent signalled': 5,
  'agent survives SIGKILL': 4,
  'connection cut': 8,
  'machine rebooted': 1,
  'machine suspended': 1.5,
  'clock set': 3,
  'disk full': 3,
  'git fails': 2,
  'git locked': 3,
  'worktree vanished': 2,
  'memory short': 2,
  'mailbox flooded': 1.5,
} as const;
type Kind = keyof typeof WEIGHTS;
const STOPS: Partial<Record<Kind, StopMode>> = { 'stopped, runs kept': 'keep', 'drained, then stopped': 'drain' };
const PROCESS_KINDS: ReadonlySet<Kind> = new Set([
  'runner killed',
  'runner signalled',
  'runner blocked for a minute',
  'runner mute',
  'runner reused pid',
  'runner doomed',
  'agent killed',
  'agent signalled',
  'agent survives SIGKILL',
]);

/** Every kind that a long run must have had, those inside of steps too. */
export const FAULT_KINDS: readonly string[] = [
  ...Object.keys(WEIGHTS),
  'commit failed',
  'commit of unknown outcome',
  'store full',
  'spool write failed',
  'message delayed',
  'message duplicated',
  'message of an old epoch',
  'runner spawned twice',
  'runner was warm',
  'start record unreadable',
  'process survives SIGKILL',
  'merge conflict',
  'worktree refused',
  'request repeated',
  'start was queued',
  'overloaded',
  'report overloaded',
  'gate expired while open',
  'gate expired after its approval',
  'cleanup asks first',
  'cleanup under a gate',
  'cleanup gate expired',
  'drained',
  'evidence withheld',
  'restart after ten minutes',
];
