/** Finds what the generated tests exercised: of the program that runs, else of the repository it works on. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownPackage } from './own-package.ts';

/** A file of this size would be somebody else's, in bytes; ours has about 50 KiB. */
const BYTES_MAX = 2 * 1_048_576;

/** null where there is none: a published package has no tests. */
export const coverageText = async (repoRoot: string): Promise<string | null> => {
  for (const root of [ownPackage().root, repoRoot]) {
    const data = await readFile(join(root, 'coverage', 'machines.json')).catch(() => null);
    if (data !== null && data.byteLength <= BYTES_MAX) return data.toString('utf8');
  }
  return null;
};
