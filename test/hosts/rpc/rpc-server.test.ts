/**
 * Goal: a connection can cost the supervisor no more than its limits, and learns nothing that is not meant for it.
 * Method: the real server over real sockets around a small face; hostile bytes are written by hand, the rest by RpcPeer, which is what
 * runners use.
 */
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { InspectorDoor } from '../../../src/hosts/rpc/rpc-face.ts';
import type { ProcessLook } from '../../../src/hosts/rpc/principal.ts';
import { startRpcServer, type RpcServer } from '../../../src/hosts/rpc/rpc-server.ts';
import { CLIENT_NEWS, type EntriesNews } from '../../../src/hosts/rpc/wire.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { encodeFrame } from '../../../src/supervisor/runners/frames.ts';
import { INSTRUCTIONS, PROTOCOL, RUNNER_CALLS } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { createSmallFace, type SmallFace } from './small-face.ts';

type Served = {
  readonly face: SmallFace;
  readonly server: RpcServer;
  readonly path: string;
  readonly logged: unknown[];
  readonly rebound: string[];
};

const nobody: ProcessLook = { parentOf: () => 1, hasCookie: () => false };
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const serve = async (look: ProcessLook = nobody, helloMs = 10_000, inspector?: InspectorDoor): Promise<Served> => {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  chmodSync(directory, 0o700);
  const path = join(directory, 'small.1.sock');
  const face = createSmallFace({
    identity: { hostId: 'h', bootId: 'b', pid: process.pid, startTicks: '1' },
    socket: path,
    memory: directory,
    ...(inspector === undefined ? {} : { inspector }),
  });
  const logged: unknown[] = [];
  const rebound: string[] = [];
  const server = await startRpcServer({
    face,
    socketPath: path,
    look: () => look,
    onRebound: (at) => rebound.push(at),
    log: (error) => logged.push(error),
    checkMs: 20,
    helloMs,
  });
  cleanups.push(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  return { face, server, path, logged, rebound };
};

const rawSocket = async (path: string): Promise<Socket> => {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.on('error', () => socket.destroy());
  cleanups.push(() => void socket.destroy());
  return socket;
};

const peerOf = (socket: Socket, methods: Record<string, (params: unknown) => unknown> = {}): RpcPeer =>
  new RpcPeer(socket, { frameBytesMax: 16_777_216, methods, onClose: () => undefined });

const hello = { protocol: PROTOCOL, version: '0.0.0', role: 'client', pid: 4_242, stdinTty: true, stdoutTty: true };
const clientOf = async (path: string, methods: Record<string, (params: unknown) => unknown> = {}): Promise<RpcPeer> => {
  const peer = peerOf(await rawSocket(path), methods);
  await peer.call('hello', hello);
  return peer;
};
const refusal = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'answered';
  } catch (error) {
    return error instanceof ConductorError ? error.code : String(error);
  }
};
const answerTo = async (socket: Socket): Promise<string> => {
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  await once(socket, 'close');
  return text;
};
const callOf = (operation: string, params: unknown = {}) => ({ operation, params, requestId: null });
const ready = {
  runId: 'run-a',
  epoch: 1,
  instance: 'i',
  token: 't',
  protocol: PROTOCOL,
  version: '0.0.0',
  identity: {},
  spoolSeq: 0,
};

test('the socket and its directory are for this user alone, and nothing else lies there', async () => {
  const { path } = await serve();
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, '..'))).toEqual(['small.1.sock']);
});

test('hello answers with the facts and what the caller is taken for', async () => {
  const { path, face } = await serve();
  const peer = peerOf(await rawSocket(path));
  expect(await peer.call('hello', hello)).toEqual({ protocol: PROTOCOL, facts: face.facts(), principal: 'human' });
  expect(await peer.call('call', callOf('echo', { a: 1 }))).toEqual({
    content: [{ type: 'text', text: 'ok' }],
    details: { params: { a: 1 }, principal: 'human', clientEnv: {}, confirmedGate: null },
  });
});

test('the process table decides about the caller, not what a request says', async () => {
  const { path } = await serve({ parentOf: () => null, hasCookie: (pid) => pid === 4_242 });
  const peer = await clientOf(path);
  const { details } = (await peer.call('call', { ...callOf('echo'), principal: 'human' })) as { details: object };
  expect(details).toMatchObject({ principal: 'child_run' });
  expect(await refusal(peer.call('challenge', { gateId: 'gate-abcdef' }))).toBe('not_permitted');
  expect(await refusal(peer.call('stop', { mode: 'keep' }))).toBe('not_permitted');
});

test('R1: nothing is done before hello, and who never says it is closed', async () => {
  const { path, face } = await serve(nobody, 50);
  const peer = peerOf(await rawSocket(path));
  expect(await refusal(peer.call('call', callOf('echo')))).toBe('invalid_params');
  expect(face.invoked).toEqual([]);
  expect(await answerTo(await rawSocket(path))).toContain('must be hello');
});

test('R2: a runner calls what is for runners, a client what is for clients', async () => {
  const { path, face } = await serve();
  const client = await clientOf(path);
  expect(await refusal(client.call(RUNNER_CALLS.ready, ready))).toBe('not_permitted');
  expect(await refusal(client.call('toString', {}))).toBe('not_found');
  const runner = peerOf(await rawSocket(path));
  await runner.call('hello', { ...hello, role: 'runner' });
  expect(await refusal(runner.call('call', callOf('echo')))).toBe('not_permitted');
  expect(await refusal(runner.call('stop', { mode: 'now' }))).toBe('not_permitted');
  expect(await refusal(runner.call('hello', hello))).toBe('invalid_params');
  expect(await runner.call(RUNNER_CALLS.ready, ready)).toEqual({ kind: 'granted', appliedSeq: 0 });
  expect(face.invoked).toEqual([]);
  expect(face.clientCounts).toEqual([1]);
});

test('a runner may begin with ready, and then gets instructions over its link', async () => {
  const { path, face } = await serve();
  const finished: unknown[] = [];
  const methods = { [INSTRUCTIONS.finish]: (params: unknown) => finished.push(params) };
  const socket = await rawSocket(path);
  const runner = peerOf(socket, methods);
  expect(await runner.call(RUNNER_CALLS.ready, ready)).toEqual({ kind: 'granted', appliedSeq: 0 });
  const report = { ...ready, entries: [{ seq: 7, at: 1, body: {} }] };
  expect(await runner.call(RUNNER_CALLS.report, report)).toEqual([{ result: 'applied', seq: 7 }]);
  expect(await refusal(runner.call(RUNNER_CALLS.report, { ...ready, entries: 'x' }))).toBe('invalid_params');
  expect(await refusal(runner.call(RUNNER_CALLS.ready, { ...ready, token: 7 }))).toBe('invalid_params');
  expect(await face.links[0]!.call(INSTRUCTIONS.finish, { graceMs: 1 }, 5_000)).toBe(1);
  expect(finished).toEqual([{ graceMs: 1 }]);
  expect(await refusal(face.links[0]!.call('runner/unknown', {}, 5_000))).toBe('not_found');
});

test('an instruction settles at its deadline, and when the runner is gone', async () => {
  const { path, face } = await serve();
  const socket = await rawSocket(path);
  const runner = peerOf(socket, { [INSTRUCTIONS.verify]: () => new Promise(() => undefined) });
  await runner.call(RUNNER_CALLS.ready, ready);
  const link = face.links[0]!;
  expect(await refusal(link.call(INSTRUCTIONS.verify, {}, 30))).toBe('supervisor_unreachable');
  const pending = refusal(link.call(INSTRUCTIONS.verify, {}, 30_000));
  socket.destroy();
  expect(await pending).toBe('supervisor_unreachable');
  await waitUntil('the intake knows', () => face.links.length === 0);
  expect(await refusal(link.call(INSTRUCTIONS.verify, {}, 30_000))).toBe('supervisor_unreachable');
});

test('R3: another protocol is told both sides and the way out', async () => {
  const { path } = await serve();
  const newer = peerOf(await rawSocket(path));
  const mismatch = newer.call('hello', { ...hello, protocol: 9, protocolOldest: 8, version: '9.0.0' });
  await expect(mismatch).rejects.toMatchObject({ code: 'protocol_mismatch' });
  await expect(mismatch).rejects.toThrow(/9\.0\.0 speaks protocol 8 to 9.*conductor upgrade/);
  const overlapping = peerOf(await rawSocket(path));
  const answer = await overlapping.call('hello', { ...hello, protocol: PROTOCOL + 1, protocolOldest: PROTOCOL });
  expect(answer).toMatchObject({ protocol: PROTOCOL });
});

test('R4: an exception stays in the log, an error of ours crosses whole', async () => {
  const { path, logged } = await serve();
  const peer = await clientOf(path);
  const crash = peer.call('call', callOf('crash'));
  await expect(crash).rejects.toMatchObject({ code: 'internal' });
  await expect(crash).rejects.not.toThrow(/secret|stack|TypeError/);
  expect(String(logged[0])).toContain('secret of the stack');
  await expect(peer.call('call', callOf('refuse'))).rejects.toMatchObject({ code: 'limit_reached', retryable: true });
  expect(await refusal(peer.call('call', callOf('large')))).toBe('too_large');
  expect(await refusal(peer.call('ping', {}))).toBe('answered');
});

test('parameters of every method are judged', async () => {
  const { path } = await serve();
  const peer = await clientOf(path);
  const wrong: [string, unknown][] = [
    ['call', { operation: 7 }],
    ['call', { operation: '' }],
    ['call', { operation: 'x'.repeat(300) }],
    ['call', { ...callOf('echo'), requestId: 7 }],
    ['call', { ...callOf('echo'), env: { A: 1 } }],
    ['call', { ...callOf('echo'), env: { A: 'x'.repeat(300_000) } }],
    ['call', { ...callOf('echo'), challenge: 'yes' }],
    ['call', [1, 2]],
    ['subscribe', { subscription: 1.5, after: 0 }],
    ['subscribe', { subscription: 1, after: -1 }],
    ['unsubscribe', {}],
    ['challenge', { gateId: null }],
    ['stop', { mode: 'maybe' }],
  ];
  for (const [method, params] of wrong) {
    expect(await refusal(peer.call(method, params)), `${method} ${JSON.stringify(params).slice(0, 60)}`).toBe(
      'invalid_params',
    );
  }
});

const inspector: InspectorDoor = {
  kind: 'open',
  url: 'http://127.0.0.1:1/',
  link: async (inFile) => ({ url: 'http://127.0.0.1:1/#link=a', file: inFile ? '/home/page.html' : null }),
};

test('C4: a link into the inspector is for a human at a terminal, whatever a caller says of itself', async () => {
  const { path } = await serve(nobody, 10_000, inspector);
  const human = await clientOf(path);
  expect(await human.call('inspector/link', {})).toEqual({ url: 'http://127.0.0.1:1/#link=a', file: null });
  expect(await human.call('inspector/link', { file: true })).toMatchObject({ file: '/home/page.html' });
  const piped = peerOf(await rawSocket(path));
  await piped.call('hello', { ...hello, stdoutTty: false });
  expect(await refusal(piped.call('inspector/link', { principal: 'human', file: true }))).toBe('not_permitted');
  const { path: seen } = await serve({ parentOf: () => null, hasCookie: () => true }, 10_000, inspector);
  expect(await refusal((await clientOf(seen)).call('inspector/link', {}))).toBe('not_permitted');
});

test('a link into an inspector that is off is refused with the way to turn it on', async () => {
  const { path } = await serve();
  const asked = (await clientOf(path)).call('inspector/link', {});
  await expect(asked).rejects.toMatchObject({ code: 'invalid_state', message: /this one has none.*conductor start/ });
});

test('a confirmed challenge goes with one call of its own connection', async () => {
  const { path, face } = await serve();
  const gateId = 'gate-0123456789abcdefghij';
  const peer = await clientOf(path);
  const { nonce } = (await peer.call('challenge', { gateId })) as { nonce: string };
  const challenge = { nonce, gateId, typed: 'efghij' };
  const other = await clientOf(path);
  expect(await refusal(other.call('call', { ...callOf('echo'), challenge }))).toBe('not_permitted');
  const { details } = (await peer.call('call', { ...callOf('echo'), challenge })) as { details: object };
  expect(details).toMatchObject({ confirmedGate: gateId });
  expect(await refusal(peer.call('call', { ...callOf('echo'), challenge }))).toBe('not_permitted');
  expect(face.invoked).toHaveLength(1);
});

test.each([
  ['no frame at all', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'invalid_params'],
  ['a header without end', Buffer.alloc(4_096, 0x41), 'invalid_params'],
  ['no JSON', Buffer.from('Content-Length: 3\r\n\r\n{x}'), 'invalid_params'],
  ['a list', encodeFrame([1]), 'invalid_params'],
  ['null', encodeFrame(null), 'invalid_params'],
  ['a cancellation without an id', encodeFrame({ jsonrpc: '2.0', method: '$/cancelRequest' }), 'invalid_params'],
  ['a request whose id is an object', encodeFrame({ jsonrpc: '2.0', id: {}, method: 'hello' }), 'invalid_params'],
  ['a message too large', Buffer.from(`Content-Length: ${String(1_048_577)}\r\n\r\n`), 'too_large'],
  ['a message of a gigabyte', Buffer.from('Content-Length: 1073741824\r\n\r\n{'), 'too_large'],
])('%s closes its connection and no other', async (_name, bytes, code) => {
  const { path, server } = await serve();
  const peer = await clientOf(path);
  const socket = await rawSocket(path);
  socket.write(bytes);
  expect(await answerTo(socket)).toContain(`"code":"${code}"`);
  expect(await refusal(peer.call('ping', {}))).toBe('answered');
  await waitUntil('one connection is left', () => server.connections === 1);
});

test('a message of exactly the limit is taken', async () => {
  const { path } = await serve();
  const peer = await clientOf(path);
  const frame = { jsonrpc: '2.0', id: 2, method: 'call', params: callOf('echo', { text: '' }) };
  const room = 1_048_576 - Buffer.byteLength(JSON.stringify(frame));
  const { details } = (await peer.call('call', callOf('echo', { text: 'x'.repeat(room) }))) as {
    details: { params: { text: string } };
  };
  expect(details.params.text).toHaveLength(room);
});

test('G2: the 65th unanswered request is overloaded, and never handled', async () => {
  const { path, face } = await serve();
  const peer = await clientOf(path);
  const waiting = Array.from({ length: 64 }, () => refusal(peer.call('call', callOf('wait'))));
  const beyond = peer.call('call', callOf('wait'));
  await expect(beyond).rejects.toMatchObject({ code: 'overloaded', retryable: true });
  await waitUntil('all are handled', () => face.invoked.length === 64);
  peer.socket.destroy();
  await Promise.all(waiting);
  await waitUntil('nobody is waited for', () => face.invoked.every(({ signal }) => signal.aborted));
});

test('C2: a request that is canceled in its own tick is never handled', async () => {
  const { path, face } = await serve();
  const peer = await clientOf(path);
  const replies: string[] = [];
  peer.socket.on('data', (data: Buffer) => replies.push(data.toString()));
  const request = { jsonrpc: '2.0', id: 'a', method: 'call', params: callOf('echo') };
  const cancel = { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 'a' } };
  peer.socket.write(Buffer.concat([encodeFrame(request), encodeFrame(cancel)]));
  await waitUntil('it is answered', () => replies.join('').includes('"code":"canceled"'));
  expect(face.invoked).toEqual([]);
});

test('a running call is canceled by its signal', async () => {
  const { path, face } = await serve();
  const peer = await clientOf(path);
  const replies: string[] = [];
  peer.socket.on('data', (data: Buffer) => replies.push(data.toString()));
  peer.socket.write(encodeFrame({ jsonrpc: '2.0', id: 'a', method: 'call', params: callOf('wait') }));
  await waitUntil('it runs', () => face.invoked.length === 1);
  peer.socket.write(encodeFrame({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 'a' } }));
  await waitUntil('it is answered', () => replies.join('').includes('"code":"canceled"'));
});

test('G3: a client that reads no answers is not read either, so that it holds a bounded amount', async () => {
  const { path, face } = await serve();
  const peer = await clientOf(path);
  const other = await clientOf(path);
  peer.socket.pause();
  // Sixty answers of 0.9 MB would be 54 MB; one request at a time never waits for more than one answer.
  for (let id = 100; id < 160; id += 1) {
    peer.socket.write(encodeFrame({ jsonrpc: '2.0', id, method: 'call', params: callOf('page') }));
    for (let round = 0; round < 3; round += 1) await other.call('ping', {});
  }
  expect(face.invoked.length).toBeGreaterThan(3);
  expect(face.invoked.length).toBeLessThan(20);
  peer.socket.resume();
  await waitUntil('it reads, and all are answered', () => face.invoked.length === 60);
});

test('J1: a reader that is too slow for what is live lags at a cursor, without gap before it', async () => {
  const { path, face } = await serve();
  const seen: number[] = [];
  const lagged: unknown[] = [];
  const peer = await clientOf(path, {
    [CLIENT_NEWS.entries]: (news) => seen.push(...(news as EntriesNews).entries.map(({ seq }) => seq)),
    [CLIENT_NEWS.lagged]: (news) => lagged.push(news),
  });
  await peer.call('subscribe', { subscription: 3, after: 0 });
  face.append(10);
  await waitUntil('it follows', () => seen.length === 10);
  peer.socket.pause();
  for (let round = 0; round < 40; round += 1) face.append(100, 'x'.repeat(4_000));
  expect(face.listeners.size).toBe(0);
  peer.socket.resume();
  await waitUntil('it is told', () => lagged.length === 1);
  expect(lagged).toEqual([{ subscription: 3, cursor: seen.length }]);
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index + 1));
  expect(seen.length).toBeLessThan(4_010);
  await peer.call('subscribe', { subscription: 3, after: seen.length });
  await waitUntil('it has everything', () => seen.length === 4_010);
  expect(seen).toEqual(Array.from({ length: 4_010 }, (_, index) => index + 1));
});

test('J2: a slow reader of a long backlog slows it down and does not lag', async () => {
  const { path, face } = await serve();
  face.append(6_000, 'x'.repeat(2_000));
  const seen: number[] = [];
  const lagged: unknown[] = [];
  const peer = await clientOf(path, {
    [CLIENT_NEWS.entries]: (news) => seen.push(...(news as EntriesNews).entries.map(({ seq }) => seq)),
    [CLIENT_NEWS.lagged]: (news) => lagged.push(news),
  });
  await peer.call('subscribe', { subscription: 0, after: 0 });
  await waitUntil('it has everything', () => seen.length === 6_000);
  expect({ lagged, first: seen[0], last: seen.at(-1) }).toEqual({ lagged: [], first: 1, last: 6_000 });
});

test('C3: subscriptions are bounded, end on request and with the connection', async () => {
  const { path, face } = await serve();
  const peer = await clientOf(path);
  for (let index = 0; index < 16; index += 1) await peer.call('subscribe', { subscription: index, after: 0 });
  expect(await refusal(peer.call('subscribe', { subscription: 16, after: 0 }))).toBe('limit_reached');
  expect(await refusal(peer.call('subscribe', { subscription: 0, after: 0 }))).toBe('invalid_params');
  expect(await peer.call('unsubscribe', { subscription: 0 })).toEqual({ ended: true });
  expect(await peer.call('unsubscribe', { subscription: 0 })).toEqual({ ended: false });
  expect(face.listeners.size).toBe(15);
  peer.socket.destroy();
  await waitUntil('they have ended', () => face.listeners.size === 0);
});

test('a hundred connections are served at once, and counted', async () => {
  const { path, face, server } = await serve();
  const peers = await Promise.all(Array.from({ length: 100 }, () => clientOf(path)));
  const answers = await Promise.all(peers.map((peer, index) => peer.call('call', callOf('echo', { index }))));
  expect(answers).toHaveLength(100);
  expect(Math.max(...face.clientCounts)).toBe(100);
  for (const peer of peers) peer.socket.destroy();
  await waitUntil('all have left', () => server.connections === 0);
  expect(face.clientCounts.at(-1)).toBe(0);
});

test.each(['vanished', 'replaced'])('B3: a name that was %s is bound anew, and open connections stay', async (how) => {
  const { path, rebound } = await serve();
  const peer = await clientOf(path);
  unlinkSync(path);
  if (how === 'replaced') writeFileSync(path, 'not a socket');
  await waitUntil('it is bound anew', () => rebound.length === 1);
  expect(rebound).toEqual([path]);
  expect(await refusal(peer.call('ping', {}))).toBe('answered');
  expect(await refusal((await clientOf(path)).call('ping', {}))).toBe('answered');
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, '..'))).toEqual(['small.1.sock']);
});

test('B2: at the end our name is removed, and a name that is not ours stays', async () => {
  const { path, server } = await serve();
  const other = await serve();
  await server.close();
  expect(readdirSync(join(path, '..'))).toEqual([]);
  unlinkSync(other.path);
  mkdirSync(other.path);
  await other.server.close();
  expect(lstatSync(other.path).isDirectory()).toBe(true);
});

test('at the end every connection reads what was answered, and is closed', async () => {
  const { path, server } = await serve();
  const peer = await clientOf(path);
  const answer = peer.call('call', callOf('page'));
  await answer;
  const waiting = refusal(peer.call('call', callOf('wait')));
  await server.close();
  expect(await waiting).toBe('supervisor_unreachable');
  expect(server.connections).toBe(0);
});
