/**
 * Goal: a caller learns the truth about its call, whatever happens to the owner meanwhile, and a reader of the journal misses nothing.
 * Method: owners are processes of their own, which are killed, stopped and replaced.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectSupervisor, type SupervisorClient } from '../../../src/hosts/rpc/rpc-client.ts';
import { readSupervisorFile, supervisorFilePath, writeSupervisorFile } from '../../../src/hosts/rpc/supervisor-file.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';

const program = fileURLToPath(new URL('../../fixtures/rpc/owner.ts', import.meta.url));
let home = '';
let sockets = '';
let owners: ChildProcess[] = [];
let clients: SupervisorClient[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'conductor-'));
  sockets = join(home, 'sockets');
  mkdirSync(sockets, { mode: 0o700 });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const owner of owners) {
    owner.kill('SIGKILL');
    await exited(owner);
  }
  owners = [];
  clients = [];
  rmSync(home, { recursive: true });
});

const exited = async (owner: ChildProcess): Promise<void> =>
  waitUntil('the owner is gone', () => owner.exitCode !== null || owner.signalCode !== null);

const startOwner = async (epoch: number, backlog = 0): Promise<ChildProcess> => {
  const owner = spawn(process.execPath, [program, home, sockets, String(epoch), String(backlog)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  owners.push(owner);
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: owner.stdout! }).once('line', () => resolve());
    owner.once('exit', (code) => reject(new Error(`the owner ended with ${String(code)}`)));
  });
  return owner;
};
const clientOf = async (timeoutMs = 5_000): Promise<SupervisorClient> => {
  const client = await connectSupervisor({ projectHome: home, timeoutMs });
  clients.push(client);
  return client;
};
const failure = async (act: Promise<unknown>): Promise<ConductorError> => {
  try {
    await act;
  } catch (error) {
    if (error instanceof ConductorError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const requests = (): unknown[] => {
  const path = join(home, 'requests.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown[]) : [];
};

test('a call is answered, with facts about who answers', async () => {
  const owner = await startOwner(1);
  const client = await clientOf();
  expect(client.facts.identity.pid).toBe(owner.pid);
  expect(client.principal).not.toBe('human');
  const { details } = await client.call('echo', { a: [1, null] }, { env: { TOKEN: 'x' } });
  expect(details).toMatchObject({ params: { a: [1, null] }, clientEnv: { TOKEN: 'x' } });
});

test('errors come back as they are, and an answer or a request that is too large costs that call only', async () => {
  await startOwner(1);
  const client = await clientOf();
  const refused = await failure(client.call('refuse', {}));
  expect(refused.toJSON()).toEqual({
    code: 'limit_reached',
    message: 'no more',
    retryable: true,
    details: { limit: 3 },
  });
  expect((await failure(client.call('crash', {}))).code).toBe('internal');
  expect((await failure(client.call('large', {}))).code).toBe('too_large');
  expect((await failure(client.call('echo', { text: 'x'.repeat(2_000_000) }))).code).toBe('too_large');
  expect((await client.call('echo', { b: 2 })).details).toMatchObject({ params: { b: 2 } });
});

test('a call is canceled by its signal, before and while it runs', async () => {
  await startOwner(1);
  const client = await clientOf();
  expect((await failure(client.call('wait', {}, { signal: AbortSignal.abort() }))).code).toBe('canceled');
  const controller = new AbortController();
  const waiting = failure(client.call('wait', {}, { signal: controller.signal }));
  await client.call('echo', {});
  controller.abort();
  expect((await waiting).code).toBe('canceled');
});

test('S2: the owner is killed in the middle of a call; the call is repeated with its id and counts once', async () => {
  const first = await startOwner(1);
  const client = await clientOf();
  const counting = client.call('count', { hangFirst: true });
  await waitUntil('the call has counted', () => requests().length === 1);
  first.kill('SIGKILL');
  await exited(first);
  await startOwner(2);
  expect((await counting).details).toEqual({ count: 1, repeated: true });
  expect(requests()).toHaveLength(1);
});

test('S2: one id of the caller is one intent, over calls and owners', async () => {
  await startOwner(1);
  const client = await clientOf();
  const requestId = 'intent-1';
  expect((await client.call('count', {}, { requestId })).details).toEqual({ count: 1, repeated: false });
  expect((await client.call('count', {}, { requestId })).details).toEqual({ count: 1, repeated: true });
  expect((await client.call('count', {})).details).toEqual({ count: 2, repeated: false });
});

test('nobody comes after a killed owner: the caller is told, with the id to repeat', async () => {
  const owner = await startOwner(1);
  const client = await clientOf(1_000);
  const counting = failure(client.call('count', { hangFirst: true }, { requestId: 'intent-1' }));
  await waitUntil('the call has counted', () => requests().length === 1);
  owner.kill('SIGKILL');
  const error = await counting;
  expect(error.toJSON()).toMatchObject({
    code: 'supervisor_unreachable',
    retryable: true,
    details: { state: 'gone', pid: owner.pid, requestId: 'intent-1', sent: true },
  });
});

test('a stopped owner is named, with its state and the two commands that help', async () => {
  const owner = await startOwner(1);
  const client = await clientOf(1_000);
  owner.kill('SIGSTOP');
  const expected = {
    code: 'supervisor_unreachable',
    details: {
      state: 'stopped',
      pid: owner.pid,
      commands: [`kill -CONT ${String(owner.pid)}`, `kill -KILL ${String(owner.pid)} && conductor start`],
    },
  };
  expect(await failure(connectSupervisor({ projectHome: home, timeoutMs: 200 }))).toMatchObject(expected);
  // The ping finds it out for a call that was sent before, too.
  expect(await failure(client.call('wait', {}))).toMatchObject(expected);
  owner.kill('SIGCONT');
  expect((await client.call('echo', {})).content).toHaveLength(1);
});

test('an owner that is stopped for a moment costs a wait, not the call', async () => {
  const owner = await startOwner(1);
  const client = await clientOf(5_000);
  owner.kill('SIGSTOP');
  const answer = client.call('count', {});
  await waitUntil('it is stopped', () => readFileSync(`/proc/${String(owner.pid)}/stat`, 'utf8').includes(') T '));
  owner.kill('SIGCONT');
  expect((await answer).details).toEqual({ count: 1, repeated: false });
});

test('no supervisor.json, and one of a dead process, are told apart at once', async () => {
  const startedAt = performance.now();
  const absent = await failure(connectSupervisor({ projectHome: home }));
  expect(absent).toMatchObject({ code: 'supervisor_unreachable', details: { state: 'absent', pid: null } });
  const owner = await startOwner(1);
  owner.kill('SIGKILL');
  await exited(owner);
  const gone = await failure(connectSupervisor({ projectHome: home }));
  expect(gone).toMatchObject({
    details: { state: 'gone', pid: owner.pid, commands: ['conductor start', 'conductor doctor'] },
  });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('whoever listens there without speaking our protocol is no supervisor', async () => {
  const owner = await startOwner(1);
  const file = readSupervisorFile(home)!;
  const socket = join(sockets, 'other.sock');
  const server = createServer((peer) => {
    peer.on('error', () => peer.destroy()).resume();
    peer.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(socket, () => resolve()));
  writeSupervisorFile(home, { ...file, socket });
  const error = await failure(connectSupervisor({ projectHome: home, timeoutMs: 200 }));
  expect(error).toMatchObject({ code: 'supervisor_unreachable', details: { state: 'mute', pid: owner.pid } });
  await new Promise((resolve) => server.close(resolve));
});

test('an owner that is awaited is found as soon as it is there', async () => {
  const waiting = connectSupervisor({ projectHome: home, waitMs: 10_000 });
  writeFileSync(supervisorFilePath(home), '{"half":');
  const owner = await startOwner(1);
  const client = await waiting;
  clients.push(client);
  expect(client.facts.identity.pid).toBe(owner.pid);
});

test('S3: a subscription goes on over a killed owner, without gap or repeat', async () => {
  const first = await startOwner(1, 100);
  const client = await clientOf();
  const seen: number[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    for await (const { seq } of client.subscribe({ after: 10, signal: controller.signal })) seen.push(seq);
  })();
  await waitUntil('the backlog is read', () => seen.at(-1) === 100);
  first.stdin!.write('20\n');
  await waitUntil('live entries are read', () => seen.at(-1) === 120);
  first.kill('SIGKILL');
  await exited(first);
  // The next owner has more of the same journal.
  const second = await startOwner(2, 150);
  await waitUntil('it goes on', () => seen.at(-1) === 150);
  second.stdin!.write('5\n');
  await waitUntil('and follows', () => seen.at(-1) === 155);
  controller.abort();
  await reading;
  expect(seen).toEqual(Array.from({ length: 145 }, (_, index) => index + 11));
});

test('S3: a reader that stands still loses nothing, and neither side keeps it all', async () => {
  const owner = await startOwner(1, 1);
  const client = await clientOf();
  const seen: number[] = [];
  for await (const { seq } of client.subscribe({ after: 0 })) {
    seen.push(seq);
    if (seq === 1) {
      // More than a client keeps for a reader: the subscription has to begin again at the cursor.
      for (let round = 0; round < 30; round += 1) await client.call('append', { count: 1_000 });
    }
    if (seq === 30_001) break;
  }
  expect(seen).toEqual(Array.from({ length: 30_001 }, (_, index) => index + 1));
  expect(owner.exitCode).toBeNull();
});

test('stop tells its progress and resolves when the process is gone', async () => {
  const owner = await startOwner(1);
  const client = await clientOf();
  const lines: string[] = [];
  await client.stop('drain', (line) => lines.push(line));
  expect(lines).toEqual(['stopping: drain']);
  await exited(owner);
  expect(owner.exitCode).toBe(0);
  expect(readSupervisorFile(home)).toBeNull();
  expect((await failure(client.call('echo', {}))).code).toBe('canceled');
});
