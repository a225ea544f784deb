/**
 * Lets a program's output onto a terminal: text, and colours (SGR, ECMA-48 §8.3.117); nothing else that a terminal would obey.
 *
 * F1. Sequences cut apart by chunks are judged whole; one that never ends is dropped after `SEQUENCE_MAX` characters.
 * F2. A lone carriage return becomes a new line: nothing that was printed is hidden by what follows.
 */
import { StringDecoder } from 'node:string_decoder';

const SEQUENCE_MAX = 64;
/** A title or picture longer than this is no string any more: what follows is shown. */
const STRING_MAX = 4_096;
const ESC = '\u001b';
/** C1 controls that begin a sequence without ESC: CSI, and the strings DCS, SOS, OSC, PM, APC. */
const CSI = '\u009b';
const STRINGS = '\u0090\u0098\u009d\u009e\u009f';
const STRING_LETTERS = 'PX]^_';
const unsafe = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const colour = /^[0-9;:]*$/;

/** `escape`: after ESC. `designator`: one more character ends it. `string`: until BEL or ST; `stringEscape`: ESC inside one. */
type State = 'text' | 'escape' | 'designator' | 'csi' | 'string' | 'stringEscape';

export class TerminalFilter {
  readonly #decoder = new StringDecoder('utf8');
  #state: State = 'text';
  /** Parameters of the CSI sequence so far. */
  #parameters = '';
  #length = 0;
  #wasReturn = false;

  /** @returns what may be printed of these bytes. */
  push(bytes: Uint8Array): string {
    return this.#filter(this.#decoder.write(bytes));
  }

  /** @returns the rest; an unfinished sequence is dropped. */
  end(): string {
    const rest = this.#filter(this.#decoder.end());
    return this.#wasReturn ? `${rest}\n` : rest;
  }

  #filter(text: string): string {
    let out = '';
    for (const character of text) out += this.#next(character);
    return out;
  }

  #next(character: string): string {
    if (this.#state === 'text') return this.#text(character);
    if (this.#state === 'csi') return this.#csi(character);
    if (this.#state === 'string') return this.#string(character);
    const isOver = this.#state === 'designator' || (this.#state === 'stringEscape' && character === '\\');
    return isOver ? this.#to('text') : this.#escape(character);
  }

  #text(character: string): string {
    const newLine = this.#wasReturn && character !== '\n' && character !== '\r' ? '\n' : '';
    this.#wasReturn = character === '\r';
    if (character === ESC) this.#to('escape');
    else if (character === CSI) this.#to('csi');
    else if (STRINGS.includes(character)) this.#to('string');
    else if (character === '\n' || character === '\t' || !unsafe.test(character)) return newLine + character;
    return newLine;
  }

  #escape(character: string): string {
    if (character === '[') return this.#to('csi');
    if (character === ESC) return this.#to('escape');
    if (STRING_LETTERS.includes(character)) return this.#to('string');
    return this.#to(character >= ' ' && character <= '/' ? 'designator' : 'text');
  }

  #csi(character: string): string {
    this.#length += 1;
    if (character === ESC) return this.#to('escape');
    if (character >= '@' && character <= '~') {
      const shown = character === 'm' && colour.test(this.#parameters) ? `${ESC}[${this.#parameters}m` : '';
      this.#to('text');
      return shown;
    }
    // What no sequence holds ends it, and is judged as text.
    if (character < ' ' || character > '~' || this.#length > SEQUENCE_MAX)
      return this.#to('text') + this.#text(character);
    this.#parameters += character;
    return '';
  }

  #string(character: string): string {
    this.#length += 1;
    if (character === ESC) return this.#to('stringEscape');
    const isOver = character === '\u0007' || character === '\u009c' || this.#length > STRING_MAX;
    return isOver ? this.#to('text') : '';
  }

  #to(state: State): '' {
    this.#state = state;
    this.#parameters = '';
    this.#length = 0;
    return '';
  }
}
