/**
 * Which contents of a repository's configuration a human allowed: `trust.json` in the project's home.
 *
 * T1. Trust is given to a content hash, once; any other content, however similar, is not trusted.
 * T2. A file that cannot be read trusts nothing; it is never overwritten with less than it held.
 */
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ConductorError } from '../machines/errors.ts';

/** Contents that stay trusted; the oldest beyond it are forgotten. */
const TRUSTED_MAX = 1_000;
const HASH = /^[0-9a-f]{64}$/;

export type Trusted = { readonly hash: string; /** ms since the epoch. */ readonly at: number };

export interface TrustFile {
  isTrusted(hash: string): Promise<boolean>;
  /** Also when it is trusted already. @throws ConductorError `store_damaged` when the file is there and cannot be read. */
  trust(hash: string, at: number): Promise<void>;
  /** Oldest first. */
  list(): Promise<readonly Trusted[]>;
}

/** @param home the project's home; it must exist before `trust` is called. */
export const openTrust = (home: string): TrustFile => {
  const path = join(home, 'trust.json');
  return {
    isTrusted: async (hash) => ((await readTrusted(path)) ?? []).some((one) => one.hash === hash),
    list: async () => (await readTrusted(path)) ?? [],
    trust: async (hash, at) => {
      if (!HASH.test(hash)) throw new ConductorError('invalid_params', 'hash must be a SHA-256 in lower-case hex');
      const trusted = await readTrusted(path);
      if (trusted === null) {
        throw new ConductorError('store_damaged', `${path} cannot be read: move it away, then trust again`, {
          details: { path },
        });
      }
      if (trusted.some((one) => one.hash === hash)) return;
      const kept = [...trusted, { hash, at }].slice(-TRUSTED_MAX);
      await writeFileAtomic(path, `${JSON.stringify({ schemaVersion: 1, trusted: kept }, null, 2)}\n`, { mode: 0o600 });
      await syncDirectory(dirname(path));
    },
  };
};

/** @returns null for a file that is there and makes no sense. */
const readTrusted = async (path: string): Promise<readonly Trusted[] | null> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null;
  }
  try {
    const { schemaVersion, trusted } = JSON.parse(text) as { schemaVersion?: unknown; trusted?: unknown };
    return schemaVersion === 1 && Array.isArray(trusted) && trusted.every(isTrusted) ? trusted : null;
  } catch {
    // Not JSON: the same as a file of another shape.
    return null;
  }
};

const isTrusted = (value: unknown): value is Trusted =>
  typeof value === 'object' &&
  value !== null &&
  HASH.test(String((value as Partial<Trusted>).hash)) &&
  typeof (value as Partial<Trusted>).at === 'number';

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};
