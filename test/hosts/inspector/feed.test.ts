/**
 * Goal: what a page is told is the journal without gap or repeat, whoever else is there, however slow it is, whatever restarts.
 * Method: real sockets; a journal that grows at the moments that matter; pages that do not read.
 */
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { entryOf } from '../rpc/small-face.ts';
import {
  PROGRESS_MS,
  API,
  BATCH_ENTRIES_MAX,
  UNSENT_BYTES_MAX,
  WATCHED_MAX,
  type ServerMessage,
} from '../../../src/hosts/inspector/protocol.ts';
import { SESSION_MS } from '../../../src/hosts/inspector/page-sessions.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { InspectorBench, OBJECTIVE, range, RUN, TASK, type FeedClient } from './inspector-bench.ts';
import { helloOf } from './page-pass.ts';

let bench: InspectorBench;
afterEach(async () => {
  await bench.close();
});

/** As the last message of the journal said. */
const watched = (client: FeedClient): unknown => (client.messages.at(-1) as { watch?: unknown }).watch;

const told = (client: FeedClient, count: number): Promise<void> =>
  waitUntil(`${String(count)} entries`, () => client.seqs.length >= count);

test('a page gets the project at a moment, then every entry after it, with what it changed', async () => {
  bench = await InspectorBench.open();
  bench.face.append(7);
  const page = await bench.feed(await bench.pass());
  const { overview, project } = await page.first('snapshot');
  expect({ seq: overview.seq, name: project.name }).toEqual({ seq: 7, name: 'repo' });
  bench.face.append(2, 'text', TASK);
  const changes = await page.first('changes');
  expect(changes).toMatchObject({ lastSeq: 9, items: { tasks: [{ taskId: TASK, revision: 9 }] } });
  expect(changes.entries.map(({ seq }) => seq)).toEqual([8, 9]);
  expect(changes.entries[0]).not.toHaveProperty('patch');
  expect(changes.entries[0]).toMatchObject({ actor: TASK, event: { text: 'text' }, taken: [] });
});

test('a batch holds at most a hundred entries, and several of a moment go together', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  for (let count = 0; count < 5; count += 1) bench.face.append(1);
  await told(page, 5);
  expect(page.messages.filter(({ type }) => type === 'changes')).toHaveLength(1);
  bench.face.append(450);
  await told(page, 455);
  expect(page.seqs).toEqual(range(1, 455));
  const sizes = page.messages.map((message) => (message.type === 'changes' ? message.entries.length : 0));
  expect(Math.max(...sizes)).toBe(BATCH_ENTRIES_MAX);
});

/** What a run and its task write when the run says how far it is. */
const reportedBy = (text: string, ofTask = text): void => {
  const { journal, listeners } = bench.face;
  const entry = { kind: 'transition' as const, from: 'running', to: 'running' };
  const said = [
    { ...entryOf(journal.length + 1, '', RUN), ...entry, taskId: TASK, event: { type: 'child.progress', text } },
    {
      ...entryOf(journal.length + 2, '', TASK),
      ...entry,
      taskId: TASK,
      event: { type: 'task.progressed', text: ofTask },
    },
  ];
  journal.push(...said);
  for (const listener of listeners) void listener(said, journal.length);
};

test('progress of runs waits a little longer, and goes along with news', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  reportedBy('one');
  reportedBy('two');
  bench.face.append(1);
  await told(page, 5);
  expect(page.messages.filter(({ type }) => type === 'changes')).toHaveLength(1);
  reportedBy('three');
  await told(page, 7);
  expect(page.seqs).toEqual(range(1, 7));
});

test('the last progress of each is told without a read; what changed beside is read', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  reportedBy('one');
  reportedBy('two');
  const changes = await page.first('changes');
  const [run, task] = bench.face.journal.slice(-2);
  expect(changes.progress).toEqual([{ id: RUN, taskId: TASK, text: 'two', at: run!.at }]);
  expect(changes).toMatchObject({ lastSeq: 4, lastAt: task!.at, items: { tasks: [], runs: [] } });
  expect(bench.count('conductor_get_overview_items')).toBe(0);
  reportedBy('three');
  bench.face.append(1, '', TASK);
  await told(page, 7);
  const later = page.messages.flatMap((message) => (message.type === 'changes' ? [message] : [])).at(-1)!;
  expect(later.progress.map(({ id, taskId, text }) => [id, taskId, text])).toEqual([[RUN, null, 'three']]);
  expect(later.items.tasks.map(({ taskId }) => taskId)).toEqual([TASK]);
});

test('a run and a task that say different things are told of by themselves', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  reportedBy('mine', 'another');
  const { progress } = await page.first('changes');
  expect(progress.map(({ id, taskId, text }) => [id, taskId, text])).toEqual([
    [RUN, null, 'mine'],
    [TASK, null, 'another'],
  ]);
});

test('progress of what somebody watches is told as soon as news is, also in a flood', async () => {
  bench = await InspectorBench.open();
  const pass = await bench.pass();
  const page = await bench.feed(pass, 0, [RUN]);
  await waitUntil('it is live', () => bench.face.listeners.size === 1);
  const from = performance.now();
  for (let count = 1; count <= 5; count += 1) {
    reportedBy(String(count));
    await told(page, count);
  }
  // One by one they would have waited four times.
  expect(performance.now() - from).toBeLessThan(4 * PROGRESS_MS);
  expect(page.messages.filter(({ type }) => type === 'changes')).toHaveLength(5);
});

test('what somebody begins to watch in a flood is told as soon as news is, and waits again when nobody does', async () => {
  bench = await InspectorBench.open();
  const pass = await bench.pass();
  const other = await bench.feed(pass, 0, []);
  await waitUntil('it is live', () => bench.face.listeners.size === 1);
  const page = await bench.feed(pass, 0, []);
  const messages = () => other.messages.filter(({ type }) => type === 'changes').length;
  const toldIn = async (text: string): Promise<number> => {
    const [before, from] = [messages(), performance.now()];
    reportedBy(text);
    await waitUntil('it is told', () => messages() > before);
    return performance.now() - from;
  };
  await page.first('welcome');
  await toldIn('the first after a silence');
  page.send({ type: 'watch', watch: [RUN] });
  // The first may be said before the watch has come.
  const waits = [await toldIn('one'), await toldIn('two'), await toldIn('three')];
  expect(Math.min(...waits)).toBeLessThan(PROGRESS_MS / 2);
  page.close();
  await page.closed;
  await toldIn('whatever was under way');
  expect(await toldIn('by nobody')).toBeGreaterThan(PROGRESS_MS / 2);
});

test('a pulse goes along with what is told anyway, and alone where nothing is', async () => {
  bench = await InspectorBench.open({ pulseMs: 20 });
  const usage = { memoryBytes: null, cpuPercent: null };
  bench.live.push({ runId: RUN, phase: null, idleMs: 1, outputBytes: 2, connected: true, ...usage });
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  const alone = () => page.messages.filter(({ type }) => type === 'pulse').length;
  // The first is of the moment in which the page went live.
  await waitUntil('one alone', () => alone() >= 3);
  bench.face.append(1);
  const { pulse } = await page.first('changes');
  expect(pulse).toMatchObject({ at: expect.any(Number), runs: [{ runId: RUN, outputBytes: 2 }] });
});

test('what was rejected is no progress', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  const { journal, listeners } = bench.face;
  const event = { type: 'task.progressed', text: 'late' };
  const entry = { ...entryOf(1, '', TASK), kind: 'rejected' as const, from: 'completed', to: 'completed', event };
  journal.push(entry);
  for (const listener of listeners) void listener([entry], 1);
  expect(await page.first('changes')).toMatchObject({ progress: [], items: { tasks: [{ taskId: TASK }] } });
});

test('a page is sent the entries of what it watches, and what changed whatever it watches', async () => {
  bench = await InspectorBench.open();
  bench.face.append(1);
  const pass = await bench.pass();
  const page = await bench.feed(pass, 0, []);
  const other = await bench.feed(pass, 0, [RUN]);
  await told(other, 0);
  await waitUntil('both are live', () => page.messages.length >= 2 && other.messages.length >= 2);
  bench.face.append(1, '', TASK);
  reportedBy('one');
  await told(other, 1);
  await waitUntil('all is told', () => page.messages.length >= 3);
  const [first, second] = page.messages.flatMap((message) => (message.type === 'changes' ? [message] : []));
  expect([first?.lastSeq, second?.lastSeq, page.seqs]).toEqual([1, 4, []]);
  expect(second).toMatchObject({ watch: [], items: { tasks: [{ taskId: TASK }] }, progress: [{ id: RUN }] });
  expect([other.seqs, other.messages.at(-1)]).toMatchObject([[3], { lastSeq: 4, watch: [RUN] }]);
  page.send({ type: 'watch', watch: [TASK] });
  other.send({ type: 'watch', watch: null });
  await waitUntil('both are watched', () => {
    bench.face.append(1);
    return JSON.stringify([watched(page), watched(other)]) === JSON.stringify([[TASK], null]);
  });
  const from = bench.face.journal.length + 1;
  bench.face.append(1, '', TASK);
  bench.face.append(1, '', RUN);
  await waitUntil('all is told', () => other.seqs.at(-1) === from + 1 && page.seqs.at(-1) === from);
  expect(page.seqs).toEqual([from]);
  expect(other.seqs.filter((seq) => seq >= from)).toEqual([from, from + 1]);
});

test('who watches an objective is sent the entries of all in it', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass(), 0, [OBJECTIVE]);
  await waitUntil('it is live', () => bench.face.listeners.size === 1);
  const { journal, listeners } = bench.face;
  const said = [entryOf(1, '', OBJECTIVE), { ...entryOf(2, '', TASK), objectiveId: OBJECTIVE as never }, entryOf(3)];
  journal.push(...said);
  for (const listener of listeners) void listener(said, 3);
  await told(page, 2);
  expect(page.seqs).toEqual([1, 2]);
});

test.each([
  ['no list', { type: 'watch', watch: 'run-a' }],
  ['no ids', { type: 'watch', watch: ['everything'] }],
  ['too many', { type: 'watch', watch: Array.from({ length: WATCHED_MAX + 1 }, () => RUN) }],
  ['another message', { type: 'look', watch: [] }],
])('a page that watches %s makes no sense', async (_, message) => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  page.send(message);
  expect(await page.closed).toMatchObject({ code: 4400 });
});

test('a hello that watches nonsense makes none either', async () => {
  bench = await InspectorBench.open();
  const page = await bench.feed(await bench.pass(), null, ['everything']);
  expect(await page.closed).toMatchObject({ code: 4400 });
});

test('between the snapshot and what is live nothing is missing and nothing comes twice', async () => {
  bench = await InspectorBench.open();
  bench.face.append(3);
  const go = Promise.withResolvers<void>();
  const overview = bench.answers['conductor_get_overview']!;
  bench.answers['conductor_get_overview'] = async (request) => {
    // Committed after the live stream was joined: a batch before the snapshot is read, one over it, one while it is on its way.
    bench.face.append(2, '', TASK);
    await waitUntil('the first batch', () => bench.count('conductor_get_overview_items') === 1);
    bench.face.append(2);
    const seen = overview(request);
    bench.face.append(5);
    await go.promise;
    return seen;
  };
  const pass = await bench.pass();
  const page = await bench.feed(pass);
  await waitUntil('the snapshot is being read', () => bench.face.journal.length === 12);
  await waitUntil('it is known live', () => bench.face.listeners.size === 1);
  bench.face.append(6);
  go.resolve();
  await told(page, 11);
  expect((await page.first('snapshot')).overview.seq).toBe(7);
  expect(page.seqs).toEqual(range(8, 18));
});

test('several pages share one subscription and one read per batch; none costs nothing', async () => {
  bench = await InspectorBench.open({ pulseMs: 5 });
  bench.face.append(1);
  expect(bench.face.invoked).toEqual([]);
  const pass = await bench.pass();
  const pages = await Promise.all(Array.from({ length: 5 }, () => bench.feed(pass)));
  await Promise.all(pages.map((page) => page.first('snapshot')));
  await Promise.all(pages.map((page) => page.first('pulse')));
  expect(bench.face.listeners.size).toBe(1);
  bench.face.append(3, '', TASK);
  await Promise.all(pages.map((page) => told(page, 3)));
  expect(bench.count('conductor_get_overview_items')).toBe(1);
  for (const page of pages) page.close();
  await waitUntil('nothing is subscribed', () => bench.face.listeners.size === 0);
  const calls = bench.face.invoked.length;
  bench.face.append(300, '', TASK);
  const again = await bench.feed(pass);
  await again.first('snapshot');
  expect(bench.face.invoked.slice(calls).map(({ operation }) => operation)).toEqual([
    'conductor_list_events',
    'conductor_get_overview',
  ]);
});

test('a page that was away is told what it missed, and then what is live', async () => {
  bench = await InspectorBench.open();
  bench.face.append(950);
  const pass = await bench.pass();
  const other = await bench.feed(pass);
  await other.first('snapshot');
  const page = await bench.feed(pass, 600);
  bench.face.append(40);
  await told(page, 390);
  expect(page.seqs).toEqual(range(601, 990));
  expect(page.messages.some(({ type }) => type === 'snapshot')).toBe(false);
});

test.each([
  ['was away for too long', 0],
  ['knows entries that are not there', 9_999],
])('a page that %s reads anew, over the same socket', async (_, after) => {
  bench = await InspectorBench.open();
  bench.face.append(2_500);
  const pass = await bench.pass();
  const page = await bench.feed(pass, after);
  await page.first('resync');
  expect(page.seqs).toEqual([]);
  bench.face.append(10);
  page.send(helloOf(pass, { after: null }));
  expect((await page.first('snapshot')).overview.seq).toBe(2_510);
  bench.face.append(1);
  await told(page, 1);
  expect(page.seqs).toEqual([2_511]);
});

test('a page that does not read is told to read anew; others are not held up', async () => {
  bench = await InspectorBench.open();
  const pass = await bench.pass();
  const reader = await bench.feed(pass);
  await reader.first('snapshot');
  const lazy = await lazyPage(bench, pass);
  await waitUntil('both are live', () => bench.count('conductor_get_overview') === 2);
  const text = 'x'.repeat(20_000);
  for (let round = 1; round <= 60; round += 1) {
    bench.face.append(20, text);
    await told(reader, round * 20);
  }
  expect(reader.seqs).toEqual(range(1, 1_200));
  const seen = await readAll(lazy);
  const last = seen.at(-1);
  expect(last).toEqual({ type: 'resync' });
  const seqs = seen.flatMap((message) => (message.type === 'changes' ? message.entries.map(({ seq }) => seq) : []));
  expect(seqs).toEqual(range(1, seqs.length));
  expect(seqs.length).toBeLessThan(1_200);
});

test('a large snapshot is no lag', async () => {
  bench = await InspectorBench.open();
  const overview = bench.answers['conductor_get_overview']!;
  bench.answers['conductor_get_overview'] = (request) => ({
    ...(overview(request) as object),
    counts: { large: 'x'.repeat(3 * UNSENT_BYTES_MAX) },
  });
  const page = await bench.feed(await bench.pass());
  await waitUntil('the live stream is joined', () => bench.face.listeners.size === 1);
  bench.face.append(3);
  await page.first('snapshot');
  bench.face.append(3);
  await told(page, bench.face.journal.length - (await page.first('snapshot')).overview.seq);
  expect(page.messages.map(({ type }) => type)).not.toContain('resync');
});

test('trouble while reading is told as resync, logged, and over with the next hello', async () => {
  bench = await InspectorBench.open();
  const pass = await bench.pass();
  const page = await bench.feed(pass);
  await page.first('snapshot');
  const items = bench.answers['conductor_get_overview_items']!;
  bench.answers['conductor_get_overview_items'] = () => Promise.reject(new Error('the disk is gone'));
  bench.face.append(1, '', TASK);
  await page.first('resync');
  expect(bench.log.join()).toContain('the disk is gone');
  bench.answers['conductor_get_overview_items'] = items;
  page.send(helloOf(pass, { after: 0 }));
  await told(page, 1);
  expect(page.seqs).toEqual([1]);
});

test('after a restart the same port and the same session go on where the page was', async () => {
  bench = await InspectorBench.open();
  const session = await bench.session();
  const first = await bench.feed(await bench.pass(session));
  await first.first('snapshot');
  bench.face.append(5);
  await told(first, 5);
  const { port } = bench;
  const asked = Date.now();
  await bench.stop();
  await first.first('stopping');
  expect(await first.closed).toMatchObject({ code: 1001 });
  expect(Date.now() - asked).toBeLessThan(2_000);
  bench.face.append(5);
  await bench.start();
  expect(bench.port).toBe(port);
  const second = await bench.feed(await bench.pass(session), 5);
  bench.face.append(5);
  await told(second, 10);
  expect([...first.seqs, ...second.seqs]).toEqual(range(1, 15));
});

test('live runs are reported while a page is open, and the supervisor is kept from leaving', async () => {
  let touched = 0;
  bench = new InspectorBench({ pulseMs: 5 });
  Object.assign(bench.face.idle, { touch: () => (touched += 1) });
  await bench.start();
  const run = { runId: 'run-a', phase: 'agent', idleMs: 1, outputBytes: 2, connected: true } as const;
  bench.live.push({ ...run, memoryBytes: 3, cpuPercent: 0.4 });
  const page = await bench.feed(await bench.pass());
  const { runs } = await page.first('pulse');
  expect(runs).toEqual([{ ...run, memoryBytes: 3, cpuPercent: 0.4 }]);
  expect(touched).toBeGreaterThan(0);
});

test('a page is told of live runs at once, not only with the next beat', async () => {
  bench = new InspectorBench({ pulseMs: 600_000 });
  await bench.start();
  const quiet = await bench.feed(await bench.pass());
  await quiet.first('snapshot');
  const run = { runId: 'run-a', phase: 'agent', idleMs: 1, outputBytes: 2, connected: true } as const;
  bench.live.push({ ...run, memoryBytes: 3, cpuPercent: 0.4 });
  const page = await bench.feed(await bench.pass());
  await page.first('pulse');
  expect(page.messages.map(({ type }) => type)).toEqual(['welcome', 'snapshot', 'pulse']);
  expect(quiet.messages.map(({ type }) => type)).toEqual(['welcome', 'snapshot']);
});

test('the end of a session ends its sockets', async () => {
  bench = await InspectorBench.open({ pulseMs: 5 });
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  bench.ahead = SESSION_MS;
  expect(await page.closed).toMatchObject({ code: 4401 });
});

test('at most 32 pages are open at a time', async () => {
  bench = await InspectorBench.open();
  const pass = await bench.pass();
  const pages = await Promise.all(Array.from({ length: 32 }, () => bench.feed(pass)));
  await Promise.all(pages.map((page) => page.first('snapshot')));
  const next = bench.socket();
  expect(await next.closed).toMatchObject({ code: 1013 });
  pages[0]?.close();
  await pages[0]?.closed;
  const freed = await bench.feed(pass);
  await freed.first('snapshot');
});

/** A page that has said hello and reads nothing: by hand, for no client library stops reading. */
const lazyPage = async ({ port, origin }: InspectorBench, pass: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write(
    `GET ${API.feed} HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\nOrigin: ${origin}\r\nConnection: Upgrade\r\n` +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const hello = Buffer.from(JSON.stringify(helloOf(pass, { after: null })));
  // A masked text frame with the mask 0 (RFC 6455, 5.2).
  socket.write(Buffer.concat([Buffer.from([0x81, 0xfe, 0, hello.length, 0, 0, 0, 0]), hello]));
  return socket;
};

/** Reads everything up to `resync`, as messages. */
const readAll = async (socket: Socket): Promise<readonly ServerMessage[]> => {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  socket.resume();
  await waitUntil('resync', () => bytes.includes('{"type":"resync"}'));
  socket.destroy();
  const messages: ServerMessage[] = [];
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at < bytes.length;) {
    const short = bytes[at + 1]! & 0x7f;
    const [head, length] =
      short < 126
        ? [2, short]
        : short === 126
          ? [4, bytes.readUInt16BE(at + 2)]
          : [10, Number(bytes.readBigUInt64BE(at + 2))];
    messages.push(JSON.parse(bytes.subarray(at + head, at + head + length).toString()) as ServerMessage);
    at += head + length;
  }
  return messages;
};
