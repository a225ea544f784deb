/**
 * The terminal's recording, `recording.cast`: asciicast v2 (docs.asciinema.org/manual/asciicast/v2), what was shown and never
 * what was typed. It gets bytes that are redacted already.
 */
import { StringDecoder } from 'node:string_decoder';
import { writeFully, type FilePort } from './file-port.ts';

export type Size = { readonly cols: number; readonly rows: number };

export class Recording {
  readonly #files: FilePort;
  readonly #fd: number;
  readonly #bytesMax: number;
  readonly #startedAt = performance.now();
  /** Characters are cut apart by chunks; a decoder keeps the halves together. */
  readonly #decoder = new StringDecoder('utf8');
  #bytes = 0;
  #stopped = false;

  /** @param place.bytesMax Where it stops, in bytes; the log goes on. */
  constructor(place: { readonly path: string; readonly bytesMax: number; readonly files: FilePort }, size: Size) {
    this.#files = place.files;
    this.#bytesMax = place.bytesMax;
    this.#fd = place.files.openSync(place.path, 'w', 0o600);
    const header = { version: 2, width: size.cols, height: size.rows, timestamp: Math.floor(Date.now() / 1_000) };
    this.#write(`${JSON.stringify({ ...header, env: { TERM: 'xterm-256color' } })}\n`);
  }

  output(bytes: Buffer): void {
    const text = this.#decoder.write(bytes);
    if (text !== '') this.#event('o', text);
  }

  resize({ cols, rows }: Size): void {
    this.#event('r', `${String(cols)}x${String(rows)}`);
  }

  close(): void {
    const rest = this.#decoder.end();
    if (rest !== '') this.#event('o', rest);
    this.#files.closeSync(this.#fd);
  }

  #event(code: 'o' | 'r' | 'm', data: string): void {
    if (this.#stopped) return;
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(6);
    const line = (kind: string, text: string): string =>
      `[${seconds}, ${JSON.stringify(kind)}, ${JSON.stringify(text)}]\n`;
    this.#stopped = this.#bytes > this.#bytesMax;
    this.#write(
      this.#stopped ? line('m', 'the recording ends here: it has reached its largest size') : line(code, data),
    );
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    try {
      writeFully(this.#files, this.#fd, { bytes, offset: this.#bytes });
      this.#bytes += bytes.length;
    } catch {
      this.#stopped = true; // A full disk ends the recording, never the run; the log says what was lost.
    }
  }
}
