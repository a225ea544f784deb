/**
 * Goal: the supervision tree shows what runs, what was restarted and why, and stays up to date while somebody looks.
 * Method: the built page in a real browser.
 */
import { expect, test } from 'vitest';
import { openPage } from '../browser.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers('plain');

test('services, runners, budget and reports are there, and asked for again', async () => {
  const { page, close, troubles } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  await page.evaluate(`location.hash = '#/tree'`);
  const tree = page.getByRole('region', { name: 'Supervision tree' });
  await tree.getByText('2 of 5 restarts within 1 min').waitFor();
  await tree.getByText('2 failures in a row').waitFor();
  await tree.getByText(/starts in \d+ s/).waitFor();
  await tree.getByText('pid 41303').waitFor();
  await tree.getByText('epoch 2').waitFor();
  await tree.getByText('82.0 MiB').waitFor();
  await page.getByRole('region', { name: 'What was restarted' }).getByText('port 43117 is taken').waitFor();
  const asked = (): number =>
    fixture.plain.project.calls.filter(({ operation }) => operation === 'conductor_get_services').length;
  const before = asked();
  await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(before);
  expect(troubles).toEqual([]);
  await close();
});
