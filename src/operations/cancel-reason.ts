/** The reason that is kept with what was canceled: it says whose word it is, because a reason is shown as the system's. */
import { LINE_MAX, type Principal } from '../machines/schema.ts';
import { quoted, short } from './read-models/lines.ts';

/** @returns At most `LINE_MAX` characters: a person's reason as it is, an agent's in quotation marks after who canceled. */
export const cancelReason = (principal: Principal, reason: string | undefined): string => {
  const who = `canceled by ${principal}`;
  if (reason === undefined) return who;
  if (principal === 'human') return reason;
  const marks = `${who}: ${quoted('')}`.length;
  return `${who}: ${quoted(short(reason, LINE_MAX - marks))}`;
};
