/**
 * Goal: a thousand tasks in one objective are seen at a glance, found and opened.
 * Method: a plan whose first task waits for the test, so that nothing else starts; the time to a useful picture is held loosely.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../project-fixture.ts';
import { InspectorStage } from './inspector-stage.ts';

const TASKS = 1_000;
/** Two slow cores that others use; the figure that counts is the bench's. */
const USEFUL_MS = 15_000;

let stage: InspectorStage;
let objectiveId = '';
beforeAll(async () => {
  stage = await InspectorStage.open();
  const { project } = stage;
  const rest = Array.from({ length: TASKS - 1 }, (_, index) => ({
    id: `t${String(index + 1)}`,
    title: `Task number ${String(index + 1)}`,
    run: 'true',
    // Chains of ten below the first.
    dependsOn: [index % 10 === 0 ? 'first' : `t${String(index)}`],
  }));
  const first = { id: 'first', title: 'The first', run: project.waits('never'), completion: 'exit-code' };
  const made = await project.plan({ objective: 'A thousand', maxConcurrency: 1, tasks: [first, ...rest] });
  ({ objectiveId } = made);
  await until('the first runs', async () => (await project.runOf(made.tasks['first']!))?.status === 'running');
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

test('the overview says how it stands within seconds, as a chart and as a list', async () => {
  const began = performance.now();
  const page = await stage.page('#/');
  await page.getByText('0 of 1,000 tasks done').waitFor();
  await page.locator('.task-node').first().waitFor();
  expect(performance.now() - began).toBeLessThan(USEFUL_MS);
  expect(await page.locator('.headline').innerText()).toBe('1 running');
  await page.getByRole('img', { name: '1 running, 999 waiting' }).waitFor();
  // Only what is seen is drawn, and it is large enough to be read.
  expect(await page.locator('.task-node').count()).toBeLessThan(TASKS / 4);

  await page.getByRole('button', { name: 'List' }).click();
  await page.locator('.task-row').first().waitFor();
  expect(await page.locator('.task-row').count()).toBeLessThan(100);
  await page.getByRole('searchbox').fill('number 777');
  await page.getByText('1 task', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Task number 777' }).click();
  await page.getByRole('heading', { level: 1, name: 'task' }).waitFor();
  await page.locator('[data-state="task.ready"][data-active]').waitFor();
});

test('its chart begins where it can be read, and fitted all of it is seen', async () => {
  const page = await stage.page(`#/objective/${objectiveId}`);
  const nodes = page.locator('.task-node');
  await nodes.first().waitFor();
  const near = await nodes.count();
  expect(near).toBeGreaterThan(20);
  await page.getByRole('group', { name: /^Tasks of A thousand/ }).focus();
  for (let times = 0; times < 2; times += 1) await page.keyboard.press('-');
  await expect.poll(() => nodes.count()).toBeGreaterThan(1.5 * near);
  await page.getByRole('button', { name: 'Fit' }).click();
  await page.locator('.task-shape[data-shape="ready"]').waitFor();
  const [chart, box] = await Promise.all(
    ['.task-arrows', '.task-chart-box'].map(async (part) => (await page.locator(part).boundingBox())!),
  );
  expect(chart!.width).toBeLessThan(box!.width);
  expect(chart!.height).toBeLessThan(box!.height);
  await page.getByText('999 ready').waitFor();
  await page.getByRole('button', { name: '100 %' }).click();
  await nodes.first().waitFor();
  await page.getByRole('button', { name: 'List' }).click();
  await page.getByRole('searchbox').fill('ready');
  await page.getByText(`${String(TASKS - 1)} tasks`, { exact: true }).waitFor();
});
