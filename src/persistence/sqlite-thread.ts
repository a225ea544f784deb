/**
 * The main thread's end of a store's thread: asks, and gets answers in order. A thread that dies answers everything with its error.
 * It keeps the process alive only while somebody waits.
 */
import { Worker } from 'node:worker_threads';
import { programBeside } from './program-file.ts';
import { openSqliteWriter, type WriterData, type WriterTask } from './sqlite-writer.ts';
import type { ThreadReply } from './sqlite-writer-thread.ts';

/** Young objects of a thread that handles one batch at a time; without a bound V8 takes what it can get. */
const YOUNG_MIB = 4;

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void };

/** Where a store's writing is done. */
export interface StoreWriter {
  /** Rejects when it cannot be done, or nobody is left to do it. */
  ask(task: WriterTask): Promise<unknown>;
  end(): Promise<void>;
}

/** On the calling thread, at once: a slow disk holds the loop. */
export const writerInPlace = (data: WriterData): StoreWriter => {
  const perform = openSqliteWriter(data);
  return { ask: perform, end: async () => undefined };
};

export class StoreThread implements StoreWriter {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #death: Error | null = null;

  constructor(data: WriterData) {
    this.#worker = new Worker(programBeside(import.meta.url, 'sqlite-writer-thread'), {
      workerData: data,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#die(error as Error));
    this.#worker.on('exit', (code) => this.#die(new Error(`A thread of the store ended with code ${code}.`)));
  }

  ask(task: WriterTask): Promise<unknown> {
    if (this.#death !== null) return Promise.reject(this.#death);
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#waiting.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin.
      this.#worker.postMessage({ id, ...task });
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle({ id, result, error }: ThreadReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(error);
  }

  #die(error: Error): void {
    this.#death ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}
