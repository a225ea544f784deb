/**
 * The live feed: one socket, kept open, whose messages become one state that views subscribe to.
 *
 * L1. A reconnect asks for what follows `lastSeq`; a snapshot is read when there is nothing yet or the server says `resync`.
 * L2. Listeners hear of a change at most once per frame, however many messages came.
 * L3. Who watches a thing hears of each of its entries once, in order, also across reconnects; and where some were left out, that they were.
 */
import {
  WATCHED_MAX,
  type ClientWatch,
  type FeedEntry,
  type ServerMessage,
  type Watched,
} from '../../../src/hosts/inspector/protocol.ts';
import type { Nobody } from './greeting.ts';
import { applyChanges, applyPulse, applySnapshot, EMPTY_FEED, type FeedState } from './feed-state.ts';

/**
 * `away`: the supervisor said that it goes, or did not answer twice in a row. `stranger`: something else answers at its address.
 * `ended`: the session no longer counts.
 */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'away' | 'stranger' | 'ended';
/** What was told last may be long over. */
export const isSilent = (connection: Connection): boolean => connection === 'away' || connection === 'stranger';

/** What views see: the state as of the last frame. */
export type FeedView = FeedState & { readonly connection: Connection };

export type FeedSocket = { readonly close: () => void; readonly say: (text: string) => void };
/** What a socket's hello asks for. */
export type FeedHello = { readonly after: number | null; readonly watch: Watched };

/** What came of the journal in one message. */
export type FeedNews = {
  readonly entries: readonly FeedEntry[];
  /** The journal up to here is known. */
  readonly lastSeq: number;
  /** `entries` are all there are of what is watched since the news before; else what is missing has to be read. */
  readonly isWhole: boolean;
};
/** A thing, or everything there is. */
export type WatchedThing = string | null;

export type FeedPorts = {
  /** `hello` is asked when the hello is said. Ends with `close`, also when there is nobody to open a socket to. */
  readonly open: (
    hello: () => FeedHello,
    on: {
      /** The supervisor is at the other end, and has heard the hello. */
      readonly open: () => void;
      readonly message: (text: string) => void;
      readonly close: (why: Nobody) => void;
    },
  ) => FeedSocket;
  /** Runs once, later. */
  readonly after: (ms: number, run: () => void) => void;
  /** Runs once, before the next picture. */
  readonly nextFrame: (run: () => void) => void;
};

/** First and longest pause between tries, in ms. It doubles in between. */
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5_000;
/** Failed tries after which the supervisor counts as away. */
const AWAY_AFTER_TRIES = 2;

export type Feed = {
  readonly start: () => void;
  readonly view: () => FeedView;
  readonly subscribe: (listener: () => void) => () => void;
  /** Entries of other things may come along. The first news may repeat what was read when the watch began. */
  readonly watch: (thing: WatchedThing, listener: (news: FeedNews) => void) => () => void;
};

const added = <Value>(set: Set<Value>, value: Value): (() => void) => {
  set.add(value);
  return () => {
    set.delete(value);
  };
};

/** What is seen changes once per frame; what is known changes at once. */
const framed = (ports: FeedPorts) => {
  const listeners = new Set<() => void>();
  let shown: FeedView = { ...EMPTY_FEED, connection: 'connecting' };
  let known: FeedView = shown;
  let isWaiting = false;
  const flush = (): void => {
    isWaiting = false;
    shown = known;
    for (const listener of listeners) listener();
  };
  return {
    listeners,
    shown: (): FeedView => shown,
    known: (): FeedView => known,
    put: (next: Partial<FeedView>): void => {
      known = { ...known, ...next };
      if (isWaiting) return;
      isWaiting = true;
      ports.nextFrame(flush);
    },
  };
};

type Store = ReturnType<typeof framed>;

/** Takes in a message. Gives what those who watch must be told: what came, and of whom it is all; null: nothing. */
const take = (store: Store, message: ServerMessage): (Omit<FeedNews, 'isWhole'> & { readonly of: Watched }) | null => {
  const known = store.known();
  switch (message.type) {
    case 'snapshot': {
      const next = applySnapshot(known, message);
      store.put({ ...next, connection: 'live' });
      return { entries: [], lastSeq: next.lastSeq ?? 0, of: next.lastSeq === known.lastSeq ? null : [] };
    }
    case 'changes': {
      const { state, fresh } = applyChanges(known, message);
      store.put({ ...state, connection: 'live' });
      return { entries: fresh, lastSeq: state.lastSeq ?? 0, of: message.watch };
    }
    case 'pulse':
      store.put({ ...applyPulse(known, message), connection: 'live' });
      return null;
    case 'stopping':
      store.put({ connection: 'away' });
      return null;
    case 'welcome':
    case 'resync':
      break;
  }
  return null;
};

/** Who watches what. @param say asks the supervisor for these; false: it cannot be asked now. */
const createWatches = (say: (watch: Watched) => boolean) => {
  const watches = new Set<{ readonly thing: WatchedThing; readonly listener: (news: FeedNews) => void }>();
  let asked = '';
  const wanted = (): Watched => {
    const things = [...new Set([...watches].map(({ thing }) => thing))].filter((thing) => thing !== null).toSorted();
    const isAll = things.length > WATCHED_MAX || [...watches].some(({ thing }) => thing === null);
    return isAll ? null : things;
  };
  const ask = (): void => {
    const watch = wanted();
    const text = JSON.stringify(watch);
    if (text !== asked && say(watch)) asked = text;
  };
  return {
    ask,
    /** What a hello asks for. */
    begin: (): Watched => {
      const watch = wanted();
      asked = JSON.stringify(watch);
      return watch;
    },
    add: (thing: WatchedThing, listener: (news: FeedNews) => void): (() => void) => {
      const remove = added(watches, { thing, listener });
      ask();
      return () => {
        remove();
        ask();
      };
    },
    tell: ({ of, ...news }: Omit<FeedNews, 'isWhole'> & { readonly of: Watched }): void => {
      for (const { thing, listener } of watches) {
        listener({ ...news, isWhole: of === null || (thing !== null && of.includes(thing)) });
      }
    },
  };
};

export const createFeed = (ports: FeedPorts): Feed => {
  const store = framed(ports);
  let socket: FeedSocket | null = null;
  let isOpen = false;
  let failures = 0;
  let mustRead = false;
  let isStarted = false;

  const watches = createWatches((watch) => {
    if (isOpen) socket?.say(JSON.stringify({ type: 'watch', watch } satisfies ClientWatch));
    return isOpen;
  });

  const receive = (message: ServerMessage): void => {
    failures = 0;
    if (message.type === 'snapshot') mustRead = false;
    const news = take(store, message);
    if (news !== null) watches.tell(news);
    if (message.type !== 'resync') return;
    mustRead = true;
    socket?.close();
  };

  const retry = (why: Nobody): void => {
    if (why === 'over') {
      store.put({ connection: 'ended' });
      return;
    }
    // Straight away: the server asked for it, nothing is wrong.
    if (mustRead && failures === 0) {
      connect();
      return;
    }
    failures += 1;
    const isAway = store.known().connection === 'away' || failures >= AWAY_AFTER_TRIES;
    store.put({ connection: why === 'stranger' ? 'stranger' : isAway ? 'away' : 'reconnecting' });
    ports.after(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1)), connect);
  };

  const after = (): number | null => (mustRead ? null : store.known().lastSeq);

  const connect = (): void => {
    socket = ports.open(() => ({ after: after(), watch: watches.begin() }), {
      open: () => {
        isOpen = true;
        watches.ask();
        if (after() !== null) store.put({ connection: 'live' });
      },
      message: (text) => {
        receive(JSON.parse(text) as ServerMessage);
      },
      close: (why) => {
        socket = null;
        isOpen = false;
        retry(why);
      },
    });
  };

  return {
    start: () => {
      if (isStarted) return;
      isStarted = true;
      connect();
    },
    view: store.shown,
    subscribe: (listener) => added(store.listeners, listener),
    watch: watches.add,
  };
};
