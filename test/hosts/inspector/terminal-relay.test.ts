/**
 * Goal: a page sees a run's terminal as it is, can do nothing to it, and cannot hold it up.
 * Method: the real server; a runner's socket in the test with the runner's own `Viewers` behind it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { API } from '../../../src/hosts/inspector/protocol.ts';
import type { OutputTap } from '../../../src/hosts/runner/output-tap.ts';
import { Viewers } from '../../../src/hosts/runner/viewers.ts';
import { CHILD_CALLS } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { InspectorBench, RUN, type FeedClient } from './inspector-bench.ts';
import { helloOf } from './page-pass.ts';

const TOKEN = 'f'.repeat(64);
let bench: InspectorBench;
let runner: Server;
const peers: RpcPeer[] = [];
const calls: string[] = [];
const typed: Buffer[] = [];
let viewers: Viewers;
let show: (bytes: Buffer) => void = () => undefined;
let tail = '';
const run: { epoch: number; endedAt: number | null } = { epoch: 1, endedAt: null };

beforeEach(async () => {
  bench = await InspectorBench.open({ helloMs: 1_000 }, { conductor_get_run: () => ({ run }) });
  Object.assign(run, { epoch: 1, endedAt: null });
  tail = 'before\r\n';
  const tap: Pick<OutputTap, 'addSink' | 'tail'> = { addSink: (sink) => (show = sink), tail: () => Buffer.from(tail) };
  viewers = new Viewers(TOKEN, tap as OutputTap);
  viewers.open({ write: (bytes) => typed.push(bytes), resize: () => undefined });
  runner = createServer((socket) => {
    const peer = new RpcPeer(socket, {
      frameBytesMax: 65_536,
      methods: Object.fromEntries(
        Object.values(CHILD_CALLS).map((method) => [
          method,
          (params: unknown) => {
            calls.push(method);
            const answer = method === CHILD_CALLS.attach ? viewers.attach(params as never, peer) : null;
            // In the same turn as the answer: it must not overtake the tail.
            if (answer !== null) queueMicrotask(() => show(Buffer.from('at once\r\n')));
            return answer;
          },
        ]),
      ),
    });
    peers.push(peer);
  });
  const socketPath = join(bench.directory, 'runner.sock');
  await new Promise<void>((resolve) => runner.listen(socketPath, resolve));
  const directory = bench.paths.runDirectory(RUN);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'contract.json'), JSON.stringify({ socketPath, token: TOKEN }));
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.destroy();
  calls.length = 0;
  typed.length = 0;
  await new Promise((resolve) => runner.close(resolve));
  await bench.close();
});

const watch = async (runId = RUN, pass?: string): Promise<FeedClient> => {
  const client = bench.socket(API.terminal);
  await client.opened;
  client.send(helloOf(pass ?? (await bench.pass()), { runId }));
  return client;
};
const said = (client: FeedClient): readonly unknown[] => client.messages.filter(({ type }) => type !== 'welcome');
const textOf = ({ bytes }: FeedClient): string => Buffer.concat(bytes).toString();
const ended = async (client: FeedClient): Promise<unknown> => {
  await client.closed;
  return said(client).at(-1);
};

test('the tail comes first, then every byte, with the size and its changes', async () => {
  const page = await watch();
  await waitUntil('the tail', () => textOf(page).includes('at once'));
  show(Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0x00]));
  viewers.onResize({ cols: 1, rows: 1 });
  for (const peer of peers) peer.notify('viewer/resized', { cols: 80, rows: 25 });
  await waitUntil('both sizes', () => said(page).length === 2);
  expect(said(page)).toEqual([
    { type: 'size', cols: 120, rows: 32 },
    { type: 'size', cols: 80, rows: 25 },
  ]);
  const before = Buffer.from('before\r\nat once\r\n');
  await waitUntil('the bytes', () => Buffer.concat(page.bytes).length === before.length + 7);
  expect(Buffer.concat(page.bytes)).toEqual(
    Buffer.concat([before, Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0x00])]),
  );
});

test('nothing that a page sends reaches the run', async () => {
  const page = await watch();
  await waitUntil('attached', () => textOf(page).includes('at once'));
  page.send({ type: 'input', data: 'rm -rf /' });
  expect(await page.closed).toMatchObject({ code: 4400 });
  const again = await watch();
  await waitUntil('attached', () => textOf(again).includes('at once'));
  again.send(helloOf(await bench.pass(), { runId: RUN, write: true, cols: 1, rows: 1 }));
  expect(await again.closed).toMatchObject({ code: 4400 });
  expect(calls).toEqual([CHILD_CALLS.attach, CHILD_CALLS.attach]);
  expect(typed).toEqual([]);
});

test('the end of the agent is told, and the runner is let go', async () => {
  const page = await watch();
  await waitUntil('attached', () => textOf(page).includes('at once'));
  viewers.close('agent_exited');
  expect(await ended(page)).toEqual({ type: 'end', reason: 'agent_exited' });
  await waitUntil('the viewer has left', () => peers[0]?.closed === true);
});

test('a page that leaves lets the runner go; a runner that dies is told', async () => {
  const page = await watch();
  await waitUntil('attached', () => textOf(page).includes('at once'));
  page.close();
  await waitUntil('the viewer has left', () => peers[0]?.closed === true);
  const other = await watch();
  await waitUntil('attached', () => textOf(other).includes('at once'));
  peers[1]?.socket.destroy();
  expect(await ended(other)).toEqual({ type: 'end', reason: 'runner_gone' });
});

test('what is not there is told in words', async () => {
  run.endedAt = 1;
  expect(await ended(await watch())).toEqual({ type: 'end', reason: 'the run has ended' });
  Object.assign(run, { epoch: 2, endedAt: null });
  expect(await ended(await watch())).toEqual({ type: 'end', reason: 'the run has no runner yet' });
  for (const runId of ['../x', `run-${'9'.repeat(20)}`]) {
    expect(await ended(await watch(runId))).toMatchObject({ type: 'end' });
  }
  run.epoch = 1;
  await new Promise((resolve) => runner.close(resolve));
  expect(await ended(await watch())).toEqual({ type: 'end', reason: 'the runner does not answer' });
  expect(calls).toEqual([]);
});

test('a wrong ticket shows nothing', async () => {
  const directory = bench.paths.runDirectory(RUN);
  const socketPath = join(bench.directory, 'runner.sock');
  writeFileSync(join(directory, 'contract.json'), JSON.stringify({ socketPath, token: '0'.repeat(64) }));
  const page = await watch();
  expect(await ended(page)).toMatchObject({ type: 'end', reason: expect.stringContaining('ticket') as unknown });
  expect(page.bytes).toEqual([]);
});

test('when the supervisor goes, the page is told', async () => {
  const page = await watch();
  await waitUntil('attached', () => textOf(page).includes('at once'));
  await bench.stop();
  expect(await ended(page)).toEqual({ type: 'end', reason: 'stopping' });
});
