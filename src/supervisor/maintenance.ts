/**
 * Keeps the project's home small and safe while nothing else is to be done: a service of the supervision tree.
 *
 * M1. It is never in the way: one small step per beat, none while messages wait.
 * M2. A job that fails is said in the report and tried again when it is due next; nothing here takes the supervisor down.
 * M3. A backup is made when something was committed since the last one: every `backupMs`, and at an ordered stop when the last is
 *     older than `backupAtStopMs`.
 */
import type { EpochMs } from '../machines/ids.ts';
import type { Clock, Kernel } from './kernel/kernel.ts';
import type { Service } from './tree/tree-child.ts';

/** Work in small steps: each `yield` ends one. */
export type MaintenanceJob = {
  readonly name: string;
  /** Time between two rounds, in ms. The first one begins with the service. */
  readonly everyMs: number;
  run(): AsyncGenerator<void, void, undefined>;
};

export type BackupState = {
  /** When the newest backup was made; null without one. */
  readonly at: EpochMs | null;
  /** Last journal entry in it; null when that cannot be read. */
  readonly lastSeq: number | null;
};

export type MaintenanceParts = {
  readonly kernel: () => Kernel;
  readonly clock: Clock;
  readonly jobs: readonly MaintenanceJob[];
  readonly newestBackup: () => Promise<BackupState>;
  /** For people; nothing is done about it. */
  readonly report: (what: string, reason: string) => void;
  /** Default MAINTENANCE_TIMES. */
  readonly times?: MaintenanceTimes;
};

/** In ms. */
export type MaintenanceTimes = {
  /** Before the first step: whoever starts a supervisor wants something else of it. */
  readonly firstMs: number;
  /** Between two steps. */
  readonly stepMs: number;
  /** Between two looks when nothing is due. */
  readonly restMs: number;
  readonly backupMs: number;
  readonly backupAtStopMs: number;
};
export const MAINTENANCE_TIMES: MaintenanceTimes = {
  firstMs: 10_000,
  stepMs: 250,
  restMs: 60_000,
  backupMs: 6 * 3_600_000,
  backupAtStopMs: 3_600_000,
};
/** A backup of a large store takes its time, in ms; a stop does not wait for longer. */
const SHUTDOWN_MS = 20_000;

export function maintenanceService(parts: MaintenanceParts): Service {
  return {
    id: 'maintenance',
    restart: 'transient',
    shutdownMs: SHUTDOWN_MS,
    start: async () => {
      const maintenance = new Maintenance(parts);
      await maintenance.begin();
      return { stop: (hard) => maintenance.stop(hard) };
    },
  };
}

class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #times: MaintenanceTimes;
  readonly #dueAt = new Map<string, number>();
  #round: { readonly job: MaintenanceJob; readonly steps: AsyncGenerator<void, void, undefined> } | null = null;
  #step: Promise<void> = Promise.resolve();
  #backup: BackupState = { at: null, lastSeq: null };
  #cancel: () => void = () => undefined;
  #isStopped = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#times = parts.times ?? MAINTENANCE_TIMES;
  }

  async begin(): Promise<void> {
    try {
      this.#backup = await this.#parts.newestBackup();
    } catch (error) {
      this.#report('backup', error);
    }
    this.#arm(this.#times.firstMs);
  }

  /** Resolves when the step at hand is over and the backup that is due is made; a hard stop waits for neither. */
  async stop(hard: boolean): Promise<void> {
    const isFirst = !this.#isStopped;
    this.#isStopped = true;
    this.#cancel();
    if (hard || !isFirst) return;
    await this.#step;
    await this.#backUp(this.#times.backupAtStopMs);
  }

  #arm(ms: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#parts.clock.after(ms, () => {
      this.#step = this.#beatAndRearm();
    });
  }

  async #beatAndRearm(): Promise<void> {
    this.#arm(await this.#beat());
  }

  /** @returns ms until the next beat. */
  async #beat(): Promise<number> {
    const { stepMs, restMs, backupMs } = this.#times;
    if (this.#parts.kernel().depth > 0) return stepMs;
    this.#round ??= this.#nextRound();
    if (this.#round === null) return (await this.#backUp(backupMs)) ? stepMs : restMs;
    const { job, steps } = this.#round;
    try {
      if ((await steps.next()).done === true) this.#round = null;
    } catch (error) {
      this.#round = null;
      this.#report(job.name, error);
    }
    return stepMs;
  }

  #nextRound(): { readonly job: MaintenanceJob; readonly steps: AsyncGenerator<void, void, undefined> } | null {
    const now = this.#parts.clock.monotonic();
    const job = this.#parts.jobs.find(({ name }) => (this.#dueAt.get(name) ?? 0) <= now);
    if (job === undefined) return null;
    this.#dueAt.set(job.name, now + job.everyMs);
    return { job, steps: job.run() };
  }

  /** M3. @returns whether one was tried. */
  async #backUp(ageMs: number): Promise<boolean> {
    const { kernel, clock } = this.#parts;
    const { at } = this.#backup;
    if (at !== null && clock.now() - at < ageMs) return false;
    try {
      const lastSeq = await kernel().store.lastSeq();
      if (lastSeq === (this.#backup.lastSeq ?? 0)) return false;
      // Said before: one that fails is tried again after the same time, not with every beat.
      this.#backup = { ...this.#backup, at: clock.now() };
      await kernel().store.backup();
      this.#backup = { at: clock.now(), lastSeq };
    } catch (error) {
      this.#report('backup', error);
    }
    return true;
  }

  #report(name: string, error: unknown): void {
    this.#parts.report(name, error instanceof Error ? error.message : String(error));
  }
}
