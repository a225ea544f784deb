/**
 * A scope's journal as a view holds it: the newest page at first, older pages on demand, live entries as they come.
 *
 * U1. The stretch has no gap: what the feed left out (a page that fell behind, a restart) is read again before it grows.
 */
import { useCallback, useEffect, useEffectEvent, useMemo, useReducer, useRef } from 'react';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { call } from '../connection/api.ts';
import { useEntries, useFeed } from '../connection/use-conductor.ts';
import { PAGE_ENTRIES, pageParams, type ReadPage } from './journal-pages.ts';
import { isInScope, scopeKey, scopeParams, type JournalScope } from './journal-scope.ts';
import { whenRead } from './when-read.ts';
import { EMPTY_STRETCH, withNewer, withOlder, type JournalStretch } from './journal-stretch.ts';

export type Journal = {
  readonly stretch: JournalStretch;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly error: Error | null;
  readonly isLoadingOlder: boolean;
  readonly loadOlder: () => void;
  readonly reload: () => void;
};

type JournalState = Pick<Journal, 'stretch' | 'state' | 'error' | 'isLoadingOlder'> & { readonly key: string };
type JournalChange =
  | { readonly kind: 'began'; readonly key: string }
  | { readonly kind: 'newer'; readonly entries: readonly FeedEntry[]; readonly isFirst?: boolean }
  | { readonly kind: 'older'; readonly entries: readonly FeedEntry[]; readonly isStart: boolean }
  | { readonly kind: 'asked-older' }
  | { readonly kind: 'failed'; readonly error: Error };

const begun = (key: string): JournalState => ({
  key,
  stretch: EMPTY_STRETCH,
  state: 'loading',
  error: null,
  isLoadingOlder: false,
});

const changed = (state: JournalState, change: JournalChange): JournalState => {
  if (change.kind === 'began') return begun(change.key);
  if (change.kind === 'newer') return withNews(state, change);
  if (change.kind === 'asked-older') return { ...state, isLoadingOlder: true };
  if (change.kind === 'older') {
    const stretch = withOlder(state.stretch, change.entries, change.isStart);
    return { ...state, stretch, isLoadingOlder: false, error: null };
  }
  const isEmpty = state.stretch.entries.length === 0;
  return { ...state, state: isEmpty ? 'failed' : 'ready', error: change.error, isLoadingOlder: false };
};

function withNews(
  state: JournalState,
  { entries, isFirst = false }: Extract<JournalChange, { kind: 'newer' }>,
): JournalState {
  if (!isFirst) {
    const stretch = withNewer(state.stretch, entries);
    return stretch === state.stretch ? state : { ...state, stretch };
  }
  // Live entries may have come before the page did.
  const page = { entries, isStart: entries.length < PAGE_ENTRIES };
  return { ...state, stretch: withNewer(page, state.stretch.entries), state: 'ready', error: null };
}

/** Reads pages of a scope; the same function while the scope is the same. */
export const usePageReader = (scope: JournalScope): ReadPage => {
  const key = scopeKey(scope);
  return useMemo(() => {
    const params = scopeParams(scope);
    return async (wanted) =>
      (await call<{ items: readonly FeedEntry[] }>('conductor_list_events', { ...params, ...pageParams(wanted) }))
        .items;
    // The key says all that the scope is.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key]);
};

const lastSeqOf = (view: { readonly lastSeq: number | null }): number => view.lastSeq ?? 0;

type Dispatch = (change: JournalChange) => void;

/** Live entries of the scope, handed on once per frame. U1: a feed that jumped without telling the entries between left a gap. */
const useLiveEntries = (scope: JournalScope, dispatch: Dispatch, onGap: () => void): void => {
  const waiting = useRef<FeedEntry[]>([]);
  const frame = useRef<number | null>(null);
  const heard = useRef(0);
  useEntries((entry) => {
    heard.current = Math.max(heard.current, entry.seq);
    if (!isInScope(scope, entry)) return;
    waiting.current.push(entry);
    frame.current ??= requestAnimationFrame(() => {
      frame.current = null;
      dispatch({ kind: 'newer', entries: waiting.current.splice(0) });
    });
  });
  const lastSeq = useFeed(lastSeqOf);
  const tellGap = useEffectEvent(onGap);
  useEffect(() => {
    const isGap = heard.current !== 0 && lastSeq > heard.current;
    heard.current = Math.max(heard.current, lastSeq);
    if (isGap) tellGap();
  }, [lastSeq]);
};

export const useJournal = (scope: JournalScope): Journal => {
  const key = scopeKey(scope);
  const [state, dispatch] = useReducer(changed, key, begun);
  const [round, reload] = useReducer((count: number) => count + 1, 0);
  const read = usePageReader(scope);
  useLiveEntries(scope, dispatch, reload);
  const asked = `${key} ${String(round)}`;
  useEffect(() => {
    dispatch({ kind: 'began', key: asked });
    return whenRead(read({ until: null }), {
      done: (entries) => {
        dispatch({ kind: 'newer', entries, isFirst: true });
      },
      failed: (error) => {
        dispatch({ kind: 'failed', error });
      },
    });
  }, [asked, read]);
  const { stretch, isLoadingOlder } = state;
  const loadOlder = useCallback(() => {
    const first = stretch.entries[0];
    if (first === undefined || stretch.isStart || isLoadingOlder) return;
    dispatch({ kind: 'asked-older' });
    whenRead(read({ until: first.seq - 1 }), {
      done: (entries) => {
        dispatch({ kind: 'older', entries, isStart: entries.length < PAGE_ENTRIES });
      },
      failed: (error) => {
        dispatch({ kind: 'failed', error });
      },
    });
  }, [read, stretch, isLoadingOlder]);
  return { ...state, loadOlder, reload };
};
