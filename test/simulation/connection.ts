/**
 * One connection between a runner and a supervisor, as a unix socket behaves: what is written arrives in order or not at all,
 * what was written before an end is still read, and each side hears of the end in its own time.
 */
import { ConductorError } from '../../src/machines/errors.ts';
import type { RunnerLink } from '../../src/supervisor/runs/runner-link.ts';
import type { Life } from './virtual-time.ts';
import type { SupervisorDoor, World } from './world.ts';

export type RunnerEnd = {
  readonly life: Life;
  readonly runId: string;
  /** Answers an instruction; `reply` may be called later, or never. */
  instruct(method: string, params: unknown, reply: (result: unknown) => void): void;
  /** The connection is gone. */
  away(connection: Connection): void;
};

const LATENCY_MAX_MS = 4;
/** A message that was delayed on its way, in ms. */
const DELAY_MAX_MS = 8_000;

export class Connection {
  readonly link: RunnerLink;
  readonly #world: World;
  readonly #door: SupervisorDoor;
  readonly #runner: RunnerEnd;
  readonly #calls = new Set<(error: Error) => void>();
  #open = true;
  /** Earliest arrival of the next message, by direction: order is kept. */
  #upFrom = 0;
  #downFrom = 0;

  constructor(world: World, door: SupervisorDoor, runner: RunnerEnd) {
    this.#world = world;
    this.#door = door;
    this.#runner = runner;
    this.link = {
      call: (method, params, timeoutMs) => this.#call(method, params, timeoutMs),
      close: () => this.close(),
    };
    door.connections.add(this);
  }

  get isOpen(): boolean {
    return this.#open && this.#door.life.alive;
  }

  /** Runner to supervisor. */
  up(deliver: (door: SupervisorDoor) => void): void {
    if (!this.#open) return;
    this.#upFrom = this.#arrival(this.#upFrom);
    const wait = this.#upFrom - this.#world.time.monotonic;
    this.#world.time.arrive(this.#door.life, wait, () => deliver(this.#door));
  }

  /** Supervisor to runner. */
  down(deliver: () => void): void {
    if (!this.#open) return;
    this.#downFrom = this.#arrival(this.#downFrom);
    const wait = this.#downFrom - this.#world.time.monotonic;
    this.#world.time.arrive(this.#runner.life, wait, deliver);
  }

  /** Ended by either side, or by the death of one. */
  close(): void {
    if (!this.#open) return;
    const { intake } = this.#door;
    this.up(() => {
      for (const reject of this.#calls) reject(unreachable('the connection is closed'));
      this.#calls.clear();
      this.#door.connections.delete(this);
      intake.closed(this.link);
      this.#door.look(this.#runner.runId);
    });
    this.down(() => this.#runner.away(this));
    this.#open = false;
  }

  async #call(method: string, params: unknown, timeoutMs: number): Promise<unknown> {
    if (!this.#open) throw unreachable('the connection is closed');
    return new Promise((resolve, reject) => {
      const cancel = this.#world.time.after(this.#door.life, timeoutMs, () =>
        settle(unreachable(`${method}: no answer`)),
      );
      const settle = (error: Error | null, result?: unknown): void => {
        cancel();
        this.#calls.delete(settle);
        if (error === null) resolve(result);
        else reject(error);
      };
      this.#calls.add(settle);
      this.down(() => {
        this.#runner.instruct(method, params, (result) => this.up(() => settle(null, result)));
      });
    });
  }

  #arrival(earliest: number): number {
    const { chance, time } = this.#world;
    const late = this.#world.happens('message delayed', 0.001) ? chance.int(0, DELAY_MAX_MS) : 0;
    return Math.max(earliest, time.monotonic + chance.int(0, LATENCY_MAX_MS) + late);
  }
}

const unreachable = (message: string): ConductorError =>
  new ConductorError('supervisor_unreachable', message, { retryable: true });
