/**
 * What views know of Conductor, as hooks.
 *
 * H1. A hook gives the same object until what it stands for changed, so that `memo` and dependency lists work.
 * H2. While a moment is set, `useItems` is that moment; `useFeed` and `usePulse` stay live.
 */
import { useEffect, useEffectEvent, useReducer, useState, useSyncExternalStore } from 'react';
import type { ProjectFacts } from '../../../src/hosts/inspector/protocol.ts';
import { currentRoute, replaceRoute, useRoute } from '../app/use-route.ts';
import { ApiFailure, call } from './api.ts';
import type { Items, Pulse } from './feed-state.ts';
import { isSilent, type FeedNews, type FeedView, type WatchedThing } from './feed.ts';
import { feed, past } from './live.ts';
import type { PastView } from './past.ts';
import { onSession, sessionState, type SessionState } from './session.ts';
import { nameOf } from './thing-names.ts';

export const useSession = (): SessionState => useSyncExternalStore(onSession, sessionState);

/** Part of the live feed. The selector gives a part that is there, it builds nothing. */
export const useFeed = <Part>(select: (view: FeedView) => Part): Part =>
  useSyncExternalStore(feed.subscribe, () => select(feed.view()));

const projectOf = (view: FeedView): ProjectFacts | null => view.project;
const liveItemsOf = (view: FeedView): Items => view.items;
const lastSeqOf = (view: FeedView): number => view.lastSeq ?? 0;

/** Null until the supervisor answered for the first time. */
export const useProject = (): ProjectFacts | null => {
  const live = useFeed(projectOf);
  const session = useSession();
  return live ?? (session.kind === 'open' ? session.project : null);
};

export const usePast = (): PastView => useSyncExternalStore(past.subscribe, past.view);

/** What is there at the moment that is shown. */
export const useItems = (): Items => {
  const live = useFeed(liveItemsOf);
  const { moment } = usePast();
  const { seq } = useRoute();
  return seq === null || moment === null ? live : moment.items;
};

/** What is there now, whatever moment is shown. */
export const useLiveItems = (): Items => useFeed(liveItemsOf);

/** What a person calls this thing at the moment that is shown; null: it has no name, or the page does not know it. */
export const useName = (id: string): string | null => {
  const live = useFeed(({ items }) => nameOf(items, id));
  const { moment } = usePast();
  const { seq } = useRoute();
  return seq === null || moment === null ? live : nameOf(moment.items, id);
};

/** Live facts of a run; null when it does not run, when nobody tells of it, or when a moment is shown. */
export const usePulse = (runId: string): Pulse | null => {
  const { seq } = useRoute();
  const pulse = useFeed(({ connection, pulses }) => (isSilent(connection) ? null : (pulses.get(runId) ?? null)));
  return seq === null ? pulse : null;
};

/** How often what has no journal is asked for while somebody looks, in ms. */
const POLL_MS = 2_000;

/** @param reload null: what is shown does not change. */
export const usePolled = (reload: (() => void) | null): void => {
  useEffect(() => {
    if (reload === null) return undefined;
    const timer = setInterval(() => {
      if (globalThis.document.visibilityState === 'visible') reload();
    }, POLL_MS);
    return () => {
      clearInterval(timer);
    };
  }, [reload]);
};

export type Moment = {
  /** Entry of the journal that is shown; null = now. */
  readonly seq: number | null;
  /** Newest entry there is. */
  readonly lastSeq: number;
  readonly set: (seq: number | null) => void;
};

const setMoment = (seq: number | null): void => {
  replaceRoute({ ...currentRoute(), seq });
};

export const useMoment = (): Moment => {
  const { seq } = useRoute();
  const lastSeq = useFeed(lastSeqOf);
  return { seq, lastSeq, set: setMoment };
};

/** Hears what comes of the journal of a thing, from now on; null: of everybody's. */
export const useNews = (thing: WatchedThing, listener: (news: FeedNews) => void): void => {
  const heard = useEffectEvent(listener);
  useEffect(
    () =>
      feed.watch(thing, (news) => {
        heard(news);
      }),
    [thing],
  );
};

export type CallResult<Details> = {
  readonly state: 'loading' | 'ready' | 'failed';
  /** The last answer; stays while the same question is asked anew or for another moment. */
  readonly details: Details | null;
  readonly error: ApiFailure | null;
  readonly reload: () => void;
};

type Answer<Details> = {
  readonly question: string;
  /** What was asked, without the moment. */
  readonly key: string;
  readonly details: Details | null;
  readonly error: ApiFailure | null;
};

/** Parameters that say which moment is meant. */
const MOMENT_NAMES: readonly string[] = ['seq', 'step', 'at'];

const timelessKey = (operation: string, params: unknown): string =>
  JSON.stringify([operation, params], (name, value: unknown) => (MOMENT_NAMES.includes(name) ? undefined : value));

const asFailure = (error: unknown): ApiFailure =>
  error instanceof ApiFailure
    ? error
    : new ApiFailure({ code: 'internal', message: String(error), retryable: false, details: {} });

/** Calls a reading operation now and whenever `params` or `deps` change; null params: not at all. The latest question wins. */
export const useCall = <Details>(
  operation: string,
  params: unknown,
  deps: readonly unknown[] = [],
): CallResult<Details> => {
  const [answer, setAnswer] = useState<Answer<Details> | null>(null);
  const [round, reload] = useReducer((count: number) => count + 1, 0);
  const asked = JSON.stringify(params);
  const question = JSON.stringify([operation, asked, deps, round]);
  const key = timelessKey(operation, params);
  useEffect(() => {
    if (asked === 'null') return undefined;
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const details = await call<Details>(operation, JSON.parse(asked), { signal: abort.signal });
        if (!abort.signal.aborted) setAnswer({ question, key, details, error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        const keep = (known: Answer<Details> | null): Details | null => (known?.key === key ? known.details : null);
        setAnswer((known) => ({ question, key, details: keep(known), error: asFailure(error) }));
      }
    };
    void ask();
    return () => {
      abort.abort();
    };
  }, [operation, asked, question, key]);
  return resultOf(answer, { question, key, isAsked: params !== null, reload });
};

type Asked = {
  readonly question: string;
  readonly key: string;
  readonly isAsked: boolean;
  readonly reload: () => void;
};

const resultOf = <Details>(
  answer: Answer<Details> | null,
  { question, key, isAsked, reload }: Asked,
): CallResult<Details> => {
  const known = isAsked && answer?.key === key ? answer : null;
  const details = known?.details ?? null;
  if (isAsked && known?.question !== question) return { state: 'loading', details, error: null, reload };
  const error = known?.error ?? null;
  return { state: error === null ? 'ready' : 'failed', details, error, reload };
};
