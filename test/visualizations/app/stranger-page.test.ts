/**
 * Goal: a page whose port another program took says so with the way out, tells that program nothing of use, and goes on when its
 * supervisor is back.
 * Method: the built page in a real browser; a server that is closed, and others at its port that answer in every way they could.
 */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { API, type GreetAnswer, type GreetRequest } from '../../../src/hosts/inspector/protocol.ts';
import { passAt } from '../../hosts/inspector/page-pass.ts';
import { openPage } from '../browser.ts';
import { startFixtureServer, type FixtureServer } from '../fixture-server.ts';
import { startImpostor, type ImpostorAnswer } from '../impostor.ts';
import { flawsOf } from '../view-stage.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers();

const stored = async (page: Page): Promise<string | null> =>
  page.evaluate<string | null>(`sessionStorage.getItem('conductor.session')`);
const banner = (page: Page) =>
  page.getByRole('alert').getByText('Nothing of Conductor answers at this address any more');

/** A greeting that the real server answered to somebody else, before. */
const overheard = async (origin: string, name: string): Promise<GreetAnswer> => {
  const response = await fetch(`${origin}${API.greet}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, nonce: 'A'.repeat(32) } satisfies GreetRequest),
  });
  return (await response.json()) as GreetAnswer;
};

const json = (status: number, body: unknown) => ({ status, body: JSON.stringify(body) });
const refusal = { error: { code: 'not_permitted', message: 'no session', retryable: false, details: {} } };
/** By what it answers; `known` is an answer of the real server to another greeting. */
const IMPOSTORS: readonly (readonly [string, (known: GreetAnswer) => ImpostorAnswer])[] = [
  ['has nothing there', () => () => ({ status: 404, body: '<h1>Not found</h1>' })],
  ['answers everything with yes', () => () => json(200, {})],
  ['repeats what the supervisor once answered', (known) => () => json(200, known)],
  ['makes a proof up', (known) => () => json(200, { ...known, proof: 'A'.repeat(43) })],
  ['says that the session is over', (known) => () => json(200, { ...known, isOver: true })],
  ['refuses as the supervisor refuses', () => () => json(401, refusal)],
];

test.each(IMPOSTORS)(
  'one that %s learns nothing, and the page goes on when its supervisor is back',
  async (_, answer) => {
    const server = await startFixtureServer({ folder: fixture.folder, mode: 'plain' });
    const port = Number(new URL(server.origin).port);
    const { page, close } = await openPage(fixture.browser);
    await page.goto(server.link());
    await page.locator('.connection-live').waitFor();
    const session = (await stored(page))!;
    const name = session.split('.').slice(0, 2).join('.');
    const known = await overheard(server.origin, name);
    const pass = await passAt(server.origin, session);
    await server.close();
    const impostor = await startImpostor(port, answer(known));
    try {
      await banner(page).waitFor();
      await page.getByRole('alert').getByText('conductor inspect', { exact: true }).waitFor();
      await page.locator('.connection').getByText('not Conductor any more').waitFor();
      // What was shown is still there, and what somebody asks for meanwhile is not asked.
      await page.getByText('4 running').waitFor();
      await page.evaluate('location.hash = "#/tree"');
      await page.getByText('was told nothing').last().waitFor();
      await expect.poll(() => impostor.requests.length).toBeGreaterThan(2);
      expect([...new Set(impostor.requests.map(({ path }) => path))]).toEqual([API.greet]);
      // Whatever page it gives to somebody who loads this one anew finds nothing.
      expect(await stored(page)).toBeNull();
      expect(impostor.words()).not.toContain(session.split('.')[2]);
      expect(impostor.words()).not.toContain(pass);
      expect(impostor.words()).not.toContain('x-conductor-pass');
    } finally {
      await impostor.close();
    }
    const back = await startFixtureServer({ folder: fixture.folder, mode: 'plain', port });
    try {
      await page.locator('.connection-live').waitFor();
      await page.getByRole('alert').waitFor({ state: 'detached' });
      expect(await stored(page)).toBe(session);
      // Of all it has heard and known before nothing lets it in.
      for (const word of [...impostor.words().split(/[^\w.-]+/), known.proof, `${name}.${known.proof}`, pass]) {
        const headers = { 'x-conductor-pass': word };
        expect((await fetch(`${back.origin}${API.challenge}`, { method: 'POST', headers })).status).toBe(401);
      }
    } finally {
      await back.close();
      await close();
    }
  },
);

test('one that takes the port between the greeting and the socket is not believed', async () => {
  const server = await startFixtureServer({ folder: fixture.folder, mode: 'plain' });
  const { page, close } = await openPage(fixture.browser);
  let isTaken = false;
  const said: string[] = [];
  await page.routeWebSocket(`**${API.feed}`, (socket) => {
    if (!isTaken) {
      socket.connectToServer();
      return;
    }
    socket.onMessage((message) => {
      said.push(String(message));
      socket.send(JSON.stringify({ type: 'welcome', proof: 'trust me' }));
      socket.send(JSON.stringify({ type: 'stopping' }));
    });
  });
  try {
    await page.goto(server.link());
    await page.locator('.connection-live').waitFor();
    isTaken = true;
    server.drop();
    await banner(page).waitFor();
    expect(await page.locator('.connection-away').count()).toBe(0);
    isTaken = false;
    await page.locator('.connection-live').waitFor();
    expect(said.map((text) => (JSON.parse(text) as { type: string }).type)).toContain('hello');
  } finally {
    await server.close();
    await close();
  }
});

test('where nobody answers for long the page says the same, for everybody to read', async () => {
  const server: FixtureServer = await startFixtureServer({ folder: fixture.folder, mode: 'plain' });
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, close } = await openPage(fixture.browser, { colorScheme });
    await page.goto(server.link());
    await page.locator('.connection-live').waitFor();
    await page.routeWebSocket(`**${API.feed}`, (socket) => void socket.close());
    await page.route(`**${API.greet}`, (route) => route.abort());
    server.drop();
    await page.getByText('the supervisor is away; reconnecting').waitFor();
    expect(await stored(page)).toBeNull();
    await banner(page).waitFor();
    expect(await page.getByText('Something else does').count()).toBe(0);
    expect(await flawsOf(page)).toEqual([]);
    await close();
  }
  await server.close();
});
