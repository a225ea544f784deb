/**
 * Evidence of what was archived: `<archive>/<subject>.artifacts/<sha256>.gz`, each copy packed by itself, so that one is read
 * without the others and `zcat` reads it without us.
 *
 * G1. A file has its name only when it is whole, on the disk, and was read back: it unpacks to the bytes its name is the hash of.
 * G2. Files of a subject that no index row names are what a crash left; those that are there are not written again.
 */
import { createHash } from 'node:crypto';
import { createReadStream, renameSync } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline as pump } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { ConductorError } from '../machines/errors.ts';
import { readArchive } from './archive-file.ts';
import type { ArchiveRow } from './archive-row.ts';
import { artifactPath } from './artifact-files.ts';
import { syncDirectory } from './whole-file.ts';
import type { ArtifactRow } from './store.ts';

/** Name of the directory beside the archive's file. */
export const evidenceNameOf = (subjectId: string): string => `${subjectId}.artifacts`;

const fileOf = (archive: string, subjectId: string, sha256: string): string =>
  join(archive, evidenceNameOf(subjectId), `${sha256}.gz`);

export type ArchivedPlace = {
  /** Directory of the project's artifacts. */
  readonly artifacts: string;
  /** Directory of the project's archive. */
  readonly archive: string;
};

/**
 * Packs copies of all these; what has no copy any more is left out.
 * @throws ConductorError `store_damaged` for a copy that is not what its name says; what the file system throws.
 */
export const keepArchived = async (
  { artifacts, archive }: ArchivedPlace,
  subjectId: string,
  hashes: ReadonlySet<string>,
): Promise<void> => {
  if (hashes.size === 0) return;
  const folder = join(archive, evidenceNameOf(subjectId));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const sha256 of hashes) {
    const to = fileOf(archive, subjectId, sha256);
    if (!(await isThere(to))) await pack(artifactPath(artifacts, sha256), to, sha256);
  }
  syncDirectory(folder);
  syncDirectory(archive);
};

/** The artifact's row and at most `maxBytes` from the beginning of its copy; null when the archive has no such artifact. */
export const readArchivedArtifact = async (
  archive: string,
  { subjectId, file }: ArchiveRow,
  wanted: { readonly artifactId: string; readonly maxBytes: number },
): Promise<{ readonly row: ArtifactRow; readonly data: Uint8Array | null } | null> => {
  const row = await rowIn(join(archive, file), wanted.artifactId);
  if (row === null) return null;
  return { row, data: await unpackBeginning(fileOf(archive, subjectId, row.sha256), wanted.maxBytes) };
};

/** Artifacts stand before the journal: the rest of the file is not read. */
const rowIn = async (path: string, artifactId: string): Promise<ArtifactRow | null> => {
  for await (const record of readArchive(path)) {
    if (record.kind === 'entry') return null;
    const { artifact } = record as { readonly artifact?: ArtifactRow };
    if (record.kind === 'artifact' && artifact?.artifactId === artifactId) return artifact;
  }
  return null;
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const pack = async (from: string, to: string, sha256: string): Promise<void> => {
  if (!(await isThere(from))) return;
  const draft = `${to}.draft`;
  try {
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await pipeline(createReadStream(from), createGzip(), async (packed: AsyncIterable<Buffer>) => {
        // Goes on until all of it is written; `write` may stop in the middle.
        for await (const part of packed) await handle.writeFile(part);
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(draft), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
    if (hash.digest('hex') !== sha256) {
      throw new ConductorError('store_damaged', `${from} is not what its name says; nothing was archived.`, {
        details: { path: from },
      });
    }
    renameSync(draft, to);
  } finally {
    await rm(draft, { force: true });
  }
};

/** null when it is not there. @throws for a file that is damaged. */
const unpackBeginning = async (path: string, maxBytes: number): Promise<Uint8Array | null> => {
  if (!(await isThere(path))) return null;
  const unpacked = createGunzip();
  // An error of either stream comes out of the iteration.
  pump(createReadStream(path), unpacked, () => undefined);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    parts.push(chunk.subarray(0, maxBytes - bytes));
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(parts);
};
