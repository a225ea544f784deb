/**
 * The format of a spool: one JSON line per report, written into a file that was filled with zero bytes beforehand.
 *
 * P1. Sequence numbers count from 1 without a gap; a line that breaks the count ends the spool.
 * P2. Every line is synced before the next one is written, so only the last can be torn: whatever is no whole line, and
 *     everything after it, is dropped. It was never acknowledged to anybody.
 * P3. The zero bytes behind the last line are room that a full disk cannot take away, never content.
 */
import { readFileSync } from 'node:fs';
import type { SpoolEntry } from './protocol.ts';

export type Spool = {
  readonly entries: readonly SpoolEntry[];
  /** Where the next line belongs, in bytes. */
  readonly bytes: number;
};

const NEWLINE = 10;

export const encodeSpoolEntry = (entry: SpoolEntry): Buffer => Buffer.from(`${JSON.stringify(entry)}\n`);

/** The whole lines at the beginning of a spool's bytes (P1, P2). */
export const parseSpool = (bytes: Buffer): Spool => {
  const entries: SpoolEntry[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    const entry = end < 0 ? null : parseLine(bytes.subarray(start, end));
    if (entry === null || entry.seq !== entries.length + 1) return { entries, bytes: start };
    entries.push(entry);
    start = end + 1;
  }
};

/** What a runner left behind; empty when it never made a spool. Any other trouble with the file is thrown. */
export const readSpool = (path: string): Spool => {
  try {
    return parseSpool(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], bytes: 0 };
    throw error;
  }
};

const parseLine = (line: Buffer): SpoolEntry | null => {
  try {
    const value = JSON.parse(line.toString('utf8')) as Partial<SpoolEntry> | null;
    if (typeof value !== 'object' || value === null) return null;
    const { seq, at, body } = value;
    const whole = typeof seq === 'number' && typeof at === 'number' && typeof body?.kind === 'string';
    return whole ? { seq, at, body } : null;
  } catch {
    return null; // Torn: P2.
  }
};
