/** What the code around runs is given: ports and shared memory, as values. */
import type { RunContext } from '../../machines/run/model.ts';
import type { StoredActor } from '../../persistence/store.ts';
import type { Clock, Kernel } from '../kernel/kernel.ts';
import type { ProcessSnapshot } from '../processes/process-snapshot.ts';
import type { ProcessTable } from '../processes/process-table.ts';
import type { ProjectFacts } from '../project.ts';
import type { Workspaces } from '../workspaces/workspace-port.ts';
import type { GrantedValues } from './granted-values.ts';
import type { LiveRuns } from './live-runs.ts';
import type { EvidenceFile, RunnerPlatform } from './runner-platform.ts';

type Kept = { readonly sha256: string; readonly bytes: number; readonly truncated: boolean };

/**
 * Copies evidence into the project's artifacts; the content hash makes a repeat harmless. No copy holds one of the values in
 * `secrets`, in any form of `redaction-forms.ts`.
 */
export interface EvidenceStore {
  keepFile(file: EvidenceFile, secrets: readonly string[]): Promise<Kept>;
  keepText(text: string, secrets: readonly string[]): Promise<Kept>;
}

export type RunLimits = {
  /** Grace between SIGTERM and SIGKILL when an agent is asked to leave, in ms. */
  readonly leaveMs: number;
  /** Time in which a sweep must empty the census, in ms. */
  readonly sweepMs: number;
};
/** A coding agent needs about 10 s to save its transcript. */
export const RUN_LIMITS: RunLimits = { leaveMs: 10_000, sweepMs: 45_000 };

export type RunParts = {
  /** A function, because the kernel is made with handlers that use it. */
  readonly kernel: () => Kernel;
  readonly clock: Clock;
  readonly table: ProcessTable;
  readonly snapshot: () => ProcessSnapshot;
  readonly workspaces: Workspaces;
  readonly platform: RunnerPlatform;
  readonly evidence: EvidenceStore;
  readonly live: LiveRuns;
  readonly granted: GrantedValues;
  readonly project: ProjectFacts;
  readonly limits: RunLimits;
  /** The agent was started, so the setup of its worktree is done. */
  setupFinished(run: RunContext): Promise<void>;
  /** Path of the socket on which a runner listens. */
  runnerSocket(runId: string, epoch: number): string;
  /** Where the kept evidence of a run can be read by the tasks that depend on it. */
  artifactsDirectory(runId: string): string;
  newId(kind: 'artifact' | 'task' | 'run' | 'worker'): string;
};

export const runContext = (actor: StoredActor): RunContext => actor.snapshot.context as unknown as RunContext;
