/** A run's output as a view holds it. */
import { useEffect, useMemo, useReducer, useSyncExternalStore } from 'react';
import { LogSource, type LogView } from './log-source.ts';
import { readPiece } from './run-bytes.ts';

const laterOnce = (ms: number, run: () => void): (() => void) => {
  const timer = setTimeout(run, ms);
  return () => {
    clearTimeout(timer);
  };
};

const sourceOf = (runId: string): LogSource =>
  new LogSource({ read: async (from) => readPiece('log', runId, from), after: laterOnce });

export type RunLog = LogView & {
  readonly loadOlder: () => void;
  /** The line that begins at this place, with what stands around it. */
  readonly showAt: (place: number) => void;
  readonly loadNewer: () => void;
  readonly toEnd: () => void;
  readonly reload: () => void;
};

export const useLog = (runId: string, isLive: boolean): RunLog => {
  const [round, reload] = useReducer((count: number) => count + 1, 0);
  const key = `${runId} ${String(round)}`;
  const source = useMemo(() => sourceOf(key.slice(0, key.indexOf(' '))), [key]);
  useEffect(() => source.follow(isLive), [source, isLive]);
  const view = useSyncExternalStore(source.subscribe, source.view);
  return {
    ...view,
    loadOlder: () => {
      void source.loadOlder();
    },
    showAt: (place) => {
      void source.showAt(place);
    },
    loadNewer: () => {
      void source.loadNewer();
    },
    toEnd: () => {
      source.toEnd();
    },
    reload,
  };
};
