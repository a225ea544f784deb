/**
 * What the supervisor does to and reads of runners outside its own process: starting them, and the files in a run's directory.
 * The port; `os-runner-platform.ts` is the real one, the simulation has its own.
 *
 * M1. `install` writes the same files for the same contract, so that a repeated start changes nothing.
 * M2. `readSpool` drops a torn last line: it was never answered.
 */
import type { CgroupScope } from '../processes/cgroup-scope.ts';
import type { ProcessIdentity } from '../processes/process-identity.ts';
import type { RunnerContract } from '../runners/contract.ts';
import type { AgentRecord, ExitRecord, SpoolEntry } from '../runners/protocol.ts';

export type StartRecord =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'present'; readonly record: AgentRecord };

/** A file that a run left as evidence. `name` is unique within the run. */
export type EvidenceFile = {
  readonly type: string;
  readonly name: string;
  readonly path: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The runner wrote it, without the values that nobody may see. */
  readonly isRedacted: boolean;
};

export interface RunnerPlatform {
  install(
    contract: RunnerContract,
    files: { readonly prompt: string | null; readonly dependencies: unknown },
  ): Promise<void>;
  /** Whether a runner of this epoch was to be started with secret values (`hides` of its contract). */
  hides(runId: string, epoch: number): Promise<boolean>;
  /** @throws ConductorError `internal` when the process cannot be made. */
  spawn(contract: RunnerContract, environment: Readonly<Record<string, string>>): Promise<ProcessIdentity>;
  readSpool(runId: string, epoch: number): Promise<readonly SpoolEntry[]>;
  readExit(runId: string, epoch: number): Promise<ExitRecord | null>;
  /** Keeps who is to have this epoch, or has it; at once, so that of two the later word stands. */
  recordRunner(runId: string, epoch: number, runner: ProcessIdentity): void;
  readRunner(runId: string, epoch: number): Promise<ProcessIdentity | null>;
  readStart(runId: string, epoch: number): Promise<StartRecord>;
  /** The cgroup that holds the epoch's processes and nothing else; null where none could be had. */
  readScope(runId: string, epoch: number): Promise<CgroupScope | null>;
  /** Removes the socket that a killed runner left. Only after its process is gone. */
  removeSocket(path: string): Promise<void>;
  /** Log, verification output and the files that children handed in. */
  evidence(runId: string): Promise<readonly EvidenceFile[]>;
  /** Whether this worktree was set up by exactly these commands. */
  isSetUp(worktreePath: string, setupKey: string): Promise<boolean>;
  markSetUp(worktreePath: string, setupKey: string): Promise<void>;
  /** Ends what was started and given to no run. */
  close(): void;
}
