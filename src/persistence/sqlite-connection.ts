/** Opens node:sqlite connections with the settings that durability rests on. Nothing else may open these files. */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** A lock that another connection holds for longer than this is an error. Checkpoints that end a log take milliseconds. */
const BUSY_MS = 5_000;

/** Memory for pages per connection, in KiB. */
const CACHE_KIB = 8_192;

/** What a quiet second or 128 small commits write. */
const LOG_BYTES = 4 * 2 ** 20;
const SMALLEST_CACHE_PAGES = 10;

/**
 * A connection that writes: every COMMIT is on the disk, and nobody checkpoints by surprise.
 * @param check Looks at the database before anything in it is changed, be it a setting; throws to refuse it.
 */
export const openWriter = (
  path: string,
  maxPages: number | null = null,
  check: (db: DatabaseSync) => void = () => undefined,
): DatabaseSync => {
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    check(db);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    // Elsewhere fsync reaches the platter; macOS needs to be asked.
    if (process.platform === 'darwin') db.exec('PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1');
    if (maxPages !== null) db.exec(`PRAGMA max_page_count = ${maxPages}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};

/**
 * Makes the log as long as it mostly gets: a flush of a file that grows writes the file system's own journal too, which is half
 * of what a small commit waits for. What overflows the cache goes to the log, and rolled back it is overwritten by what comes next.
 */
export const lengthenLog = (db: DatabaseSync): void => {
  try {
    db.exec(`PRAGMA cache_size = ${SMALLEST_CACHE_PAGES}; BEGIN IMMEDIATE;
      CREATE TABLE room (data BLOB); INSERT INTO room VALUES (zeroblob(${LOG_BYTES}))`);
  } catch {
    // A full disk, or another writer: the log grows as it is needed, and whoever writes next hears what is wrong.
  }
  if (db.isTransaction) db.exec('ROLLBACK');
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
};

/** A connection that only reads. `asItIs`: nobody writes, so that neither locks nor a log are looked at or made. */
export const openReader = (path: string, asItIs: boolean): DatabaseSync => {
  const url = pathToFileURL(path);
  if (asItIs) url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_MS });
};
