/**
 * Best effort beside the promise of `redaction.ts`: things that look like a vendor's key or a private key, whoever put them there.
 *
 * B1. It promises nothing: a key that begins right before a chunk's border may pass, and so may one in a shape unknown here.
 * B2. What it holds back is bounded: `CANDIDATE_CHARS_MAX` of a key, nothing of a PEM block (its body is dropped as it comes).
 */

const MARKER = '[redacted]';
/** Longest key that is waited for across a border, in characters. */
const CANDIDATE_CHARS_MAX = 512;
/** A block that has not ended after this many characters was no key. */
const PEM_CHARS_MAX = 16_384;

const PREFIXES = 'sk-|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|npm_|hf_|pypi-';
const KEY = new RegExp(`(?<![A-Za-z0-9])(?:${PREFIXES})[A-Za-z0-9_-]{16,}`, 'g');
const UNFINISHED = new RegExp(`(?:(?<![A-Za-z0-9])(?:${PREFIXES})[A-Za-z0-9_-]*|-----[A-Z ]{0,60}-{0,4})$`);
const PEM_BEGIN = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;
const PEM_END = /-----END [A-Z ]{0,40}PRIVATE KEY-----/;
/** `-----END ENCRYPTED PRIVATE KEY-----` and a little: what may lie across a border. */
const PEM_END_CHARS = 64;

/** One stream's filter. Bytes are carried as Latin-1 characters, so that binary passes unchanged. */
export class PatternRedactor {
  #carry = '';
  /** Characters of a PEM block seen so far; null outside of one. */
  #inside: number | null = null;
  #tail = '';

  push(bytes: Buffer): Buffer {
    const text = this.#carry + bytes.toString('latin1');
    this.#carry = '';
    return Buffer.from(this.#filter(text), 'latin1');
  }

  /** What is still held back, at the end of the stream. */
  flush(): Buffer {
    const rest = this.#carry.replace(KEY, MARKER);
    this.#carry = '';
    return Buffer.from(rest, 'latin1');
  }

  #filter(text: string): string {
    if (this.#inside !== null) return this.#skipBlock(text, this.#inside);
    const begin = PEM_BEGIN.exec(text);
    if (begin !== null) {
      this.#tail = '';
      const before = text.slice(0, begin.index).replace(KEY, MARKER);
      return before + MARKER + this.#skipBlock(text.slice(begin.index + begin[0].length), 0);
    }
    const window = text.slice(-CANDIDATE_CHARS_MAX);
    const unfinished = UNFINISHED.exec(window);
    // One that fills the whole window is longer than any key, or has been recognised already.
    const waits = unfinished !== null && unfinished[0].length < CANDIDATE_CHARS_MAX;
    const end = waits ? text.length - unfinished[0].length : text.length;
    this.#carry = text.slice(end);
    return text.slice(0, end).replace(KEY, MARKER);
  }

  #skipBlock(text: string, skipped: number): string {
    const seen = this.#tail + text;
    const end = PEM_END.exec(seen);
    if (end !== null) {
      this.#inside = null;
      return this.#filter(seen.slice(end.index + end[0].length));
    }
    this.#tail = seen.slice(-PEM_END_CHARS);
    this.#inside = skipped + text.length > PEM_CHARS_MAX ? null : skipped + text.length;
    return '';
  }
}
