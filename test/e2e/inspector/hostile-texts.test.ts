/**
 * Goal: whatever an agent or a plan writes is text: nothing of it runs, leaves the machine, turns the page's direction or hides.
 * Method: a real run that says hostile things wherever a run may say something; every view that shows them is opened.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PHONE } from '../../visualizations/browser.ts';
import { until } from '../project-fixture.ts';
import { goTo, InspectorStage } from './inspector-stage.ts';

const SCRIPT = '<script>globalThis.hits++;alert(1)</script>';
const IMAGE = '<img src="http://203.0.113.9/x.png" onerror="globalThis.hits++;alert(2)">';
/** Turns the text after it round. */
const TURN = '\u202e';
const ESCAPE = '\u001b]0;owned\u0007\u001b[31m';
const LINK = '[click](javascript:globalThis.hits++)';
const hostile = (name: string): string => `${name} ${SCRIPT}${IMAGE}${TURN}${LINK}`;
const LONG_LINE = 1_048_576;

/** In single quotes for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

let stage: InspectorStage;
let ids: Readonly<Record<'objective' | 'task' | 'run' | 'gate' | 'review', string>>;

beforeAll(async () => {
  stage = await InspectorStage.open();
  const { project } = stage;
  const say = (name: string): string => quoted(`${hostile(name)}${ESCAPE}`);
  const run = [
    `printf '%s\\n' ${say('log')}`,
    `head -c ${String(LONG_LINE)} /dev/zero | tr '\\0' 'x'; echo`,
    'echo after the long line',
    `printf '%s\\n' ${say('file')} > ${quoted(`${SCRIPT.replaceAll('/', '')}.txt`)}`,
    `printf '%s' ${say('artifact')} > "$CONDUCTOR_ARTIFACTS/"${quoted('<img src=x onerror=alert(3)>.md')}`,
    `conductor child progress ${say('progress')}`,
    `conductor child gate --type needs_review --ask ${say('review')}`,
    `conductor child gate --type needs_input --ask ${say('question')} --wait`,
    `conductor child complete succeeded --summary ${say('summary')}`,
  ];
  const plan = {
    objective: hostile('objective'),
    tasks: [{ id: 'main', title: hostile('title'), run: run.join('\n') }],
  };
  const { objectiveId, tasks } = await project.plan(plan);
  const gateOf = async (type: string): Promise<string> =>
    until(
      type,
      async () => (await project.gates({ state: 'open' })).find((gate) => gate['type'] === type)?.gateId ?? null,
    );
  const { runId } = await until('the run', async () => (await project.runOf(tasks['main']!)) ?? null);
  ids = {
    objective: objectiveId,
    task: tasks['main']!,
    run: runId,
    review: await gateOf('needs_review'),
    gate: await gateOf('needs_input'),
  };
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

/** Everything is text: no element of it stands in the page, no title of it on the window, nothing is wider than the window. */
const isHarmless = async (page: Page, where: string): Promise<void> => {
  const made = 'main script, main img, main iframe, main a[href^="javascript:"], header img, footer img';
  expect(await page.locator(made).count(), where).toBe(0);
  expect(await page.title(), where).not.toContain('owned');
  const { width } = page.viewportSize()!;
  expect(await page.evaluate('document.documentElement.scrollWidth'), where).toBeLessThanOrEqual(width);
};

/** The text can be read as it was written, and what would act on the reader is shown by a sign. */
const isShown = async (page: Page, text: string, where: string): Promise<void> => {
  const shown = page.locator('main').locator('.safe-text, .model-body, .log-text, .diff-line, .artifact-text');
  await shown.filter({ hasText: text }).first().waitFor();
  const signs = page.locator('main .control-sign[title*="right-to-left override"]');
  expect(await signs.count(), where).toBeGreaterThan(0);
  await isHarmless(page, where);
};

test.each([
  ['a desktop', undefined],
  ['a phone', PHONE],
] as const)('on %s every view shows it as marked text', async (_, viewport) => {
  const page = await stage.page('#/', viewport === undefined ? {} : { viewport });
  const views: [string, string][] = [
    ['#/', `title ${SCRIPT}`],
    [`#/objective/${ids.objective}`, `title ${SCRIPT}`],
    [`#/gate/${ids.gate}`, `question ${SCRIPT}`],
    [`#/gate/${ids.review}`, `review ${SCRIPT}`],
    [`#/run/${ids.run}`, `progress ${SCRIPT}`],
    [`#/run/${ids.run}?tab=diff`, `file ${SCRIPT}`],
    [`#/run/${ids.run}?tab=events`, `progress ${SCRIPT}`],
    [`#/entity/${ids.run}`, `progress ${SCRIPT}`],
    ['#/tree', `title ${SCRIPT}`],
  ];
  for (const [hash, text] of views) {
    await goTo(page, hash);
    await isShown(page, text, hash);
  }
  for (const id of [ids.task, ids.objective, ids.gate]) {
    await goTo(page, `#/entity/${id}`);
    await page.locator('.context-panel, .entity-side').first().waitFor();
    await page.locator('.journal-row').first().waitFor();
    await isHarmless(page, id);
  }
  // What a model wrote says so.
  await goTo(page, `#/gate/${ids.gate}`);
  await page.getByText('written by the agent of a run').waitFor();
  await goTo(page, `#/run/${ids.run}`);
  await page.getByText('written by the agent', { exact: true }).first().waitFor();
});

test('output with escapes and a line of a megabyte is text, and can be seen whole', async () => {
  const page = await stage.page(`#/run/${ids.run}`);
  await page.locator('.log-row', { hasText: 'after the long line' }).waitFor();
  const older = page.getByRole('button', { name: /^(?:Older|Reading…)$/ });
  await expect
    .poll(async () => {
      const [button] = await older.all();
      if (button !== undefined && (await button.isEnabled())) await button.click();
      return older.count();
    })
    .toBe(0);
  await page.getByRole('button', { name: 'Follow' }).click();
  await page.locator('.log-box').press('Home');
  await page.locator('.log-row', { hasText: `log ${SCRIPT}` }).waitFor();
  await isShown(page, `log ${SCRIPT}`, 'log');
  await page.getByRole('button', { name: 'show all 1,048,576 characters' }).click();
  await expect.poll(() => page.getByRole('button', { name: 'show all' }).count()).toBe(0);
  expect(await page.locator('.log-row').count()).toBeLessThan(200);
});

test('its evidence is text too, when it is over', async () => {
  const { project } = stage;
  const resolution = { status: 'approved', resolutionReason: hostile('reason'), answer: hostile('answer') };
  await project.details('conductor_resolve_gate', { gateId: ids.gate, ...resolution });
  await until('the end', async () => (await project.runOf(ids.task)).status === 'succeeded');
  const page = await stage.page(`#/run/${ids.run}?tab=artifacts`);
  await page.getByText('<img src=x onerror=alert(3)>.md').first().waitFor();
  const row = page.locator('.artifact').filter({ hasText: '<img src=x' });
  await row.getByRole('button', { name: 'View' }).click();
  await page.getByText(`artifact ${SCRIPT}`).first().waitFor();
  await isHarmless(page, 'artifacts');
  await goTo(page, `#/run/${ids.run}?tab=diff`);
  await isShown(page, `file ${SCRIPT}`, 'diff');
  await goTo(page, `#/run/${ids.run}?tab=events`);
  await isShown(page, `summary ${SCRIPT}`, 'events');
  await goTo(page, `#/gate/${ids.gate}`);
  await isShown(page, `answer ${SCRIPT}`, 'answer');
});
