/**
 * One reading of a stream with one automaton, across chunks: where values end, and how many last bytes may become one.
 *
 * K1. A track that sees through line breaks does so only where a program that prints base64 would put one: after at least
 *     `WRAP_CHARS_MIN` characters of base64 in one line. Any other line break ends what was begun, so that the end of an
 *     ordinary line is never held back.
 */
import type { Automaton } from './redaction-automaton.ts';

/** openssl(1) and PEM wrap after 64 characters, base64(1) and MIME after 76. */
const WRAP_CHARS_MIN = 60;

/** The longest value as base64, wrapped after 60 characters with CRLF, has 730. */
const BREAKS_MAX = 1_024;
const LF = 10;
const CR = 13;
/** 1 for the characters of both base64 alphabets. */
const IS_BASE64 = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/_=-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class SecretTrack {
  readonly #automaton: Automaton;
  readonly #seesThroughBreaks: boolean;
  #state = 0;
  /** Characters of base64 since the line began. */
  #run = 0;
  /** Line breaks that were seen through since the state left 0; counts bytes, CR and LF each. */
  #breaks: number[] = [];
  /** Bytes read so far. */
  #position = 0;

  constructor(automaton: Automaton, seesThroughBreaks: boolean) {
    this.#automaton = automaton;
    this.#seesThroughBreaks = seesThroughBreaks;
  }

  /** How many of the last bytes may be the beginning of a value. */
  get openBytes(): number {
    return this.#span(this.#automaton.depth[this.#state]!);
  }

  /** Reads `bytes` from `from` on; finds are [start, end) within `bytes`, by rising end. */
  read(bytes: Buffer, from: number): [number, number][] {
    return this.#seesThroughBreaks ? this.#readWrapped(bytes, from) : this.#readPlain(bytes, from);
  }

  reset(): void {
    this.#state = 0;
    this.#run = 0;
    this.#breaks = [];
  }

  #readPlain(bytes: Buffer, from: number): [number, number][] {
    const { columnOf, columns, next, found } = this.#automaton;
    const finds: [number, number][] = [];
    let state = this.#state;
    for (let at = from; at < bytes.length; at += 1) {
      state = next[state * columns + columnOf[bytes[at]!]!]!;
      if (found[state] !== 0) finds.push([at + 1 - found[state]!, at + 1]);
    }
    this.#state = state;
    return finds;
  }

  #readWrapped(bytes: Buffer, from: number): [number, number][] {
    const { columnOf, columns, next, found } = this.#automaton;
    const finds: [number, number][] = [];
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      this.#position += 1;
      if (byte === LF || byte === CR) {
        this.#readBreak(byte);
        continue;
      }
      this.#run = IS_BASE64[byte] === 1 ? Math.max(this.#run, 0) + 1 : 0;
      const state = next[this.#state * columns + columnOf[byte]!]!;
      this.#state = state;
      if (state === 0) {
        if (this.#breaks.length > 0) this.#breaks = [];
      } else if (found[state] !== 0) finds.push([at + 1 - this.#span(found[state]!), at + 1]);
    }
    return finds;
  }

  #readBreak(byte: number): void {
    // The LF of a CRLF follows a break that was already judged; -1 remembers that it was a wrap.
    const wraps = this.#run >= WRAP_CHARS_MIN || this.#run < 0;
    this.#run = wraps && byte === CR ? -1 : 0;
    if (!wraps) this.reset();
    else if (this.#state !== 0) this.#breaks.push(this.#position);
    if (this.#breaks.length > 2 * BREAKS_MAX) this.#breaks = this.#breaks.slice(-BREAKS_MAX);
  }

  /** Bytes that the last `chars` read characters take, with the breaks between them and behind them. */
  #span(chars: number): number {
    if (chars === 0) return 0;
    let span = chars;
    for (let index = this.#breaks.length - 1; index >= 0; index -= 1) {
      // A break lies within when fewer bytes than the span were read after it.
      if (this.#position - this.#breaks[index]! >= span) break;
      span += 1;
    }
    return span;
  }
}
