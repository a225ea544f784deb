/**
 * What the run printed, redacted: `output.log`, and beside it when and on which stream each piece came.
 *
 *     output.log    .1 (older)   .2   .3 (oldest)        each at most `logBytesMax`
 *     output.index  .1           .2   .3                 one line per piece: [offset in that file, time in ms, stream]
 *
 * L1. A piece lasts until the next line's offset, or the end of the file. `stream` is out, err, pty or sys (Conductor's own words).
 * L2. Every file but the first begins with a line of exactly `HEADER_BYTES` bytes on stream sys. In the oldest file it says how
 *     many bytes are gone.
 * L3. A disk that takes no more loses output, never the run: what was lost is counted and said where it is missing.
 */
import { constants } from 'node:fs';
import { ConductorError } from '../../machines/errors.ts';
import { RUN_FILES } from '../../supervisor/runners/contract.ts';
import { writeFully, type FilePort } from './file-port.ts';

export type OutputStream = 'out' | 'err' | 'pty' | 'sys';

/** The file being written and three before it. */
const FILES_KEPT = 4;
const HEADER_BYTES = 80;
/** Pieces of one stream that follow each other within this time share a line of the index, in ms. */
const PIECE_MS = 100;
/** Longest piece with one line, in bytes. */
const PIECE_BYTES_MAX = 65_536;

export class OutputLog {
  readonly #directory: string;
  readonly #bytesMax: number;
  readonly #files: FilePort;
  #log = -1;
  #index = -1;
  #logBytes = 0;
  #indexBytes = 0;
  #piece: { readonly stream: OutputStream; readonly at: number; readonly offset: number } | null = null;
  /** Bytes of the files that were given up. */
  #goneBytes = 0;
  readonly #olderBytes: number[] = [];
  #lostBytes = 0;
  /** Bytes written by the run, whatever became of them. */
  totalBytes = 0;

  constructor(place: { readonly directory: string; readonly bytesMax: number; readonly files: FilePort }) {
    this.#directory = place.directory;
    this.#bytesMax = Math.max(place.bytesMax, 2 * HEADER_BYTES);
    this.#files = place.files;
  }

  write(stream: OutputStream, bytes: Buffer): void {
    let rest = bytes;
    this.totalBytes += bytes.length;
    while (rest.length > 0) {
      try {
        this.#openIfNeeded();
        this.#sayWhatWasLost();
        if (this.#logBytes >= this.#bytesMax) this.#rotate();
        const part = rest.subarray(0, this.#bytesMax - this.#logBytes);
        this.#append(stream, part);
        rest = rest.subarray(part.length);
      } catch {
        this.#lostBytes += rest.length; // L3: said as soon as the disk takes something again.
        return;
      }
    }
  }

  /** A line of Conductor's own. */
  note(text: string): void {
    this.write('sys', Buffer.from(`[conductor: ${text}]\n`));
  }

  close(): void {
    try {
      if (this.#lostBytes > 0) this.#sayWhatWasLost();
    } catch {
      // The disk is still full; the run ends all the same (L3).
    }
    for (const fd of [this.#log, this.#index]) if (fd >= 0) this.#files.closeSync(fd);
    this.#log = -1;
    this.#index = -1;
  }

  #append(stream: OutputStream, bytes: Buffer): void {
    this.#markPiece(stream);
    writeFully(this.#files, this.#log, { bytes, offset: this.#logBytes });
    this.#logBytes += bytes.length;
  }

  #markPiece(stream: OutputStream): void {
    const at = Date.now();
    const piece = this.#piece;
    const goesOn =
      piece?.stream === stream && at - piece.at < PIECE_MS && this.#logBytes - piece.offset < PIECE_BYTES_MAX;
    if (goesOn) return;
    const line = Buffer.from(`${JSON.stringify([this.#logBytes, at, stream])}\n`);
    writeFully(this.#files, this.#index, { bytes: line, offset: this.#indexBytes });
    this.#indexBytes += line.length;
    this.#piece = { stream, at, offset: this.#logBytes };
  }

  #sayWhatWasLost(): void {
    if (this.#lostBytes === 0) return;
    this.#append('sys', Buffer.from(`[conductor: ${String(this.#lostBytes)} bytes could not be written here]\n`));
    this.#lostBytes = 0;
  }

  #openIfNeeded(): void {
    if (this.#index >= 0) return;
    const path = (name: string): string => `${this.#directory}/${name}`;
    // A runner of a later epoch adds to what an earlier one left. No O_APPEND: on Linux it would ignore our offsets (pwrite(2)).
    const flags = constants.O_RDWR | constants.O_CREAT;
    this.#log = this.#files.openSync(path(RUN_FILES.output), flags, 0o600);
    this.#index = this.#files.openSync(path(RUN_FILES.outputIndex), flags, 0o600);
    this.#logBytes = this.#files.fstatSync(this.#log).size;
    this.#indexBytes = this.#files.fstatSync(this.#index).size;
  }

  #rotate(): void {
    this.close();
    this.#olderBytes.unshift(this.#logBytes);
    for (let age = FILES_KEPT - 1; age >= 1; age -= 1) {
      for (const name of [RUN_FILES.output, RUN_FILES.outputIndex]) {
        const from = `${this.#directory}/${age === 1 ? name : `${name}.${String(age - 1)}`}`;
        renameIfThere(this.#files, from, `${this.#directory}/${name}.${String(age)}`);
      }
    }
    this.#piece = null;
    this.#openIfNeeded();
    this.#append('sys', headerLine('continues from the file before'));
    if (this.#olderBytes.length >= FILES_KEPT) this.#markOldest();
  }

  #markOldest(): void {
    const gone = this.#olderBytes.pop()!;
    this.#goneBytes += this.#goneBytes === 0 ? gone : gone - HEADER_BYTES;
    const oldest = `${this.#directory}/${RUN_FILES.output}.${String(FILES_KEPT - 1)}`;
    const fd = this.#files.openSync(oldest, 'r+');
    try {
      const bytes = headerLine(`${String(this.#goneBytes)} bytes before this one were dropped`);
      writeFully(this.#files, fd, { bytes, offset: 0 });
    } finally {
      this.#files.closeSync(fd);
    }
  }
}

const headerLine = (text: string): Buffer => Buffer.from(`${`[conductor: ${text}]`.padEnd(HEADER_BYTES - 1)}\n`);

const renameIfThere = (files: FilePort, from: string, to: string): void => {
  try {
    files.renameSync(from, to);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new ConductorError('internal', `${from} cannot be rotated`, { cause });
  }
};
