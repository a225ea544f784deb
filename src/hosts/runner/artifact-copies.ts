/**
 * Copies the files that children show as evidence: worktrees go, what was shown stays.
 *
 * F1. Only a regular file inside the worktree or the artifacts directory, reached without a symbolic link at its end.
 * F2. The copy is redacted while it is written, and has a name of ours: no path of a child's choosing is ever written to.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, sep } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { ReportedArtifact, ShownFile } from '../../supervisor/runners/protocol.ts';
import { StreamRedactor, type SecretSet } from '../../supervisor/runners/redaction.ts';

/** Largest file, in bytes, and how many a run may show. */
const FILE_BYTES_MAX = 16_777_216;
const FILES_MAX = 64;
const CHUNK_BYTES = 262_144;
const NAME_CHARS_MAX = 80;

export type ArtifactPlace = {
  readonly worktreePath: string;
  readonly artifactsDirectory: string;
  readonly secrets: SecretSet;
};

export class ArtifactCopies {
  readonly #place: ArtifactPlace;
  #taken = 0;

  constructor(place: ArtifactPlace) {
    this.#place = place;
  }

  /** All of them or none counts for the caller. @throws invalid_params, too_large, limit_reached with the path and the way out. */
  async take(files: readonly ShownFile[]): Promise<readonly ReportedArtifact[]> {
    if (this.#taken + files.length > FILES_MAX) {
      throw new ConductorError(
        'limit_reached',
        `a run may show ${String(FILES_MAX)} files; put several into one archive`,
      );
    }
    this.#taken += files.length;
    const artifacts: ReportedArtifact[] = [];
    for (const file of files) artifacts.push(await this.#copy(file));
    return artifacts;
  }

  async #copy({ type, path }: ShownFile): Promise<ReportedArtifact> {
    const source = this.#open(path);
    try {
      const { name, fd } = this.#create(path);
      try {
        return { type, name, bytes: await this.#pour(source, fd) };
      } catch (error) {
        unlinkSync(`${this.#place.artifactsDirectory}/${name}`);
        throw error;
      } finally {
        closeSync(fd);
      }
    } finally {
      closeSync(source);
    }
  }

  #open(path: string): number {
    const refuse = (why: string): ConductorError => new ConductorError('invalid_params', `artifact ${path} ${why}`);
    if (!isAbsolute(path) || path.includes('\0')) throw refuse('must be an absolute path');
    let fd: number;
    let real: string;
    try {
      real = `${realpathSync(dirname(path))}${sep}${basename(path)}`;
      // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
      fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw refuse(
        code === 'ELOOP' ? 'is a symbolic link; show the file itself' : `cannot be read (${code ?? 'unknown'})`,
      );
    }
    try {
      const { worktreePath, artifactsDirectory } = this.#place;
      const inside = [worktreePath, artifactsDirectory].some((root) => real.startsWith(`${realpathSync(root)}${sep}`));
      if (!inside) throw refuse('lies outside of the worktree and of CONDUCTOR_ARTIFACTS');
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw refuse('is no regular file');
      // The directory may have been exchanged between the look and the opening.
      const named = lstatSync(real);
      if (named.ino !== stat.ino || named.dev !== stat.dev) throw refuse('was exchanged while it was looked at');
      if (stat.size > FILE_BYTES_MAX) throw tooLarge(path, stat.size);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #create(path: string): { readonly name: string; readonly fd: number } {
    const tame = basename(path)
      .replaceAll(/[^A-Za-z0-9._-]/g, '_')
      .slice(-NAME_CHARS_MAX);
    for (let number = 1; ; number += 1) {
      const name = `${String(number).padStart(2, '0')}-${tame}`;
      try {
        return { name, fd: openSync(`${this.#place.artifactsDirectory}/${name}`, 'wx', 0o600) };
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue;
        const message = `${this.#place.artifactsDirectory} cannot take ${name}`;
        throw new ConductorError('store_full', message, { retryable: true, cause });
      }
    }
  }

  async #pour(from: number, to: number): Promise<number> {
    const redactor = new StreamRedactor(this.#place.secrets);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let read = 0;
    let written = 0;
    const put = (bytes: Buffer): void => {
      let done = 0;
      while (done < bytes.length) done += writeSync(to, bytes, done);
      written += bytes.length;
    };
    for (let count = readSync(from, chunk); count > 0; count = readSync(from, chunk)) {
      read += count;
      if (read > FILE_BYTES_MAX) throw tooLarge('that is still growing', read);
      put(redactor.push(Buffer.from(chunk.subarray(0, count))));
      // The agent's output and the supervisor are not kept waiting for 16 MiB.
      await new Promise((resolve) => setImmediate(resolve));
    }
    put(redactor.flush());
    return written;
  }
}

const tooLarge = (path: string, bytes: number): ConductorError =>
  new ConductorError(
    'too_large',
    `artifact ${path} has ${String(bytes)} bytes, at most ${String(FILE_BYTES_MAX)} are copied`,
  );
