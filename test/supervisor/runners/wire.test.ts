/**
 * Goal: our small JSON-RPC speaks with vscode-jsonrpc in both directions, refuses by the header, and keeps nothing it need not.
 * Method: real sockets; frames cut at random places; spools torn at every byte; tokens.
 */
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createMessageConnection,
  ResponseError,
  SocketMessageWriter,
  StreamMessageReader,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { encodeFrame, FrameDecoder } from '../../../src/supervisor/runners/frames.ts';
import type { SpoolEntry } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { encodeSpoolEntry, parseSpool } from '../../../src/supervisor/runners/spool.ts';
import {
  isRunnerToken,
  isSameSecret,
  isSameToken,
  runnerToken,
  viewerTicket,
} from '../../../src/supervisor/runners/token.ts';

describe('frames', () => {
  test('come out whole, however they are cut', () => {
    const message = fc.jsonValue().map((value) => ({ value }));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(encodeFrame));
        const got: unknown[] = [];
        const decoder = new FrameDecoder(1_000_000, (body) => got.push(JSON.parse(body.toString())));
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
        for (const [index, place] of places.entries()) {
          if (index > 0) expect(decoder.push(bytes.subarray(places[index - 1], place))).toBeNull();
        }
        expect(JSON.stringify(got)).toBe(JSON.stringify(messages));
      }),
    );
  });

  test('F1: a length above the limit is refused before the body comes', () => {
    const decoder = new FrameDecoder(10, () => expect.unreachable());
    expect(decoder.push(Buffer.from('Content-Length: 1'))).toBeNull();
    expect(decoder.push(Buffer.from('1\r\n\r\n'))).toMatchObject({ code: 'too_large' });
    expect(decoder.push(encodeFrame({}))).toMatchObject({ code: 'too_large' });
  });

  test('a header without an end is not kept for ever', () => {
    const decoder = new FrameDecoder(10, () => expect.unreachable());
    let fault = null;
    for (let n = 0; n < 10 && fault === null; n += 1) fault = decoder.push(Buffer.alloc(100, 'x'));
    expect(fault).toMatchObject({ code: 'invalid_params' });
  });
});

describe('peers', () => {
  let folder: string;
  let server: Server;
  let other: Promise<MessageConnection>;
  let socket: Socket;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'conductor-'));
    const accepted = Promise.withResolvers<MessageConnection>();
    server = createServer((connection) => {
      const made = createMessageConnection(new StreamMessageReader(connection), new SocketMessageWriter(connection));
      made.onClose(() => made.dispose());
      made.onRequest('add', ({ numbers }: { numbers: number[] }) => numbers.reduce((sum, n) => sum + n, 0));
      made.onRequest(
        'refuse',
        () => new ResponseError(-32_000, 'no room', { code: 'store_full', retryable: true, details: {} }),
      );
      made.onRequest('never', () => new Promise(() => undefined));
      made.listen();
      accepted.resolve(made);
    });
    await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
    other = accepted.promise;
    socket = createConnection(join(folder, 's'));
  });
  afterEach(async () => {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('both call each other; errors keep their code; unknown methods and failures say no more than they should', async () => {
    const peer = new RpcPeer(socket, {
      frameBytesMax: 1_000_000,
      methods: {
        double: (params) => (params as { n: number }).n * 2,
        burst: () => {
          throw new Error('the password is swordfish');
        },
      },
    });
    expect(await peer.call('add', { numbers: [1, 2, 3] })).toBe(6);
    await expect(peer.call('refuse', {})).rejects.toMatchObject({
      code: 'store_full',
      retryable: true,
      message: 'no room',
    });
    await expect(peer.call('nothing', {})).rejects.toMatchObject({ code: 'internal' });
    const remote = await other;
    expect(await remote.sendRequest('double', { n: 21 })).toBe(42);
    await expect(remote.sendRequest('burst', {})).rejects.toThrow('burst failed');
    await expect(remote.sendRequest('hasOwnProperty', {})).rejects.toThrow('unknown method');
    await remote.sendNotification('burst', {});
    expect(await remote.sendRequest('double', { n: 4 })).toBe(8);
  });

  test('J1: a call settles at its deadline, and when the connection closes', async () => {
    const peer = new RpcPeer(socket, { frameBytesMax: 1_000, methods: {} });
    await expect(peer.call('never', {}, 30)).rejects.toMatchObject({ code: 'supervisor_unreachable', retryable: true });
    const pending = peer.call('never', {});
    (await other).end();
    socket.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'supervisor_unreachable' });
    await expect(peer.call('add', [])).rejects.toMatchObject({ code: 'supervisor_unreachable' });
  });
});

test('a spool torn at any byte keeps every whole line before it', () => {
  const entries = Array.from({ length: 6 }, (_, n): SpoolEntry => ({
    seq: n + 1,
    at: n,
    body: { kind: 'limit.warned', limit: 'idle' },
  }));
  const lines = entries.map(encodeSpoolEntry);
  const whole = Buffer.concat([...lines, Buffer.alloc(100)]);
  expect(parseSpool(whole)).toEqual({ entries, bytes: whole.length - 100 });
  for (let cut = 0; cut < whole.length; cut += 1) {
    const torn = Buffer.concat([whole.subarray(0, cut), Buffer.alloc(50)]);
    let complete = 0;
    for (let end = 0; complete < 6 && (end += lines[complete]!.length) <= cut;) complete += 1;
    expect(parseSpool(torn).entries).toHaveLength(complete);
  }
  // Zero bytes inside a line (a sector that never came), a line out of count, and what stands behind them.
  const holed = Buffer.concat([lines[0]!, Buffer.from(lines[1]!).fill(0, 5, 12), lines[2]!]);
  expect(parseSpool(holed).entries).toHaveLength(1);
  expect(parseSpool(Buffer.concat([lines[0]!, lines[2]!])).entries).toHaveLength(1);
});

test('tokens speak for one run and one epoch; a ticket is not the token', () => {
  const subject = { runId: 'run-1', epoch: 3 };
  const token = runnerToken('secret', subject);
  expect(runnerToken('secret', subject)).toBe(token);
  expect(isRunnerToken('secret', subject, token)).toBe(true);
  expect(isRunnerToken('other', subject, token)).toBe(false);
  expect(isRunnerToken('secret', { runId: 'run-1', epoch: 4 }, token)).toBe(false);
  expect(isRunnerToken('secret', subject, '')).toBe(false);
  expect(isSameSecret(viewerTicket(token), token)).toBe(false);
  expect(
    [token, `${token}0`, token.slice(1), '', token.replace(/./, 'x')].map((given) => isSameToken(token, given)),
  ).toEqual([true, false, false, false, false]);
});
