/** The supervisor and what the store holds: who runs, whether the journal is whole, what is stuck. Read-only. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isConductorError } from '../../../machines/errors.ts';
import { listBackups } from '../../../persistence/sqlite-backup.ts';
import { openSqliteReader } from '../../../persistence/sqlite-reader.ts';
import type { StoreReader } from '../../../persistence/store.ts';
import { readSupervisorFile } from '../../rpc/supervisor-file.ts';
import type { ProjectPlace } from '../project-place.ts';
import { agoText, countText, plural } from '../output/time-text.ts';
import { checked, fail, ok, warn, type Check } from './doctor-check.ts';
import { retentionCheck } from './retention-check.ts';

/** Entries at the end of the journal that are counted one by one. */
const TAIL = 1_000;
const DEAD_LETTERS_MAX = 1_000;
const ARCHIVED_MAX = 1_000;

export type StoreCheckOptions = {
  readonly now: number;
  readonly retainDays: number;
  /** Has the supervisor try parked effects again, and says how many there were; null: only look. */
  readonly retryEffects: (() => Promise<number>) | null;
};

export const storeChecks = async (
  place: ProjectPlace,
  { now, retainDays, retryEffects }: StoreCheckOptions,
): Promise<readonly Check[]> => {
  const supervisor = await checked('supervisor', () => supervisorCheck(place, now));
  const { paths } = place;
  if (!existsSync(paths.database)) return [supervisor, ok('store', 'nothing has been done in this project yet')];
  let reader: StoreReader;
  try {
    reader = await openSqliteReader(paths.database);
  } catch (error) {
    return [supervisor, unreadable(paths.database, error), await checked('backup', () => backupCheck(paths.database))];
  }
  try {
    return [
      supervisor,
      ok('store', paths.database),
      await checked('backup', () => backupCheck(paths.database)),
      await checked('journal', () => journalCheck(reader)),
      await checked('effects', () => effectsCheck(reader, retryEffects)),
      await checked('dead letters', () => deadLettersCheck(reader)),
      await checked('retention', () => retentionCheck(reader, { now, retainDays })),
    ];
  } finally {
    await reader.close();
  }
};

const unreadable = (path: string, error: unknown): Check => {
  const [newest] = listBackups(path);
  const fact = isConductorError(error) ? error.message : String(error);
  const wayOut =
    newest === undefined
      ? `keep ${path} as it is; without a backup work begins anew in another CONDUCTOR_HOME`
      : `conductor stop --keep-runs, move ${path} aside as evidence, copy ${newest} to its place, conductor start`;
  return fail('store', fact, wayOut);
};

const supervisorCheck = async ({ paths }: ProjectPlace, now: number): Promise<Check> => {
  const file = readSupervisorFile(paths.root);
  if (file === null) return ok('supervisor', 'none is running');
  const { connectSupervisor } = await import('../../rpc/rpc-client.ts');
  const pid = String(file.identity.pid);
  try {
    const client = await connectSupervisor({ projectHome: paths.root });
    await client.close();
    return ok('supervisor', `pid ${pid}, version ${file.version}, started ${agoText(file.startedAt, now)}`);
  } catch (error) {
    if (!isConductorError(error)) throw error;
    const { state, commands } = error.details;
    if (state === 'gone') {
      return warn(
        'supervisor',
        `pid ${pid} has ended without taking its file along`,
        'conductor start takes over what it left',
      );
    }
    const ways = Array.isArray(commands) ? commands.join(' or ') : 'conductor start';
    return fail('supervisor', `pid ${pid}: ${error.message}`, ways);
  }
};

const backupCheck = (path: string): Check => {
  const [newest] = listBackups(path);
  if (newest === undefined) return ok('backup', 'none has been made yet');
  const database = new DatabaseSync(newest, { readOnly: true });
  try {
    const row = database.prepare('PRAGMA quick_check(1)').get() as { readonly quick_check?: string } | undefined;
    const answer = row?.quick_check ?? 'no answer';
    return answer === 'ok'
      ? ok('backup', `${newest} is in order`)
      : fail('backup', `${newest}: ${answer}`, 'check the disk; the next backup replaces it');
  } finally {
    database.close();
  }
};

const journalCheck = async (reader: StoreReader): Promise<Check> => {
  const last = await reader.lastSeq();
  const tail = await reader.listJournal({ after: Math.max(0, last - TAIL), limit: TAIL });
  const expected = Math.min(last, TAIL);
  const missing = expected - tail.length;
  const archived = missing > 0 ? await archivedAfter(reader, last - expected) : 0;
  if (missing > 0 && missing <= archived) {
    return ok(
      'journal',
      `${countText(last)} entries, ${countText(missing)} of the last ${countText(expected)} archived`,
    );
  }
  const gap = tail.find((entry, index) => index > 0 && entry.seq !== tail[index - 1]!.seq + 1);
  if (tail.length !== expected || gap !== undefined) {
    const where =
      gap === undefined
        ? `${String(expected - tail.length)} of the last ${String(expected)}`
        : `before ${String(gap.seq)}`;
    return fail(
      'journal',
      `entries are missing: ${where}`,
      'keep the store as evidence; conductor replay shows what differs',
    );
  }
  return ok('journal', `${countText(last)} entries, the last ${countText(expected)} without a gap`);
};

/** Entries of archived objectives that reach beyond this place. Newest first: what was archived lately is what ends late. */
const archivedAfter = async (reader: StoreReader, seq: number): Promise<number> => {
  const { items } = await reader.listArchived({ limit: ARCHIVED_MAX });
  return items.filter(({ lastSeq }) => lastSeq > seq).reduce((sum, { entries }) => sum + entries, 0);
};

const effectsCheck = async (reader: StoreReader, retryEffects: StoreCheckOptions['retryEffects']): Promise<Check> => {
  const rows = await reader.listOutbox();
  const parked = rows.filter(({ state }) => state === 'parked');
  if (parked.length === 0) return ok('effects', `${countText(rows.length)} waiting, none parked`);
  if (retryEffects !== null) {
    return ok(
      'effects',
      `${plural(await retryEffects(), 'parked effect')} tried again; look whether the supervisor lives`,
    );
  }
  const names = [...new Set(parked.map(({ name, actor }) => `${name} of ${actor}`))].slice(0, 3).join(', ');
  return fail(
    'effects',
    `${plural(parked.length, 'effect')} parked because the supervisor died in them three times: ${names}`,
    'look at the supervisor log; conductor doctor --fix tries them again',
  );
};

const deadLettersCheck = async (reader: StoreReader): Promise<Check> => {
  const letters = await reader.listDeadLetters(DEAD_LETTERS_MAX);
  const [newest] = letters;
  if (newest === undefined) return ok('dead letters', 'none');
  return warn(
    'dead letters',
    `${plural(letters.length, 'message')} could not be handled; newest: ${newest.code} at ${newest.to}`,
    `conductor show ${newest.to}`,
  );
};
