/**
 * The life of a supervisor process: open, publish, serve, leave.
 *
 * P1. `ready` is said only when the socket answers; a failure to open is said in the same place, as the typed error it is.
 * P2. A fatal reason ends the process at once, without another write to the store.
 * P3. Started by itself it leaves after `idleExitMs` without client and without work; started to stay it does not.
 * P4. SIGTERM and SIGINT detach: runs work on.
 */
import { openSupervisor, type Supervisor, type SupervisorOptions } from '../../supervisor/open-supervisor.ts';
import { socketPath } from '../../supervisor/processes/runtime-directory.ts';
import { PROTOCOL } from '../../supervisor/runners/protocol.ts';
import type { RunnerPrograms } from '../../supervisor/runs/runner-spawn.ts';
import type { SupervisorSettings } from '../../supervisor/supervisor-settings.ts';
import type { Service } from '../../supervisor/tree/tree-child.ts';
import { lookAtProcesses } from './principal.ts';
import { startRpcServer, type RpcServer } from './rpc-server.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import type { InspectorDoor, SupervisorFace } from './rpc-face.ts';
import { createSupervisorFace } from './supervisor-face.ts';
import { removeSupervisorFile, writeSupervisorFile } from './supervisor-file.ts';

export type ServeOptions = {
  readonly repo: string;
  readonly home: string;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly programs: RunnerPrograms;
  readonly settings: (project: { readonly checkout: string }) => Promise<SupervisorSettings>;
  readonly aroundEffects?: NonNullable<SupervisorOptions['aroundEffects']>;
  readonly storeLimits?: NonNullable<SupervisorOptions['storeLimits']>;
  readonly runLimits?: NonNullable<SupervisorOptions['runLimits']>;
  /** Further ways in beside the socket, started after it. Default: none. */
  readonly hosts?: (shown: ShownSupervisor) => readonly Service[];
  /** 0: stays for ever. */
  readonly idleExitMs: number;
  /** One line of the log. */
  readonly log: (entry: { readonly at: number; readonly where: string; readonly text: string }) => void;
  readonly onFatal: (reason: string) => void;
  /** Everything is down and let go. */
  readonly onStopped: () => void;
};

/** What a host may use of the supervisor. */
export type ShownSupervisor = {
  readonly face: SupervisorFace;
  readonly paths: ProjectHome;
  readonly log: (where: string, text: string) => void;
  /** The inspector says where it can be reached, or why not. */
  readonly showInspector: (door: InspectorDoor) => void;
};

export type ServedSupervisor = {
  readonly supervisor: Supervisor;
  readonly socket: string;
  stop(mode: 'keep' | 'drain' | 'now'): Promise<void>;
};

/** @throws ConductorError for everything that keeps the project from being owned. */
export async function serveSupervisor(options: ServeOptions): Promise<ServedSupervisor> {
  const log = (where: string, text: string): void => options.log({ at: Date.now(), where, text });
  const held: Held & { stopping: Promise<void> | null } = {
    supervisor: null,
    server: null,
    inspector: { kind: 'off', why: 'this supervisor was started without it' },
    stopping: null,
  };
  const stop = (mode: 'keep' | 'drain' | 'now', progress: (line: string) => void): Promise<void> => {
    held.stopping ??= held.supervisor?.stop(mode, progress) ?? Promise.resolve();
    return held.stopping;
  };
  const idle = watchIdleness(options.idleExitMs, {
    isBusy: async () => held.supervisor !== null && (await hasWork(held.supervisor)),
    leave: () => {
      log('idle', 'nothing to do for long enough: leaving');
      void stop('keep', () => undefined).then(options.onStopped);
    },
  });
  const stopForClient = async (mode: 'keep' | 'drain' | 'now', progress: (line: string) => void): Promise<void> => {
    await prepareStop(held.supervisor, mode, progress);
    // The caller is answered first; the rest is taken down in the next turn of the loop.
    setTimeout(() => void stop('keep', progress).then(options.onStopped), ANSWER_FIRST_MS);
  };
  const supervisor = await openSupervisor({
    ...options,
    hosts: (made) => {
      const face = faceOf(made, { options, held, idle, stop: stopForClient });
      const showInspector = (door: InspectorDoor): void => {
        held.inspector = door;
      };
      const others = options.hosts?.({ face, paths: made.paths, log, showInspector }) ?? [];
      return [rpcService(made, { options, held, face, log }), ...others];
    },
    report: ({ service, what, reason }) => log(service, `${what}: ${reason}`),
  });
  held.supervisor = supervisor;
  idle.begin();
  return {
    supervisor,
    socket: held.server?.path ?? '',
    stop: async (mode) => {
      idle.end();
      await stop(mode, () => undefined);
    },
  };
}

const ANSWER_FIRST_MS = 20;

async function prepareStop(
  supervisor: Supervisor | null,
  mode: 'keep' | 'drain' | 'now',
  progress: (line: string) => void,
): Promise<void> {
  await supervisor?.endRuns(mode, progress);
}

type Held = { supervisor: Supervisor | null; server: RpcServer | null; inspector: InspectorDoor };

const faceOf = (
  supervisor: Supervisor,
  given: {
    readonly options: ServeOptions;
    readonly held: Held;
    readonly idle: ReturnType<typeof watchIdleness>;
    readonly stop: (mode: 'keep' | 'drain' | 'now', progress: (line: string) => void) => Promise<void>;
  },
): SupervisorFace =>
  createSupervisorFace({
    supervisor,
    version: given.options.version,
    socket: () => given.held.server?.path ?? '',
    inspector: () => given.held.inspector,
    environment: given.options.environment,
    stop: given.stop,
    idle: given.idle,
  });

function rpcService(
  supervisor: Supervisor,
  given: {
    readonly options: ServeOptions;
    readonly held: Held;
    readonly face: SupervisorFace;
    readonly log: (where: string, text: string) => void;
  },
): Service {
  const { options, held, face, log } = given;
  const publish = (socket: string): void =>
    writeSupervisorFile(supervisor.paths.root, {
      identity: supervisor.table.self(),
      socket,
      version: options.version,
      protocol: PROTOCOL,
      epoch: supervisor.epoch,
      startedAt: supervisor.startedAt,
      home: options.home,
      repoRoot: supervisor.project.repoRoot,
      projectKey: supervisor.project.key,
    });
  return {
    id: 'rpc',
    restart: 'permanent',
    shutdownMs: 2_000,
    start: async () => {
      const server = await startRpcServer({
        face,
        socketPath: socketPath(supervisor.runtimeDirectory, supervisor.project.key, supervisor.epoch),
        look: () => lookAtProcesses(supervisor.table),
        onRebound: publish,
        log: (error, where) => log(where, error instanceof Error ? (error.stack ?? error.message) : String(error)),
      });
      held.server = server;
      publish(server.path);
      return {
        stop: async () => {
          removeSupervisorFile(supervisor.paths.root, supervisor.table.self());
          held.server = null;
          await server.close();
        },
      };
    },
  };
}

/** Work that a supervisor without clients still has: runs, and tasks that may start or come back by themselves. */
async function hasWork({ store }: Supervisor): Promise<boolean> {
  const counts = await store.counts();
  const runs = await store.listActors({ kind: 'run', live: true, limit: 1 });
  if (runs.items.length > 0) return true;
  if ((counts.objective['active'] ?? 0) === 0) return false;
  for (const bucket of ['ready', 'delayed']) {
    if ((await store.listActors({ kind: 'task', bucket, limit: 1 })).items.length > 0) return true;
  }
  return false;
}

/** How often idleness is looked at, in ms. */
const IDLE_LOOK_MS = 5_000;

function watchIdleness(idleExitMs: number, act: { isBusy(): Promise<boolean>; leave(): void }) {
  let lastAt = performance.now();
  let connected = 0;
  let timer: NodeJS.Timeout | null = null;
  const touch = (): void => {
    lastAt = performance.now();
  };
  const end = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const look = async (): Promise<void> => {
    if (connected > 0 || (await act.isBusy())) return touch();
    if (performance.now() - lastAt < idleExitMs) return;
    end();
    act.leave();
  };
  return {
    touch,
    stay: end,
    clients: (count: number): void => {
      connected = count;
      touch();
    },
    begin: (): void => {
      if (idleExitMs === 0) return;
      timer = setInterval(() => void look(), Math.min(IDLE_LOOK_MS, idleExitMs));
      timer.unref();
    },
    end,
  };
}
