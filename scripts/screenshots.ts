/**
 * Writes a picture of every view of the inspector to `visualizations/screenshots/<view>-<theme>-<size>.png`: the built page in a real
 * browser over a real supervisor of a scratch project. Arguments: names of views; none: all of them.
 *
 * P1. A picture is taken when its view has its contents, and nothing on it is still being read.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { askTerminalLink } from '../test/e2e/inspector/terminal-link.ts';
import { DESKTOP, openBrowser, PHONE } from '../test/visualizations/browser.ts';
import { openScreenshotProject, type ScreenshotProject } from './screenshot-project.ts';

const folder = fileURLToPath(new URL('../visualizations/screenshots/', import.meta.url));
const SIZES = { desktop: DESKTOP, phone: PHONE } as const;
const THEMES = ['light', 'dark'] as const;

type View = {
  readonly name: string;
  readonly hash: string;
  readonly landmark: string;
  /** Name of a button that is pressed before. */
  readonly press?: string;
};

const viewsOf = ({ objectiveId, tasks, runs, review, moment }: ScreenshotProject): readonly View[] => {
  const chart = '.chart-state';
  const run = (name: string): string => `#/run/${String(runs[name])}`;
  return [
    // A share of a processor is known after the second look.
    { name: 'overview', hash: '#/', landmark: '.side-facts .usage:has-text("% CPU")' },
    { name: 'objective', hash: `#/objective/${objectiveId}`, landmark: '.task-node, .task-row' },
    { name: 'task', hash: `#/entity/${String(tasks['table'])}`, landmark: chart },
    { name: 'run-machine', hash: `#/entity/${String(runs['api'])}`, landmark: chart },
    {
      name: 'why-not',
      hash: `#/entity/${String(runs['api'])}?why=child.complete`,
      landmark: '.why-branch, .entity-side',
    },
    {
      name: 'time-travel',
      hash: `#/entity/${String(runs['profile'])}?seq=${String(moment)}`,
      landmark: chart,
      press: 'Active',
    },
    { name: 'gates', hash: '#/gates', landmark: '.gate-row' },
    { name: 'review', hash: `#/gate/${review}`, landmark: '.diff-line' },
    { name: 'tree', hash: '#/tree', landmark: '.tree-row' },
    { name: 'output', hash: run('profile'), landmark: '.log-row' },
    { name: 'diff', hash: `${run('table')}?tab=diff`, landmark: '.diff-added' },
    { name: 'terminal', hash: run('watch'), landmark: '.xterm-rows :text("waiting for changes")' },
    { name: 'artifacts', hash: `${run('profile')}?tab=artifacts`, landmark: '.artifact' },
    { name: 'machines', hash: '#/coverage', landmark: 'main :text("transitions")' },
    { name: 'machine', hash: '#/machine/run', landmark: chart },
    { name: 'supervisor', hash: '#/machine/supervisor', landmark: chart },
  ];
};

/** P1. */
const settled = async (page: Page, { hash, landmark, press }: View): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.locator(landmark).first().waitFor();
  await page.locator('main .loading').first().waitFor({ state: 'detached' });
  if (press !== undefined) {
    await page.getByRole('button', { name: press, exact: true }).click();
    await page.mouse.move(0, 0);
    await page.evaluate('scrollTo(0, 0)');
  }
  // What was just drawn is measured and drawn again before it rests.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 250))))',
  );
};

const shoot = async (browser: Browser, project: ScreenshotProject, views: readonly View[]): Promise<void> => {
  for (const colorScheme of THEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.goto(await askTerminalLink(project.socket));
      await page.locator('.connection-live').waitFor();
      for (const view of views) {
        await settled(page, view);
        writeFileSync(join(folder, `${view.name}-${colorScheme}-${size}.png`), await page.screenshot());
      }
      await context.close();
    }
  }
};

const wanted = process.argv.slice(2);
const project = await openScreenshotProject();
try {
  const all = viewsOf(project);
  const views = wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name));
  if (views.length === 0) throw new Error(`no view is called so; there are ${all.map(({ name }) => name).join(', ')}`);
  mkdirSync(folder, { recursive: true });
  if (wanted.length === 0) for (const name of readdirSync(folder)) rmSync(join(folder, name));
  const browser = await openBrowser();
  try {
    await shoot(browser, project, views);
  } finally {
    await browser.close();
  }
} finally {
  await project.close();
}
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
console.log(
  `${String(readdirSync(folder).length)} pictures, ${(bytes / 2 ** 20).toFixed(1)} MiB, in visualizations/screenshots/`,
);
