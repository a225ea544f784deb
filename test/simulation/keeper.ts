/** Starts a supervisor, and another one whenever it is gone: at once, after a while, or after ten minutes. */
import type { Invariants } from './invariants.ts';
import { Supervisor } from './supervisor.ts';
import type { World } from './world.ts';

const SOON_MS = 3_000;
const LATER_MS = 600_000;

export class Keeper {
  supervisor: Supervisor | null = null;
  /** Called when a new one has opened the disk. */
  onReopened: () => void = () => undefined;
  readonly #world: World;
  readonly #invariants: Invariants;
  #epoch = 0;
  #isComing = false;

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
  }

  start(): void {
    this.#isComing = false;
    this.#epoch += 1;
    const supervisor = new Supervisor(this.#world, this.#invariants, this.#epoch);
    this.supervisor = supervisor;
    this.onReopened();
    supervisor.open().catch((error: unknown) => {
      // A disk that takes nothing keeps it from starting; the next one tries again.
      supervisor.die();
      if (this.#world.trouble.on) return this.#world.witness.fault('start given up');
      this.#world.witness.broken('a supervisor starts on any disk that one left', 'supervisor', String(error));
    });
  }

  /** To be called after every step. */
  watch(): void {
    if (this.supervisor !== null && !this.supervisor.isAlive) this.supervisor = null;
    if (this.supervisor !== null || this.#isComing) return;
    this.#isComing = true;
    const { chance } = this.#world;
    const isLong = this.#world.happens('restart after ten minutes', 0.03);
    this.#world.time.after(this.#world.life, isLong ? LATER_MS : chance.wait(SOON_MS), () => this.start());
  }
}
