/**
 * Whether a program can be executed at all, found out before anything is started: afterwards an exit code 127 could be the
 * program's own.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { CommandLine } from '../../supervisor/runners/contract.ts';

export type FoundProgram =
  | { readonly kind: 'found'; readonly file: string; readonly args: readonly string[] }
  | {
      readonly kind: 'missing';
      readonly error: 'not_found' | 'not_executable' | 'no_directory';
      readonly what: string;
    };

/** execvp(3) looks here when PATH is not set. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** @param place `path` is the PATH of the program's own environment. */
export const findProgram = (
  command: CommandLine,
  place: { readonly cwd: string; readonly path: string | undefined },
): FoundProgram => {
  if (statSync(place.cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { kind: 'missing', error: 'no_directory', what: place.cwd };
  }
  if (typeof command === 'string') return { kind: 'found', file: '/bin/sh', args: ['-c', command] };
  const [name = '', ...args] = command;
  const candidates = name.includes('/')
    ? [isAbsolute(name) ? name : resolve(place.cwd, name)]
    : (place.path ?? DEFAULT_PATH).split(':').map((directory) => resolve(place.cwd, directory, name));
  const files = name === '' ? [] : candidates.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  const file = files.find(isExecutable);
  if (file !== undefined) return { kind: 'found', file, args };
  return { kind: 'missing', error: files.length > 0 ? 'not_executable' : 'not_found', what: name };
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
