/**
 * Opens a file that somebody else named, without leaving the directory it belongs to.
 *
 * N1. A name that is absolute, has `..`, or leads outside through links is an error: somebody tried.
 * N2. Only regular files are opened; a pipe or a device would hang or never end.
 * N3. What was checked is what is read: the open file is compared with the path that was checked.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { ConductorError } from '../machines/errors.ts';

/** `absent`: an everyday outcome, with a sentence for people. */
export type ContainedFile =
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly bytes: number }
  | { readonly kind: 'absent'; readonly diagnostic: string };

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * @param ref Relative to `root`. With a scheme (`https:`, `file:`) it is external, and never fetched.
 * @throws ConductorError `invalid_params` for a name that leads outside (N1).
 */
export const openContained = async (root: string, ref: string): Promise<ContainedFile> => {
  if (SCHEME.test(ref)) return absent(`${ref} is outside and not fetched.`);
  assertContained(ref);
  let realRoot: string;
  let path: string;
  let found: Stats;
  try {
    realRoot = await realpath(root);
    path = await realpath(resolve(realRoot, ref));
    if (!isInside(realRoot, path)) throw outside(ref);
    // It may be renamed away in between, as a log that is rotated.
    found = await lstat(path);
  } catch (error) {
    if (isMissing(error)) return absent(`${ref} does not exist.`);
    throw error;
  }
  if (!found.isFile()) return absent(`${ref} is not a file.`);
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return absent(`${ref} does not exist.`);
    throw error;
  }
  const opened = await handle.stat();
  if (opened.isFile() && opened.ino === found.ino && opened.dev === found.dev) {
    return { kind: 'file', handle, bytes: opened.size };
  }
  await handle.close();
  return absent(`${ref} was replaced while it was opened.`);
};

/** @throws ConductorError `invalid_params` for a name that leads outside by itself, before any file is looked at. */
export const assertContained = (ref: string): void => {
  if (ref === '' || ref.includes('\0') || isAbsolute(ref) || ref.split(/[\\/]/).includes('..')) throw outside(ref);
};

const isInside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');

const absent = (diagnostic: string): ContainedFile => ({ kind: 'absent', diagnostic });

const outside = (ref: string): ConductorError =>
  new ConductorError('invalid_params', `"${ref}" leads outside. Name a file by its relative path without "..".`, {
    details: { ref },
  });
