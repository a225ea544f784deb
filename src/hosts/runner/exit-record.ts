/**
 * `exit.json`, the runner's last word: written whole under another name, synced, then renamed.
 *
 * X1. Its room on the disk is taken when the runner starts, so that a full disk cannot refuse it later.
 */
import { RUN_FILES } from '../../supervisor/runners/contract.ts';
import type { ExitRecord } from '../../supervisor/runners/protocol.ts';
import { syncDirectory, writeFully, type FilePort } from './file-port.ts';

/** More than any record has. */
const ROOM_BYTES = 2_048;

export class ExitRecordFile {
  readonly #directory: string;
  readonly #path: string;
  readonly #draft: string;
  readonly #files: FilePort;
  readonly #fd: number;

  constructor(
    place: { readonly directory: string; readonly epoch: number; readonly instance: string },
    files: FilePort,
  ) {
    this.#directory = place.directory;
    this.#path = `${place.directory}/${RUN_FILES.exit(place.epoch)}`;
    this.#draft = `${this.#path}.${place.instance}`;
    this.#files = files;
    this.#fd = files.openSync(this.#draft, 'w', 0o600);
    try {
      writeFully(files, this.#fd, { bytes: Buffer.alloc(ROOM_BYTES, ' '), offset: 0 });
    } catch {
      // No room now: perhaps there is some at the end, and the spool has all of it anyway.
    }
  }

  /** There will be no last word. */
  discard(): void {
    this.#files.closeSync(this.#fd);
    this.#files.unlinkSync(this.#draft);
  }

  /** @returns false when the disk refused; the spool then has the last word. */
  write(record: ExitRecord): boolean {
    try {
      const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
      writeFully(this.#files, this.#fd, { bytes, offset: 0 });
      this.#files.ftruncateSync(this.#fd, bytes.length);
      this.#files.fsyncSync(this.#fd);
      this.#files.closeSync(this.#fd);
      this.#files.renameSync(this.#draft, this.#path);
      syncDirectory(this.#files, this.#directory);
      return true;
    } catch (error) {
      process.stderr.write(`conductor runner: ${this.#path} cannot be written: ${String(error)}\n`);
      return false;
    }
  }
}
