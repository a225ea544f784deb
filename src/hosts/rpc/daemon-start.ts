/**
 * Finds the supervisor of a repository, or starts one and waits until it answers.
 *
 * D1. Who owns the project is decided by the supervisor's own lock. Two callers may start two programs: one of them becomes the
 *     owner, the other says so and ends, and both callers get the owner.
 * D2. What keeps a supervisor from starting is told by itself, word for word.
 * D3. A process of a run never starts the supervisor of its own project: it would be born inside what it must be able to end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import { ensureProjectHome, projectHome, type ProjectHome } from '../../persistence/project-home.ts';
import { COOKIE_VARIABLE } from '../../supervisor/processes/process-table.ts';
import { findProject } from '../../supervisor/workspaces/project-identity.ts';
import { startArguments, type StartReport } from './daemon-process.ts';
import { lastLogLine } from './log-tail.ts';
import { ownPackage, programsFolder } from './own-package.ts';
import { connectSupervisor, type ConnectOptions, type SupervisorClient } from './rpc-client.ts';
import { copyRuntime } from './runtime-copy.ts';
import { receivedError } from './wire-errors.ts';

export type EnsureOptions = {
  /** Any directory of the repository. */
  readonly repo: string;
  /** CONDUCTOR_HOME as resolved (`conductorHome(env)`). */
  readonly home: string;
  /** Whether it stays when there is nothing to do, as after `conductor start`. A running one is told to. */
  readonly stay: boolean;
  /** Whether the inspector of a supervisor that is started now listens. Default true. */
  readonly inspector?: boolean;
  /** Default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How long a new supervisor may take until it answers, in ms. Default 30,000: a damaged index is rebuilt first. */
  readonly startMs?: number;
  /** For `connectSupervisor`. */
  readonly timeoutMs?: number;
  /** Folder of the programs; default this package's. */
  readonly programs?: string;
  /** Runs the programs where they lie, without a copy in the home. Default false; for checkouts that are built anew all the time. */
  readonly inPlace?: boolean;
};

export type EnsuredSupervisor = { readonly client: SupervisorClient; readonly started: boolean };

const START_MS = 30_000;
/** What a run's environment holds of its own run; a supervisor that inherited it would count as part of the run. */
const RUN_VARIABLES = new Set([
  COOKIE_VARIABLE,
  ...['RUN_ID', 'TASK_ID', 'EPOCH', 'CONTRACT', 'SOCKET', 'REPO_ROOT', 'ARTIFACTS', 'PROMPT_FILE', 'DEPENDENCIES'].map(
    (name) => `CONDUCTOR_${name}`,
  ),
  // They are meant for the program that has them, and would make a daemon wait for a debugger.
  'NODE_OPTIONS',
  'NODE_CHANNEL_FD',
]);

/**
 * @throws `supervisor_unreachable` when an owner is there and stopped or mute; `refused` inside a run of this project; what
 *   keeps the supervisor from starting (`owned_elsewhere`, `home_on_network_fs`, `store_damaged`, …).
 */
export const ensureSupervisor = async (options: EnsureOptions): Promise<EnsuredSupervisor> => {
  const { projectKey, checkout } = await findProject(options.repo);
  const paths = projectHome(options.home, projectKey);
  const running = await connectIfRunning(connectOptions(paths, options));
  if (running !== null) {
    if (options.stay) await running.stay();
    return { client: running, started: false };
  }
  await refuseInsideRun(projectKey, options.environment ?? process.env);
  ensureProjectHome(paths);
  const deadline = performance.now() + (options.startMs ?? START_MS);
  const report = await startProgram({ ...options, repo: checkout }, paths, deadline);
  const started = report.ok;
  if (!report.ok && !isOwnersRace(report.error, paths)) {
    throw receivedError({ message: report.error.message, data: report.error }) ?? new Error(report.error.message);
  }
  const waitMs = Math.max(1, deadline - performance.now());
  const client = await connectSupervisor({ ...connectOptions(paths, options), waitMs });
  if (!started && options.stay) await client.stay();
  return { client, started };
};

const connectOptions = (paths: ProjectHome, { timeoutMs }: EnsureOptions): ConnectOptions => ({
  projectHome: paths.root,
  ...(timeoutMs !== undefined && { timeoutMs }),
});

/** Null when none runs. @throws what `connectSupervisor` throws of one that runs. */
export const connectIfRunning = async (options: ConnectOptions): Promise<SupervisorClient | null> => {
  try {
    return await connectSupervisor(options);
  } catch (error) {
    const isAway =
      isConductorError(error, 'supervisor_unreachable') && ['absent', 'gone'].includes(String(error.details['state']));
    if (isAway) return null;
    throw error;
  }
};

/**
 * D3, by our own environment and by our ancestors', which may carry what we have dropped.
 * @throws refused
 */
export const refuseInsideRun = async (
  projectKey: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> => {
  const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
  const { cookiesAbove } = await import('./principal.ts');
  const cookies = [environment[COOKIE_VARIABLE] ?? '', ...cookiesAbove(process.pid, openProcessTable())];
  const cookie = cookies.find((each) => each.startsWith(`${projectKey}/`));
  if (cookie === undefined) return;
  const runId = cookie.split('/')[1] ?? '';
  throw new ConductorError(
    'refused',
    `This process belongs to ${runId}, a run of this project, and may not start the project's supervisor. ` +
      'Run `conductor start` in a terminal outside of the run.',
    { details: { runId, projectKey } },
  );
};

/** Another program of ours became the owner first: wait for that one. */
export const isOwnersRace = (
  error: { readonly code: string; readonly details: Readonly<Record<string, unknown>> },
  paths: ProjectHome,
) => error.code === 'owned_elsewhere' && (error.details['home'] == null || error.details['home'] === paths.root);

const startProgram = async (options: EnsureOptions, paths: ProjectHome, deadline: number): Promise<StartReport> => {
  const { home, inspector = true, inPlace = false, programs = programsFolder(), environment = process.env } = options;
  const folder = inPlace ? programs : copyRuntime({ home, programs, version: ownPackage().version });
  const log = openSync(paths.supervisorLog, 'a', 0o600);
  const logBytes = statSync(paths.supervisorLog).size;
  try {
    const flags = [
      // Node 22 warns that its SQLite is young, in the middle of the log.
      ...(process.versions.node.startsWith('22.') ? ['--disable-warning=ExperimentalWarning'] : []),
      // For memory-rest.ts.
      '--expose-gc',
    ];
    const args = startArguments({ repo: options.repo, home, stay: options.stay, inspector, readyFd: 3 });
    const child = spawn(process.execPath, [...flags, join(folder, 'supervisor.cjs'), ...args], {
      cwd: home,
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
      env: {
        ...Object.fromEntries(Object.entries(environment).filter(([name]) => !RUN_VARIABLES.has(name))),
        CONDUCTOR_HOME: home,
        // One heap for all threads: glibc keeps several, each with its own left-overs.
        MALLOC_ARENA_MAX: '1',
        // What was freed goes back to the system; without a number glibc raises this limit by itself.
        MALLOC_TRIM_THRESHOLD_: '131072',
      },
    });
    const report = await firstReport(child, deadline);
    child.unref();
    return report ?? (await notStarted(child, { path: paths.supervisorLog, from: logBytes }));
  } finally {
    closeSync(log);
  }
};

/** The line on the pipe; null when the program ended, or did not start, or took too long, without one. */
const firstReport = async (child: ChildProcess, deadline: number): Promise<StartReport | null> => {
  const pipe = child.stdio[3] as Readable;
  const line = Promise.withResolvers<string | null>();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const timer = setTimeout(() => line.resolve(null), Math.max(0, deadline - performance.now()));
  let text = '';
  pipe.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.includes('\n')) line.resolve(text);
  });
  pipe.once('error', () => line.resolve(null));
  // The pipe closes a moment before the end of the program is known; a program that only closed it is waited for until the deadline.
  pipe.once('close', () => void exited.then(() => line.resolve(null)));
  child.once('error', () => line.resolve(null));
  try {
    const found = await line.promise;
    return found === null ? null : (JSON.parse(found) as StartReport);
  } finally {
    clearTimeout(timer);
    pipe.destroy();
  }
};

const notStarted = async (
  child: ChildProcess,
  log: { readonly path: string; readonly from: number },
): Promise<StartReport> => {
  const isAlive = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const how = isAlive ? 'has not answered yet' : `ended (${child.signalCode ?? `exit code ${String(child.exitCode)}`})`;
  const last = lastLogLine(log.path, log.from);
  const text = `The supervisor (pid ${String(child.pid)}) ${how}${last === null ? '' : `: ${last}`}. Its log is ${log.path}`;
  const error = new ConductorError('supervisor_unreachable', text, {
    retryable: isAlive,
    details: { pid: child.pid ?? null, log: log.path, state: isAlive ? 'mute' : 'gone' },
  });
  return { ok: false, error: error.toJSON() };
};
