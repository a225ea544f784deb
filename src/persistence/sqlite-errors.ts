/** What SQLite's numbers mean here. Extended codes carry the primary one in their low byte. */
import { ConductorError, isConductorError } from '../machines/errors.ts';

const BUSY = 5;
const READ_ONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const AUTHORIZATION = 23;
const NOT_A_DATABASE = 26;

/** The disk or the file is the cause, not what was written: trying other rows is pointless. */
const TROUBLE_OF_THE_DISK = new Set([BUSY, READ_ONLY, IO_ERROR, CORRUPT, FULL, CANNOT_OPEN, NOT_A_DATABASE]);

/** SQLite's primary result code, or null when the error is not SQLite's. */
export const sqliteCode = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
};

/** How a failed commit is reported. */
export const classifyFailure = (error: unknown): { readonly io: boolean; readonly code: 'store_full' | 'internal' } => {
  const code = sqliteCode(error);
  return { io: code !== null && TROUBLE_OF_THE_DISK.has(code), code: code === FULL ? 'store_full' : 'internal' };
};

/** The typed error for a database that cannot be opened or read; the file stays as it is. */
export const openingError = (error: unknown, path: string): ConductorError => {
  if (isConductorError(error)) return error;
  const code = sqliteCode(error) ?? systemCode(error);
  const options = { cause: error, details: { path, sqlite: code } };
  switch (code) {
    case CORRUPT:
    case NOT_A_DATABASE:
      return damaged(path, 'it is not a readable database', error);
    case FULL:
      return new ConductorError('store_full', `No space left for ${path}. Free some and start again.`, options);
    case READ_ONLY:
    case CANNOT_OPEN:
    case AUTHORIZATION:
      return new ConductorError(
        'home_read_only',
        `${path} cannot be written by this user. Check who owns it, or set CONDUCTOR_HOME to a directory of yours.`,
        options,
      );
    case BUSY:
      return new ConductorError('owned_elsewhere', `Another process is writing to ${path}.`, {
        ...options,
        retryable: true,
      });
    case null:
    default:
      return new ConductorError('internal', `${path} cannot be opened: ${String(error)}`, options);
  }
};

/** `store_damaged`, always with the way out. */
export const damaged = (path: string, what: string, cause?: unknown): ConductorError =>
  new ConductorError(
    'store_damaged',
    `${path} is damaged: ${what}. The file is left as it is; \`conductor doctor\` shows the backups and restores one on request.`,
    { details: { path, what }, ...(cause === undefined ? {} : { cause }) },
  );

const SYSTEM_CODES: Readonly<Record<string, number>> = {
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  EROFS: READ_ONLY,
  ENOSPC: FULL,
  EDQUOT: FULL,
};

const systemCode = (error: unknown): number | null =>
  SYSTEM_CODES[(error as NodeJS.ErrnoException | null)?.code ?? ''] ?? null;
