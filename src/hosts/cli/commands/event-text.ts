/** A journal entry in one line: number, time, whom, what. */
import type { EventItem } from '../../../operations/read-models/item-schemas.ts';
import type { Style } from '../output/style.ts';
import { oneLine } from '../output/text-width.ts';
import { dateText } from '../output/time-text.ts';

/** Fields of events that say something to people. */
const TELLING = ['text', 'message', 'reason', 'summary', 'ask', 'answer', 'status'] as const;

/** Plain text: what is painted cannot be cut to a width. */
export const eventText = (event: Omit<EventItem, 'patch'>, { unicode }: Pick<Style, 'unicode'>): string => {
  const { seq, at, actor, kind, from, to, reason } = event;
  const arrow = unicode ? '→' : '->';
  const change = kind === 'transition' && from !== to ? `  ${from === null ? '' : `${from} ${arrow} `}${to ?? ''}` : '';
  const says = TELLING.map((name) => event.event[name]).find((value) => typeof value === 'string' && value !== '');
  const why = kind === 'rejected' ? `  rejected: ${oneLine(reason ?? '')}` : '';
  const text = typeof says === 'string' ? `  ${oneLine(says)}` : '';
  return `${String(seq)}  ${dateText(at)}  ${actor}  ${event.event.type}${change}${why}${text}`;
};
