/**
 * Goal: the feed survives whatever happens to its socket: no gap, no repeat, no flood of pictures.
 * Method: sockets, timers and frames that the test holds in its hands.
 */
import { expect, test } from 'vitest';
import type { FeedEntry, ServerMessage, Watched } from '../../../src/hosts/inspector/protocol.ts';
import { createFeed, type FeedNews, type FeedPorts } from '../../../visualizations/src/connection/feed.ts';
import type { Nobody } from '../../../visualizations/src/connection/greeting.ts';
import { fixtureItems, fixtureOverview } from '../fixture-project.ts';

const now = 1_700_000_000_000;
const items = fixtureItems('empty', now);
const project = { key: 'k', repoRoot: '/r', name: 'r', version: '0', startedAt: now, epoch: 1 };

type Handlers = Parameters<FeedPorts['open']>[1];

const setUp = () => {
  /** `said`: after which entry each hello asked. `watched`: what was asked for, by hellos and later. */
  const sockets: { on: Handlers; said: (number | null)[]; watched: unknown[]; isClosed: boolean }[] = [];
  const timers: { ms: number; run: () => void }[] = [];
  let frames: (() => void)[] = [];
  const feed = createFeed({
    open: (hello, on) => {
      const open = (): void => {
        const { after, watch } = hello();
        socket.said.push(after);
        socket.watched.push(watch);
        on.open();
      };
      const socket = {
        on: { ...on, open },
        said: [] as (number | null)[],
        watched: [] as unknown[],
        isClosed: false,
      };
      sockets.push(socket);
      return {
        say: (text) => {
          socket.watched.push((JSON.parse(text) as { watch: unknown }).watch);
        },
        close: () => {
          socket.isClosed = true;
          on.close('silent');
        },
      };
    },
    after: (ms, run) => timers.push({ ms, run }),
    nextFrame: (run) => frames.push(run),
  });
  return {
    feed,
    sockets,
    timers,
    frames: () => frames.length,
    frame: () => {
      const due = frames;
      frames = [];
      for (const run of due) run();
    },
    say: (message: ServerMessage) => sockets.at(-1)!.on.message(JSON.stringify(message)),
    /** The socket breaks, or there was nobody to open it to. */
    breakOff: (why: Nobody = 'silent') => {
      sockets.at(-1)!.on.close(why);
    },
  };
};

const snapshot = (seq: number): ServerMessage => ({
  type: 'snapshot',
  project,
  overview: fixtureOverview(items, { seq, lastSeq: seq, now }),
});
const changes = (...seqs: number[]): ServerMessage => ({
  type: 'changes',
  lastSeq: seqs.at(-1)!,
  lastAt: now,
  watch: null,
  entries: seqs.map((seq) => ({ seq, at: now, event: { type: 'x' } }) as unknown as FeedEntry),
  items,
  progress: [],
  pulse: null,
});
/** What a page gets that watches only these. */
const scarce = (lastSeq: number, watch: Watched, ...seqs: number[]): ServerMessage => ({
  ...(changes(...seqs) as Extract<ServerMessage, { type: 'changes' }>),
  lastSeq,
  watch,
});

test('L1: it begins with a snapshot and resumes after the last entry that it knows', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  expect(it.sockets[0]!.said).toEqual([null]);
  it.say(snapshot(10));
  it.say(changes(11, 12));
  it.breakOff();
  it.timers[0]!.run();
  it.sockets[1]!.on.open();
  expect(it.sockets[1]!.said).toEqual([12]);
});

test('L1: resync reads anew at once', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(10));
  it.say({ type: 'resync' });
  expect(it.timers).toEqual([]);
  it.sockets[1]!.on.open();
  expect(it.sockets[1]!.said).toEqual([null]);
});

test('L2: listeners hear once per frame, however many messages came', () => {
  const it = setUp();
  let heard = 0;
  it.feed.subscribe(() => {
    heard += 1;
  });
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(1));
  for (let seq = 2; seq <= 100; seq += 1) it.say(changes(seq));
  expect([heard, it.frames()]).toEqual([0, 1]);
  expect(it.feed.view().lastSeq).toBeNull();
  it.frame();
  expect([heard, it.feed.view().lastSeq]).toEqual([1, 100]);
});

test('L3: an entry reaches who watches once, also when it comes again after a reconnect', () => {
  const it = setUp();
  const heard: number[] = [];
  it.feed.watch(null, ({ entries }) => heard.push(...entries.map(({ seq }) => seq)));
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(10));
  it.say(changes(11, 12));
  it.breakOff();
  it.timers[0]!.run();
  it.sockets[1]!.on.open();
  it.say(changes(12, 13));
  expect(heard).toEqual([11, 12, 13]);
});

test('L3: who watches is told where entries were left out', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(10));
  const news: FeedNews[] = [];
  it.feed.watch('run-a', (told) => news.push(told));
  // Sent before the supervisor heard of it; then what another view asked for; then what counts; then a page that fell behind.
  it.say(scarce(12, []));
  it.say(scarce(14, ['run-b'], 13));
  it.say(scarce(16, ['run-a', 'run-b'], 15));
  it.say(snapshot(16));
  it.say(snapshot(20));
  it.say(changes(21));
  expect(news.map(({ lastSeq, isWhole, entries }) => [lastSeq, isWhole, entries.length])).toEqual([
    [12, false, 0],
    [14, false, 1],
    [16, true, 1],
    [16, true, 0],
    [20, false, 0],
    [21, true, 1],
  ]);
});

test('the supervisor is asked for what views watch, when that changes and with every hello', () => {
  const it = setUp();
  it.feed.start();
  const leaveFirst = it.feed.watch('run-a', () => undefined);
  it.sockets[0]!.on.open();
  const leaveSecond = it.feed.watch('run-a', () => undefined);
  leaveFirst();
  it.feed.watch('gate-b', () => undefined);
  const leaveAll = it.feed.watch(null, () => undefined);
  leaveAll();
  leaveSecond();
  expect(it.sockets[0]!.watched).toEqual([['run-a'], ['gate-b', 'run-a'], null, ['gate-b', 'run-a'], ['gate-b']]);
  it.breakOff();
  it.feed.watch('run-c', () => undefined);
  it.timers[0]!.run();
  it.sockets[1]!.on.open();
  expect(it.sockets[1]!.watched).toEqual([['gate-b', 'run-c']]);
});

test('what begins to be watched while the other end proves itself is asked for as soon as it has', () => {
  const sockets: { said: unknown[]; hello: () => unknown; open: () => void }[] = [];
  const feed = createFeed({
    open: (hello, on) => {
      const socket = { said: [] as unknown[], hello, open: on.open };
      sockets.push(socket);
      return { close: () => undefined, say: (text) => socket.said.push(JSON.parse(text)) };
    },
    after: () => undefined,
    nextFrame: () => undefined,
  });
  feed.start();
  expect(sockets[0]!.hello()).toEqual({ after: null, watch: [] });
  feed.watch('run-a', () => undefined);
  expect(sockets[0]!.said).toEqual([]);
  sockets[0]!.open();
  expect(sockets[0]!.said).toEqual([{ type: 'watch', watch: ['run-a'] }]);
});

test('it tries again after 0.25 s, then slower, at most every 5 s, and says that the supervisor is away', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(1));
  it.breakOff();
  it.frame();
  expect(it.feed.view().connection).toBe('reconnecting');
  for (let round = 0; round < 6; round += 1) {
    it.timers[round]!.run();
    it.breakOff();
  }
  it.frame();
  expect(it.timers.map(({ ms }) => ms)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  expect(it.feed.view().connection).toBe('away');
  it.timers.at(-1)!.run();
  it.sockets.at(-1)!.on.open();
  it.say(changes(2));
  it.frame();
  expect(it.feed.view().connection).toBe('live');
});

test('a supervisor that says it goes is away at once', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(1));
  it.say({ type: 'stopping' });
  it.frame();
  expect(it.feed.view().connection).toBe('away');
});

test('a session that no longer counts ends the feed, and it asks no more', () => {
  const it = setUp();
  it.feed.start();
  it.breakOff('over');
  it.frame();
  expect(it.feed.view().connection).toBe('ended');
  expect(it.timers).toEqual([]);
});

test('something else at the address is said at once, and no longer than it is there', () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(1));
  it.breakOff();
  it.timers[0]!.run();
  it.breakOff('stranger');
  it.frame();
  expect(it.feed.view().connection).toBe('stranger');
  it.timers[1]!.run();
  it.breakOff('silent');
  it.frame();
  expect(it.feed.view().connection).toBe('away');
  it.timers[2]!.run();
  it.sockets.at(-1)!.on.open();
  it.frame();
  expect([it.feed.view().connection, it.sockets.at(-1)!.said]).toEqual(['live', [1]]);
});
