/**
 * Runners that are started before their run is ready for them: Node comes up while the worktree is prepared, or was up already.
 *
 * W1. A warm runner knows nothing and holds nothing: no contract, value, socket or file of a run. It waits for its input, which is its
 *     contract and its environment, and ends when the input ends without one: with the process that holds it, thus with its
 *     supervisor, and at rest.
 * W2. It is known by its identity from its first moment, and given away once.
 * W3. Nobody needs it: whoever finds none, or one that takes nothing any more, starts a runner as if there were no such thing.
 */
import type { ProcessIdentity } from '../processes/process-identity.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import type { ProcessTable } from '../processes/process-table.ts';
import type { StayingProgram } from '../processes/program-run.ts';

/** Started ahead at one time; what is beyond it starts when it is needed. */
const AHEAD_MAX = 4;
/** A run that was expected and did not come within this time is not coming, in ms. */
const PATIENCE_MS = 10_000;
/** The next one is started this long after the last was given away, in ms: its agent is starting just then. */
const SPARE_AFTER_MS = 250;

export type WarmRunners = {
  /** A run is being prepared: soon somebody will want one. */
  expect(): void;
  /** @returns who took the input; null: nobody. */
  give(input: string): Promise<ProcessIdentity | null>;
  /** Ends those that were not given away, and starts none any more. */
  close(): void;
};

export type WarmRunnerParts = {
  readonly starter: Pick<ProcessStarter, 'startWaiting' | 'give'>;
  readonly table: Pick<ProcessTable, 'liveness' | 'signal'>;
  readonly program: () => Promise<StayingProgram>;
};

export const createWarmRunners = (parts: WarmRunnerParts): WarmRunners => new StockedRunners(parts);

class StockedRunners implements WarmRunners {
  readonly #parts: WarmRunnerParts;
  readonly #ready: ProcessIdentity[] = [];
  #starting = 0;
  #expected = 0;
  #isClosed = false;
  #spare: NodeJS.Timeout | null = null;
  #patience: NodeJS.Timeout | null = null;

  constructor(parts: WarmRunnerParts) {
    this.#parts = parts;
  }

  expect(): void {
    this.#expected += 1;
    this.#patience ??= setTimeout(() => (this.#expected = 0), PATIENCE_MS).unref();
    this.#patience.refresh();
    this.#stock(this.#expected);
  }

  async give(input: string): Promise<ProcessIdentity | null> {
    const { table, starter } = this.#parts;
    this.#expected = Math.max(0, this.#expected - 1);
    this.#spare ??= setTimeout(() => this.#stock(1), SPARE_AFTER_MS).unref();
    this.#spare.refresh();
    for (let runner = this.#ready.shift(); runner !== undefined; runner = this.#ready.shift()) {
      if (table.liveness(runner) === 'alive' && (await starter.give(runner, input))) return runner;
    }
    return null;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [this.#spare, this.#patience]) if (timer !== null) clearTimeout(timer);
    for (const runner of this.#ready.splice(0)) this.#parts.table.signal(runner, 'SIGKILL');
  }

  #stock(wanted: number): void {
    const room = Math.min(wanted, AHEAD_MAX) - this.#ready.length - this.#starting;
    for (let index = 0; index < room && !this.#isClosed; index += 1) void this.#start();
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const started = await this.#parts.starter.startWaiting(await this.#parts.program());
      if (started === null || 'error' in started) return;
      this.#ready.push(started.identity);
      if (this.#isClosed) this.close();
    } catch {
      // W3.
    } finally {
      this.#starting -= 1;
    }
  }
}
