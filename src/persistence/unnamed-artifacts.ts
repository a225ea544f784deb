/**
 * Copies of evidence that no row names any more: taken away without ever taking one that somebody has just stored.
 *
 * U1. A copy goes when no artifact has its hash and nobody has stored the same bytes for `graceMs`: its row may be on its way.
 * U2. It is moved aside before it goes, and looked at again there: whoever stored the same bytes meanwhile either made it young,
 *     and it comes back, or found the name free.
 * U3. What was moved aside when the process died comes back with the next start, before anybody reads.
 */
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { artifactPath, isContentHash } from './artifact-files.ts';

/** Longer than an effect takes from storing a copy to committing its row, retries and a full disk included, in ms. */
export const ARTIFACT_GRACE_MS = 86_400_000;

const ASIDE = 'aside';
/** Hashes that the store is asked about at one time. */
const HASHES_PAGE = 500;

export type Removal = {
  readonly artifacts: string;
  /** Wall clock, as the files have it. */
  readonly now: number;
  /** Those of these hashes that an artifact has. */
  readonly named: (hashes: readonly string[]) => Promise<ReadonlySet<string>>;
};

/** U1, U2. @returns what went: its hashes, and bytes altogether. */
export const removeUnnamed = async (
  { artifacts, now, named }: Removal,
  hashes: readonly string[],
): Promise<{ readonly removed: readonly string[]; readonly bytes: number }> => {
  const removed: string[] = [];
  let bytes = 0;
  const before = now - ARTIFACT_GRACE_MS;
  for (let first = 0; first < hashes.length; first += HASHES_PAGE) {
    const old: string[] = [];
    for (const hash of hashes.slice(first, first + HASHES_PAGE)) {
      if (await isOlder(artifactPath(artifacts, hash), before)) old.push(hash);
    }
    const kept = old.length === 0 ? new Set() : await named(old);
    for (const hash of old) {
      const size = kept.has(hash) ? null : await remove(artifacts, hash, before);
      if (size === null) continue;
      removed.push(hash);
      bytes += size;
    }
  }
  return { removed, bytes };
};

/** The hashes of one of the 256 folders that copies stand in. */
export const artifactsInFolder = async (artifacts: string, folder: number): Promise<readonly string[]> => {
  const name = folder.toString(16).padStart(2, '0');
  return (await namesIn(join(artifacts, name))).filter(isContentHash);
};

/** U3. Only for the owner, before it stores or reads anything. */
export const bringBackAside = async (artifacts: string): Promise<void> => {
  for (const hash of await namesIn(join(artifacts, ASIDE))) {
    if (isContentHash(hash)) await comeBack(artifacts, hash);
  }
};

/** @returns its size, null when it stays or is not there. */
const remove = async (artifacts: string, hash: string, before: number): Promise<number | null> => {
  const aside = join(artifacts, ASIDE, hash);
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  const found = await rename(artifactPath(artifacts, hash), aside).then(
    () => true,
    () => false,
  );
  if (!found) return null;
  const { size } = await stat(aside);
  if (await isOlder(aside, before)) {
    await rm(aside, { force: true });
    return size;
  }
  await comeBack(artifacts, hash);
  return null;
};

/** Under its name again, or away when the same bytes have it meanwhile. */
const comeBack = async (artifacts: string, hash: string): Promise<void> => {
  const aside = join(artifacts, ASIDE, hash);
  try {
    await link(aside, artifactPath(artifacts, hash));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await rm(aside, { force: true });
};

const isOlder = async (path: string, before: number): Promise<boolean> => {
  const found = await stat(path).catch(() => null);
  return found !== null && found.mtimeMs < before;
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};
