/**
 * Goal: a child is told the truth about its report, and nothing that comes through the runner's socket can hurt the run.
 * Method: real `conductor child` processes, and raw sockets that say what no child of ours would.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../../../src/supervisor/runners/frames.ts';
import type { ChildAnswer, ReportBody } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';
import { until } from './poll.ts';
import { RunnerBench, type Ended } from './runner-bench.ts';

const FAILING = fileURLToPath(new URL('../../fixtures/agents/failing-runner.ts', import.meta.url));

let bench: RunnerBench;
let runner: { readonly ended: Promise<Ended> };
const begin = async (agent = 'sleep 600', changes = {}): Promise<void> => {
  bench = new RunnerBench(agent, changes);
  runner = await bench.running();
  await bench.reported('agent.started');
};
afterEach(() => bench.close());

const connect = (): Promise<RpcPeer> =>
  new Promise((resolve) => {
    const socket = createConnection(bench.contract.socketPath, () => {
      resolve(new RpcPeer(socket, { frameBytesMax: 1_048_576, methods: {} }));
    });
  });

const report = (peer: RpcPeer, body: unknown, more: object = {}): Promise<ChildAnswer> =>
  peer.call('child/report', { cookie: bench.contract.cookie, body, ...more }) as Promise<ChildAnswer>;
const progress = (text: string, key: string | null = null): ReportBody => ({
  kind: 'child.progress',
  text,
  key,
  artifacts: [],
});
const texts = (): string[] => bench.spooled.flatMap((body) => (body.kind === 'child.progress' ? [body.text] : []));

const complete = (summary: string) => ({
  kind: 'child.complete',
  status: 'partial',
  summary,
  key: 'k',
  artifacts: [],
});
const gate = { kind: 'child.gate', gateType: 'needs_review', ask: 'ok?', wait: false };

/** Sends bytes, collects what comes back until the runner closes. */
const converse = (bytes: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const got: Buffer[] = [];
    const socket = createConnection(bench.contract.socketPath, () => socket.write(bytes));
    socket.on('data', (data: Buffer) => got.push(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(Buffer.concat(got).toString()));
    socket.on('end', () => socket.end());
  });

describe('what children are told', () => {
  test('applied, rejected with the reason, late after the agent’s end', async () => {
    await begin('until [ -e go ]; do sleep 0.05; done');
    expect(await bench.child('progress', 'half way')).toMatchObject({ code: 0, stdout: '{"applied":true}\n' });
    bench.supervisor.word = ({ seq, body }) =>
      body.kind === 'child.complete' ? { result: 'rejected', seq, reason: 'run_final', state: 'succeeded' } : null;
    writeFileSync(join(bench.contract.worktreePath, 'go'), '');
    await bench.reported('agent.exited');
    const late = await bench.child('complete', '--status', 'succeeded', '--summary', 'late');
    expect(late).toMatchObject({ code: 1, stdout: '{"applied":false,"reason":"run_final"}\n' });
    expect(bench.spooled.at(-1)).toMatchObject({ kind: 'child.complete', summary: 'late' });
    await bench.finish(runner);
  });

  test('a follow-up only when the contract grants it', async () => {
    await begin();
    const followup = ['followup', '--title', 'More', '--', 'make', '--all', 'x y'];
    expect(await bench.child(...followup)).toMatchObject({
      code: 1,
      stdout: '{"applied":false,"reason":"not_permitted"}\n',
    });
    await bench.finish(runner);
    await bench.close();
    await begin('sleep 600', { mayFollowUp: true });
    expect(await bench.child(...followup)).toMatchObject({ code: 0 });
    expect(bench.spooled.at(-1)).toMatchObject({ title: 'More', command: ['make', '--all', 'x y'] });
    await bench.finish(runner);
  });

  test('one key counts once and gets the first answer', async () => {
    await begin();
    const peer = await connect();
    const answers = await Promise.all([report(peer, complete('first')), report(peer, complete('second'))]);
    expect(answers).toEqual([{ applied: true }, { applied: true }]);
    expect(bench.spooled.filter(({ kind }) => kind === 'child.complete')).toEqual([
      { kind: 'child.complete', status: 'partial', summary: 'first', key: 'k', artifacts: [] },
    ]);
    peer.end();
    await bench.finish(runner);
  });

  test('a flood of progress: two a second are kept, the last one always, everybody is answered', async () => {
    await begin();
    const peer = await connect();
    const from = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => report(peer, progress(`step ${String(n)}`))),
    );
    expect(answers.every(({ applied }) => applied === true)).toBe(true);
    const seconds = (performance.now() - from) / 1_000;
    expect(texts().length).toBeLessThanOrEqual(Math.ceil(seconds * 2) + 1);
    expect([texts()[0], texts().at(-1)]).toEqual(['step 0', 'step 59']);
    // Held back, and then something that must come after it.
    void report(peer, progress('before the end'));
    await report(peer, { kind: 'child.complete', status: 'succeeded', summary: 's', key: null });
    expect(bench.spooled.slice(-2).map(({ kind }) => kind)).toEqual(['child.progress', 'child.complete']);
    peer.end();
    await bench.finish(runner);
  });

  test('a disk that takes no more: an error, never stored; a gate and the end still fit', async () => {
    bench = new RunnerBench('until [ -e go ]; do sleep 0.05; done; exit 7');
    bench.env['FAIL'] = 'spool,exit';
    await bench.supervisor.start();
    runner = bench.start(FAILING);
    await bench.reported('agent.started');
    const peer = await connect();
    writeFileSync(bench.runFile('full'), '');
    const big = 'x'.repeat(16_000);
    const replies: (ChildAnswer | string)[] = [];
    for (let n = 0; !replies.includes('store_full') && n < 100; n += 1) {
      const followup = { kind: 'child.complete', status: 'partial', summary: `${big}${String(n)}`, key: null };
      replies.push(await report(peer, followup).catch((error: { code: string }) => error.code));
    }
    expect(replies.filter((reply) => typeof reply === 'object').length).toBeGreaterThan(50);
    expect(await report(peer, progress('no room')).catch((error: { code: string }) => error.code)).toBe('store_full');
    expect(await report(peer, gate).catch((error: { code: string }) => error.code)).toEqual({ applied: true });
    expect(await bench.child('progress', 'no room')).toMatchObject({
      code: 1,
      stdout: '{"applied":false,"reason":"store_full"}\n',
    });
    writeFileSync(join(bench.contract.worktreePath, 'go'), '');
    await bench.reported('agent.exited');
    peer.end();
    expect(await bench.finish(runner)).toMatchObject({ code: 0 });
    expect(bench.spooled.at(-1)).toMatchObject({ kind: 'agent.exited', code: 7 });
    expect(bench.spooled.some(({ kind }) => kind === 'child.gate')).toBe(true);
    for (const name of readdirSync(bench.contract.runDirectory)) {
      // The refused exit record's draft.
      if (name.startsWith('exit.json.')) (await import('node:fs')).unlinkSync(bench.runFile(name));
    }
  });
});

describe('files shown as evidence', () => {
  test('are copied under a name of ours; what lies elsewhere, is a link or no file is refused', async () => {
    await begin();
    const tree = bench.contract.worktreePath;
    mkdirSync(join(tree, 'out'));
    writeFileSync(join(tree, 'out/sum mary.md'), 'text');
    writeFileSync(join(bench.root, 'outside.txt'), 'outside');
    symlinkSync(join(bench.root, 'outside.txt'), join(tree, 'link.txt'));
    symlinkSync(bench.root, join(tree, 'dir'));
    writeFileSync(join(tree, 'huge'), '');
    truncateSync(join(tree, 'huge'), 16_777_217);
    const shown = await bench.child(
      'progress',
      'look',
      '--artifact',
      'report:out/sum mary.md',
      '--artifact',
      'log:out/sum mary.md',
    );
    expect(shown).toMatchObject({ code: 0 });
    const names = ['01-sum_mary.md', '02-sum_mary.md'];
    expect(bench.spooled.at(-1)).toMatchObject({
      artifacts: [
        { type: 'report', name: names[0], bytes: 4 },
        { type: 'log', name: names[1], bytes: 4 },
      ],
    });
    expect(readFileSync(join(bench.contract.artifactsDirectory, names[0]!), 'utf8')).toBe('text');
    const refused: Record<string, string> = {
      'link.txt': 'symbolic link',
      'dir/outside.txt': 'outside of the worktree',
      '../outside.txt': 'outside of the worktree',
      out: 'no regular file',
      'not-there': 'cannot be read',
      huge: 'at most 16777216',
    };
    for (const [path, why] of Object.entries(refused)) {
      const { code, stderr } = await bench.child('progress', 'look', '--artifact', `report:${path}`);
      expect([path, code]).toEqual([path, 1]);
      expect(stderr).toContain(why);
    }
    expect(readdirSync(bench.contract.artifactsDirectory).toSorted()).toEqual(names);
    await bench.finish(runner);
  });
});

describe('hostile messages', () => {
  beforeEach(() => begin());
  afterEach(() => bench.finish(runner));

  test('a frame above 64 KiB is refused by its header alone', async () => {
    const said = await converse(Buffer.from('Content-Length: 65537\r\n\r\n'));
    expect(said).toContain('"code":"too_large"');
    expect(await converse(Buffer.concat([encodeFrame({ x: 'y'.repeat(70_000) })]))).toContain('too_large');
    expect(await bench.child('progress', 'z'.repeat(70_000))).toMatchObject({
      code: 1,
      stdout: '{"applied":false,"reason":"too_large"}\n',
    });
  });

  test('garbage, half JSON, other shapes: closed with a reason, and the next child is served', async () => {
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      'x'.repeat(2_000),
      'Content-Length: 4\r\n\r\n{"a"',
      'Content-Length: 2\r\n\r\n[]',
      'Content-Length: 0\r\n\r\n',
    ]) {
      expect(await converse(Buffer.from(bytes))).toContain('"code":"invalid_params"');
    }
    expect((await bench.child('progress', 'still here')).code).toBe(0);
  });

  test('another run’s cookie, unknown kinds and the runner’s own kinds leave no trace', async () => {
    const peer = await connect();
    const before = bench.spooled.length;
    const refused = async (params: object): Promise<unknown> =>
      peer.call('child/report', params).then(
        () => 'taken',
        (error: { code: string }) => error.code,
      );
    const { cookie } = bench.contract;
    expect(await refused({ cookie: 'p/run-other/1', body: progress('x') })).toBe('not_permitted');
    expect(await refused({ cookie: `${cookie}0`, body: progress('x') })).toBe('not_permitted');
    for (const body of [
      null,
      7,
      {},
      { kind: 'agent.exited', code: 0 },
      { kind: 'child.complete', status: 'great' },
      { kind: 'child.progress', text: 5 },
    ]) {
      expect(await refused({ cookie, body })).toBe('invalid_params');
    }
    expect(await refused({ cookie, body: progress('x'.repeat(16_385)) })).toBe('too_large');
    expect(await refused({ cookie, body: { kind: '__proto__' } })).toBe('invalid_params');
    await expect(peer.call('toString', {})).rejects.toMatchObject({ code: 'not_found' });
    expect(bench.spooled.length).toBe(before);
    peer.end();
  });

  test('the thirty-third connection is told that there are too many', async () => {
    const peers = await Promise.all(Array.from({ length: 32 }, connect));
    await Promise.all(peers.map((peer) => expect(peer.call('x', {})).rejects.toMatchObject({ code: 'not_found' })));
    expect(await converse(Buffer.alloc(0))).toContain('"code":"overloaded"');
    for (const peer of peers) peer.end();
    await until('there is room again', async () => (await bench.child('progress', 'room')).code === 0);
  });
});
