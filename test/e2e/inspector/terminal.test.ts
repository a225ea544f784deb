/**
 * Goal: the terminal of a living run is seen in the browser byte by byte, without a way to type into it, and its recording afterwards.
 * Method: a real run on a real terminal that prints what only a terminal shows, and goes on when the test says so.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isPtyHere } from '../../hosts/runner/runner-bench.ts';
import { until } from '../project-fixture.ts';
import { InspectorStage } from './inspector-stage.ts';

let stage: InspectorStage;
beforeAll(async () => {
  stage = await InspectorStage.open();
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

/** What stands on the screen, without the spaces that fill its lines. */
const screenOf = async (page: Page): Promise<string> => {
  const rows = await page.locator('.xterm-rows > div').allInnerTexts();
  return rows
    .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
    .join('\n')
    .trim();
};
const shows = (page: Page, screen: string) => expect.poll(() => screenOf(page), { timeout: 30_000 }).toBe(screen);

test.skipIf(!isPtyHere)(
  'a live terminal shows its bytes, takes none, and is played again when the run is over',
  async () => {
    const { project } = stage;
    const script = [
      // Coloured, moved back on, and overwritten: only a terminal makes «size 32 120» and «ready» of it.
      'printf "size "; stty size',
      `printf "\\033[32mlet's go\\033[0m\\rready   \\n"`,
      project.waits('more'),
      'printf "typed: "; if read -r -t 0.5 line; then echo "$line"; else echo nothing; fi',
      'echo second',
      project.waits('end'),
      'printf "\\033[2J\\033[Hall is wiped\\n"',
    ];
    const { tasks } = await project.plan({
      objective: 'terminal',
      tasks: [{ id: 'main', run: ['bash', '-c', script.join('\n')], runtimeMode: 'pty', completion: 'exit-code' }],
    });
    const runId = await until('the run', async () => (await project.task(tasks['main']!)).runId);
    const page = await stage.page(`#/run/${runId}`);
    await shows(page, 'size 32 120\nready');
    await page.getByText('Live, read-only.').waitFor();
    await page.locator('.terminal-box').click();
    await page.keyboard.type('rm -rf /\n');
    project.say('more');
    await shows(page, 'size 32 120\nready\ntyped: nothing\nsecond');
    // Who comes later sees what was printed before.
    const later = await stage.page(`#/run/${runId}`);
    await shows(later, 'size 32 120\nready\ntyped: nothing\nsecond');
    project.say('end');
    await project.taskIs(tasks['main']!, 'completed');
    await page.getByRole('button', { name: 'Recording' }).waitFor();
    await shows(page, 'all is wiped');

    const slider = page.getByLabel('Time in the recording');
    await slider.fill('0');
    await expect.poll(() => screenOf(page)).not.toContain('second');
    await page.getByLabel('Speed of the recording').selectOption('16');
    await page.getByRole('button', { name: 'Play recording' }).click();
    await shows(page, 'all is wiped');
    await page.getByRole('button', { name: 'As text' }).click();
    await page.locator('.log-row', { hasText: 'second' }).waitFor();
  },
);

test('a run without a terminal is shown as text, live', async () => {
  const { project } = stage;
  const { tasks } = await project.plan({
    objective: 'text',
    tasks: [{ id: 'main', run: `echo first; ${project.waits('text')}; echo last`, completion: 'exit-code' }],
  });
  const runId = await until('the run', async () => (await project.task(tasks['main']!)).runId);
  const page = await stage.page(`#/run/${runId}`);
  await page.locator('.log-row', { hasText: 'first' }).waitFor();
  project.say('text');
  await page.locator('.log-row', { hasText: 'last' }).waitFor();
  expect(await page.locator('.xterm').count()).toBe(0);
});
