/**
 * Goal: a terminal that belongs to the runner: seen by many, typed into by those who may, recorded without secrets.
 * Method: real terminals through node-pty, viewers on real sockets.
 */
import { copyFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AttachAnswer } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { viewerTicket } from '../../../src/supervisor/runners/token.ts';
import { until } from './poll.ts';
import { isPtyHere, RunnerBench } from './runner-bench.ts';

let bench: RunnerBench;
afterEach(() => bench.close());

type Viewer = { readonly peer: RpcPeer; seen: string; ended: string | null };

const view = (): Promise<Viewer> =>
  new Promise((resolve) => {
    const viewer: { peer: RpcPeer | null; seen: string; ended: string | null } = { peer: null, seen: '', ended: null };
    const socket = createConnection(bench.contract.socketPath, () => {
      viewer.peer = new RpcPeer(socket, {
        frameBytesMax: 1_048_576,
        methods: {
          'viewer/output': (params) => {
            viewer.seen += Buffer.from((params as { data: string }).data, 'base64').toString();
          },
          'viewer/ended': (params) => {
            viewer.ended = (params as { reason: string }).reason;
          },
        },
      });
      resolve(viewer as Viewer);
    });
  });

const attach = async (viewer: Viewer, more: object = {}): Promise<AttachAnswer> => {
  const ticket = viewerTicket(bench.contract.token);
  return (await viewer.peer.call('viewer/attach', { ticket, ...more })) as AttachAnswer;
};

test.skipIf(!isPtyHere)(
  'a terminal: size, input by a writer, several viewers, the tail first, the recording redacted',
  async () => {
    const changes = { runtimeMode: 'pty' as const, secretNames: ['MY_SECRET'] };
    const script =
      'stty size; echo "key $MY_SECRET"; read -r line; echo "got $line"; stty size; tty >/dev/null && exit 6';
    bench = new RunnerBench(script, changes, { MY_SECRET: 'correct-horse-battery' });
    const runner = await bench.running();
    await until('the agent asks', () => bench.read('output.log').includes('key'));
    const [writer, watcher] = [await view(), await view()];
    const first = await attach(watcher);
    expect(first).toMatchObject({ mode: 'pty', writable: false, cols: 120, rows: 32 });
    expect(Buffer.from(first.tail, 'base64').toString()).toBe('32 120\r\nkey [redacted]\r\n');
    await expect(watcher.peer.call('viewer/input', { data: '' })).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(watcher.peer.call('viewer/resize', { cols: 10, rows: 10 })).rejects.toMatchObject({
      code: 'not_permitted',
    });
    expect(await attach(writer, { write: true, cols: 90, rows: 40 })).toMatchObject({
      writable: true,
      cols: 90,
      rows: 40,
    });
    await writer.peer.call('viewer/input', { data: Buffer.from('hello\n').toString('base64') });
    expect(await bench.reported('agent.exited')).toMatchObject({ code: 6, signal: null });
    for (const viewer of [writer, watcher]) {
      await until('the viewer saw the end', () => viewer.ended === 'agent_exited');
      expect(viewer.seen).toContain('hello\r\ngot hello\r\n40 90\r\n');
      viewer.peer.end();
    }
    await bench.finish(runner);
    const [header, ...events] = bench
      .read('recording.cast')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(header).toMatchObject({ version: 2, width: 120, height: 32 });
    const shown = (events as [number, string, string][]).filter(([, code]) => code === 'o').map(([, , text]) => text);
    expect(shown.join('')).toBe('32 120\r\nkey [redacted]\r\nhello\r\ngot hello\r\n40 90\r\n');
    expect((events as [number, string, string][]).some(([, code, text]) => code === 'r' && text === '90x40')).toBe(
      true,
    );
  },
);

test('a wrong ticket sees nothing; a headless run may be watched', async () => {
  bench = new RunnerBench('echo first; until [ -e go ]; do sleep 0.05; done; echo second');
  const runner = await bench.running();
  await until('it began', () => bench.read('output.log') === 'first\n');
  const viewer = await view();
  await expect(viewer.peer.call('viewer/attach', { ticket: bench.contract.token })).rejects.toMatchObject({
    code: 'not_permitted',
  });
  const answer = await attach(viewer, { write: true });
  expect(answer).toMatchObject({ mode: 'headless', writable: false, tail: Buffer.from('first\n').toString('base64') });
  (await import('node:fs')).writeFileSync(`${bench.contract.worktreePath}/go`, '');
  await until('it saw the rest', () => viewer.seen === 'second\n');
  viewer.peer.end();
  await bench.reported('agent.exited');
  await bench.finish(runner);
});

test('a viewer that does not read is dropped; the run and the others do not wait for it', async () => {
  bench = new RunnerBench(
    'until [ -e go ]; do sleep 0.05; done; for n in $(seq 150); do head -c 100000 /dev/zero; sleep 0.02; done; echo end',
  );
  const runner = await bench.running();
  await bench.reported('agent.started');
  const [slow, quick] = [await view(), await view()];
  await attach(slow);
  await attach(quick);
  slow.peer.socket.pause();
  (await import('node:fs')).writeFileSync(`${bench.contract.worktreePath}/go`, '');
  await bench.reported('agent.exited');
  await until('the quick one saw all', () => quick.seen.endsWith('end\n'));
  slow.peer.socket.resume();
  await until('the slow one is told why', () => slow.ended === 'too_slow');
  quick.peer.end();
  slow.peer.end();
  await bench.finish(runner);
});

test.skipIf(!isPtyHere)('SIGKILL of the runner hangs up the terminal', async () => {
  bench = new RunnerBench('echo up; sleep 600', { runtimeMode: 'pty' });
  const runner = await bench.running();
  await until('the agent is up', () => bench.read('output.log').includes('up'));
  runner.process.kill('SIGKILL');
  await runner.ended;
  await until('the agent is gone with its terminal', () => bench.members().length === 0);
  const { readdirSync, unlinkSync } = await import('node:fs');
  unlinkSync(bench.contract.socketPath);
  for (const name of readdirSync(bench.contract.runDirectory)) {
    if (/\.[0-9a-f]{16}$/.test(name)) unlinkSync(bench.runFile(name));
  }
});

test('without node-pty a terminal is refused by name; everything else of the runner works', async () => {
  bench = new RunnerBench('echo never', { runtimeMode: 'pty' });
  await bench.supervisor.start();
  // Outside of every node_modules, as after an installation without a compiler.
  const alone = join(bench.root, 'runner.cjs');
  copyFileSync(new URL('../../../dist/programs/runner.cjs', import.meta.url), alone);
  const runner = bench.start(alone);
  const exited = await bench.reported('agent.exited');
  expect(exited).toMatchObject({ spawnError: expect.stringContaining('pty_unavailable') });
  await bench.finish(runner);
});
