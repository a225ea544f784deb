/** The search through all that a run printed, for a view that holds only a part of it. */
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';
import { MATCHES_MAX } from './log-search.ts';
import { LogScan, type ScanView } from './log-scan.ts';
import { readPiece } from './run-bytes.ts';

export type WholeSearch = {
  readonly scan: ScanView;
  /** Keeps its identity. */
  readonly begin: (query: string) => void;
  readonly stop: () => void;
  readonly goOn: () => void;
  /** Shows the line that begins at this place; it becomes the target, anew for every time. */
  readonly show: (place: number) => void;
  readonly target: { readonly line: number } | null;
};

/** `size`: of the log, as it is known by now. */
export const useScan = (runId: string, size: number): Omit<WholeSearch, 'show' | 'target'> => {
  const search = useMemo(() => new LogScan(async (from) => readPiece('log', runId, from)), [runId]);
  const scan = useSyncExternalStore(search.subscribe, search.view);
  useEffect(
    () => () => {
      search.stop();
    },
    [search],
  );
  const isBehind = scan.state === 'done' && scan.query !== '' && scan.size < size && scan.matches.length < MATCHES_MAX;
  useEffect(() => {
    if (isBehind) search.goOn();
  }, [isBehind, search]);
  return {
    scan,
    begin: useCallback(
      (query: string) => {
        search.begin(query);
      },
      [search],
    ),
    stop: () => {
      search.stop();
    },
    goOn: () => {
      search.goOn();
    },
  };
};
