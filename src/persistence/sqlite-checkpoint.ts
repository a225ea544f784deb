/**
 * When to move the log into the database. Commits never do it themselves: that is what made some of them slow.
 *
 * A passive checkpoint goes along with the writer but cannot empty the log while it writes; when the log has grown long, a second
 * step follows at once that holds the writer for the few pages that came in meanwhile, and the log begins anew.
 *
 * K1. The log is bounded: who writes more than a checkpoint can move waits for it, on a disk of whatever speed.
 */
import type { StoreThread } from './sqlite-thread.ts';

/** Commits between checkpoints. Pages that are written again and again are moved once: more often costs more. */
const COMMITS_BETWEEN = 128;
/** The same for large batches, in characters and bytes. */
const SIZE_BETWEEN = 8 * 2 ** 20;
/** What may be written while a checkpoint runs, in characters and bytes (K1); ordinary work writes a tenth of it. */
const SIZE_AHEAD_MAX = 16 * 2 ** 20;
/** A quiet store is checkpointed after this time, in ms. */
const QUIET_MS = 1_000;
/** Pages of the log from which it begins anew, 8 MiB. */
const RESTART_PAGES = 2_048;
/** The thread ends when there was nothing to do for this long, in ms. Its memory is worth more than its start. */
const IDLE_MS = 10_000;

export class CheckpointSchedule {
  readonly #startThread: () => StoreThread;
  #thread: StoreThread | null = null;
  #commits = 0;
  #size = 0;
  #quiet: NodeJS.Timeout | null = null;
  #idle: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(startThread: () => StoreThread) {
    this.#startThread = startThread;
  }

  /** @param size Characters and bytes of the batch. */
  noteCommit(size: number): void {
    if (this.#isStopped) return;
    this.#commits += 1;
    this.#size += size;
    if (this.#commits >= COMMITS_BETWEEN || this.#size >= SIZE_BETWEEN) this.#start();
    else this.#quiet ??= setTimeout(() => this.#start(), QUIET_MS).unref();
  }

  /** K1. Null: go on. Else resolves when the log has room again. */
  room(): Promise<void> | null {
    return this.#size >= SIZE_AHEAD_MAX ? this.#running : null;
  }

  /** Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#clearTimers();
    await this.#running;
    await this.#thread?.end();
  }

  #start(): void {
    if (this.#running !== null || this.#isStopped) return;
    this.#clearTimers();
    this.#commits = 0;
    this.#size = 0;
    this.#running = this.#checkpoint().finally(() => {
      this.#running = null;
      if (this.#isStopped) return;
      this.#idle = setTimeout(() => void this.#endThread(), IDLE_MS).unref();
    });
  }

  async #checkpoint(): Promise<void> {
    this.#thread ??= this.#startThread();
    try {
      const pages = (await this.#thread.ask({ do: 'checkpoint', mode: 'PASSIVE' })) as number;
      if (pages >= RESTART_PAGES) await this.#thread.ask({ do: 'checkpoint', mode: 'RESTART' });
    } catch {
      // The log keeps what it has; the next checkpoint tries again, with a new thread if this one died.
      await this.#endThread();
    }
  }

  async #endThread(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.end();
  }

  #clearTimers(): void {
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#quiet = null;
    this.#idle = null;
  }
}
