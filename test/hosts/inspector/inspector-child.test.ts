/**
 * Goal: the inspector keeps its place over restarts, and its trouble is never the supervisor's.
 * Method: the service with real ports that somebody else takes, files that others wrote, and listeners that fail.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inspectorFilePath, readInspectorFile } from '../../../src/hosts/inspector/inspector-file.ts';
import { API, LINK_MS, PASS_HEADER } from '../../../src/hosts/inspector/protocol.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { InspectorBench, refusalOf } from './inspector-bench.ts';

let bench: InspectorBench;
const others: Server[] = [];
beforeEach(() => {
  bench = new InspectorBench();
});
afterEach(async () => {
  for (const other of others.splice(0)) other.close();
  await bench.close();
});

const take = async (port: number): Promise<void> => {
  const server = createServer((socket) => socket.destroy());
  others.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
};
const isIn = async (pass: string) => bench.isIn({ [PASS_HEADER]: pass });

test('it listens on this machine alone, and its address opens nothing by itself', async () => {
  await bench.start();
  expect(bench.door).toMatchObject({ kind: 'open', url: `http://127.0.0.1:${String(bench.port)}/` });
  expect(new URL(bench.door.kind === 'open' ? bench.door.url : '').hash).toBe('');
});

test('port and key are kept for this user alone, and used again', async () => {
  await bench.start();
  const path = inspectorFilePath(bench.paths.root);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const kept = readInspectorFile(bench.paths.root);
  expect(kept).toEqual({ port: bench.port, key: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
  const session = await bench.session();
  const { port } = bench;
  await bench.stop();
  expect(bench.door.kind).toBe('off');
  await bench.start();
  expect({ port: bench.port, kept: readInspectorFile(bench.paths.root) }).toEqual({ port, kept });
  expect(await isIn(await bench.pass(session))).toBe(true);
});

test('a link does not outlive the supervisor that made it', async () => {
  await bench.start();
  const link = await bench.link();
  await bench.stop();
  await bench.start();
  const got = await bench.request(API.session, { method: 'POST', body: { link } });
  expect(refusalOf(got)).toEqual({ status: 401, code: 'not_permitted' });
});

test('a port that somebody took is given up: another one is kept and told, and a session of the old one does not count', async () => {
  await bench.start();
  const { port } = bench;
  const session = await bench.session();
  await bench.stop();
  await take(port);
  await bench.start();
  expect(bench.port).not.toBe(port);
  expect(readInspectorFile(bench.paths.root)?.port).toBe(bench.port);
  expect(bench.log.join('\n')).toContain(`port ${String(port)} is taken; listening at ${String(bench.port)}`);
  await expect(bench.pass(session)).rejects.toThrow('a stranger answers');
  expect(await isIn(await bench.pass())).toBe(true);
});

test.each([
  ['that others could read', (path: string) => chmodSync(path, 0o644)],
  ['that is broken', (path: string) => writeFileSync(path, '{"port":1')],
  ['with a short key', (path: string) => writeFileSync(path, '{"port":4000,"key":"00"}')],
])('a file %s is not believed: a new key, and the file is ours again', async (_, spoil) => {
  await bench.start();
  const { key } = readInspectorFile(bench.paths.root)!;
  const session = await bench.session();
  await bench.stop();
  const path = inspectorFilePath(bench.paths.root);
  spoil(path);
  await bench.start();
  expect(readInspectorFile(bench.paths.root)?.key).not.toBe(key);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(bench.pass(session)).rejects.toThrow('a stranger answers');
});

test('what cannot be kept costs nothing now', async () => {
  rmSync(bench.paths.root, { recursive: true });
  await bench.start();
  expect(bench.log.join()).toContain('were not kept');
  expect(await isIn(await bench.pass())).toBe(true);
  expect(existsSync(bench.paths.root)).toBe(false);
});

test('where nothing can listen it is off and says why; the service itself is up, and stops', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
    queueMicrotask(() => this.emit('error', Object.assign(new Error('no such address'), { code: 'EADDRNOTAVAIL' })));
    return this;
  });
  await bench.start();
  listen.mockRestore();
  expect(bench.door).toEqual({ kind: 'off', why: 'no such address' });
  expect(bench.log).toEqual(['inspector: off: no such address']);
  expect(bench.failed).toEqual([]);
});

test('I1: a listener that fails is started anew once, and then left off: the budget of the tree is not spent', async () => {
  const servers: Server[] = [];
  const spy = vi.spyOn(Server.prototype, 'listen');
  const service = bench.service();
  const fault = new Error('it broke');
  for (const expected of [1, 1, 1]) {
    await bench.start(service);
    servers.push(spy.mock.contexts.at(-1) as Server);
    servers.at(-1)!.emit('error', fault);
    expect(bench.failed).toHaveLength(expected);
    expect(bench.door).toEqual({ kind: 'off', why: 'it broke' });
    await waitUntil('it listens no more', () => !servers.at(-1)!.listening);
  }
  spy.mockRestore();
});

test('stopping hard asks nobody', async () => {
  await bench.start();
  const page = await bench.feed(await bench.pass());
  await page.first('snapshot');
  await bench.stop(true);
  expect((await page.closed).code).toBe(1006);
  expect(page.messages.map(({ type }) => type)).not.toContain('stopping');
});

const files = () => readdirSync(bench.paths.root).filter((name) => name.startsWith('inspector-link-'));

describe('the file that leads a browser to a link', () => {
  test('is for this user alone, leads there, and goes with its use', async () => {
    await bench.start();
    const { url, file } = await bench.linkWith(true);
    expect(dirname(file!)).toBe(bench.paths.root);
    expect(basename(file!)).not.toContain(new URL(url).hash.slice(6));
    expect(statSync(file!).mode & 0o777).toBe(0o600);
    expect(readFileSync(file!, 'utf8')).toContain(`content="0; url=${url}"`);
    await bench.request(API.session, { method: 'POST', body: { link: await bench.link() } });
    expect(files()).toHaveLength(1);
    await bench.request(API.session, { method: 'POST', body: { link: new URL(url).hash.replace('#link=', '') } });
    expect(files()).toEqual([]);
  });

  test('goes when its link is over, was dropped for others, or the inspector stops; none is left of a killed one', async () => {
    writeFileSync(join(bench.paths.root, `inspector-link-${'0'.repeat(16)}.html`), 'left');
    await bench.start();
    expect(files()).toEqual([]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await bench.linkWith(true);
    expect(files()).toHaveLength(1);
    vi.advanceTimersByTime(LINK_MS);
    vi.useRealTimers();
    expect(files()).toEqual([]);
    await bench.linkWith(true);
    for (let made = 0; made < 16; made += 1) await bench.link();
    await waitUntil('the oldest is dropped', () => files().length === 0);
    await bench.linkWith(true);
    await bench.stop();
    expect(files()).toEqual([]);
  });

  test('that cannot be written costs nothing but itself', async () => {
    await bench.start();
    rmSync(bench.paths.root, { recursive: true });
    const { url, file } = await bench.linkWith(true);
    expect(file).toBeNull();
    expect(url).toMatch(/#link=[\w-]{43}$/);
    expect(bench.log.join()).toContain('ENOENT');
  });
});

test('its file holds nothing that lets a browser in', async () => {
  await bench.start();
  const link = await bench.link();
  const session = await bench.session();
  const text = readFileSync(inspectorFilePath(bench.paths.root), 'utf8');
  expect(text).not.toContain(link);
  expect(text).not.toContain(session);
  expect(bench.log.join()).not.toContain(link);
});
