/**
 * What a run printed, from its files: `output.log`, older ones beside it as `.1` to `.3`, and for each an index that says when and on
 * which stream a piece came.
 *
 * G1. Files are read oldest first, each from its beginning to its end, also while they are being written and rotated.
 * G2. A file that was dropped before it was read is named by the marker that stands where its bytes were.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../../supervisor/runners/contract.ts';

export type LogPiece = { readonly at: number; readonly stream: string; readonly bytes: Buffer };

/** Files beside the newest. */
const OLDER_MAX = 3;
const CHUNK_BYTES = 65_536;
/** The line that only says «goes on from the file before». */
const CONTINUES = Buffer.from('[conductor: continues from the file before]');
const HEADER_BYTES = 80;

type IndexLine = { readonly offset: number; readonly at: number; readonly stream: string };
type LogFile = {
  readonly log: FileHandle;
  readonly index: FileHandle | null;
  readonly inode: number;
  position: number;
  indexPosition: number;
  indexRest: string;
  readonly lines: IndexLine[];
};

/**
 * @param pause waits a moment for more; resolves false when nothing more will come. Null: what is there now, then the end.
 */
export async function* readRunLog(directory: string, pause: (() => Promise<boolean>) | null): AsyncGenerator<LogPiece> {
  let file = await openOldest(directory);
  try {
    for (let goesOn = true; ;) {
      if (file !== null) {
        yield* readFile(file);
        const next = await openNext(directory, file.inode);
        if (next !== null) {
          // What was written between our last read and the rotation.
          yield* readFile(file);
          await closeFile(file);
          file = next;
          continue;
        }
      }
      if (!goesOn || pause === null) return;
      goesOn = await pause();
      file ??= await openOldest(directory);
    }
  } finally {
    if (file !== null) await closeFile(file);
  }
}

const nameOf = (name: string, age: number): string => (age === 0 ? name : `${name}.${String(age)}`);

const openOldest = async (directory: string): Promise<LogFile | null> => {
  for (let age = OLDER_MAX; age >= 0; age -= 1) {
    const file = await openFile(directory, age);
    if (file !== null) return file;
  }
  return null;
};

/** The file written after the one with this inode; null while that is the newest. */
const openNext = async (directory: string, inode: number): Promise<LogFile | null> => {
  for (let age = 0; age <= OLDER_MAX; age += 1) {
    const file = await openFile(directory, age);
    if (file === null) continue;
    const isSame = file.inode === inode;
    await closeFile(file);
    if (isSame) return age === 0 ? null : openFile(directory, age - 1);
  }
  // Rotated away while we were reading it: the oldest says what is missing (G2).
  return openOldest(directory);
};

const openFile = async (directory: string, age: number): Promise<LogFile | null> => {
  const log = await openIfThere(join(directory, nameOf(RUN_FILES.output, age)));
  if (log === null) return null;
  const index = await openIfThere(join(directory, nameOf(RUN_FILES.outputIndex, age)));
  const { ino } = await log.stat();
  return { log, index, inode: ino, position: 0, indexPosition: 0, indexRest: '', lines: [] };
};

const openIfThere = async (path: string): Promise<FileHandle | null> => {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

const closeFile = async ({ log, index }: LogFile): Promise<void> => {
  await log.close();
  await index?.close();
};

async function* readFile(file: LogFile): AsyncGenerator<LogPiece> {
  for (;;) {
    const bytes = await readChunk(file.log, file.position);
    if (bytes.length === 0) return;
    // After the bytes: a piece's line is written before its bytes are.
    await readIndex(file);
    yield* piecesOf(file, bytes);
    file.position += bytes.length;
  }
}

const readChunk = async (handle: FileHandle, position: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
  return buffer.subarray(0, bytesRead);
};

const readIndex = async (file: LogFile): Promise<void> => {
  if (file.index === null) return;
  for (;;) {
    const bytes = await readChunk(file.index, file.indexPosition);
    if (bytes.length === 0) return;
    file.indexPosition += bytes.length;
    const lines = (file.indexRest + bytes.toString('latin1')).split('\n');
    file.indexRest = lines.pop() ?? '';
    for (const line of lines) {
      const parsed = indexLine(line);
      if (parsed !== null) file.lines.push(parsed);
    }
  }
};

const indexLine = (line: string): IndexLine | null => {
  try {
    const [offset, at, stream] = JSON.parse(line) as readonly unknown[];
    if (typeof offset !== 'number' || typeof at !== 'number' || typeof stream !== 'string') return null;
    return { offset, at, stream };
  } catch {
    // A line torn by a full disk costs a time, never bytes.
    return null;
  }
};

/** Cut where the index says that time or stream changes. */
function* piecesOf(file: LogFile, bytes: Buffer): Generator<LogPiece> {
  const start = file.position;
  const end = start + bytes.length;
  let from = start;
  while (from < end) {
    const current = file.lines.findLast(({ offset }) => offset <= from) ?? { at: 0, stream: 'out' };
    const next = file.lines.find(({ offset }) => offset > from)?.offset ?? end;
    const until = Math.min(next, end);
    const piece = bytes.subarray(from - start, until - start);
    const isHeader = from === 0 && piece.subarray(0, CONTINUES.length).equals(CONTINUES);
    const shown = isHeader ? piece.subarray(HEADER_BYTES) : piece;
    if (shown.length > 0) yield { at: current.at, stream: current.stream, bytes: shown };
    from = until;
  }
}
