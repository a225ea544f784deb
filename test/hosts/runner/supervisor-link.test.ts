/**
 * Goal: an instruction that arrives with the answer that grants is carried out after it, and not lost.
 * Method: a socket that writes both in one piece, as a busy supervisor's does.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SupervisorLink, type InstructionHandlers } from '../../../src/hosts/runner/supervisor-link.ts';
import { INSTRUCTIONS } from '../../../src/supervisor/runners/protocol.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
let server: Server;
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const frame = (message: object): string => {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return `Content-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
};

test('L4: what comes in one piece with the grant is carried out after it, in order', async () => {
  const socketPath = join(folder, 's.sock');
  server = createServer((socket) => {
    socket.once('data', (data) => {
      const id = Number(/"id":\s*"?(\d+)/.exec(data.toString())![1]);
      const instructions = [INSTRUCTIONS.verify, INSTRUCTIONS.finish].map((method, index) =>
        frame({ id: 100 + index, method, params: { key: 'k' } }),
      );
      socket.write([frame({ id, result: { kind: 'granted', appliedSeq: 0 } }), ...instructions].join(''));
    });
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const supervisorFile = join(folder, 'supervisor.json');
  writeFileSync(supervisorFile, JSON.stringify({ socket: socketPath }));
  const happened: string[] = [];
  const note = (what: string) => async () => {
    happened.push(what);
    return null;
  };
  const instructions: InstructionHandlers = {
    endAgent: note('end'),
    verify: note('verify'),
    answer: note('answer'),
    finish: note('finish'),
  };
  const link = new SupervisorLink({
    supervisorFile,
    hostId: 'host',
    address: { runId: 'run-1', epoch: 1, instance: 'i', token: 't' },
    heartbeatMs: 60_000,
    ready: () => ({}) as never,
    heartbeat: () => ({}) as never,
    instructions,
    onGranted: () => void happened.push('granted'),
    onAway: () => undefined,
    onRefused: (reason) => void happened.push(reason),
  });
  link.start();
  await waitUntil('all of it happened', () => happened.length === 3);
  await link.stop();
  expect(happened).toEqual(['granted', 'verify', 'finish']);
});
