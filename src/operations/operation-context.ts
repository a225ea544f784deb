/**
 * Everything that an operation may use, as values. The supervisor's composition makes it for every call; without a supervisor
 * `readOnlyContext` makes the part that reading needs.
 */
import { ConductorError } from '../machines/errors.ts';
import type { ArtifactId, GateId, ObjectiveId, RunId, TaskId, WorkerId } from '../machines/ids.ts';
import type { GateContext } from '../machines/gate/model.ts';
import type { ObjectiveContext } from '../machines/objective/model.ts';
import type { RunContext } from '../machines/run/model.ts';
import type { Principal } from '../machines/schema.ts';
import type { TaskContext } from '../machines/task/model.ts';
import type { WorkerContext } from '../machines/worker/model.ts';
import type { ArchiveRow } from '../persistence/archive-row.ts';
import type { ArtifactRow, StoredActor, StoreReader } from '../persistence/store.ts';
import type { Clock, Kernel } from '../supervisor/kernel/kernel.ts';
import type { ChildAnswer, ReportBody, ReportedArtifact, RunnerPhase } from '../supervisor/runners/protocol.ts';
import type { TreeStep } from '../supervisor/tree/tree-history.ts';
import type { Workspaces } from '../supervisor/workspaces/workspace-port.ts';
import type { ConfigurationSource } from './configuration.ts';
import type { Services } from './read-models/supervision-view.ts';
import type { TrustFile } from './trust.ts';

export type IdOf = {
  readonly objective: ObjectiveId;
  readonly task: TaskId;
  readonly worker: WorkerId;
  readonly run: RunId;
  readonly gate: GateId;
  readonly artifact: ArtifactId;
};

export type SupervisorFacts = {
  readonly pid: number;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly version: string;
  readonly socket: string;
  /** Address of the inspector, without anything that opens it; null while it is off. */
  readonly inspector: string | null;
};

export type ProjectPlace = {
  readonly key: string;
  readonly repoRoot: string;
  /** The project's own home. */
  readonly home: string;
};

/** What the supervisor sees of a run at this moment; nothing of it is stored. */
export type LiveRunFacts = {
  readonly phase: RunnerPhase | null;
  /** ms since the agent's last output or report. */
  readonly idleMs: number;
  readonly outputBytes: number;
  /** The runner is connected; false also while it is silent. */
  readonly connected: boolean;
  /** Resident memory of the runner and of all that it has started; null when it is not known. */
  readonly memoryBytes: number | null;
  /** What they used of one processor between the last two looks, some seconds apart; null at the first. */
  readonly cpuPercent: number | null;
};

/** The worker for the next run of a task: an idle one, the place for a new one, or why it has to wait for one. */
export type WorkerChoice =
  | {
      readonly workerId: WorkerId;
      readonly newWorker: {
        readonly name: string | null;
        readonly branch: string;
        readonly worktreePath: string;
      } | null;
    }
  | { readonly waits: string };

export interface SchedulerView {
  /** 1 for the next one of those that were started by name and wait for a worker; null for a task that does not. */
  queuePlace(taskId: string): number | null;
  /** Looks for work now instead of at the next tick. */
  poke(): void;
  /** Why startable tasks have not started: no slot, memory, an overlapping scope. Tasks that it knows nothing about are absent. */
  reasons(
    tasks: readonly { readonly id: string; readonly objectiveId: string | null }[],
  ): Promise<ReadonlyMap<string, string>>;
}

/** The way of a program inside a run to its runner. */
export interface ChildChannel {
  readonly runId: string;
  readonly taskId: string;
  /** @param waitMs how long a gate waits for its answer; null = until it is given. @throws ConductorError `supervisor_away` without a runner. */
  report(body: ReportBody, options?: { readonly waitMs?: number | null }): Promise<ChildAnswer>;
  /** Copies a file of the worktree to where the runner collects artifacts. */
  stage(artifact: { readonly type: string; readonly path: string }): Promise<ReportedArtifact>;
}

export type OperationContext = {
  /** null when the store is read without a supervisor: operations that mutate are then refused. */
  readonly kernel: Kernel | null;
  readonly reader: StoreReader;
  /** Decided by the host's channel, never by a parameter. */
  readonly principal: Principal;
  /** Made once per intent by the host; a repeat reuses it. */
  readonly requestId: string | null;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly newId: <Kind extends keyof IdOf>(kind: Kind) => IdOf[Kind];
  readonly project: ProjectPlace;
  readonly supervisor: SupervisorFacts | null;
  readonly workspaces: Pick<Workspaces, 'resolveBase' | 'planBranch' | 'uncommittedFiles' | 'restore'>;
  readonly scheduler: SchedulerView;
  readonly runs: { facts(runId: string): LiveRunFacts | null };
  /** Keeps values of granted variables in memory for the runs of these tasks. */
  readonly grants: { keep(taskIds: readonly string[], values: Readonly<Record<string, string>>): void };
  /** @param wanted A worker that it is to have; null: any. */
  readonly chooseWorker: (task: StoredActor, wanted: string | null) => Promise<WorkerChoice>;
  /** Agents that can be executed here. */
  readonly agents: readonly string[];
  readonly config: ConfigurationSource;
  readonly trust: TrustFile;
  readonly artifacts: {
    /** The stored copy of an artifact, at most `maxBytes` from its beginning; null when it is gone. */
    read(row: ArtifactRow, maxBytes: number): Promise<Uint8Array | null>;
    /** The same of one that was archived, with its row; null when that archive has no such artifact. */
    readArchived(
      archive: ArchiveRow,
      wanted: { readonly artifactId: string; readonly maxBytes: number },
    ): Promise<{ readonly row: ArtifactRow; readonly data: Uint8Array | null } | null>;
  };
  /** Text of `coverage/machines.json` of this program or, where it has none, of the project; null where neither has. */
  readonly machineCoverage: () => Promise<string | null>;
  /** The supervision tree in memory; null without a supervisor. */
  readonly services: () => Services | null;
  /** The last steps of the machine that holds it, oldest first; null without a supervisor. */
  readonly treeSteps: () => readonly TreeStep[] | null;
  /**
   * What stands in the worktree of a living run against the commit it started from, without the values of granted variables.
   * @throws ConductorError `refused` when its worktree is none any more
   */
  readonly liveDiff: (
    runId: string,
    bytesMax: number,
  ) => Promise<{ readonly patch: string; readonly truncated: boolean }>;
  /** Values of granted names, as the client that asks sent them. */
  readonly clientEnv?: Readonly<Record<string, string>>;
  /** null outside of a run. */
  readonly child: ChildChannel | null;
  /** Aborted when the caller is gone: waiting ends, work goes on. */
  readonly signal: AbortSignal;
};

/** What `invokeOperation` adds. */
export type HandlerContext = OperationContext & {
  readonly request: { readonly id: string; readonly hash: string } | null;
};

/** For operations that only read, without a supervisor. */
export const readOnlyContext = (
  parts: Pick<
    OperationContext,
    'reader' | 'principal' | 'clock' | 'project' | 'config' | 'trust' | 'artifacts' | 'machineCoverage' | 'signal'
  >,
): OperationContext => ({
  ...parts,
  kernel: null,
  requestId: null,
  newId: away,
  supervisor: null,
  workspaces: { resolveBase: away, planBranch: away, uncommittedFiles: away, restore: away },
  scheduler: { queuePlace: () => null, poke: () => {}, reasons: async () => new Map() },
  runs: { facts: () => null },
  grants: { keep: () => {} },
  chooseWorker: away,
  services: () => null,
  treeSteps: () => null,
  liveDiff: away,
  agents: [],
  child: null,
});

const away = (): never => {
  throw needsSupervisor();
};

/** The answer to a mutation without a supervisor. */
export const needsSupervisor = (): ConductorError =>
  new ConductorError('supervisor_unreachable', 'no supervisor is running for this project: conductor start', {
    retryable: true,
  });

/** The committed actor. @throws ConductorError `not_found` */
export const needActor = async (
  context: Pick<OperationContext, 'kernel' | 'reader'>,
  id: string,
): Promise<StoredActor> => {
  const actor = (await context.kernel?.read(id)) ?? (await context.reader.getActor(id));
  if (actor === null) throw await notFound(context.reader, id);
  return actor;
};

/** Names the file when it was archived. */
export const notFound = async (reader: StoreReader, id: string): Promise<ConductorError> => {
  const row = await reader.findArchived(id);
  if (row === null) return new ConductorError('not_found', `there is no ${id} in this project`, { details: { id } });
  const { subjectId, file, archivedAt } = row;
  const message = `${id} was archived${subjectId === id ? '' : ` with ${subjectId}`}: read it in archive/${file} of the project's home`;
  return new ConductorError('not_found', message, {
    details: { id, archive: { subjectId, file: `archive/${file}`, archivedAt } },
  });
};

/** What each kind of actor remembers. */
export type ContextOf = {
  readonly objective: ObjectiveContext;
  readonly task: TaskContext;
  readonly worker: WorkerContext;
  readonly run: RunContext;
  readonly gate: GateContext;
};

/** Committed contexts have passed their schema: they are believed. */
export const contextOf = <Kind extends keyof ContextOf>(actor: StoredActor, _kind: Kind): ContextOf[Kind] =>
  actor.snapshot.context as unknown as ContextOf[Kind];
