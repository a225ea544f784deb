/**
 * How a view's journal changes: what came, what was asked for, what failed. Pure.
 *
 * U1. The stretch has no gap: what the feed left out (a page that fell behind, a restart) is read again before it grows.
 * U2. While that is read, what was held is still shown.
 */
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { PAGE_ENTRIES } from './journal-pages.ts';
import { acrossGap, EMPTY_STRETCH, withNewer, withOlder, type JournalStretch } from './journal-stretch.ts';

export type JournalState = {
  /** Names the scope. */
  readonly key: string;
  readonly stretch: JournalStretch;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly error: Error | null;
  readonly isLoadingOlder: boolean;
  /** The last entry before which nothing was left out; null: nothing was. */
  readonly gapAfter: number | null;
};
export type JournalChange =
  | { readonly kind: 'began'; readonly key: string }
  | { readonly kind: 'gap'; readonly after: number }
  | { readonly kind: 'newer'; readonly entries: readonly FeedEntry[]; readonly isFirst?: boolean }
  | { readonly kind: 'older'; readonly entries: readonly FeedEntry[]; readonly isStart: boolean }
  | { readonly kind: 'asked-older' }
  | { readonly kind: 'failed'; readonly error: Error };

export const begunJournal = (key: string): JournalState => ({
  key,
  stretch: EMPTY_STRETCH,
  state: 'loading',
  error: null,
  isLoadingOlder: false,
  gapAfter: null,
});

export const changedJournal = (state: JournalState, change: JournalChange): JournalState => {
  switch (change.kind) {
    case 'began':
      return change.key === state.key && state.gapAfter !== null ? state : begunJournal(change.key);
    case 'gap':
      return { ...state, gapAfter: Math.min(state.gapAfter ?? Infinity, change.after) };
    case 'newer':
      return withNews(state, change);
    case 'asked-older':
      return { ...state, isLoadingOlder: true };
    case 'older': {
      const stretch = withOlder(state.stretch, change.entries, change.isStart);
      return { ...state, stretch, isLoadingOlder: false, error: null };
    }
    case 'failed':
      break;
  }
  return withFailure(state, change.error);
};

function withNews(
  state: JournalState,
  { entries, isFirst = false }: Extract<JournalChange, { kind: 'newer' }>,
): JournalState {
  const { stretch: held, gapAfter } = state;
  if (!isFirst) {
    const stretch = withNewer(held, entries);
    return stretch === held ? state : { ...state, stretch };
  }
  // Live entries may have come before the page did.
  const page = { entries, isStart: entries.length < PAGE_ENTRIES };
  const stretch = gapAfter === null ? withNewer(page, held.entries) : acrossGap(held, page, gapAfter);
  return { ...state, stretch, state: 'ready', error: null, gapAfter: null };
}

/** U1: a stretch with a gap that could not be read is not shown as if it were whole. */
function withFailure(state: JournalState, error: Error): JournalState {
  const stretch = state.gapAfter === null ? state.stretch : EMPTY_STRETCH;
  const isEmpty = stretch.entries.length === 0;
  return { ...state, stretch, state: isEmpty ? 'failed' : 'ready', error, isLoadingOlder: false, gapAfter: null };
}
