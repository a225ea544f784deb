/**
 * The work of a run: setup, then the agent, once; and its end when somebody asks for it.
 *
 * K1. The agent's end is reported exactly once, also when it never began.
 * K2. When nothing was started and nothing is known (a start record that is there already, a disk that refuses one), nothing is
 *     reported either: the run's next epoch decides with the files alone.
 */
import type { ProcessIdentity } from '../../supervisor/processes/process-identity.ts';
import type { RunnerContract } from '../../supervisor/runners/contract.ts';
import type { EndAgentResult, ExitRecord, RunnerPhase } from '../../supervisor/runners/protocol.ts';
import { startAgent, type Agent } from './agent-start.ts';
import { CommandSequence, type SequenceInput } from './command-sequence.ts';
import type { FilePort } from './file-port.ts';
import type { RunDesk } from './run-desk.ts';
import { RunLimits } from './run-limits.ts';

/** The agent's time between SIGTERM and SIGKILL when nobody said otherwise, in ms: a coding agent saves its transcript. */
export const GRACE_MS = 10_000;
/** A program whose last act is its completion ends within this time; one that stays is asked to leave then, in ms. */
const OWN_WAY_MS = 1_000;

export type WorkParts = {
  readonly contract: RunnerContract;
  readonly desk: RunDesk;
  readonly instance: string;
  readonly runner: ProcessIdentity;
  readonly files: FilePort;
  /** What all commands of the run have in common. */
  readonly base: Pick<SequenceInput, 'cwd' | 'env' | 'umask' | 'cookie' | 'table' | 'redact'>;
  /** Nothing was started, and this runner is of no use (K2). */
  readonly onUseless: () => void;
};

export class RunWork {
  readonly limits: RunLimits;
  readonly #parts: WorkParts;
  #phase: RunnerPhase = 'waiting';
  #setup: CommandSequence | null = null;
  #agent: Agent | null = null;
  #exit: ExitRecord['agent'] = null;
  #worked: Promise<void> = Promise.resolve();
  #unwanted = false;
  #signal: string | null = null;

  constructor(parts: WorkParts) {
    const { contract, desk } = parts;
    this.#parts = parts;
    this.limits = new RunLimits({
      timeoutMs: contract.timeoutMs,
      idleMs: contract.idleMs,
      isWaiting: () => desk.gates.waiting,
      onWarned: (limit) => void desk.reports.add({ kind: 'limit.warned', limit }),
      onExceeded: (limit) => {
        desk.reports.add({ kind: 'limit.exceeded', limit });
        desk.log.note(`the ${limit} limit is exceeded, the agent is being ended`);
        void this.#agent?.group.end(GRACE_MS);
      },
    });
  }

  get phase(): RunnerPhase {
    return this.#phase;
  }

  get agent(): ProcessIdentity | null {
    return this.#agent?.identity ?? null;
  }

  /** How the agent ended; null as long as it has not, or when there is none. */
  get exit(): ExitRecord['agent'] {
    return this.#exit;
  }

  start(): void {
    this.#worked = this.#work();
  }

  /** The agent has said that it is done: it may leave by itself for `OWN_WAY_MS` before it is ended. */
  async leave(graceMs: number): Promise<EndAgentResult> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<void>((resolve) => (timer = setTimeout(resolve, OWN_WAY_MS)));
    await Promise.race([this.#worked, overdue]);
    clearTimeout(timer);
    return this.end(graceMs);
  }

  /** Ends setup and agent; none is started afterwards. Answers when the group is gone. */
  async end(graceMs: number): Promise<EndAgentResult> {
    this.#unwanted = true;
    await this.#setup?.stop(graceMs);
    const ended = (await this.#agent?.group.end(graceMs)) ?? true;
    // Also catches an agent that was just being started: it sees `#unwanted`.
    if (ended) await this.#worked;
    return { ended, code: this.#exit?.code ?? null, signal: this.#exit?.signal ?? null };
  }

  /** The runner got a signal that was meant for the run: what ends on it is reported as ended by it. The second one kills. */
  interrupt(signal: string): void {
    if (this.#signal !== null) this.#agent?.group.signal('SIGKILL');
    this.#signal ??= signal;
  }

  async #work(): Promise<void> {
    const { door } = this.#parts.desk;
    try {
      await door.open();
      if (await this.#setUp()) await this.#runAgent();
    } catch (error) {
      process.stderr.write(`conductor runner: ${(error as Error).message}\n`);
      if (this.#agent === null && this.#exit === null) this.#parts.onUseless();
    }
    this.#phase = 'ended';
  }

  /** @returns whether the agent may be started. */
  async #setUp(): Promise<boolean> {
    const { desk, base, contract } = this.#parts;
    const { setup, setupMs, agent } = contract;
    if (setup.length > 0) {
      this.#phase = 'setup';
      this.#setup = new CommandSequence({
        ...base,
        commands: setup,
        timeoutMs: setupMs,
        sweep: false,
        onStart: (_index, text) => desk.log.note(`setup: ${text}`),
        onOutput: (stream, bytes) => {
          desk.tap.push(stream, bytes);
          return bytes.subarray(0, 0);
        },
        onEnd: () => {
          desk.tap.flush();
          return Buffer.alloc(0);
        },
      });
      const { ok, message, stopped } = await this.#setup.run();
      this.#setup = null;
      if (!ok && !stopped) {
        desk.log.note(`setup failed: ${message}`);
        desk.reports.add({ kind: 'setup.failed', message });
        return false;
      }
    }
    if (agent === null) return false;
    if (this.#unwanted) this.#reportExit({ code: null, signal: this.#signal ?? 'SIGTERM', spawnError: null });
    return !this.#unwanted;
  }

  async #runAgent(): Promise<void> {
    const { contract, desk, base, ...parts } = this.#parts;
    const { agent } = contract;
    if (agent === null) return;
    const pty = contract.runtimeMode !== 'headless';
    const start = await startAgent({
      ...parts,
      ...base,
      contract: { ...contract, agent },
      size: desk.viewers.size,
      onOutput: (stream, bytes) => {
        this.limits.touch();
        desk.tap.push(stream, bytes);
      },
      onRecorded: ({ agent: identity, pgid, sid }) => {
        if (pty) desk.record();
        desk.reports.add({ kind: 'agent.started', identity, pgid, sid });
      },
    });
    if (start.kind === 'taken') {
      process.stderr.write('conductor runner: this epoch has a start record already; nothing was started\n');
      parts.onUseless();
      return;
    }
    if (start.kind === 'impossible') {
      desk.log.note(`the agent could not be started: ${start.what} (${start.error})`);
      this.#reportExit({ code: null, signal: null, spawnError: start.error });
      return;
    }
    this.#agent = start.agent;
    this.#phase = 'agent';
    if (start.agent.terminal !== null) desk.viewers.open(start.agent.terminal);
    this.limits.start();
    if (this.#unwanted) void start.agent.group.end(GRACE_MS);
    const exit = await start.agent.exited;
    this.limits.stop();
    desk.tap.flush();
    // A signal to the runner was meant for the run: the agent's own way of ending on it is not its result.
    this.#reportExit(
      this.#signal === null ? { ...exit, spawnError: null } : { code: null, signal: this.#signal, spawnError: null },
    );
    desk.viewers.close('agent_exited');
  }

  #reportExit(exit: NonNullable<ExitRecord['agent']>): void {
    if (this.#exit !== null) return;
    const { desk } = this.#parts;
    this.#exit = exit;
    desk.children.flush();
    desk.reports.add({ kind: 'agent.exited', ...exit });
  }
}
