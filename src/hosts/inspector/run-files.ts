/**
 * Bytes of a run's output and recording, straight from its files.
 *
 * F1. A path is made from a checked run id and fixed names; what leads out of the run's directory through a link is not read.
 * F2. Places in the log count everything the run printed, also what was dropped with older files: a place means the same bytes
 *     for ever. Headers that only join two files are not counted and not given.
 * F3. Files that are rotated while they are opened are opened again: an answer is one stretch, without gap or repeat.
 */
import { existsSync } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import { idPattern } from '../../machines/ids.ts';
import { openContained } from '../../persistence/contained-file.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import { RUN_FILES } from '../../supervisor/runners/contract.ts';
import { PIECE_BYTES_MAX } from './protocol.ts';

/** Files beside the newest. */
const OLDER_MAX = 3;
/** Tries while files are being rotated: each rotation takes a full file of output. */
const OPEN_TRIES = 20;
/** An oldest file that does not say how much was dropped is being marked, or its runner died before it could. */
const UNMARKED_TRIES = 3;
/** Bytes of the line that every file but the first begins with. */
const HEADER_BYTES = 80;
const CONTINUES = /^\[conductor: continues from the file before\] *\n$/;
const DROPPED = /^\[conductor: (\d{1,15}) bytes before this one were dropped\] *\n$/;
const RUN_ID = new RegExp(idPattern('run'));

/** `from` < 0 counts from the end. */
export type Stretch = { readonly from: number; readonly max: number };
/** `from` may be later than asked for when what was there is gone; `size` is where the next byte will be. */
export type Piece = { readonly from: number; readonly size: number; readonly bytes: Buffer };

/** @throws ConductorError `invalid_params` for anything that is no run id; `not_found` when it has no files. */
export const runDirectory = (paths: ProjectHome, runId: unknown): string => {
  if (typeof runId !== 'string' || !RUN_ID.test(runId)) {
    throw new ConductorError('invalid_params', 'runId must be a run id: run- and 20 characters');
  }
  const directory = paths.runDirectory(runId);
  if (existsSync(directory)) return directory;
  throw new ConductorError('not_found', `${runId} has left no files: it has not started, or was cleared away`, {
    details: { runId },
  });
};

/** A stretch of the log; empty at its end. */
export const readLogPiece = async (directory: string, stretch: Stretch): Promise<Piece> => {
  const parts = await openLog(directory);
  try {
    const start = parts[0]?.start ?? 0;
    const last = parts.at(-1);
    const size = last === undefined ? 0 : last.start + last.bytes;
    const from = placeOf(stretch.from, { start, size });
    const bytes: Buffer[] = [];
    for (let at = from, wanted = lengthOf(stretch.max); wanted > 0 && at < size;) {
      const part = parts.find((each) => at < each.start + each.bytes)!;
      const read = await readAt(
        part.handle,
        part.skip + at - part.start,
        Math.min(wanted, part.start + part.bytes - at),
      );
      if (read.length === 0) break;
      bytes.push(read);
      at += read.length;
      wanted -= read.length;
    }
    return { from, size, bytes: Buffer.concat(bytes) };
  } finally {
    await closeAll(parts);
  }
};

/** A stretch of the recording. @throws ConductorError `not_found` for a run without a terminal. */
export const readRecordingPiece = async (directory: string, stretch: Stretch): Promise<Piece> => {
  const found = await openContained(directory, RUN_FILES.recording);
  if (found.kind === 'absent') {
    throw new ConductorError('not_found', 'There is no recording: only runs with a terminal (pty, viewer) have one.');
  }
  try {
    const from = placeOf(stretch.from, { start: 0, size: found.bytes });
    const bytes = await readAt(found.handle, from, Math.min(lengthOf(stretch.max), found.bytes - from));
    return { from, size: found.bytes, bytes };
  } finally {
    await found.handle.close();
  }
};

const placeOf = (from: number, { start, size }: { readonly start: number; readonly size: number }): number =>
  Math.min(Math.max(from < 0 ? size + from : from, start), size);

const lengthOf = (max: number): number => Math.min(Math.max(max, 0), PIECE_BYTES_MAX);

/** `start`: the place of its first byte (F2); `skip`: bytes of its header. */
type LogPart = {
  readonly handle: FileHandle;
  /** It says that it goes on from another file, and not how much is before it. */
  readonly isUnmarked: boolean;
  readonly skip: number;
  readonly start: number;
  readonly bytes: number;
};
type OpenFile = { readonly handle: FileHandle; readonly age: number; readonly inode: number; readonly bytes: number };

/** Oldest first. */
const openLog = async (directory: string): Promise<readonly LogPart[]> => {
  for (let tries = 1; ; tries += 1) {
    const files: OpenFile[] = [];
    try {
      for (let age = OLDER_MAX; age >= 0; age -= 1) files.push(...(await openAge(directory, age)));
      const parts = await partsOf(files);
      const isWhole = parts[0]?.isUnmarked !== true || tries >= UNMARKED_TRIES;
      if (isWhole && (await areUnmoved(directory, files))) return parts;
      if (tries === OPEN_TRIES) throw new ConductorError('overloaded', 'The log moves too fast.', { retryable: true });
    } catch (error) {
      await closeAll(files);
      throw error;
    }
    await closeAll(files);
  }
};

const nameOf = (age: number): string => (age === 0 ? RUN_FILES.output : `${RUN_FILES.output}.${String(age)}`);

const openAge = async (directory: string, age: number): Promise<readonly OpenFile[]> => {
  const found = await openContained(directory, nameOf(age));
  if (found.kind === 'absent') return [];
  const { ino } = await found.handle.stat();
  return [{ handle: found.handle, age, inode: ino, bytes: found.bytes }];
};

/** Whether every name still stands for what was opened under it (F3). */
const areUnmoved = async (directory: string, files: readonly OpenFile[]): Promise<boolean> => {
  for (let age = OLDER_MAX; age >= 0; age -= 1) {
    const opened = files.find((file) => file.age === age)?.inode ?? null;
    if ((await inodeOf(join(directory, nameOf(age)))) !== opened) return false;
  }
  return true;
};

const inodeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

const partsOf = async (files: readonly OpenFile[]): Promise<readonly LogPart[]> => {
  const parts: LogPart[] = [];
  for (const { handle, bytes } of files) {
    const header = (await readAt(handle, 0, HEADER_BYTES)).toString('latin1');
    const dropped = DROPPED.exec(header)?.[1];
    const isUnmarked = CONTINUES.test(header);
    const skip = dropped !== undefined || isUnmarked ? HEADER_BYTES : 0;
    const before = parts.at(-1);
    const start = before === undefined ? Number(dropped ?? 0) : before.start + before.bytes;
    parts.push({ handle, isUnmarked, skip, start, bytes: bytes - skip });
  }
  return parts;
};

const readAt = async (handle: FileHandle, position: number, length: number): Promise<Buffer> => {
  if (length <= 0) return Buffer.alloc(0);
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};

const closeAll = async (files: readonly { readonly handle: FileHandle }[]): Promise<void> => {
  await Promise.all(files.map(({ handle }) => handle.close()));
};
