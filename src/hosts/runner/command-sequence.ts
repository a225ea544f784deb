/**
 * Commands one after the other, each in a group of its own; the first red one stops. Setup and verification.
 *
 * C1. Its deadline is for all of them together.
 * C2. What a command leaves in its group is ended with it when `sweep` is set.
 */
import type { ProcessTable } from '../../supervisor/processes/process-table.ts';
import type { CommandLine } from '../../supervisor/runners/contract.ts';
import type { CommandResult } from '../../supervisor/runners/protocol.ts';
import { startPiped } from './piped-process.ts';
import { ProcessGroup } from './process-group.ts';
import { findProgram } from './program-lookup.ts';

/** Last bytes of a command's output that go into its result. */
const TAIL_BYTES = 4_096;
/** Time between SIGTERM and SIGKILL for a command that took too long, in ms. */
const GRACE_MS = 2_000;

export type SequenceInput = {
  readonly commands: readonly CommandLine[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly umask: number;
  readonly cookie: string;
  /** For all commands together, in ms; 0 = none. */
  readonly timeoutMs: number;
  readonly sweep: boolean;
  readonly table: ProcessTable;
  readonly onStart: (index: number, text: string) => void;
  /** Redacts and keeps; returns what may be shown. */
  readonly onOutput: (stream: 'out' | 'err', bytes: Buffer) => Buffer;
  /** The command has ended: what its stream still held back. */
  readonly onEnd: () => Buffer;
  readonly redact: (text: string) => string;
};

export type SequenceResult = {
  readonly ok: boolean;
  /** One sentence; names the red command. */
  readonly message: string;
  readonly results: readonly CommandResult[];
  readonly stopped: boolean;
};

export class CommandSequence {
  readonly #input: SequenceInput;
  #group: ProcessGroup | null = null;
  #stopped = false;
  #timedOut = false;

  constructor(input: SequenceInput) {
    this.#input = input;
  }

  /** Ends the running command and begins no other. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    await this.#group?.end(graceMs);
  }

  async run(): Promise<SequenceResult> {
    const { commands, timeoutMs } = this.#input;
    const results: CommandResult[] = [];
    const timer = timeoutMs === 0 ? null : setTimeout(() => void this.#giveUp(), timeoutMs);
    try {
      for (const [index, command] of commands.entries()) {
        if (this.#stopped || this.#timedOut) break;
        const { result, error } = await this.#runOne(index, command);
        results.push(result);
        if (result.exitCode !== 0) return this.#red(result, error, results);
      }
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
    const ok = results.length === commands.length;
    const passed = `${String(results.length)} ${results.length === 1 ? 'command' : 'commands'} passed`;
    const message = ok ? passed : 'stopped before all commands were run';
    return { ok, message, results, stopped: this.#stopped };
  }

  #red(result: CommandResult, error: string | null, results: readonly CommandResult[]): SequenceResult {
    const why = this.#timedOut
      ? `took longer than ${String(this.#input.timeoutMs)} ms (all commands together)`
      : (error ??
        (result.signal === null ? `ended with exit code ${String(result.exitCode)}` : `was ended by ${result.signal}`));
    return { ok: false, message: `${result.command} ${why}`.slice(0, 1_000), results, stopped: this.#stopped };
  }

  async #giveUp(): Promise<void> {
    this.#timedOut = true;
    await this.#group?.end(GRACE_MS);
  }

  async #runOne(
    index: number,
    command: CommandLine,
  ): Promise<{ readonly result: CommandResult; readonly error: string | null }> {
    const { cwd, env, umask, table, cookie, sweep } = this.#input;
    const text = this.#input.redact(typeof command === 'string' ? command : command.join(' ')).slice(0, 400);
    const startedAt = performance.now();
    const done = (exitCode: number | null, signal: string | null, tail: string): CommandResult => ({
      command: text,
      exitCode,
      signal,
      durationMs: Math.round(performance.now() - startedAt),
      tail,
    });
    this.#input.onStart(index, text);
    const program = findProgram(command, { cwd, path: env['PATH'] });
    if (program.kind === 'missing') {
      const error = `could not be started: ${program.what} (${program.error})`;
      return { result: done(null, null, ''), error };
    }
    let tail: Buffer = Buffer.alloc(0);
    const keep = (bytes: Buffer): void => {
      tail = Buffer.from(Buffer.concat([tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES));
    };
    const onOutput = (stream: 'out' | 'err', bytes: Buffer): void => keep(this.#input.onOutput(stream, bytes));
    const child = await startPiped({ file: program.file, args: program.args, cwd, env, umask, onOutput }, false);
    const identity = table.identify(child.pid);
    const group = identity === null ? null : new ProcessGroup(table, identity, cookie);
    this.#group = group;
    void child.collected.then(() => group?.collected());
    // Stopped or timed out between two commands: this one was started just then.
    if (this.#stopped || this.#timedOut) void group?.end(0);
    const exit = await child.exited;
    if (sweep) await group?.end(0);
    this.#group = null;
    keep(this.#input.onEnd());
    return { result: done(exit.code, exit.signal, tail.toString('utf8')), error: null };
  }
}
