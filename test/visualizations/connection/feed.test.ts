/**
 * Goal: the feed survives whatever happens to its socket: no gap, no repeat, no flood of pictures.
 * Method: sockets, timers and frames that the test holds in its hands.
 */
import { expect, test } from 'vitest';
import type { ClientHello, FeedEntry, ServerMessage } from '../../../src/hosts/inspector/protocol.ts';
import { createFeed, type FeedPorts } from '../../../visualizations/src/connection/feed.ts';
import { fixtureItems, fixtureOverview } from '../fixture-project.ts';

const now = 1_700_000_000_000;
const items = fixtureItems('empty', now);
const project = { key: 'k', repoRoot: '/r', name: 'r', version: '0', startedAt: now, epoch: 1 };

type Handlers = Parameters<FeedPorts['open']>[0];

/** Promises that follow from what just happened have run. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

const setUp = (session: () => string | null = () => 'secret') => {
  const sockets: { on: Handlers; sent: ClientHello[]; isClosed: boolean }[] = [];
  const timers: { ms: number; run: () => void }[] = [];
  let frames: (() => void)[] = [];
  let answer: 'valid' | 'gone' | 'unreachable' = 'unreachable';
  const feed = createFeed({
    open: (on) => {
      const socket = { on, sent: [] as ClientHello[], isClosed: false };
      sockets.push(socket);
      return {
        send: (text) => socket.sent.push(JSON.parse(text) as ClientHello),
        close: () => {
          socket.isClosed = true;
          on.close();
        },
      };
    },
    session,
    checkSession: async () => answer,
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
    /** The socket breaks, and the feed has decided what next. */
    breakOff: async () => {
      sockets.at(-1)!.on.close();
      await settled();
    },
    settled,
    sessionIs: (next: typeof answer) => {
      answer = next;
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
  entries: seqs.map((seq) => ({ seq, at: now, event: { type: 'x' } }) as unknown as FeedEntry),
  items,
});

test('L1: it begins with a snapshot and resumes after the last entry that it knows', async () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  expect(it.sockets[0]!.sent).toEqual([{ type: 'hello', session: 'secret', after: null }]);
  it.say(snapshot(10));
  it.say(changes(11, 12));
  await it.breakOff();
  it.timers[0]!.run();
  it.sockets[1]!.on.open();
  expect(it.sockets[1]!.sent).toEqual([{ type: 'hello', session: 'secret', after: 12 }]);
});

test('L1: resync reads anew at once', async () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(10));
  it.say({ type: 'resync' });
  await it.settled();
  expect(it.timers).toEqual([]);
  it.sockets[1]!.on.open();
  expect(it.sockets[1]!.sent).toEqual([{ type: 'hello', session: 'secret', after: null }]);
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

test('L3: an entry reaches its listeners once, also when it comes again after a reconnect', async () => {
  const it = setUp();
  const heard: number[] = [];
  it.feed.onEntry(({ seq }) => heard.push(seq));
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(10));
  it.say(changes(11, 12));
  await it.breakOff();
  it.timers[0]!.run();
  it.sockets[1]!.on.open();
  it.say(changes(12, 13));
  expect(heard).toEqual([11, 12, 13]);
});

test('it tries again after 0.25 s, then slower, at most every 5 s, and says that the supervisor is away', async () => {
  const it = setUp();
  it.feed.start();
  it.sockets[0]!.on.open();
  it.say(snapshot(1));
  await it.breakOff();
  it.frame();
  expect(it.feed.view().connection).toBe('reconnecting');
  for (let round = 0; round < 6; round += 1) {
    it.timers[round]!.run();
    await it.breakOff();
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

test('a session that no longer counts ends the feed, and it asks no more', async () => {
  const it = setUp();
  it.feed.start();
  it.sessionIs('gone');
  await it.breakOff();
  it.frame();
  expect(it.feed.view().connection).toBe('ended');
  expect(it.timers).toEqual([]);
});
