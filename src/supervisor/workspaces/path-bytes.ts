/**
 * File names are bytes. Inside this folder a path read from git is a `PathBytes`: a string with one character per byte
 * (latin1), which survives JSON, maps and comparisons without loss. Only what people see is decoded.
 */
import type { Brand } from '../../machines/ids.ts';

export type PathBytes = Brand<string, 'PathBytes'>;

export const bufferOfPath = (path: PathBytes): Buffer => Buffer.from(path, 'latin1');
/** For people and results; bytes that are not UTF-8 become U+FFFD. */
export const textOfPath = (path: PathBytes): string => Buffer.from(path, 'latin1').toString('utf8');

/** The absolute location of `path` below `root`, for calls of `node:fs`. */
export const locate = (root: string, path: PathBytes): Buffer =>
  Buffer.concat([Buffer.from(root.endsWith('/') ? root : `${root}/`, 'utf8'), bufferOfPath(path)]);

/** Records of a NUL-separated listing; a missing final NUL is fine. */
export function splitNul(bytes: Buffer): readonly PathBytes[] {
  const records = bytes.toString('latin1').split('\0') as PathBytes[];
  if (records.at(-1) === '') records.pop();
  return records;
}
