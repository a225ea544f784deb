/**
 * Goal: a browser that is handed a file gets into the inspector with it, and the file is gone then.
 * Method: a real supervisor, and a real browser that opens the file as a person's does.
 */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../../visualizations/browser.ts';
import { ProjectFixture } from '../project-fixture.ts';
import { askLinkAs } from './terminal-link.ts';

let project: ProjectFixture;
beforeAll(async () => {
  project = await ProjectFixture.make({ inspector: true });
  await project.start();
});
afterAll(() => project?.close());

test('it leads to the page, which is let in, and is gone; opened again it leads nowhere', async () => {
  const { inspector, socket } = project.client.facts;
  const { url, file } = await askLinkAs(socket, { file: true });
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const copy = readFileSync(file!, 'utf8');
    await page.goto(pathToFileURL(file!).href);
    await page.locator('.connection-live').waitFor();
    expect(page.url()).toBe(`${inspector!}#/`);
    expect(existsSync(file!)).toBe(false);
    const other = await browser.newPage();
    await other.setContent(copy);
    await other.getByRole('heading', { name: 'This link or session is over' }).waitFor();
    expect(other.url()).not.toContain(new URL(url).hash);
  } finally {
    await browser.close();
  }
});
