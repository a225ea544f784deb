/**
 * The process that lays out charts: begun with the first job, ended when there was none for a while.
 *
 * P1. A process and no thread: what the compiler and ELK leave in the allocator stays with a thread's process after the thread has
 *     ended (100 MiB of a supervisor, measured); a process takes it along.
 * P2. Whatever ends it fails the jobs that are waiting, and the next job begins a new one.
 * P3. While it has nothing to do it keeps nobody from ending, and ends with whoever began it. It has no environment, hence no cookie.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConductorError } from '../../machines/errors.ts';
import { programBeside } from '../../persistence/program-file.ts';
import type { ChartLayout } from './chart-layout.ts';
import type { LayoutAnswer, LayoutJob, LayoutRequest } from './layout-program.ts';
import type { TaskLayout } from './task-layout.ts';

/** Without a job for this long it ends, in ms; beginning anew takes about 250. */
const IDLE_MS = 5_000;
/** A job that takes longer never ends, in ms: the largest take half a second, on a busy machine some. */
const JOB_MS = 60_000;
/** ELK makes much that is not needed for long; a large young generation only makes the process larger. */
const NODE_OPTIONS = ['--max-semi-space-size=4', '--max-old-space-size=512'];

type Waiting = {
  readonly resolve: (layout: ChartLayout | TaskLayout) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
};

export class LayoutProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onEnd: () => void;
  readonly #idle: NodeJS.Timeout;
  #lastId = 0;
  #hasEnded = false;

  /** @param onEnd called once: it takes no more jobs. */
  constructor(onEnd: () => void, idleMs = IDLE_MS) {
    this.#onEnd = onEnd;
    const program = fileURLToPath(programBeside(import.meta.url, 'layout-program'));
    this.#child = spawn(process.execPath, [...NODE_OPTIONS, program], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (answer: LayoutAnswer) => this.#hear(answer));
    for (const event of ['error', 'exit', 'disconnect'] as const) this.#child.on(event, () => this.#lose());
    this.#child.unref();
    this.#child.channel?.unref();
    this.#idle = setTimeout(() => {
      if (this.#waiting.size > 0) this.#idle.refresh();
      else this.#lose();
    }, idleMs).unref();
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** @throws ConductorError `internal`: it failed at this job, or ended meanwhile; another try begins a new one. */
  run(job: LayoutJob): Promise<ChartLayout | TaskLayout> {
    this.#lastId += 1;
    const request: LayoutRequest = { id: this.#lastId, job };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), JOB_MS);
      this.#waiting.set(request.id, { resolve, reject, timer });
      this.#child.channel?.ref();
      this.#child.send(request, (error) => {
        if (error !== null) this.#lose();
      });
    });
  }

  /** Resolves when it is gone. Jobs that are waiting fail. */
  async end(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    const gone = pid === undefined || exitCode !== null || signalCode !== null ? null : once(this.#child, 'exit');
    this.#lose();
    // Whoever waits for this may have nothing else to wait for.
    this.#child.ref();
    await gone;
    this.#child.unref();
  }

  #hear(answer: LayoutAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#child.channel?.unref();
    this.#idle.refresh();
    if ('layout' in answer) waiting.resolve(answer.layout);
    else waiting.reject(new ConductorError('internal', `The layout failed: ${answer.error}`));
  }

  #lose(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#idle);
    this.#onEnd();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new ConductorError('internal', 'The process that lays out charts has ended.', { retryable: true }));
    }
    this.#waiting.clear();
    // It holds nothing that could be left half done.
    this.#child.kill('SIGKILL');
  }
}
