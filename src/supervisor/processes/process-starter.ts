/**
 * Starts programs in a small process beside the supervisor. A fork copies the page tables of whoever forks, and Node waits for the
 * child to execute: from a supervisor of 150 MB that is 7 ms of CPU and a loop that stands still for 10 to 30 ms, from a bare Node
 * 1 ms and nobody waits.
 *
 * S1. It saves time and is never needed: without it (not up yet, gone, not to be had) the same is done in this process.
 * S2. It is started with the first call, ended when there has been nothing to do for a while, and started again after it died.
 * S3. A call that was under way when it died has failed; the caller repeats it as it would after a killed program.
 * S4. A program that waits for its input is started only beside: when the process there ends, so does the input, empty.
 * S5. It holds none of the supervisor's locks, sockets or files, and has no cookie: no census counts it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { programBeside } from '../../persistence/program-file.ts';
import type { ProcessIdentity } from './process-identity.ts';
import {
  runProgram,
  startStaying,
  type ProgramCall,
  type ProgramEnd,
  type ProgramRunner,
  type StayingProgram,
} from './program-run.ts';

/** Without work for this long it ends, in ms: a supervisor at rest is one process. */
const IDLE_MS = 30_000;
/** After it died, calls are carried out here for this long, in ms, before it is tried again; after it did not even come up, longer. */
const RETRY_MS = 5_000;
const RETRY_NEVER_UP_MS = 300_000;

export type StarterRequest = { readonly id: number } & (
  | { readonly kind: 'run'; readonly call: ProgramCall }
  | { readonly kind: 'start' | 'startWaiting'; readonly program: StayingProgram }
  | { readonly kind: 'give'; readonly pid: number; readonly input: string }
);
export type StayingStart = { readonly identity: ProcessIdentity } | { readonly error: string };
export type StarterAnswer = { readonly id: number } & (
  | { readonly kind: 'ready' }
  | { readonly kind: 'ended'; readonly end: ProgramEnd }
  | { readonly kind: 'started'; readonly started: StayingStart }
  | { readonly kind: 'given'; readonly taken: boolean }
  | { readonly kind: 'failed'; readonly message: string }
);

export interface ProcessStarter {
  readonly run: ProgramRunner;
  start(program: StayingProgram): Promise<StayingStart>;
  /** One that waits for its input; null while there is no process beside us (S4). */
  startWaiting(program: StayingProgram): Promise<StayingStart | null>;
  /** Gives a waiting program its input, whole and once. @returns whether it was there to take it. */
  give(program: ProcessIdentity, input: string): Promise<boolean>;
  /** The process beside us, while there is one. */
  readonly pid: number | null;
  /** Ends the process beside us; calls that come later are carried out here. */
  close(): void;
}

export type ProcessStarterOptions = {
  /** The Node that runs it. */
  readonly node: string;
  /** For what is started in this process. */
  readonly identify: (pid: number) => ProcessIdentity | null;
  /** Default 30 s. */
  readonly idleMs?: number;
};

export const createProcessStarter = (options: ProcessStarterOptions): ProcessStarter => new BesideStarter(options);

/** Null where it was not installed (S1). */
const starterProgram = (): string | null => {
  try {
    return fileURLToPath(programBeside(import.meta.url, 'starter-program'));
  } catch {
    return null;
  }
};

class BesideStarter implements ProcessStarter {
  readonly #options: ProcessStarterOptions;
  readonly #waiting = new Map<number, (answer: StarterAnswer | null) => void>();
  #child: ChildProcess | null = null;
  #isReady = false;
  #isClosed = false;
  #notBefore = 0;
  #lastId = 0;
  #idle: NodeJS.Timeout | null = null;

  constructor(options: ProcessStarterOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  readonly run = async (call: ProgramCall): Promise<ProgramEnd> => {
    const { input } = call;
    // What is read bit by bit stays here: sending it on would be one more copy of large files.
    const isWhole = input === null || input instanceof Uint8Array;
    if (!isWhole || !this.#isUp()) return runProgram(call);
    const answer = await this.#ask((id) => ({ id, kind: 'run', call }));
    if (answer?.kind === 'ended') {
      const { end } = answer;
      // Bytes arrive as plain arrays.
      return { ...end, stdout: Buffer.from(end.stdout.buffer, end.stdout.byteOffset, end.stdout.byteLength) };
    }
    const stderr = `${call.file} was lost: ${reasonOf(answer)}`;
    return { exitCode: -1, stdout: Buffer.alloc(0), stderr, truncated: false, inputError: null };
  };

  async start(program: StayingProgram): Promise<StayingStart> {
    if (!this.#isUp()) {
      const started = await startStaying(program, this.#options.identify);
      return 'error' in started ? started : { identity: started.identity };
    }
    const answer = await this.#ask((id) => ({ id, kind: 'start', program }));
    return answer?.kind === 'started' ? answer.started : { error: reasonOf(answer) };
  }

  async startWaiting(program: StayingProgram): Promise<StayingStart | null> {
    if (!this.#isUp()) return null;
    const answer = await this.#ask((id) => ({ id, kind: 'startWaiting', program }));
    return answer?.kind === 'started' ? answer.started : { error: reasonOf(answer) };
  }

  async give({ pid }: ProcessIdentity, input: string): Promise<boolean> {
    if (!this.#isReady) return false;
    const answer = await this.#ask((id) => ({ id, kind: 'give', pid, input }));
    return answer?.kind === 'given' && answer.taken;
  }

  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  #isUp(): boolean {
    if (this.#child === null && !this.#isClosed && performance.now() >= this.#notBefore) this.#begin();
    return this.#isReady;
  }

  #begin(): void {
    const program = starterProgram();
    if (program === null) {
      this.#notBefore = performance.now() + RETRY_NEVER_UP_MS;
      return;
    }
    const child = spawn(this.#options.node, [program], {
      cwd: '/',
      env: {},
      // Ctrl-C in the terminal of an embedding program must not end it in the middle of something.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    this.#child = child;
    child.on('message', (answer: StarterAnswer) => this.#hear(answer));
    child.on('error', () => this.#lost(child));
    child.on('exit', () => this.#lost(child));
    child.on('disconnect', () => this.#lost(child));
    child.unref();
    child.channel?.unref();
  }

  #hear(answer: StarterAnswer): void {
    this.#isReady = true;
    this.#settle(answer.id, answer);
  }

  #settle(id: number, answer: StarterAnswer | null): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) {
      this.#child?.channel?.unref();
      this.#idle ??= setTimeout(() => this.#end(), this.#options.idleMs ?? IDLE_MS).unref();
      this.#idle.refresh();
    }
    settle?.(answer);
  }

  #ask(requestOf: (id: number) => StarterRequest): Promise<StarterAnswer | null> {
    const id = ++this.#lastId;
    const child = this.#child!;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      child.channel?.ref();
      child.send(requestOf(id), (error) => {
        if (error !== null) this.#lost(child);
      });
    });
  }

  /** S2, with nothing under way. */
  #end(): void {
    const child = this.#child;
    if (child === null || (this.#waiting.size > 0 && !this.#isClosed)) return;
    this.#forget();
    if (child.connected) child.disconnect();
    this.#failAll();
  }

  /** S3. */
  #lost(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#notBefore = performance.now() + (this.#isReady ? RETRY_MS : RETRY_NEVER_UP_MS);
    this.#forget();
    child.kill();
    this.#failAll();
  }

  #forget(): void {
    this.#child = null;
    this.#isReady = false;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
  }

  #failAll(): void {
    for (const id of this.#waiting.keys()) this.#settle(id, null);
  }
}

const reasonOf = (answer: StarterAnswer | null): string =>
  answer?.kind === 'failed' ? answer.message : 'the process that starts programs ended; it is started again';
