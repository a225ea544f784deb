/**
 * Starts the agent so that it is executed at most once per epoch, whatever dies in between:
 *
 *     look for the program → shell, blocked → `<epoch>.agent` by link(2) → report → the shell becomes the agent
 *
 * S1. Before the record exists nothing of the agent has run; when the runner dies there, the shell never executes anything.
 * S2. When the record exists already nothing is started and nothing is reported.
 */
import type { ProcessIdentity } from '../../supervisor/processes/process-identity.ts';
import type { ProcessTable } from '../../supervisor/processes/process-table.ts';
import type { RunnerContract } from '../../supervisor/runners/contract.ts';
import type { AgentRecord } from '../../supervisor/runners/protocol.ts';
import { createAgentRecord } from './agent-record.ts';
import type { FilePort } from './file-port.ts';
import type { OutputStream } from './output-log.ts';
import { startPiped, type PipedProgram, type ProcessExit } from './piped-process.ts';
import { ProcessGroup } from './process-group.ts';
import { findProgram } from './program-lookup.ts';
import { startPty } from './pty-process.ts';
import type { Size } from './recording.ts';
import type { Terminal } from './viewers.ts';

export type Agent = {
  readonly identity: ProcessIdentity;
  readonly group: ProcessGroup;
  /** Null when headless. */
  readonly terminal: Terminal | null;
  readonly exited: Promise<ProcessExit>;
};

export type AgentStart =
  | { readonly kind: 'started'; readonly agent: Agent }
  /** Certain: the program was not executed. `what` is for people. */
  | { readonly kind: 'impossible'; readonly error: string; readonly what: string }
  /** Another runner of this epoch has its record there (S2). */
  | { readonly kind: 'taken' };

export type AgentParts = {
  readonly contract: RunnerContract & { readonly agent: NonNullable<RunnerContract['agent']> };
  readonly instance: string;
  readonly runner: ProcessIdentity;
  readonly table: ProcessTable;
  readonly files: FilePort;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly umask: number;
  readonly size: Size;
  readonly onOutput: (stream: OutputStream, bytes: Buffer) => void;
  /** The record exists, the agent is not executed yet. */
  readonly onRecorded: (record: AgentRecord) => void;
};

type Blocked = {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly collected: Promise<void>;
  readonly release: () => void;
  readonly abandon: () => void;
  readonly terminal: Terminal | null;
};

/** @throws when the record cannot be written; nothing has run then (S1). */
export const startAgent = async (parts: AgentParts): Promise<AgentStart> => {
  const { contract, env, umask, table, instance } = parts;
  const cwd = contract.worktreePath;
  const program = findProgram(contract.agent.command, { cwd, path: env['PATH'] });
  if (program.kind === 'missing') return { kind: 'impossible', error: program.error, what: program.what };
  const blocked = await startBlocked(parts, { file: program.file, args: program.args, cwd, env, umask });
  if (blocked === null) {
    const what = 'runtimeMode pty needs the optional package node-pty; install it or use headless';
    return { kind: 'impossible', error: 'pty_unavailable', what };
  }
  const identity = table.identify(blocked.pid);
  if (identity === null)
    return { kind: 'impossible', error: 'not_started', what: `/bin/sh ended before ${program.file}` };
  const group = new ProcessGroup(table, identity, contract.cookie);
  void blocked.collected.then(() => group.collected());
  const record: AgentRecord = {
    runId: contract.runId,
    epoch: contract.epoch,
    instance,
    at: Date.now(),
    runner: parts.runner,
    agent: identity,
    // Both ways of starting make the process leader of a session of its own, hence of a group.
    pgid: identity.pid,
    sid: identity.pid,
  };
  let created = false;
  try {
    created = createAgentRecord(contract.runDirectory, record, parts.files);
  } finally {
    if (!created) await giveUp(blocked, group);
  }
  if (!created) return { kind: 'taken' };
  parts.onRecorded(record);
  blocked.release();
  return { kind: 'started', agent: { identity, group, terminal: blocked.terminal, exited: blocked.exited } };
};

const startBlocked = async (parts: AgentParts, program: Omit<PipedProgram, 'onOutput'>): Promise<Blocked | null> => {
  if (parts.contract.runtimeMode === 'headless') {
    return { ...(await startPiped({ ...program, onOutput: parts.onOutput }, true)), terminal: null };
  }
  const pty = await startPty({ ...program, onOutput: (bytes) => parts.onOutput('pty', bytes) }, parts.size);
  return pty.kind === 'unavailable' ? null : { ...pty.process, terminal: pty.process };
};

const giveUp = async (blocked: Blocked, group: ProcessGroup): Promise<void> => {
  blocked.abandon();
  group.signal('SIGKILL');
  await blocked.exited;
};
