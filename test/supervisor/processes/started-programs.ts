/**
 * Starts the fixture programs, remembers every pid they name, and after each test proves that none of them is left.
 * Goal: a test that leaves a process behind fails, whatever else it asserted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { sameIdentity, type ProcessIdentity } from '../../../src/supervisor/processes/process-identity.ts';
import type { ProcessTable } from '../../../src/supervisor/processes/process-table.ts';

export type StartedProgram = {
  readonly child: ChildProcess;
  /** The program itself; it leads a group and a session of its own. */
  readonly identity: ProcessIdentity;
  /** The pids of its `ready` line, in the order the fixture's comment gives them. */
  readonly said: readonly ProcessIdentity[];
  /** Writes a line to its standard input, which the fixtures take as "end". */
  end(): void;
};

export type StartOptions = {
  readonly cookie?: string;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
};

const DEADLINE_MS = 10_000;
const POLL_MS = 10;

/** Waits for a fact; rejects with its name after ten seconds. */
export const waitUntil = async (what: string, holds: () => boolean): Promise<void> => {
  const deadline = Date.now() + DEADLINE_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

export const realClock = {
  now: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

export class StartedPrograms {
  readonly #table: ProcessTable;
  readonly #all: ProcessIdentity[] = [];

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** Starts `test/fixtures/processes/<name>` and waits for its `ready` line. */
  async start(name: string, options: StartOptions = {}): Promise<StartedProgram> {
    const path = new URL(`../../fixtures/processes/${name}`, import.meta.url).pathname;
    const program = name.endsWith('.mjs') ? process.execPath : '/bin/sh';
    const child = spawn(program, [path, ...(options.args ?? [])], {
      detached: true,
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        ...(options.cookie === undefined ? {} : { CONDUCTOR_COOKIE: options.cookie }),
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const identity = this.#remember(child.pid!);
    const pids = await new Promise<readonly number[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} did not say "ready"`)), DEADLINE_MS);
      createInterface({ input: child.stdout! }).once('line', (line) => {
        clearTimeout(timer);
        resolve(line.split(' ').slice(1).map(Number));
      });
    });
    const said = pids.map((pid) => this.#remember(pid));
    return { child, identity, said, end: () => child.stdin!.end('end\n') };
  }

  /** A program that lives, and its child that is a zombie. */
  async startZombie(
    options: StartOptions = {},
  ): Promise<{ readonly parent: ProcessIdentity; readonly dead: ProcessIdentity }> {
    const program = await this.start('zombie.sh', options);
    const [parent, dead] = program.said as [ProcessIdentity, ProcessIdentity];
    const commandNow = () => this.#table.list().find((row) => row.identity.pid === parent.pid)?.command ?? '';
    await waitUntil('the shell has become sleep', () => commandNow().endsWith('sleep'));
    program.end();
    await waitUntil('the child is a zombie', () => this.#table.liveness(dead) === 'zombie');
    return { parent, dead };
  }

  /** Also remembers a process that the test found by itself. */
  adopt(identity: ProcessIdentity): void {
    this.#all.push(identity);
  }

  /** Ends one program by SIGKILL and waits until it is gone. */
  async kill(identity: ProcessIdentity): Promise<void> {
    this.#table.signal(identity, 'SIGKILL');
    await waitUntil(`${identity.pid} is gone`, () => this.#table.liveness(identity) !== 'alive');
  }

  /** To be called after each test: ends what is left and fails when it was there. */
  async expectNothingLeft(): Promise<void> {
    const left = this.#all.filter((id) => this.#table.liveness(id) === 'alive');
    const commands = left.map(
      (id) => this.#table.list().find((row) => sameIdentity(row.identity, id))?.command ?? 'gone meanwhile',
    );
    for (const id of left) await this.kill(id);
    this.#all.length = 0;
    expect(commands).toEqual([]);
  }

  #remember(pid: number): ProcessIdentity {
    const identity = this.#table.identify(pid);
    if (identity === null) throw new Error(`Process ${pid} ended before the test could look at it`);
    this.#all.push(identity);
    return identity;
  }
}
