/**
 * What maintenance does of a project's home: sockets that nobody owns, dead letters, run directories that were settled long ago,
 * copies of programs that nobody runs, and what retention-jobs.ts does. The jobs of maintenance.ts.
 *
 * J1. Only what is ours is touched: the project's own key, and runs that its store knows.
 * J2. Only what is settled goes; what the store does not know stays as evidence.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { basename, join } from 'node:path';
import type { EpochMs } from '../machines/ids.ts';
import type { ProjectHome } from '../persistence/project-home.ts';
import { listBackups } from '../persistence/sqlite-backup.ts';
import { openSqliteReader } from '../persistence/sqlite-reader.ts';
import type { Clock, Kernel } from './kernel/kernel.ts';
import type { BackupState, MaintenanceJob, MaintenanceParts } from './maintenance.ts';
import { commandLines } from './processes/command-lines.ts';
import { isDeaf } from './processes/dead-sockets.ts';
import type { ProcessTable } from './processes/process-table.ts';
import { socketPath } from './processes/runtime-directory.ts';
import { retentionJobs } from './retention-jobs.ts';
import { removeUnusedCopies } from './runtime-copies.ts';
import { runContext } from './runs/run-parts.ts';

const DAY_MS = 86_400_000;
/** Dead letters that are kept. */
const DEAD_LETTERS_KEPT = 1_000;
/** Names looked at in one step. */
const NAMES_PER_STEP = 20;

export type JobParts = {
  readonly kernel: () => Kernel;
  readonly clock: Clock;
  readonly table: Pick<ProcessTable, 'bootId' | 'liveness'>;
  readonly paths: ProjectHome;
  readonly runtimeDirectory: string;
  /** Epoch of this owner. */
  readonly epoch: number;
  readonly retainDays: number;
  readonly report: (what: string, reason: string) => void;
};

export const maintenanceJobs = (parts: JobParts): readonly MaintenanceJob[] => [
  { name: 'sockets', everyMs: Number.POSITIVE_INFINITY, run: () => sweepSockets(parts) },
  { name: 'dead letters', everyMs: DAY_MS / 4, run: () => pruneDeadLetters(parts) },
  { name: 'run directories', everyMs: DAY_MS, run: () => removeRunDirectories(parts) },
  { name: 'program copies', everyMs: DAY_MS, run: () => removeCopies(parts) },
  ...retentionJobs(parts),
];

/** All of it, for the service. */
export const homeMaintenance = (parts: JobParts): Omit<MaintenanceParts, 'kernel' | 'clock'> => ({
  jobs: maintenanceJobs(parts),
  newestBackup: () => newestBackup(parts.paths),
  report: parts.report,
});

/** What the newest backup holds. One that cannot be read counts as one that holds nothing. */
async function newestBackup(paths: ProjectHome): Promise<BackupState> {
  const [newest] = listBackups(paths.database);
  if (newest === undefined) return { at: null, lastSeq: null };
  const at = Math.trunc(statSync(newest).mtimeMs) as EpochMs;
  try {
    const reader = await openSqliteReader(newest);
    try {
      return { at, lastSeq: await reader.lastSeq() };
    } finally {
      await reader.close();
    }
  } catch {
    return { at, lastSeq: null }; // Of an older version, or damaged: the next one is due in its time.
  }
}

async function* sweepSockets({ kernel, paths, runtimeDirectory, epoch }: JobParts): AsyncGenerator<void> {
  const ownName = basename(socketPath(runtimeDirectory, paths.key, epoch)).replace(/\.\d+\.sock$/, '');
  for (const name of readdirSync(runtimeDirectory)) {
    const [, owner = '', number = ''] = /^(.+)\.(\d+)\.sock$/.exec(name) ?? [];
    const path = join(runtimeDirectory, name);
    const isOld = owner === ownName ? Number(number) < epoch : await isOfOldRun(kernel(), owner, Number(number));
    // What is no socket is not ours, and refuses connections like a dead one.
    const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
    if (isOld && isSocket && (await isDeaf(path))) await rm(path, { force: true });
    yield;
  }
}

/** J1: a run of another project is not in our store. */
async function isOfOldRun(kernel: Kernel, runId: string, epoch: number): Promise<boolean> {
  if (!runId.startsWith('run-')) return false;
  const run = await kernel.read(runId);
  if (run === null) return (await kernel.store.findArchived(runId)) !== null;
  return run.facts.settled || epoch < runContext(run).epoch;
}

async function* pruneDeadLetters({ kernel }: JobParts): AsyncGenerator<void> {
  await kernel().store.pruneDeadLetters(DEAD_LETTERS_KEPT);
  yield;
}

async function* removeCopies({ paths, clock, table, report }: JobParts): AsyncGenerator<void> {
  const now = clock.now();
  const bootedAt = now - uptime() * 1_000;
  const removed = removeUnusedCopies({ runtime: paths.runtime, now, bootedAt, commandLines, table });
  if (removed.length > 0) report('program copies', `nobody uses ${removed.join(', ')} any more: removed`);
  yield;
}

/** Artifacts were copied elsewhere when the run ended. */
async function* removeRunDirectories(parts: JobParts): AsyncGenerator<void> {
  const { kernel, clock, paths } = parts;
  const names = (await readdir(paths.runs)).filter((name) => name.startsWith('run-')).toSorted();
  for (let first = 0; first < names.length; first += NAMES_PER_STEP) {
    const page = names.slice(first, first + NAMES_PER_STEP);
    const runs = await kernel().store.getActors(page);
    const before = clock.now() - parts.retainDays * DAY_MS;
    for (const name of page) {
      const run = runs.get(name);
      const isOld =
        run === undefined
          ? (await kernel().store.findArchived(name)) !== null
          : run.facts.settled && run.updatedAt < before;
      if (isOld) await rm(paths.runDirectory(name), { recursive: true, force: true });
    }
    yield;
  }
}
