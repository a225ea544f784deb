/** The last line that a program which did not start has left in its log: usually the reason. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 4_096;
const LINE_LENGTH_MAX = 300;

/**
 * @param from where the log ended before the program was started, in bytes.
 * @returns null when it wrote nothing, or the log cannot be read.
 */
export const lastLogLine = (path: string, from: number): string | null => {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(descriptor);
      const start = Math.max(from, size - TAIL_BYTES);
      const buffer = Buffer.alloc(Math.max(0, size - start));
      readSync(descriptor, buffer, 0, buffer.length, start);
      const lines = buffer
        .toString('utf8')
        .split('\n')
        .map((line) => line.trim());
      // A stack trace ends with where Node was, not with what happened.
      const said = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== '');
      return said === undefined ? null : said.slice(0, LINE_LENGTH_MAX);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // The failure itself is reported either way.
    return null;
  }
};
