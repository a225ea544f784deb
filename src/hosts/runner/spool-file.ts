/**
 * Writes a runner's spool: every entry is on disk before anybody is told about it.
 *
 * S1. 1 MiB is reserved at the start, as zero bytes that are overwritten. Ordinary entries leave `RESERVE_BYTES` of it alone, so
 *     that a completion, a gate and the agent's end fit on a full disk. (A copy-on-write file system may refuse even that.)
 * S2. A failed write is no entry: the next one takes its place. A failed sync is never tried again; the spool takes nothing more.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { SpoolEntry } from '../../supervisor/runners/protocol.ts';
import { encodeSpoolEntry } from '../../supervisor/runners/spool.ts';
import { writeFully, type FilePort } from './file-port.ts';

/** What is reserved at a time, in bytes. */
const STEP_BYTES = 1_048_576;
const PIECE_BYTES = 65_536;
/** Kept for entries that must not fail: eight of the largest. */
const RESERVE_BYTES = 524_288;
/** A child that reports for days while the supervisor is away must not fill the disk. */
const SPOOL_BYTES_MAX = 268_435_456;

/** Where an entry lies, to read it again. */
export type SpoolPlace = { readonly seq: number; readonly offset: number; readonly length: number };

export class SpoolFile {
  readonly #path: string;
  readonly #files: FilePort;
  readonly #fd: number;
  #end = 0;
  #size = 0;
  #broken = false;

  /** Makes the file; there must be none, for an epoch has one runner. @throws store_full when nothing can be reserved. */
  constructor(path: string, files: FilePort) {
    this.#path = path;
    this.#files = files;
    this.#fd = files.openSync(path, 'wx+', 0o600);
    if (!this.#grow()) throw this.#full(null);
  }

  /** @param vital May use the reserve. @throws store_full; the entry is not in the spool then. */
  append(entry: SpoolEntry, vital: boolean): SpoolPlace {
    const bytes = encodeSpoolEntry(entry);
    const room = (): boolean => this.#end + bytes.length + (vital ? 0 : RESERVE_BYTES) <= this.#size;
    if (this.#broken || (!room() && !this.#grow() && !room())) throw this.#full(null);
    try {
      writeFully(this.#files, this.#fd, { bytes, offset: this.#end });
    } catch (cause) {
      throw this.#full(cause);
    }
    try {
      this.#files.fdatasyncSync(this.#fd);
    } catch (cause) {
      this.#broken = true;
      throw this.#full(cause);
    }
    const place = { seq: entry.seq, offset: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return place;
  }

  read({ offset, length }: SpoolPlace): SpoolEntry {
    const bytes = Buffer.alloc(length);
    this.#files.readSync(this.#fd, bytes, 0, length, offset);
    return JSON.parse(bytes.toString('utf8')) as SpoolEntry;
  }

  /** Gives back what was reserved. */
  close(): void {
    try {
      this.#files.ftruncateSync(this.#fd, this.#end);
    } catch {
      // The zero bytes behind the last line are no content (spool.ts, P3).
    }
    this.#files.closeSync(this.#fd);
  }

  #grow(): boolean {
    if (this.#size + STEP_BYTES > SPOOL_BYTES_MAX) return false;
    try {
      // In small pieces: a buffer of the whole step would stay in every idle runner's memory until it is collected.
      const bytes = Buffer.alloc(PIECE_BYTES);
      for (let done = 0; done < STEP_BYTES; done += PIECE_BYTES) {
        writeFully(this.#files, this.#fd, { bytes, offset: this.#size + done });
      }
    } catch {
      return false; // The caller says so when even the reserve does not do.
    }
    this.#size += STEP_BYTES;
    return true;
  }

  #full(cause: unknown): ConductorError {
    return new ConductorError('store_full', `${this.#path} cannot take another report; free some disk space`, {
      retryable: true,
      ...(cause === null ? {} : { cause }),
    });
  }
}
