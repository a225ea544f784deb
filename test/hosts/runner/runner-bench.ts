/**
 * One run on a real machine: directories, contract, a fake supervisor, real runner and child processes, and proof at the end that
 * nothing of it is left.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { RUN_FILES, type CommandLine, type RunnerContract } from '../../../src/supervisor/runners/contract.ts';
import { composeRunEnvironment } from '../../../src/supervisor/runners/environment.ts';
import type { ExitRecord, ReportBody } from '../../../src/supervisor/runners/protocol.ts';
import { readSpool } from '../../../src/supervisor/runners/spool.ts';
import { runnerToken } from '../../../src/supervisor/runners/token.ts';
import { FakeSupervisor } from './fake-supervisor.ts';
import { until } from './poll.ts';

const source = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
export const RUNNER_PROGRAM = source('src/main/runner.ts');
const CHILD_PROGRAM = source('src/main/child.ts');

/** The package is optional: without a compiler at installation the tests of terminals are skipped, and CI names them. */
export const isPtyHere = await import('node-pty').then(
  () => true,
  () => false,
);

export const table = openProcessTable();

export type Ended = { readonly code: number | null; readonly signal: string | null };
export type ChildEnded = Ended & { readonly stdout: string; readonly stderr: string };

export class RunnerBench {
  readonly root = mkdtempSync(join(tmpdir(), 'conductor-'));
  readonly contract: RunnerContract;
  readonly supervisor: FakeSupervisor;
  readonly env: Record<string, string>;
  readonly #started: { readonly process: ChildProcess; readonly ended: Promise<Ended> }[] = [];

  constructor(
    agent: CommandLine | null,
    changes: Partial<RunnerContract> = {},
    taskEnv: Readonly<Record<string, string>> = {},
  ) {
    const at = (name: string): string => {
      mkdirSync(join(this.root, name), { recursive: true, mode: 0o700 });
      return join(this.root, name);
    };
    this.supervisor = new FakeSupervisor(at('home'), table.self());
    const runDirectory = at('run');
    const runId = `run-${this.root.slice(-6)}`;
    this.contract = {
      schemaVersion: 1,
      protocol: 1,
      version: '0.0.0',
      projectKey: 'p',
      runId,
      taskId: 'task-1',
      epoch: 1,
      token: runnerToken('secret', { runId, epoch: 1 }),
      cookie: `p/${runId}/1`,
      home: join(this.root, 'home'),
      repoRoot: join(this.root, 'tree'),
      runDirectory,
      worktreePath: at('tree'),
      supervisorFile: this.supervisor.file,
      socketPath: join(this.root, 'r.sock'),
      setup: [],
      setupMs: 600_000,
      agent: agent === null ? null : { kind: 'command', command: agent },
      promptFile: null,
      completion: 'explicit',
      runtimeMode: 'headless',
      timeoutMs: 0,
      idleMs: 0,
      logBytesMax: 16_777_216,
      secretNames: [],
      secretFiles: [],
      dependenciesFile: null,
      artifactsDirectory: at('run/artifacts'),
      mayFollowUp: false,
      heartbeatMs: 1_000,
      ...changes,
    };
    mkdirSync(join(runDirectory, 'bin'));
    const shim = `#!/bin/sh\nshift\nexec '${process.execPath}' --no-warnings '${CHILD_PROGRAM}' "$@"\n`;
    writeFileSync(join(runDirectory, 'bin', 'conductor'), shim, { mode: 0o700 });
    writeFileSync(this.runFile('contract.json'), JSON.stringify(this.contract), { mode: 0o600 });
    const request = { contract: this.contract, own: process.env, sent: {}, grantedNames: [], taskEnv };
    this.env = composeRunEnvironment(request).env;
  }

  runFile(name: string): string {
    return join(this.contract.runDirectory, name);
  }

  read(name: string): string {
    return existsSync(this.runFile(name)) ? readFileSync(this.runFile(name), 'utf8') : '';
  }

  get exitRecord(): ExitRecord {
    return JSON.parse(this.read(RUN_FILES.exit(1))) as ExitRecord;
  }

  get spooled(): readonly ReportBody[] {
    return readSpool(this.runFile(RUN_FILES.spool(1))).entries.map(({ body }) => body);
  }

  /** Starts a runner on the contract. @param program Another entry, for what only a test can make fail. */
  start(program = RUNNER_PROGRAM): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
    const runner = spawn(process.execPath, ['--no-warnings', program, this.runFile('contract.json')], {
      cwd: this.root,
      env: this.env,
      detached: true,
      stdio: ['ignore', 'ignore', process.env['CONDUCTOR_TEST_VERBOSE'] ? 'inherit' : 'ignore'],
    });
    const ended = new Promise<Ended>((resolve) => runner.once('exit', (code, signal) => resolve({ code, signal })));
    const started = { process: runner, ended };
    this.#started.push(started);
    return started;
  }

  /** Supervisor and runner up, grant given. */
  async running(): Promise<{ readonly process: ChildProcess; readonly ended: Promise<Ended> }> {
    await this.supervisor.start();
    const runner = this.start();
    await until('the runner is granted', () => this.supervisor.connected);
    return runner;
  }

  /** `conductor child …` with the run's environment. */
  child(...args: string[]): Promise<ChildEnded> {
    const child = spawn(process.execPath, ['--no-warnings', CHILD_PROGRAM, ...args], {
      cwd: this.contract.worktreePath,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    return new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
      });
    });
  }

  /** A report of this kind that the supervisor has applied. */
  reported<Kind extends ReportBody['kind']>(kind: Kind): Promise<Extract<ReportBody, { kind: Kind }>> {
    return until(`${kind} is reported`, () =>
      this.supervisor.bodies.find((body): body is Extract<ReportBody, { kind: Kind }> => body.kind === kind),
    );
  }

  /** Tells the runner to finish and waits until it is gone. */
  async finish(runner: { readonly ended: Promise<Ended> }): Promise<Ended> {
    await this.supervisor.call('runner/finish', { graceMs: 1_000 });
    return runner.ended;
  }

  members() {
    return table
      .list()
      .filter((row) => row.state !== 'zombie' && table.cookieOf(row.identity) === this.contract.cookie);
  }

  /**
   * Ends the test: everything of it must be gone by itself, but what the test says is left on purpose.
   * @param strays Processes that the test's agent left on purpose are killed here.
   */
  async close({ strays = false } = {}): Promise<void> {
    try {
      if (strays) for (const { identity } of this.members()) table.signal(identity, 'SIGKILL');
      await until('no process of the run is left', () => this.members().length === 0, 3_000);
      expect(existsSync(this.contract.socketPath)).toBe(false);
      expect(readdirSync(this.contract.runDirectory).filter((name) => /\.[0-9a-f]{16}$/.test(name))).toEqual([]);
    } finally {
      for (const { process: runner } of this.#started) if (runner.exitCode === null) runner.kill('SIGKILL');
      for (const { identity } of this.members()) table.signal(identity, 'SIGKILL');
      await this.supervisor.kill();
      rmSync(this.root, { recursive: true, force: true });
    }
  }
}
