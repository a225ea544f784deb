/** A scope's journal as a view holds it: the newest page at first, older pages on demand, live entries as they come. */
import { useCallback, useEffect, useMemo, useReducer, useRef } from 'react';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { call } from '../connection/api.ts';
import { feed } from '../connection/live.ts';
import { useNews } from '../connection/use-conductor.ts';
import { PAGE_ENTRIES, pageParams, type ReadPage } from './journal-pages.ts';
import { isInScope, scopeKey, scopeParams, watchedBy, type JournalScope } from './journal-scope.ts';
import { whenRead } from './when-read.ts';
import { begunJournal, changedJournal, type JournalChange, type JournalState } from './journal-state.ts';

export type Journal = Pick<JournalState, 'stretch' | 'state' | 'error' | 'isLoadingOlder'> & {
  readonly loadOlder: () => void;
  readonly reload: () => void;
};

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

type Dispatch = (change: JournalChange) => void;

/** Live entries of the scope, handed on once per frame. Where the feed left some out there is a gap after what was heard. */
const useLiveEntries = (scope: JournalScope, dispatch: Dispatch, onGap: (after: number) => void): void => {
  const waiting = useRef<FeedEntry[]>([]);
  const frame = useRef<number | null>(null);
  /** Whatever is read after the view was opened reaches this far at least. */
  const heard = useRef(feed.view().lastSeq ?? 0);
  useNews(watchedBy(scope), ({ entries, lastSeq, isWhole }) => {
    const after = heard.current;
    heard.current = Math.max(after, lastSeq);
    if (!isWhole && lastSeq > after) onGap(after);
    const own = entries.filter((entry) => isInScope(scope, entry));
    if (own.length === 0) return;
    waiting.current.push(...own);
    frame.current ??= requestAnimationFrame(() => {
      frame.current = null;
      dispatch({ kind: 'newer', entries: waiting.current.splice(0) });
    });
  });
};

export const useJournal = (scope: JournalScope): Journal => {
  const key = scopeKey(scope);
  const [state, dispatch] = useReducer(changedJournal, key, begunJournal);
  const [round, reload] = useReducer((count: number) => count + 1, 0);
  const read = usePageReader(scope);
  useLiveEntries(scope, dispatch, (after) => {
    dispatch({ kind: 'gap', after });
    reload();
  });
  useEffect(() => {
    dispatch({ kind: 'began', key });
    return whenRead(read({ until: null }), {
      done: (entries) => {
        dispatch({ kind: 'newer', entries, isFirst: true });
      },
      failed: (error) => {
        dispatch({ kind: 'failed', error });
      },
    });
    // Each round reads the same again.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key, round, read]);
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
