/**
 * Goal: nobody gets in but who holds a fresh link, and nobody who is in can be used by another page.
 * Method: the real server on a port; requests with every wrong secret, host, origin and size; a clock that is set ahead.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SESSION_MS } from '../../../src/hosts/inspector/page-sessions.ts';
import { API, LINK_MS, PASS_HEADER, SIGNED, type GreetAnswer } from '../../../src/hosts/inspector/protocol.ts';
import { InspectorBench, jsonOf, refusalOf, RUN, type Sent } from './inspector-bench.ts';
import { helloOf, nameOf, newNonce, passFor, signedBy } from './page-pass.ts';

let bench: InspectorBench;
beforeEach(async () => {
  bench = await InspectorBench.open({ helloMs: 50 });
});
afterEach(async () => {
  await bench.close();
});

const noSession = { status: 401, code: 'not_permitted' };
const foreign = { status: 403, code: 'not_permitted' };

const exchange = (link: unknown) => bench.request(API.session, { method: 'POST', body: { link } });

describe('a link', () => {
  test('becomes a session once', async () => {
    const link = await bench.link();
    const answer = jsonOf(await exchange(link)) as { session: string; project: unknown };
    expect(answer.project).toEqual({
      key: 'small-000000000000',
      repoRoot: '/repo',
      name: 'repo',
      version: '0.0.0',
      startedAt: 1,
      epoch: 1,
    });
    expect(refusalOf(await exchange(link))).toEqual(noSession);
    expect(await bench.isIn({ [PASS_HEADER]: await bench.pass(answer.session) })).toBe(true);
  });

  test('is over after two minutes', async () => {
    const link = await bench.link();
    bench.ahead = LINK_MS + 1;
    expect(refusalOf(await exchange(link))).toEqual(noSession);
    bench.ahead = 0;
    expect(refusalOf(await exchange(link))).toEqual(noSession);
  });

  test('that was never made, or is no text, is refused', async () => {
    expect(refusalOf(await exchange('x'.repeat(43)))).toEqual(noSession);
    expect(refusalOf(await exchange(7))).toEqual({ status: 400, code: 'invalid_params' });
    expect(refusalOf(await exchange('x'.repeat(300)))).toEqual({ status: 400, code: 'invalid_params' });
  });

  test('is only the newest sixteen: nobody fills the memory with them', async () => {
    const first = await bench.link();
    for (let made = 0; made < 16; made += 1) await bench.link();
    expect(refusalOf(await exchange(first))).toEqual(noSession);
  });
});

const greet = async (session: string, nonce = newNonce()): Promise<GreetAnswer> =>
  jsonOf(await bench.request(API.greet, { method: 'POST', body: { name: nameOf(session), nonce } })) as GreetAnswer;

describe('a greeting', () => {
  test('proves that the key is known, for its nonce alone, and says nothing that lets in', async () => {
    const session = await bench.session();
    const [one, two] = [newNonce(), newNonce()];
    const [first, second] = [await greet(session, one), await greet(session, two)];
    expect(first).toEqual({ instance: second.instance, isOver: false, proof: expect.any(String) as unknown });
    expect(first.proof).toBe(signedBy(session, SIGNED.greeting(one, first)));
    expect(second.proof).toBe(signedBy(session, SIGNED.greeting(two, second)));
    expect(second.proof).not.toBe(first.proof);
    for (const heard of [first.proof, first.instance]) {
      expect(await bench.isIn({ [PASS_HEADER]: `${nameOf(session)}.${heard}` })).toBe(false);
    }
    expect(await bench.isIn({ [PASS_HEADER]: passFor(session, first) })).toBe(true);
  });

  test('says of a session that is over that it is, and proves it', async () => {
    const session = await bench.session();
    bench.ahead = SESSION_MS;
    const nonce = newNonce();
    const answer = await greet(session, nonce);
    expect(answer.isOver).toBe(true);
    expect(answer.proof).toBe(signedBy(session, SIGNED.greeting(nonce, answer)));
    expect(answer.proof).not.toBe(signedBy(session, SIGNED.greeting(nonce, { ...answer, isOver: false })));
    expect(await bench.isIn({ [PASS_HEADER]: passFor(session, answer) })).toBe(false);
  });

  test('of what is no name of a session, or without a nonce that is one, is refused', async () => {
    const name = nameOf(await bench.session());
    const wrong = [
      { name, nonce: 'short' },
      { name, nonce: `${newNonce()}/` },
      { name },
      { name: `${name}.x`, nonce: newNonce() },
      { name: 'x', nonce: newNonce() },
      { nonce: newNonce() },
    ];
    for (const body of wrong) {
      expect(refusalOf(await bench.request(API.greet, { method: 'POST', body }))).toEqual({
        status: 400,
        code: 'invalid_params',
      });
    }
  });

  test('S3: a pass is good for the server that it was made for, and for none after it', async () => {
    const session = await bench.session();
    const before = await greet(session);
    const socket = await bench.feed(passFor(session, before));
    const nonce = newNonce();
    socket.send({ ...helloOf(passFor(session, before), { after: null }), nonce });
    await expect
      .poll(() => socket.messages)
      .toContainEqual({ type: 'welcome', proof: signedBy(session, SIGNED.welcome(nonce)) });
    expect(socket.messages[0]!.type).toBe('welcome');
    await bench.stop();
    await bench.start();
    const after = await greet(session);
    expect(after.instance).not.toBe(before.instance);
    expect(await bench.isIn({ [PASS_HEADER]: passFor(session, before) })).toBe(false);
    const again = await bench.feed(passFor(session, before));
    expect(await again.closed).toMatchObject({ code: 4401 });
    expect(again.messages).toEqual([]);
    expect(await bench.isIn({ [PASS_HEADER]: passFor(session, after) })).toBe(true);
  });
});

describe('without a session that counts', () => {
  const routes: readonly (readonly [string, Sent])[] = [
    [API.call, { method: 'POST', body: { operation: 'conductor_list_tasks', params: {} } }],
    [API.challenge, { method: 'POST', body: { gateId: 'gate-a' } }],
    [`${API.log}?runId=${RUN}`, {}],
    [`${API.recording}?runId=${RUN}`, {}],
  ];
  test.each(routes)('%s is refused and nothing is called', async (path, sent) => {
    const session = await bench.session();
    const whole = await bench.pass(session);
    const [id, begun] = whole.split('.');
    const wrong = [
      undefined,
      '',
      'secret',
      // Said once, and no pass itself.
      session,
      `${whole}x`,
      `${whole.slice(0, -2)}AA`,
      // Somebody who wants it to have begun later.
      [id, (Date.now() + 1_000).toString(36), whole.split('.')[2]].join('.'),
      [id, begun, 'A'.repeat(43)].join('.'),
    ];
    for (const secret of wrong) {
      const headers: Record<string, string> = secret === undefined ? {} : { [PASS_HEADER]: secret };
      expect(refusalOf(await bench.request(path, { ...sent, headers }))).toEqual(noSession);
    }
    bench.ahead = SESSION_MS;
    expect(refusalOf(await bench.request(path, { ...sent, headers: { [PASS_HEADER]: whole } }))).toEqual(noSession);
    expect(bench.face.invoked).toEqual([]);
  });

  test.each([API.feed, API.terminal])('the socket %s is ended, and nothing is read', async (path) => {
    const silent = bench.socket(path);
    expect(await silent.closed).toMatchObject({ code: 4408 });
    for (const [message, code] of [
      [helloOf('wrong', { after: null, runId: RUN }), 4401],
      [{ type: 'hello', pass: await bench.pass(), after: null, runId: RUN }, 4400],
      [{ type: 'other' }, 4400],
      ['no json', 4400],
      ['x'.repeat(70_000), 1009],
    ] as const) {
      const socket = bench.socket(path);
      await socket.opened;
      socket.send(message);
      expect(await socket.closed).toMatchObject({ code });
    }
    expect(bench.face.invoked).toEqual([]);
    expect(bench.face.listeners.size).toBe(0);
  });
});

describe('from another page', () => {
  test('a foreign Host is refused, whatever it carries', async () => {
    const headers = { [PASS_HEADER]: await bench.pass() };
    const port = String(bench.port);
    for (const host of [
      `evil.example:${port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `127.0.0.1.evil:${port}`,
      `[::1]:${port}`,
    ]) {
      expect(refusalOf(await bench.request(API.feed, { host, headers }))).toEqual(foreign);
      expect(refusalOf(await bench.request('/', { host }))).toEqual(foreign);
    }
    expect(await bench.isIn(headers, `localhost:${port}`)).toBe(true);
  });

  test('a foreign Origin and a foreign Sec-Fetch-Site are refused', async () => {
    const session = { [PASS_HEADER]: await bench.pass() };
    const port = String(bench.port);
    const wrong = [
      { origin: 'http://evil.example' },
      { origin: 'http://127.0.0.1:1' },
      { origin: `https://127.0.0.1:${port}` },
      { origin: `http://localhost:${port}` },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of wrong) {
      expect(await bench.isIn({ ...session, ...headers })).toBe(false);
    }
    for (const headers of [{ origin: bench.origin, 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }]) {
      expect(await bench.isIn({ ...session, ...headers })).toBe(true);
    }
  });

  test('a browser may be led to the page itself, in a tab of its own, and to nothing else', async () => {
    const arriving = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const at = async (path: string, headers: Record<string, string>, method = 'GET') =>
      (await bench.request(path, { headers, method })).status;
    // The page of this bench was not built.
    expect(await at('/', arriving)).toBe(503);
    expect(await at('/', { ...arriving, 'sec-fetch-dest': 'iframe' })).toBe(403);
    expect(await at('/', { ...arriving, 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(await at('/', { ...arriving, origin: 'null' })).toBe(403);
    expect(await at('/', arriving, 'POST')).toBe(403);
    expect(await at('/?x', arriving)).toBe(403);
    expect(await at(`${API.log}?runId=${RUN}`, { ...arriving, [PASS_HEADER]: await bench.pass() })).toBe(403);
  });

  test.each([
    ['of another page', { origin: 'http://evil.example' }],
    ['of another port', { origin: 'http://127.0.0.1:1' }],
    ['of no page', {}],
    ['with a foreign Host', { origin: 'http://evil.example', host: 'evil.example' }],
  ])('a socket %s is not opened', async (_, headers) => {
    const socket = bench.socket(API.feed, headers as Record<string, string>);
    expect(await socket.closed).toMatchObject({ code: 1006 });
    expect(socket.messages).toEqual([]);
  });

  test('a form is not taken for a call, and there is no CORS and no cookie', async () => {
    const session = { [PASS_HEADER]: await bench.pass() };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const sent = {
        method: 'POST',
        body: '{"operation":"conductor_list_tasks"}',
        headers: { ...session, 'content-type': type },
      };
      expect(refusalOf(await bench.request(API.call, sent))).toEqual({ status: 400, code: 'invalid_params' });
    }
    const preflight = await bench.request(API.call, { method: 'OPTIONS', headers: { origin: bench.origin } });
    expect(preflight.status).toBe(404);
    const all = Object.keys(preflight.headers);
    expect(all.filter((name) => name.startsWith('access-control') || name === 'set-cookie')).toEqual([]);
  });
});

describe('sizes', () => {
  test('headers that are too large are refused with the security headers', async () => {
    const got = await bench.request('/', { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(got.status).toBe(431);
    expect(got.headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('a body that is too large is refused', async () => {
    const body = { operation: 'conductor_list_tasks', params: { x: 'x'.repeat(1_100_000) } };
    expect(refusalOf(await bench.call(await bench.pass(), body))).toEqual({ status: 413, code: 'too_large' });
  });

  test('what is no request at all is answered and closed', async () => {
    const socket = connect(bench.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (data: string) => (text += data));
    socket.write('what is this\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1\.1 400 [\s\S]*x-content-type-options: nosniff/);
  });
});

test('every answer carries the security headers, a refusal too', async () => {
  const port = String(bench.port);
  for (const got of [
    await bench.request('/'),
    await bench.request('/nothing'),
    await bench.request(API.log),
    await bench.request('/', { host: 'evil.example' }),
  ]) {
    expect(got.headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
        `connect-src 'self' ws://127.0.0.1:${port}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
  }
});

describe('the page', () => {
  test('that was not built says so', async () => {
    const got = await bench.request('/');
    expect({ status: got.status, text: got.bytes.toString() }).toEqual({
      status: 503,
      text: 'The page of the inspector was not built: npm run build\n',
    });
  });

  test('is served from its folder and from nowhere else', async () => {
    const folder = join(bench.directory, 'page');
    mkdirSync(join(folder, 'assets'), { recursive: true });
    writeFileSync(join(folder, 'index.html'), '<p>page');
    writeFileSync(join(folder, 'assets', 'a-1.js'), '1');
    writeFileSync(join(folder, '.hidden'), 'secret');
    writeFileSync(join(bench.directory, 'secret.txt'), 'secret');
    const page = await InspectorBench.open({ pageFolder: folder });
    try {
      const index = await page.request('/');
      expect(index.bytes.toString()).toBe('<p>page');
      expect(index.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      const asset = await page.request('/assets/a-1.js');
      expect(asset.headers['cache-control']).toBe('private, max-age=31536000, immutable');
      for (const path of [
        '/../secret.txt',
        '/..%2fsecret.txt',
        '/%2e%2e/secret.txt',
        '/assets/../../secret.txt',
        '/assets/..%5c..%5csecret.txt',
        '/%00/index.html',
        '//etc/passwd',
        '/.hidden',
        '/assets',
      ]) {
        const { status, bytes } = await page.request(path);
        const isError = status >= 400 && bytes.toString().startsWith('{"error":');
        expect({ path, isError }).toEqual({ path, isError: true });
      }
    } finally {
      await page.close();
    }
  });
});
