/**
 * Replaces secret values in streams of bytes while they are written, so that nothing raw is ever on disk or on a wire.
 *
 * R1. A value of at least `VALUE_BYTES_MIN` bytes never leaves a stream in a form of `redaction-forms.ts`, however the stream is
 *     cut into chunks. (A value that is part of the word «[redacted]» itself is beyond help.)
 * R2. Overlapping finds are one gap; what lies between two finds passes byte for byte.
 * R3. Only bytes that may be the beginning of a value are held back, until they are not or the stream ends.
 * R4. Vendor patterns (`redaction-patterns.ts`) come after the values and promise nothing.
 */
import { buildAutomaton, type Automaton } from './redaction-automaton.ts';
import { formsOf } from './redaction-forms.ts';
import { PatternRedactor } from './redaction-patterns.ts';
import { SecretTrack } from './redaction-track.ts';

/** What stands where a value was. */
export const REDACTED = '[redacted]';
/**
 * All values together, in bytes. The table needs about 3 KB per byte; beyond, a run would need more memory for hiding its secrets
 * than for itself.
 */
export const SECRET_BYTES_MAX = 16_384;

/** A set of values, compiled on first use: a run without output never pays for it. */
export class SecretSet {
  readonly #values: readonly string[];
  #compiled: { readonly plain: Automaton; readonly base64: Automaton } | null = null;

  /** @throws RangeError when the values exceed `SECRET_BYTES_MAX`: then nothing may run, for it could not be redacted. */
  constructor(values: Iterable<string>) {
    this.#values = [...new Set(values)].filter((value) => value !== '');
    const bytes = this.#values.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
    if (bytes > SECRET_BYTES_MAX) {
      throw new RangeError(
        `secret values have ${String(bytes)} bytes together, at most ${String(SECRET_BYTES_MAX)} can be redacted; grant fewer or smaller ones`,
      );
    }
  }

  /** What looks for the values in one stream. */
  tracks(): readonly SecretTrack[] {
    this.#compiled ??= compile(this.#values);
    const { plain, base64 } = this.#compiled;
    return [new SecretTrack(plain, false), ...(base64.depth.length > 1 ? [new SecretTrack(base64, true)] : [])];
  }

  /** One whole text, for messages and tails. */
  redactText(text: string): string {
    const stream = new StreamRedactor(this);
    return Buffer.concat([stream.push(Buffer.from(text)), stream.flush()]).toString('utf8');
  }
}

const compile = (values: readonly string[]): { readonly plain: Automaton; readonly base64: Automaton } => {
  const forms = values.map(formsOf);
  return {
    plain: buildAutomaton(unique(forms.flatMap(({ plain }) => plain))),
    base64: buildAutomaton(unique(forms.flatMap(({ base64 }) => base64))),
  };
};

const unique = (forms: readonly Buffer[]): readonly Buffer[] => [
  ...new Map(forms.map((form) => [form.toString('latin1'), form])).values(),
];

/** One stream. Feed it chunk by chunk and flush it once at the end. */
export class StreamRedactor {
  readonly #values: ValueRedactor;
  readonly #patterns = new PatternRedactor();

  constructor(secrets: SecretSet) {
    this.#values = new ValueRedactor(secrets.tracks());
  }

  /** What may pass by now; never longer held back than R3 says. */
  push(chunk: Buffer): Buffer {
    return this.#patterns.push(this.#values.push(chunk));
  }

  flush(): Buffer {
    return Buffer.concat([this.#patterns.push(this.#values.flush()), this.#patterns.flush()]);
  }
}

const REPLACEMENT = Buffer.from(REDACTED);

class ValueRedactor {
  readonly #tracks: readonly SecretTrack[];
  /** Bytes held back; the last ones may be the beginning of a value, or lie in a find that may still grow. */
  #held: Buffer = Buffer.alloc(0);
  /** Finds within `#held`, as [start, end) pairs, in order, not overlapping. */
  #finds: [number, number][] = [];

  constructor(tracks: readonly SecretTrack[]) {
    this.#tracks = tracks;
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let limit = bytes.length;
    const finds = this.#tracks.flatMap((track) => {
      const found = track.read(bytes, this.#held.length);
      limit = Math.min(limit, bytes.length - track.openBytes);
      return found;
    });
    for (const [start, end] of finds.toSorted((a, b) => a[1] - b[1])) this.#addFind(start, end);
    return this.#release(bytes, limit);
  }

  flush(): Buffer {
    for (const track of this.#tracks) track.reset();
    return this.#release(this.#held, this.#held.length);
  }

  #addFind(start: number, end: number): void {
    let from = start;
    for (let last = this.#finds.at(-1); last !== undefined && last[1] > from; last = this.#finds.at(-1)) {
      from = Math.min(from, last[0]);
      this.#finds.pop();
    }
    this.#finds.push([from, end]);
  }

  /** Everything before `limit`, without the finds; a find that reaches beyond stays whole. */
  #release(bytes: Buffer, limit: number): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    let end = limit;
    const kept: [number, number][] = [];
    for (const find of this.#finds) {
      if (find[1] > limit) {
        end = Math.min(end, find[0]);
        kept.push(find);
        continue;
      }
      out.push(bytes.subarray(at, find[0]), REPLACEMENT);
      at = find[1];
    }
    if (end > at) out.push(bytes.subarray(at, end));
    const from = Math.max(at, end);
    this.#finds = kept.map(([start, stop]) => [start - from, stop - from]);
    // A copy: a view would keep the whole chunk alive for a few held bytes.
    this.#held = from === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from));
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }
}
