/**
 * Goal: a tab gets in with a link once, stays in without it, and says what to do when it is not in.
 * Method: the built page in a real browser, against a server that the test stops and starts.
 */
import { expect, test } from 'vitest';
import { openPage } from '../browser.ts';
import { startFixtureServer } from '../fixture-server.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers('plain');

test('S1: the link leaves the address before anything is shown, and the tab stays in after a reload', async () => {
  const { page, close, troubles } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.getByText('4 running').waitFor();
  expect(page.url()).toBe(`${fixture.plain.origin}/#/`);
  expect(await page.evaluate('JSON.stringify({...localStorage}) + document.cookie')).toBe('{}');
  await page.reload();
  await page.getByText('4 running').waitFor();
  expect(troubles).toEqual([]);
  await close();
});

test('without a link the page names the command that gives one', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.origin);
  await page.getByRole('heading', { name: 'This page needs a link' }).waitFor();
  expect(await page.locator('main').innerText()).toContain('conductor inspect');
  expect(await page.title()).toContain('This page needs a link');
  await close();
});

test('a link that was used says so', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(`${fixture.plain.origin}/#link=used-before`);
  await page.getByRole('heading', { name: 'This link or session is over' }).waitFor();
  expect(page.url()).toBe(`${fixture.plain.origin}/#/`);
  await close();
});

test('S3: a supervisor that is away ends nothing: the page says so, comes back by itself and misses nothing', async () => {
  const first = await startFixtureServer({ folder: fixture.folder, mode: 'plain' });
  const port = Number(new URL(first.origin).port);
  const { page, close } = await openPage(fixture.browser);
  await page.goto(first.link());
  await page.locator('.connection-live').waitFor();
  await first.close();
  await page.getByText('the supervisor is away; reconnecting').waitFor();
  await page.getByText('4 running').waitFor();
  const second = await startFixtureServer({ folder: fixture.folder, mode: 'plain', port });
  try {
    await page.locator('.connection-live').waitFor();
    expect(second.project.hellos.map(({ after }) => after)).toEqual([500]);
  } finally {
    await second.close();
    await close();
  }
});

test('sockets that end because the page is loaded anew cost it no session', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  const stored = async () => page.evaluate<string | null>(`sessionStorage.getItem('conductor.session')`);
  const session = await stored();
  // As a browser does that tells a page of the end of its sockets while it leaves.
  await page.evaluate(`dispatchEvent(new Event('beforeunload'))`);
  fixture.plain.drop();
  expect(await stored()).toBe(session);
  await page.reload();
  await page.locator('.connection-live').waitFor();
  expect(await stored()).toBe(session);
  await close();
});

test('a session that the supervisor forgot ends the page with the way to a new one', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  fixture.plain.project.hasSession = false;
  fixture.plain.drop();
  await page.getByRole('heading', { name: 'This link or session is over' }).waitFor();
  fixture.plain.project.hasSession = true;
  await close();
});
