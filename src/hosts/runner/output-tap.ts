/**
 * Where the output of everything the runner starts goes through, once: redacted, then to the log, the recording and the viewers.
 *
 * O1. Nothing raw leaves this file. Each stream has a redactor of its own, for a value may be cut by either's chunks.
 */
import { StreamRedactor, type SecretSet } from '../../supervisor/runners/redaction.ts';
import type { OutputLog, OutputStream } from './output-log.ts';

/** What a viewer gets first, in bytes. */
const TAIL_BYTES = 65_536;

/** Something that shows or keeps output as well. */
export type OutputSink = (bytes: Buffer) => void;

export class OutputTap {
  readonly #secrets: SecretSet;
  readonly #log: OutputLog;
  readonly #redactors = new Map<OutputStream, StreamRedactor>();
  readonly #sinks = new Set<OutputSink>();
  #tail: Buffer[] = [];
  #tailBytes = 0;

  constructor(secrets: SecretSet, log: OutputLog) {
    this.#secrets = secrets;
    this.#log = log;
  }

  /** Gets every redacted byte from now on. */
  addSink(sink: OutputSink): void {
    this.#sinks.add(sink);
  }

  push(stream: OutputStream, bytes: Buffer): void {
    let redactor = this.#redactors.get(stream);
    if (redactor === undefined) {
      redactor = new StreamRedactor(this.#secrets);
      this.#redactors.set(stream, redactor);
    }
    this.#pass(stream, redactor.push(bytes));
  }

  /** The end of what one program printed: lets go of what was held back. */
  flush(): void {
    for (const [stream, redactor] of this.#redactors) this.#pass(stream, redactor.flush());
    this.#redactors.clear();
  }

  /** The last 64 KiB. */
  tail(): Buffer {
    return Buffer.concat(this.#tail).subarray(-TAIL_BYTES);
  }

  #pass(stream: OutputStream, bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#log.write(stream, bytes);
    // A copy: small pieces would otherwise keep whole read buffers alive.
    this.#tail.push(Buffer.from(bytes.subarray(-TAIL_BYTES)));
    this.#tailBytes += Math.min(bytes.length, TAIL_BYTES);
    if (this.#tailBytes > 2 * TAIL_BYTES || this.#tail.length > 1_024) {
      this.#tail = [Buffer.from(this.tail())];
      this.#tailBytes = this.#tail[0]!.length;
    }
    for (const sink of this.#sinks) sink(bytes);
  }
}
