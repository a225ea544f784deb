/**
 * The live feed: one socket, kept open, whose messages become one state that views subscribe to.
 *
 * L1. A reconnect asks for what follows `lastSeq`; a snapshot is read when there is nothing yet or the server says `resync`.
 * L2. Listeners hear of a change at most once per frame, however many messages came.
 * L3. Each entry reaches the entry listeners once, in order, also across reconnects.
 */
import type { FeedEntry, ServerMessage } from '../../../src/hosts/inspector/protocol.ts';
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

export type FeedSocket = { readonly close: () => void };
export type FeedPorts = {
  /** `after` is asked when the hello is said. Ends with `close`, also when there is nobody to open a socket to. */
  readonly open: (
    after: () => number | null,
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
  readonly onEntry: (listener: (entry: FeedEntry) => void) => () => void;
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

/** Takes in a message. Gives what must be told to the entry listeners. */
const take = (store: Store, message: ServerMessage): readonly FeedEntry[] => {
  const known = store.known();
  switch (message.type) {
    case 'snapshot':
      store.put({ ...applySnapshot(known, message), connection: 'live' });
      return [];
    case 'changes': {
      const { state, fresh } = applyChanges(known, message);
      store.put({ ...state, connection: 'live' });
      return fresh;
    }
    case 'pulse':
      store.put({ ...applyPulse(known, message), connection: 'live' });
      return [];
    case 'stopping':
      store.put({ connection: 'away' });
      return [];
    case 'welcome':
    case 'resync':
      break;
  }
  return [];
};

export const createFeed = (ports: FeedPorts): Feed => {
  const store = framed(ports);
  const entryListeners = new Set<(entry: FeedEntry) => void>();
  let socket: FeedSocket | null = null;
  let failures = 0;
  let mustRead = false;
  let isStarted = false;

  const receive = (message: ServerMessage): void => {
    failures = 0;
    if (message.type === 'snapshot') mustRead = false;
    for (const entry of take(store, message)) for (const listener of entryListeners) listener(entry);
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
    socket = ports.open(after, {
      open: () => {
        if (after() !== null) store.put({ connection: 'live' });
      },
      message: (text) => {
        receive(JSON.parse(text) as ServerMessage);
      },
      close: (why) => {
        socket = null;
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
    onEntry: (listener) => added(entryListeners, listener),
  };
};
