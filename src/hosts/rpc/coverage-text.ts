/** Finds what the generated tests exercised: as they were run here last, else as the package keeps it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownPackage, pageFolder } from './own-package.ts';

/** A file of this size would be somebody else's, in bytes; ours has about 50 KiB. */
const BYTES_MAX = 2 * 1_048_576;

/** Beside the page, because it is shown there and goes where the page goes. */
const KEPT = 'machine-coverage.json';

/** null where there is none: neither tests nor a page. */
export const coverageText = async (repoRoot: string): Promise<string | null> => {
  const measured = [ownPackage().root, repoRoot].map((root) => join(root, 'coverage', 'machines.json'));
  const page = pageFolder();
  for (const path of [...measured, ...(page === null ? [] : [join(page, KEPT)])]) {
    const data = await readFile(path).catch(() => null);
    if (data !== null && data.byteLength <= BYTES_MAX) return data.toString('utf8');
  }
  return null;
};
