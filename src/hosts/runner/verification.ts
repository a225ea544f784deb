/**
 * Runs the verify commands on the supervisor's word and reports what came of them.
 *
 * V1. One key is one verification: asked again it is not run again.
 * V2. Each command's output is kept, redacted, as `verify-<n>.log` from 1 on, at most `logBytesMax` of it.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { CommandResult, ReportBody, Verify } from '../../supervisor/runners/protocol.ts';
import { StreamRedactor, type SecretSet } from '../../supervisor/runners/redaction.ts';
import { CommandSequence, type SequenceInput } from './command-sequence.ts';
import { writeFully, type FilePort } from './file-port.ts';

const COMMANDS_MAX = 16;
/** All tails of one report, in bytes: a message has at most 64 KiB, JSON may double a text. */
const TAILS_BYTES_MAX = 24_576;

export type VerificationParts = {
  readonly directory: string;
  readonly logBytesMax: number;
  readonly secrets: SecretSet;
  readonly files: FilePort;
  /** What its sequences have in common with the setup's. */
  readonly base: Pick<SequenceInput, 'cwd' | 'env' | 'umask' | 'cookie' | 'table' | 'redact'>;
  readonly report: (body: ReportBody) => void;
};

export class Verification {
  readonly #parts: VerificationParts;
  readonly #keys = new Set<string>();
  #sequence: CommandSequence | null = null;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  get running(): boolean {
    return this.#sequence !== null;
  }

  /** Answers at once; the outcome is a report. @throws conflict while another one runs, invalid_params. */
  start(instruction: Verify): void {
    if (this.#keys.has(instruction.key)) return;
    if (this.#sequence !== null) {
      throw new ConductorError('conflict', 'another verification of this run is going on', { retryable: true });
    }
    if (!Array.isArray(instruction.commands) || instruction.commands.length > COMMANDS_MAX) {
      throw new ConductorError('invalid_params', `commands must be a list of at most ${String(COMMANDS_MAX)}`);
    }
    this.#keys.add(instruction.key);
    void this.#run(instruction);
  }

  /** Ends it without a report: the verification is to be run again by somebody else. */
  async stop(graceMs: number): Promise<void> {
    await this.#sequence?.stop(graceMs);
  }

  async #run({ key, commands, timeoutMs }: Verify): Promise<void> {
    const { directory, logBytesMax, secrets, files, base, report } = this.#parts;
    let log: CommandLog | null = null;
    const sequence = new CommandSequence({
      ...base,
      commands,
      timeoutMs,
      sweep: true,
      onStart: (index) => {
        log?.close();
        const path = `${directory}/verify-${String(index + 1)}.log`;
        log = new CommandLog({ path, bytesMax: logBytesMax, files }, secrets);
      },
      onOutput: (stream, bytes) => log?.push(stream, bytes) ?? Buffer.alloc(0),
      onEnd: () => log?.flush() ?? Buffer.alloc(0),
    });
    this.#sequence = sequence;
    try {
      const { ok, message, results, stopped } = await sequence.run();
      if (!stopped) report({ kind: 'verification.finished', key, ok, message, results: fitted(results) });
    } catch (error) {
      const message = `the verification could not be carried out: ${(error as Error).message}`.slice(0, 1_000);
      report({ kind: 'verification.finished', key, ok: false, message, results: [] });
    } finally {
      // TypeScript does not see that the sequence's callbacks have set it.
      (log as CommandLog | null)?.close();
      this.#sequence = null;
    }
  }
}

/** The red command's tail stays whole; the green ones share what is left. */
const fitted = (results: readonly CommandResult[]): readonly CommandResult[] => {
  const share = Math.floor(TAILS_BYTES_MAX / Math.max(1, results.length));
  return results.map((result) => (result.exitCode === 0 ? { ...result, tail: result.tail.slice(-share) } : result));
};

/** One command's log; a disk that takes no more ends the log, never the verification. */
class CommandLog {
  readonly #files: FilePort;
  readonly #bytesMax: number;
  readonly #redactors: { readonly out: StreamRedactor; readonly err: StreamRedactor };
  #fd = -1;
  #bytes = 0;

  constructor(
    place: { readonly path: string; readonly bytesMax: number; readonly files: FilePort },
    secrets: SecretSet,
  ) {
    this.#files = place.files;
    this.#bytesMax = place.bytesMax;
    this.#redactors = { out: new StreamRedactor(secrets), err: new StreamRedactor(secrets) };
    try {
      this.#fd = place.files.openSync(place.path, 'w', 0o600);
    } catch (error) {
      process.stderr.write(`conductor runner: ${place.path}: ${String(error)}\n`);
    }
  }

  push(stream: 'out' | 'err', bytes: Buffer): Buffer {
    return this.#keep(this.#redactors[stream].push(bytes));
  }

  flush(): Buffer {
    return this.#keep(Buffer.concat([this.#redactors.out.flush(), this.#redactors.err.flush()]));
  }

  close(): void {
    if (this.#fd >= 0) this.#files.closeSync(this.#fd);
    this.#fd = -1;
  }

  #keep(bytes: Buffer): Buffer {
    const room = this.#bytesMax - this.#bytes;
    const part = bytes.subarray(0, Math.max(room, 0));
    if (this.#fd < 0 || part.length === 0) return bytes;
    try {
      writeFully(this.#files, this.#fd, { bytes: part, offset: this.#bytes });
      this.#bytes += part.length;
      if (part.length < bytes.length) {
        const note = Buffer.from('\n[conductor: the rest was not kept]\n');
        writeFully(this.#files, this.#fd, { bytes: note, offset: this.#bytes });
      }
    } catch {
      this.close();
    }
    return bytes;
  }
}
