/** Names and numbers of backups: `backups/<time>.db` beside the database, the newest three. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BACKUPS_KEPT = 3;
/** Sorts by age: `2026-11-20T12-30-00-000Z.db`. */
const BACKUP_NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.db$/;

/** Paths of the verified backups of a database, newest first. */
export const listBackups = (path: string): readonly string[] => {
  const folder = join(dirname(path), 'backups');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => BACKUP_NAME.test(name))
    .toSorted()
    .toReversed()
    .map((name) => join(folder, name));
};

/** @param copy Makes a verified copy under this path or throws. @returns the path. */
export const backUp = async (path: string, copy: (to: string) => Promise<unknown>): Promise<string> => {
  const folder = join(dirname(path), 'backups');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const to = join(folder, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.db`);
  await copy(to);
  for (const old of listBackups(path).slice(BACKUPS_KEPT)) rmSync(old, { force: true });
  return to;
};
