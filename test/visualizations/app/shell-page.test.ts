/**
 * Goal: every view of the shell can be read, reached and worked by anybody: axe finds nothing, keys reach everything.
 * Method: the built page in a real browser, both themes, desktop and phone.
 */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { DESKTOP, openPage, PHONE } from '../browser.ts';
import { gateIdOf, objectiveIdOf } from '../fixture-project.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers('plain', 'hostile');

const goTo = async (page: Page, hash: string, landmark: string): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.locator(landmark).first().waitFor();
};

const violations = async (page: Page): Promise<string[]> => {
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
      .then(({violations}) => violations.map(({id, nodes}) => id + ': ' + nodes.map(({target, failureSummary}) => target + ' ' + failureSummary).join(' | ')))`,
  );
  return found as string[];
};

const VIEWS = [
  ['#/', '.task-node, .task-row'],
  [`#/objective/${objectiveIdOf(0)}`, '.task-node, .task-row'],
  ['#/gates', '.gate-row'],
  [`#/gate/${gateIdOf(5)}`, '.diff-line'],
  ['#/tree', '.report'],
  ['#/?seq=12', '.moment-banner'],
] as const;

describe.each([
  ['light', DESKTOP],
  ['dark', DESKTOP],
  ['light', PHONE],
  ['dark', PHONE],
] as const)('in %s', (colorScheme, viewport) => {
  test(`axe finds nothing at ${String(viewport.width)} px, and nothing is wider than the window`, async () => {
    const { page, close, troubles } = await openPage(fixture.browser, { colorScheme, viewport });
    await page.goto(fixture.plain.link());
    await page.locator('.connection-live').waitFor();
    for (const [hash, landmark] of VIEWS) {
      await goTo(page, hash, landmark);
      expect(await violations(page), `${hash} in ${colorScheme}`).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth'), hash).toBeLessThanOrEqual(viewport.width);
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await close();
  });
});

test('hostile texts change nothing: no element, no title, no direction, no width', async () => {
  for (const viewport of [DESKTOP, PHONE]) {
    const { page, close, troubles } = await openPage(fixture.browser, { viewport });
    await page.goto(fixture.hostile.link());
    for (const [hash, landmark] of [
      ['#/', '.task-node, .task-row'],
      ['#/gates', '.gate-row'],
      [`#/gate/${gateIdOf(0)}`, '.model-text'],
    ] as const) {
      await goTo(page, hash, landmark);
      const isNamed = hash === '#/' ? await page.locator('.control-sign').first().isVisible() : true;
      expect(isNamed).toBe(true);
      expect(await page.locator('main script, main img, main b').count()).toBe(0);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
    }
    expect(await page.title()).toContain('Conductor');
    expect(troubles).toEqual([]);
    await close();
  }
});

test('keys lead everywhere, and the focus arrives with the view', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.task-node').first().waitFor();
  for (const [keys, heading] of [
    [['g', 'g'], 'Gates'],
    [['g', 't'], 'Supervision'],
    [['g', 'o'], 'Overview'],
  ] as const) {
    for (const key of keys) await page.keyboard.press(key);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await expect.poll(async () => page.evaluate('document.activeElement.tagName')).toBe('MAIN');
    expect(await page.title()).toContain(heading);
  }
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  const row = 'document.querySelectorAll("main [data-nav]")[0] === document.activeElement';
  expect(await page.evaluate(row)).toBe(true);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await close();
});

test('the theme is the system’s until it is chosen, and the choice stays', async () => {
  const { page, close } = await openPage(fixture.browser, { colorScheme: 'dark' });
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  const ground = async (): Promise<unknown> =>
    page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const dark = await ground();
  await page.keyboard.press('t');
  await expect.poll(async () => page.evaluate('document.documentElement.dataset.theme')).toBe('light');
  expect(await ground()).not.toBe(dark);
  await page.reload();
  await page.locator('.connection-live').waitFor();
  expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('light');
  await close();
});

test('a moment of the past is shown with a banner that leads back, and links keep it', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.task-node').first().waitFor();
  await goTo(page, '#/?seq=321', '.moment-banner');
  await page.locator('.moment-banner').getByText('entry 321').waitFor();
  expect(fixture.plain.project.calls.some(({ params }) => JSON.stringify(params) === '{"seq":321}')).toBe(true);
  await page.keyboard.press('g');
  await page.keyboard.press('g');
  await page.getByText('Go back to now to decide it').waitFor();
  expect(page.url()).toContain('#/gates?seq=321');
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.locator('.moment-banner').waitFor({ state: 'detached' });
  expect(page.url()).toMatch(/#\/gates$/);
  await close();
});
