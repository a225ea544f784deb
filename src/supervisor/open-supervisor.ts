/**
 * The supervisor of one repository, put together: ownership, store, kernel, and the tree of services around them.
 *
 *     root (rest_for_one):  runs ─▶ scheduler ─▶ reconciler ─▶ hosts (one_for_one, given by the composition root)
 *
 * O1. Nothing is opened before the project is owned; what was opened is closed in reverse when a later step fails.
 * O2. A lost ownership or a commit of unknown outcome ends the process at once, without another write.
 * O3. `stop('keep')` and a restart of `runs` end no process of a run.
 */
import { randomBytes } from 'node:crypto';
import type { EpochMs } from '../machines/ids.ts';
import { sweepArtifactDrafts } from '../persistence/artifact-files.ts';
import { bringBackAside } from '../persistence/unnamed-artifacts.ts';
import { acquireOwnership, type Ownership } from '../persistence/owner-lock.ts';
import { ensureProjectHome, projectHome, type ProjectHome } from '../persistence/project-home.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../persistence/sqlite-store.ts';
import { newId } from '../persistence/id-source.ts';
import type { Store } from '../persistence/store.ts';
import { coreServices, noServices, type CoreMaintenance, type HeldServices } from './core-children.ts';
import { createEffectHandlers } from './effects/effect-handlers.ts';
import { setupKeyOf } from './effects/runner-contract.ts';
import { readRunFacts } from './effects/run-facts.ts';
import { openEvidenceStore } from './evidence-store.ts';
import { homeMaintenance } from './maintenance-jobs.ts';
import { createKernel } from './kernel/create-kernel.ts';
import type { Clock, EffectHandlers, Kernel } from './kernel/kernel.ts';
import { systemClock } from './kernel/system-clock.ts';
import { requireLocalFileSystem } from './processes/file-system-kind.ts';
import { watchOwnership } from './ownership-watch.ts';
import { openProcessTable } from './processes/open-process-table.ts';
import { createSnapshotSource } from './processes/process-snapshot.ts';
import { createProcessStarter, type ProcessStarter } from './processes/process-starter.ts';
import type { ProcessTable } from './processes/process-table.ts';
import { openRuntimeDirectory, socketPath } from './processes/runtime-directory.ts';
import type { ProjectFacts } from './project.ts';
import { readProjectSecret } from './project-secret.ts';
import { RUN_FILES } from './runners/contract.ts';
import { forgetSettledGrants } from './runs/forget-grants.ts';
import { GrantedValues } from './runs/granted-values.ts';
import { LiveRuns } from './runs/live-runs.ts';
import type { RunnerPrograms } from './runs/runner-spawn.ts';
import { refuseNewerRunners } from './runs/newer-runners.ts';
import { createOsRunnerPlatform } from './runs/os-runner-platform.ts';
import { RUN_LIMITS, type RunLimits, type RunParts } from './runs/run-parts.ts';
import { createRunnerIntake } from './runs/runner-intake.ts';
import { holdCopy } from './runtime-copies.ts';
import type { RunnerIntake } from './runs/runner-link.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import { endRuns, type StopMode } from './stop-runs.ts';
import type { SupervisorSettings } from './supervisor-settings.ts';
import type { Service } from './tree/tree-child.ts';
import { createSupervisionTree, TREE_POLICY, type TreeReport, type TreeView } from './tree/supervision-tree.ts';
import { openWorkspaces } from './workspaces/open-workspaces.ts';
import { findProject, requireUnmoved, writeProjectMark, type Project } from './workspaces/project-identity.ts';
import type { Workspaces } from './workspaces/workspace-port.ts';

export type SupervisorOptions = {
  /** A directory of the repository. */
  readonly repo: string;
  /** CONDUCTOR_HOME as resolved. */
  readonly home: string;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly programs: RunnerPrograms;
  readonly settings: (project: Project) => Promise<SupervisorSettings>;
  /** Services that show the supervisor to the outside; started last, stopped first. */
  readonly hosts: (supervisor: Supervisor) => readonly Service[];
  /** Stands between the kernel and its effects: tests end the process before and after each. Default: nothing. */
  readonly aroundEffects?: (handlers: EffectHandlers) => EffectHandlers;
  /** For tests of a full or slow disk. */
  readonly storeLimits?: NonNullable<SqliteStoreOptions['limits']>;
  /** Default RUN_LIMITS. */
  readonly runLimits?: RunLimits;
  /** Called once; the process is to end without another write. */
  readonly onFatal: (reason: string) => void;
  readonly report: (report: TreeReport) => void;
};

export type Supervisor = Pick<RunParts, 'table' | 'workspaces' | 'platform' | 'granted' | 'live'> & {
  readonly project: ProjectFacts & { readonly checkout: string };
  readonly paths: ProjectHome;
  readonly epoch: number;
  readonly startedAt: EpochMs;
  readonly kernel: Kernel;
  readonly store: Store;
  readonly clock: Clock;
  readonly intake: RunnerIntake;
  /** Directory of sockets, ours alone. */
  readonly runtimeDirectory: string;
  scheduler(): Scheduler;
  readonly services: () => TreeView;
  /** No new starts, and what the mode says for the runs there are; everything else goes on. */
  endRuns(mode: StopMode, progress: (line: string) => void): Promise<void>;
  /** `endRuns`, then takes everything down and lets go of the project. */
  stop(mode: StopMode, progress: (line: string) => void): Promise<void>;
};

/** @throws ConductorError for everything that keeps a project from being owned: see `acquireOwnership`, `openSqliteStore`. */
export async function openSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  requireLocalFileSystem(options.home);
  const found = await findProject(options.repo);
  requireUnmoved(found);
  const paths = projectHome(options.home, found.projectKey);
  ensureProjectHome(paths);
  const ownership = await acquireOwnership({
    projectHome: paths.root,
    commonGitDir: found.commonGitDir,
    projectKey: found.projectKey,
    instance: randomBytes(8).toString('hex'),
  });
  try {
    refuseNewerRunners(openProcessTable(), { paths, version: options.version });
    await writeProjectMark(found);
    // Before the first effect: later a draft may be somebody's.
    await sweepArtifactDrafts(paths.artifacts);
    await bringBackAside(paths.artifacts);
    return await openOwned(options, { found, paths, ownership });
  } catch (error) {
    ownership.release();
    throw error;
  }
}

type Owned = { readonly found: Project; readonly paths: ProjectHome; readonly ownership: Ownership };

async function openOwned(options: SupervisorOptions, { found, paths, ownership }: Owned): Promise<Supervisor> {
  const clock = systemClock;
  const project = {
    key: found.projectKey,
    repoRoot: found.repoRoot,
    commonGitDir: found.commonGitDir,
    checkout: found.checkout,
    home: options.home,
    projectHome: paths.root,
    secret: await readProjectSecret(paths.root),
    version: options.version,
  };
  const settings = await options.settings(found);
  const { branchPrefix, worktreesDir, gitFilters } = settings;
  const table = openProcessTable();
  holdCopy(paths.runtime, options.programs.directory, table.self());
  const starter = createProcessStarter({ node: options.programs.node, identify: (pid) => table.identify(pid) });
  const workspaces = await openWorkspaces({
    repoRoot: found.repoRoot,
    commonGitDir: found.commonGitDir,
    home: paths.root,
    config: { branchPrefix, gitFilters, ...(worktreesDir === null ? {} : { worktreesDir }) },
    run: starter.run,
  });
  const store = await openSqliteStore({
    path: paths.database,
    owner: ownership.owner,
    ...(options.storeLimits === undefined ? {} : { limits: options.storeLimits }),
  });
  const parts = await partsOf(options, { project, paths, table, starter, workspaces, clock, kernel: () => kernel });
  const kernel = await createKernel({
    store,
    clock,
    handlers: (options.aroundEffects ?? ((handlers) => handlers))(createEffectHandlers(parts.parts)),
    onFatal: options.onFatal,
  });
  return bringUp(options, { ...parts, project, paths, ownership, settings, starter, kernel, clock });
}

type Assembled = {
  readonly parts: RunParts;
  readonly runtimeDirectory: string;
};

async function partsOf(
  options: SupervisorOptions,
  given: {
    readonly project: ProjectFacts;
    readonly paths: ProjectHome;
    readonly table: ProcessTable;
    readonly starter: ProcessStarter;
    readonly workspaces: Workspaces;
    readonly clock: Clock;
    readonly kernel: () => Kernel;
  },
): Promise<Assembled> {
  const { project, paths, table, starter, workspaces, clock, kernel } = given;
  const runtimeDirectory = openRuntimeDirectory({
    xdgRuntimeDir: options.environment['XDG_RUNTIME_DIR'],
    uid: process.getuid?.() ?? 0,
  });
  const platform = createOsRunnerPlatform({
    runsDirectory: paths.runs,
    starter,
    table,
    programs: options.programs,
    project,
  });
  const parts: RunParts = {
    kernel,
    clock,
    table,
    snapshot: createSnapshotSource(table, () => clock.monotonic()),
    workspaces,
    platform,
    evidence: openEvidenceStore(paths.artifacts),
    live: new LiveRuns(),
    granted: new GrantedValues(options.environment),
    project,
    limits: options.runLimits ?? RUN_LIMITS,
    setupFinished: async ({ runId, worktreePath }) => {
      const { spec, worker } = await readRunFacts(parts, runId);
      if (spec.setup.length > 0) {
        await platform.markSetUp(worktreePath ?? worker.worktreePath, setupKeyOf(spec.setup));
      }
    },
    runnerSocket: (runId, epoch) => socketPath(runtimeDirectory, runId, epoch),
    artifactsDirectory: (runId) => `${paths.runs}/${runId}/${RUN_FILES.artifacts}`,
    newId: (kind) => newId(kind, clock.now()),
  };
  return { parts, runtimeDirectory };
}

type Running = Assembled & {
  readonly project: ProjectFacts & { readonly checkout: string };
  readonly paths: ProjectHome;
  readonly ownership: Ownership;
  readonly settings: SupervisorSettings;
  readonly starter: ProcessStarter;
  readonly kernel: Kernel;
  readonly clock: Clock;
};

async function bringUp(options: SupervisorOptions, made: Running): Promise<Supervisor> {
  const { parts, kernel, clock, ownership } = made;
  const { projectMax } = made.settings;
  const intake = createRunnerIntake(parts);
  const held: HeldServices & { cancelCheck: () => void } = { ...noServices(), cancelCheck: () => undefined };
  const supervisor: Supervisor = {
    project: made.project,
    paths: made.paths,
    epoch: ownership.owner.epoch,
    startedAt: clock.now(),
    kernel,
    store: kernel.store,
    clock,
    table: parts.table,
    workspaces: parts.workspaces,
    platform: parts.platform,
    granted: parts.granted,
    live: parts.live,
    intake: {
      ...intake,
      closed: (link) => {
        const closed = parts.live.byLink(link);
        intake.closed(link);
        if (closed !== null) held.monitor?.look(closed.runId);
      },
    },
    runtimeDirectory: made.runtimeDirectory,
    scheduler: () => {
      if (held.scheduler === null) throw new Error('the scheduler is being restarted');
      return held.scheduler;
    },
    services: () => tree.view(),
    endRuns: (mode, progress) => endRuns(parts, held, { mode, progress }),
    stop: async (mode, progress) => {
      await supervisor.endRuns(mode, progress);
      await tree.stop('stopped');
      held.cancelCheck();
      await kernel.stop();
      parts.platform.close();
      made.starter.close();
      await kernel.store.close();
      ownership.release();
    },
  };
  const tree = createSupervisionTree({
    services: [
      ...coreServices({ parts, projectMax, maintenance: maintenanceOf(options, made) }, intake, held),
      ...options.hosts(supervisor),
    ],
    policy: { ...TREE_POLICY, strategy: 'rest_for_one' },
    clock,
    report: options.report,
  });
  forgetSettledGrants(parts);
  held.cancelCheck = watchOwnership(ownership, clock, options.onFatal);
  await tree.start();
  void tree.defeated.then((reason) => options.onFatal(`the supervision tree gave up: ${reason}`));
  return supervisor;
}

const maintenanceOf = (options: SupervisorOptions, made: Running): CoreMaintenance =>
  homeMaintenance({
    ...made,
    ...made.parts,
    epoch: made.ownership.owner.epoch,
    retainDays: made.settings.retainDays,
    report: (what, reason) => options.report({ at: made.clock.now(), service: 'maintenance', what, reason }),
  });
