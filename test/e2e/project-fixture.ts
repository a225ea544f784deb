/**
 * A repository, a home and a real supervisor process, for tests that kill things.
 *
 * X1. `close` ends everything the test started and fails when a process, worktree registration or socket is left behind.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectSupervisor, type SupervisorClient } from '../../src/hosts/rpc/rpc-client.ts';
import { startArguments } from '../../src/hosts/rpc/daemon-process.ts';
import { copyRuntime } from '../../src/hosts/rpc/runtime-copy.ts';
import { ensureProjectHome, projectHome, type ProjectHome } from '../../src/persistence/project-home.ts';
import { openProcessTable } from '../../src/supervisor/processes/open-process-table.ts';
import type { Artifact, Entry, Gate, Item, Run, Worker } from './project-items.ts';
import { findProject } from '../../src/supervisor/workspaces/project-identity.ts';

const PROGRAM = new URL('./fixtures/supervisor-program.ts', import.meta.url).pathname;
const PROGRAMS = new URL('../../dist/programs', import.meta.url).pathname;
/** Nothing here takes this long unless it hangs. */
const DEADLINE_MS = 60_000;

export class ProjectFixture {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-e2e-')));
  readonly repo = join(this.directory, 'repo');
  readonly home: string;
  paths!: ProjectHome;
  #program = PROGRAM;
  #process: ChildProcess | null = null;
  #client: SupervisorClient | null = null;
  /** Pids of runners and agents that were seen, to be looked for at the end. */
  readonly #seen = new Set<number>();

  private constructor(home: string) {
    this.home = home;
  }

  /** @param options `inspector`: the supervisor is the built program in a copy of its own, as users start it, and serves the page. */
  static async make(
    options: {
      readonly home?: (directory: string) => string;
      readonly files?: Readonly<Record<string, string>>;
      readonly inspector?: boolean;
    } = {},
  ): Promise<ProjectFixture> {
    const fixture = new ProjectFixture('');
    (fixture as { home: string }).home = options.home?.(fixture.directory) ?? join(fixture.directory, 'home');
    mkdirSync(fixture.repo);
    mkdirSync(fixture.home, { recursive: true, mode: 0o700 });
    fixture.git('init', '-q', '-b', 'main');
    for (const [name, text] of Object.entries({ 'a.txt': 'a\n', ...options.files })) {
      writeFileSync(join(fixture.repo, name), text);
    }
    fixture.git('add', '.');
    fixture.git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-qm', 'one');
    fixture.paths = projectHome(fixture.home, (await findProject(fixture.repo)).projectKey);
    if (options.inspector === true) {
      ensureProjectHome(fixture.paths);
      const copy = copyRuntime({ home: fixture.home, programs: PROGRAMS, version: '0.0.0-test' });
      fixture.#program = join(copy, 'supervisor.cjs');
    }
    return fixture;
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.repo, encoding: 'utf8' });
  }

  /**
   * Starts a supervisor and waits until it answers.
   * @param prefix A program that becomes what its last arguments say.
   * @returns its pid.
   */
  async start(environment: Readonly<Record<string, string>> = {}, prefix: readonly string[] = []): Promise<number> {
    const inspector = this.#program !== PROGRAM;
    const args = startArguments({ repo: this.repo, home: this.home, stay: true, inspector, readyFd: 3 });
    const [program = '', ...words] = [...prefix, process.execPath, this.#program, ...args];
    const child = spawn(program, words, {
      cwd: this.home,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // The user's own configuration counts for nothing here.
        XDG_CONFIG_HOME: join(this.directory, 'no-config'),
        PROGRAMS,
        ...environment,
        CONDUCTOR_HOME: this.home,
      },
    });
    this.#process = child;
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    const line = await new Promise<string>((resolve, reject) => {
      child.stdio[3]!.once('data', (data: Buffer) => resolve(data.toString()));
      child.once('exit', () => reject(new Error(`the supervisor did not start: ${said}`)));
    });
    const report = JSON.parse(line) as { ok: boolean; error?: { code: string; message: string } };
    if (!report.ok) throw Object.assign(new Error(report.error?.message), report.error);
    await this.#client?.close().catch(() => undefined);
    this.#client = await connectSupervisor({ projectHome: this.paths.root, waitMs: 10_000 });
    return child.pid!;
  }

  /** Speaks to a supervisor that somebody else started; who did ends it. */
  async adopt(): Promise<void> {
    await this.#client?.close().catch(() => undefined);
    this.#client = await connectSupervisor({ projectHome: this.paths.root, waitMs: 10_000 });
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  get client(): SupervisorClient {
    return this.#client!;
  }

  async details<Details = Record<string, unknown>>(operation: string, params: unknown = {}): Promise<Details> {
    return (await this.client.call(operation, params)).details as Details;
  }

  /** Ends the supervisor as a power cut would, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process!;
    const gone =
      child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve()
        : new Promise((resolve) => child.once('exit', resolve));
    process.kill(child.pid!, signal);
    await gone;
  }

  /** Resolves when the supervisor has ended by itself. */
  async ended(): Promise<void> {
    const child = this.#process!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once('exit', resolve));
  }

  async plan(
    plan: unknown,
  ): Promise<{ readonly objectiveId: string; readonly tasks: Readonly<Record<string, string>> }> {
    return this.details('conductor_run_plan', { plan });
  }

  async tasks(): Promise<readonly Item[]> {
    return (await this.details<{ items: Item[] }>('conductor_list_tasks', { limit: 100 })).items;
  }

  async runs(): Promise<readonly Item[]> {
    const { items } = await this.details<{ items: Item[] }>('conductor_list_runs', { limit: 100 });
    return items;
  }

  async task(taskId: string): Promise<Item> {
    return (await this.tasks()).find((task) => task.taskId === taskId)!;
  }

  /** Waits until a task stands in this state. */
  async taskIs(taskId: string, state: string): Promise<Item> {
    return until(`${taskId} ${state}`, async () => {
      const task = await this.task(taskId);
      return task.state === state ? task : null;
    });
  }

  /** The newest run of a task. */
  async runOf(taskId: string): Promise<Run> {
    return (await this.details<{ items: Run[] }>('conductor_list_runs', { taskId })).items[0]!;
  }

  async gates(filter: Readonly<Record<string, unknown>> = {}): Promise<readonly Gate[]> {
    return (await this.details<{ items: Gate[] }>('conductor_list_gates', filter)).items;
  }

  async workers(): Promise<readonly Worker[]> {
    return (await this.details<{ items: Worker[] }>('conductor_list_workers', { includeArchived: true })).items;
  }

  async artifacts(runId: string): Promise<readonly Artifact[]> {
    return (await this.details<{ items: Artifact[] }>('conductor_list_artifacts', { runId, limit: 100 })).items;
  }

  /** The whole journal of a run. */
  async journal(runId: string): Promise<readonly Entry[]> {
    const { items } = await this.details<{ items: Entry[] }>('conductor_list_events', { runId, limit: 100 });
    return items.filter((entry) => entry.actor === runId);
  }

  /** A file outside of every worktree, for what agents say past Conductor. */
  at(name: string): string {
    return join(this.directory, name);
  }

  /** Lines of such a file. */
  said(name: string): readonly string[] {
    const path = this.at(name);
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
    return lines.filter((line) => line !== '');
  }

  say(name: string): void {
    appendFileSync(this.at(name), 'said\n');
  }

  /** Shell that adds a line to such a file. */
  tells(name: string, text = name): string {
    return `echo ${text} >> ${this.at(name)}`;
  }

  /** Shell that waits for such a file. */
  waits(name: string): string {
    return `while [ ! -e ${this.at(name)} ]; do sleep 0.05; done`;
  }

  /**
   * Starts the supervisor as often as it dies, until the condition holds.
   * @returns how often it died.
   */
  async survive(environment: Readonly<Record<string, string>>, isOver: () => Promise<boolean>): Promise<number> {
    for (let deaths = 0; ; deaths += 1) {
      const started = await this.start(environment).then(
        () => true,
        (error: unknown) => {
          if (this.#process?.signalCode !== 'SIGKILL') throw error;
          return false;
        },
      );
      if (!started) continue;
      const dead = this.ended().then(() => 'dead' as const);
      const end = await until('an end', async () => {
        const seen = await Promise.race([dead, isOver().catch(() => false)]);
        return seen === 'dead' ? 'dead' : seen && 'over';
      });
      if (end === 'over') return deaths;
    }
  }

  /** Processes of runs: those that carry a cookie of this project, but for runners that wait for a run. */
  processes(): readonly Seen[] {
    const waiting = this.waiting().map(({ pid }) => pid);
    return this.#carriers().filter(({ pid }) => !waiting.includes(pid));
  }

  /** Runners that were started before there was a run for them, and still have none: they have not gone to its directory. */
  waiting(): readonly Seen[] {
    return this.#carriers().filter(({ pid, cookie }) => cookie.includes('/warm-') && cwdOf(pid) === this.paths.runs);
  }

  #carriers(): readonly Seen[] {
    const table = openProcessTable();
    const mine = table.list().flatMap(({ identity, command }) => {
      const cookie = table.cookieOf(identity) ?? '';
      return cookie.startsWith(`${this.paths.key}/`) ? [{ pid: identity.pid, command, cookie }] : [];
    });
    for (const { pid } of mine) this.#seen.add(pid);
    return mine;
  }

  /** Runner and agent of a run, from its start record. */
  startRecord(
    runId: string,
    epoch = 1,
  ): { readonly runner: { readonly pid: number }; readonly agent: { readonly pid: number } } {
    return JSON.parse(readFileSync(join(this.paths.runs, runId, `${String(epoch)}.agent`), 'utf8')) as never;
  }

  /** Who holds the grant of a run's epoch. */
  runnerRecord(runId: string, epoch = 1): { readonly pid: number } {
    return JSON.parse(readFileSync(join(this.paths.runs, runId, `${String(epoch)}.runner`), 'utf8')) as never;
  }

  /** Processes that name or work in the fixture's directory, whether they carry a cookie or not. */
  #strays(): readonly { readonly pid: number; readonly command: string }[] {
    const pids = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
    return pids.flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const isOurs = command.includes(this.directory) || readlinkSync(`/proc/${pid}/cwd`).startsWith(this.directory);
        return isOurs ? [{ pid: Number(pid), command }] : [];
      } catch {
        return []; // It ended meanwhile, or has no directory any more: a zombie.
      }
    });
  }

  /** X1. */
  async close(): Promise<void> {
    try {
      const child = this.#process;
      if (child !== null && child.exitCode === null && child.signalCode === null) {
        await this.#client?.stop('now').catch(() => undefined);
        await this.kill().catch(() => undefined);
      }
      await this.#client?.close().catch(() => undefined);
      await until('those to leave that wait for a run', () => this.waiting().length === 0);
      // It ends with the supervisor, as soon as it has no chart in hand.
      await until('who lays out charts to leave', () => !this.#strays().some(({ command }) => isLayout(command)));
      const left = [...this.#carriers(), ...this.#strays()];
      for (const { pid } of left) endByPid(pid);
      expect(left, 'processes left behind').toEqual([]);
      const runtime = join(tmpdir(), `conductor-${String(process.getuid?.() ?? 0)}`);
      const runs = new Set(existsSync(this.paths.runs) ? readdirSync(this.paths.runs) : []);
      const sockets = (existsSync(runtime) ? readdirSync(runtime) : []).filter((name) =>
        [...runs, this.paths.key].some((own) => name.startsWith(`${own}.`)),
      );
      expect(
        sockets.filter((name) => runs.has(name.split('.')[0]!)),
        'sockets of runners left behind',
      ).toEqual([]);
      for (const name of sockets) rmSync(join(runtime, name), { force: true });
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

const isLayout = (command: string): boolean => command.includes('layout-program');

export type Seen = { readonly pid: number; readonly command: string; readonly cookie: string };

/** Empty for a process that is gone. */
const cwdOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`);
  } catch {
    return '';
  }
};

/** Polls until the condition gives a value; fails with the last thing seen after DEADLINE_MS. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | null | false> | Value | null | false,
): Promise<Value> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await look();
    if (value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function endByPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is listed twice, or ended meanwhile.
  }
}
