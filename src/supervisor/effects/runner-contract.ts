/** Writes down what a runner of one epoch shall do: the same for every repeat. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { cookieOf } from '../project.ts';
import { SECRET_ALLOWED_NAMES } from '../runners/environment.ts';
import { RUN_FILES, type RunnerContract } from '../runners/contract.ts';
import { HEARTBEAT_MS, PROTOCOL } from '../runners/protocol.ts';
import { runnerToken } from '../runners/token.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { SETUP_MS_MAX } from '../specs/task-spec.ts';
import type { RunFacts } from './run-facts.ts';

/** Size of one of a run's four log files when its spec does not say, in bytes. */
const LOG_BYTES_MAX = 16 * 1_048_576;

/** @param setUp Whether the worktree already was set up by these commands. */
export function runnerContract(parts: RunParts, facts: RunFacts, setUp: boolean): RunnerContract {
  const { run, spec, worker } = facts;
  const { project } = parts;
  const runDirectory = join(project.projectHome, 'runs', run.runId);
  const resumesAgent = run.resume === 'agent';
  return {
    schemaVersion: 1,
    protocol: PROTOCOL,
    version: project.version,
    projectKey: project.key,
    hostId: parts.table.hostId,
    runId: run.runId,
    taskId: run.taskId,
    epoch: run.epoch,
    token: runnerToken(project.secret, run),
    cookie: cookieOf(project, run.runId, run.epoch),
    home: project.home,
    repoRoot: project.repoRoot,
    runDirectory,
    worktreePath: run.worktreePath ?? worker.worktreePath,
    supervisorFile: join(project.projectHome, 'supervisor.json'),
    socketPath: parts.runnerSocket(run.runId, run.epoch),
    setup: setUp || !resumesAgent ? [] : spec.setup,
    setupMs: SETUP_MS_MAX,
    agent: resumesAgent && spec.run !== null ? { kind: 'command', command: spec.run } : null,
    promptFile: spec.prompt === null && spec.promptBlob === null ? null : join(runDirectory, RUN_FILES.prompt),
    completion: spec.completion,
    runtimeMode: spec.runtimeMode,
    timeoutMs: spec.timeoutMs,
    idleMs: spec.idleMs,
    logBytesMax: spec.logBytesMax ?? LOG_BYTES_MAX,
    secretNames: [...spec.envNames, ...SECRET_ALLOWED_NAMES],
    secretFiles: [],
    dependenciesFile: spec.dependsOn.length === 0 ? null : join(runDirectory, RUN_FILES.dependencies),
    artifactsDirectory: join(runDirectory, RUN_FILES.artifacts),
    mayFollowUp: spec.mayFollowUp,
    heartbeatMs: HEARTBEAT_MS,
  };
}

/** Names the setup that a worktree has had: other commands are another setup. */
export const setupKeyOf = (setup: RunFacts['spec']['setup']): string =>
  createHash('sha256').update(JSON.stringify(setup)).digest('hex');
