/**
 * Runners that are started before there is a run for them: a dispatch need not wait for a Node to come up.
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

/** Kept ready; what is beyond it starts when it is needed. */
const READY_MAX = 2;
/**
 * They are started this long after the last was given away, in ms: its agent is starting just then. (Started earlier, while the worktree
 * is prepared, a Node took the processors from git and from the supervisor: the dispatch was slower than without.)
 */
const REFILL_AFTER_MS = 60;

export type WarmRunners = {
  /** @returns who took the input; null: nobody. Soon there is another one. */
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
  #isClosed = false;
  #refill: NodeJS.Timeout | null = null;

  constructor(parts: WarmRunnerParts) {
    this.#parts = parts;
  }

  async give(input: string): Promise<ProcessIdentity | null> {
    const { table, starter } = this.#parts;
    this.#refill ??= setTimeout(() => this.#stock(), REFILL_AFTER_MS).unref();
    this.#refill.refresh();
    for (let runner = this.#ready.shift(); runner !== undefined; runner = this.#ready.shift()) {
      if (table.liveness(runner) === 'alive' && (await starter.give(runner, input))) return runner;
    }
    return null;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#refill !== null) clearTimeout(this.#refill);
    for (const runner of this.#ready.splice(0)) this.#parts.table.signal(runner, 'SIGKILL');
  }

  #stock(): void {
    const room = READY_MAX - this.#ready.length - this.#starting;
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
