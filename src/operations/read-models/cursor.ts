/** Places in lists that callers hand back unread: `<kind of list>.<place>` in base64url. */
import { ConductorError } from '../../machines/errors.ts';

export const CURSOR_CHARS_MAX = 200;

export const encodeCursor = (list: string, place: string): string =>
  Buffer.from(`${list}.${place}`, 'utf8').toString('base64url');

/** @throws ConductorError `invalid_params` for what is no cursor of this list */
export const decodeCursor = (list: string, cursor: string): string => {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (text.startsWith(`${list}.`) && encodeCursor(list, text.slice(list.length + 1)) === cursor)
    return text.slice(list.length + 1);
  throw new ConductorError(
    'invalid_params',
    `after is not a cursor of this list: give back the nextCursor of a page of ${list}`,
  );
};
