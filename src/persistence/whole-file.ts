/**
 * Files that are written whole: whoever reads one, also after a crash, sees the old or the new content and nothing between.
 *
 * F1. Content, then name, then directory reach the disk, in that order, before the promise resolves.
 * F2. A kill may leave a draft `<name>.<digits>` beside the file; nobody reads drafts, and `sweepDrafts` takes them away.
 */
import { closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ConductorError } from '../machines/errors.ts';

const DRAFT_NAME = /\.\d{1,10}$/;

/** Writes by several callers to one path follow one another. @param options.mode Default 0600. */
export const writeWholeFile = async (
  path: string,
  data: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> => {
  const mode = options.mode ?? 0o600;
  // The library writes with one call and does not look how much of it arrived: on a nearly full disk that is half a file.
  // What writes here goes on to the end or fails.
  const write = (draft: string): Promise<void> => writeFile(draft, data, { mode });
  await writeFileAtomic(path, '', { mode, tmpfileCreated: write as (draft: string) => void });
  syncDirectory(dirname(path));
};

/**
 * @returns what the file holds, unchecked; null when it does not exist.
 * @throws ConductorError `internal` when it is no JSON: our own files are written whole, so somebody else wrote it.
 */
export const readJsonFile = async (path: string): Promise<unknown> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ConductorError('internal', `${path} is no JSON. Move it away; it is written again when it is needed.`, {
      cause,
      details: { path },
    });
  }
};

/** Makes names in a directory durable: created, renamed, removed ones. */
export const syncDirectory = (folder: string): void => {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Removes what killed writers left of one file. Only for its one writer, while it writes nothing. */
export const sweepDrafts = (path: string): void => {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    const draft = join(folder, name);
    if (draft.startsWith(`${path}.`) && DRAFT_NAME.test(draft.slice(path.length))) rmSync(draft, { force: true });
  }
};
