/**
 * The file of an archived objective: one JSON record a line, packed with gzip, so that `zcat` and `jq` read it without us.
 *
 * F1. The file has its name only when it is whole, on the disk, and was read back: same bytes, every line a record.
 * F2. A file under this name that no index row names is what a crash left; it is written anew.
 */
import { createHash } from 'node:crypto';
import { createReadStream, renameSync } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline as pump, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { ConductorError } from '../machines/errors.ts';
import { syncDirectory } from './whole-file.ts';

/** The first record is `archive`, the last one `end` with the number of records between them. */
export type ArchiveRecord = { readonly kind: string; readonly [field: string]: unknown };

export type WrittenArchive = {
  readonly bytes: number;
  /** SHA-256 of what it unpacks to, lower-case hex. */
  readonly sha256: string;
};

/** @throws ConductorError `internal` when what was read back is not what was written; what the file system throws. */
export const writeArchive = async (
  path: string,
  records: AsyncIterable<readonly ArchiveRecord[]>,
): Promise<WrittenArchive> => {
  const draft = `${path}.draft`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const hash = createHash('sha256');
    let count = 0;
    const lines = async function* (): AsyncGenerator<Buffer> {
      for await (const page of records) {
        const text = Buffer.from(page.map((record) => `${JSON.stringify(record)}\n`).join(''));
        count += page.length;
        hash.update(text);
        yield text;
      }
    };
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await pipeline(Readable.from(lines()), createGzip(), async (packed: AsyncIterable<Buffer>) => {
        // Goes on until all of it is written; `write` may stop in the middle.
        for await (const part of packed) await handle.writeFile(part);
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    const written = { sha256: hash.digest('hex'), count };
    const found = await readBack(draft);
    if (found.sha256 !== written.sha256 || found.count !== written.count) {
      throw new ConductorError('internal', `${draft} does not hold what was written; nothing was archived.`, {
        details: { path, records: written.count, found: found.count },
      });
    }
    const { size } = await stat(draft);
    renameSync(draft, path);
    syncDirectory(dirname(path));
    return { bytes: size, sha256: written.sha256 };
  } finally {
    await rm(draft, { force: true });
  }
};

/** The records of an archive, in the order in which they were written. @throws for a file that is no archive, or not whole. */
export async function* readArchive(path: string): AsyncGenerator<ArchiveRecord> {
  const unpacked = createGunzip();
  // An error of either stream comes out of the iteration.
  pump(createReadStream(path), unpacked, () => undefined);
  for await (const line of linesOf(unpacked)) yield JSON.parse(line) as ArchiveRecord;
}

/** F1. Every line is parsed: a record that cannot be read is found now, while the store still has it. */
const readBack = async (path: string): Promise<{ readonly sha256: string; readonly count: number }> => {
  const hash = createHash('sha256');
  let count = 0;
  await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const line of linesOf(chunks)) {
      JSON.parse(line);
      hash.update(`${line}\n`);
      count += 1;
    }
  });
  return { sha256: hash.digest('hex'), count };
};

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') throw new ConductorError('internal', 'An archive ends in the middle of a record.');
}
