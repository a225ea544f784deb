/**
 * Goal: the store in SQLite keeps the port's promises.
 * Method: the suite of all adapters, in a directory of its own per test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { describeStore } from './store-suite.ts';

/** Tests write few entries: by default all of them stay in the journal's tail, with 3 they stand on both sides. */
describe.each([
  { tailEntriesMax: 1_024, writer: 'thread' },
  { tailEntriesMax: 3, writer: 'in-place' },
] as const)('with up to $tailEntriesMax entries in the tail, writer $writer', ({ tailEntriesMax, writer }) => {
  describeStore('SQLite store', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
    const path = join(folder, 'conductor.db');
    return {
      open: (owner) => openSqliteStore({ path, owner, writer, limits: { tailEntriesMax } }),
      remove: async () => rmSync(folder, { recursive: true }),
    };
  });
});
