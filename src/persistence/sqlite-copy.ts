/** Copies a living database into one file, and looks whether the copy can be read. Runs in a thread. */
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';

/** More than any database has. */
const PAGES_AT_ONCE = 2 ** 31 - 1;

/** @throws when the copy is not in order; then nothing is left of it. */
export const copyDatabase = async (source: DatabaseSync, to: string): Promise<void> => {
  const draft = `${to}.new`;
  rmSync(draft, { force: true });
  try {
    // All pages in one step: with several, every commit in between would begin the copy anew.
    await backup(source, draft, { rate: PAGES_AT_ONCE });
    chmodSync(draft, 0o600);
    check(draft);
    renameSync(draft, to);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
};

const check = (path: string): void => {
  const copy = new DatabaseSync(path);
  try {
    // A copy has no log of its own; as one file it can be moved.
    copy.exec('PRAGMA journal_mode = DELETE');
    const [verdict] = Object.values(copy.prepare('PRAGMA quick_check(1)').get()!);
    if (verdict !== 'ok') throw new Error(`quick_check of the copy: ${String(verdict)}`);
  } finally {
    copy.close();
  }
};
