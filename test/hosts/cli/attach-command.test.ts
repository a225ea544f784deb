/**
 * Goal: attach shows a run's terminal, types only when asked to, and leaves without the run noticing.
 * Method: a socket that answers as a runner does.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { viewerTicket } from '../../../src/supervisor/runners/token.ts';
import { conductor, fakeIo, type FakeIo, type FakeProject } from './surroundings.ts';
import { idOf } from './journal.ts';

const runId = idOf('run', 'a');
let directory: string;
let server: Server;
let peers: RpcPeer[];
let heard: { readonly method: string; readonly params: unknown }[];
let onHeard: (method: string) => void;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  peers = [];
  heard = [];
  onHeard = () => {};
  const place = join(directory, 'runs', runId);
  mkdirSync(place, { recursive: true });
  const socketPath = join(directory, 's');
  writeFileSync(join(place, 'contract.json'), JSON.stringify({ runId, token: 'token', socketPath }));
  const hear = (method: string, answer: unknown) => (params: unknown) => {
    heard.push({ method, params });
    queueMicrotask(() => onHeard(method));
    return answer;
  };
  server = createServer((socket) => {
    const size = { cols: 80, rows: 24 };
    const tail = Buffer.from('before\u001b[2J').toString('base64');
    peers.push(
      new RpcPeer(socket, {
        frameBytesMax: 65_536,
        methods: {
          'viewer/attach': (params) =>
            hear('attach', { mode: 'pty', writable: (params as { write?: boolean }).write === true, ...size, tail })(
              params,
            ),
          'viewer/input': hear('input', null),
          'viewer/resize': hear('resize', null),
        },
        onClose: () => {},
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
});

afterEach(() => {
  for (const peer of peers) peer.end();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const project: FakeProject = {
  answers: { conductor_show: { kind: 'run', item: { runId, status: 'running', endedAt: null, epoch: 1 } } },
};
const attach = (io: FakeIo, ...options: string[]) =>
  conductor(['attach', 'run-0', ...options], { ...project, home: directory }, io);
/** Does something when the runner has answered this method, a turn later so that the answer has arrived. */
const after = (method: string, act: () => void): void => {
  onHeard = (name) => {
    if (name === method) setTimeout(act, 20);
  };
};

test('shows the tail as it is, and Ctrl-] leaves', async () => {
  const io = fakeIo({ terminal: true });
  after('attach', () => io.press(Buffer.from('x\u001d')));
  const { exitCode, out, err } = await attach(io);
  expect({ exitCode, heard }).toEqual({
    exitCode: 0,
    heard: [{ method: 'attach', params: { ticket: viewerTicket('token') } }],
  });
  expect(out.startsWith('before\u001b[2J')).toBe(true);
  expect(out).toContain('\u001b[?25h');
  expect(err).toContain('detached; ');
});

test('with --write keys and sizes reach the run, up to the detach key', async () => {
  const io = fakeIo({ terminal: true });
  after('attach', () => {
    io.stdout.resizeTo(100, 30);
    io.press(Buffer.from('ls\u001d'));
  });
  await attach(io, '--write');
  // The command does not wait for the answer to the last key; the socket delivers it all the same.
  await expect
    .poll(() => heard)
    .toEqual([
      { method: 'attach', params: { ticket: viewerTicket('token'), write: true, cols: 80, rows: 24 } },
      { method: 'resize', params: { cols: 100, rows: 30 } },
      { method: 'input', params: { data: Buffer.from('ls').toString('base64') } },
    ]);
});

test('output arrives as it comes, and the end of the run is the end', async () => {
  const io = fakeIo();
  after('attach', () => {
    peers[0]!.notify('viewer/output', { data: Buffer.from('more').toString('base64') });
    peers[0]!.notify('viewer/ended', { reason: 'agent_exited' });
  });
  const { exitCode, out, err } = await attach(io);
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'before\u001b[2Jmore' });
  expect(err).toContain('has ended');
});

test('one that is too slow is told so', async () => {
  after('attach', () => peers[0]!.notify('viewer/ended', { reason: 'too_slow' }));
  const { exitCode, err } = await attach(fakeIo());
  expect(exitCode).toBe(1);
  expect(err).toContain('4 MiB');
});

test('a run that has ended has a log, not a terminal', async () => {
  const ended: FakeProject = {
    answers: { conductor_show: { kind: 'run', item: { runId, status: 'failed', endedAt: 1, epoch: 1 } } },
  };
  const { exitCode, err } = await conductor(['attach', 'run-0'], { ...ended, home: directory });
  expect(exitCode).toBe(1);
  expect(err).toContain(`conductor logs ${runId}`);
});

test('a runner that is gone is said to be', async () => {
  server.close();
  rmSync(join(directory, 's'), { force: true });
  expect(await attach(fakeIo())).toMatchObject({ exitCode: 4 });
});

test('--write needs a terminal', async () => {
  expect(await attach(fakeIo(), '--write')).toMatchObject({ exitCode: 2 });
});
