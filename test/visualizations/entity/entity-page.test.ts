/**
 * Goal: the chart lights the state in which a thing is, now and at any moment; time goes back and forth; a question is answered.
 * Method: the built page in a real browser over the real machines in memory; events are told to the kernel, pixels are looked at by
 * the marks they are drawn from.
 */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { PHONE } from '../browser.ts';
import { flawsOf } from '../view-stage.ts';
import { pageWithStage } from '../page-fixture.ts';

const fixture = pageWithStage();

const newRun = async (title: string): Promise<{ readonly taskId: string; readonly runId: string }> => {
  const { taskId } = await fixture.stage.project.call('conductor_create_task', { title, run: 'x' });
  return { taskId, runId: await fixture.stage.project.start(taskId) };
};

const lit = (page: Page, state: string) => page.locator(`[data-state="${state}"][data-active]`).waitFor();
const look = (page: Page, edge: string, name: string) =>
  page.locator(`[data-edge*="${edge}"][data-look="${name}"]`).first().waitFor();
const progress = (runId: string, seq: number, text: string) =>
  fixture.stage.project.tell(runId, { type: 'child.progress', epoch: 1, seq, text });

test('the chart follows each event, and the last transition taken is marked', async () => {
  const { runId } = await newRun('followed');
  const { page, troubles, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.running');
  await look(page, 'run.starting.launching runner.ready', 'taken');
  await look(page, 'run.running run.cancel', 'enabled');
  await page.getByRole('heading', { level: 1, name: 'run followed' }).waitFor();
  await page.getByRole('navigation', { name: 'Related' }).getByRole('link', { name: 'task followed' }).waitFor();
  await fixture.stage.project.tell(runId, {
    type: 'child.complete',
    epoch: 1,
    seq: 9,
    status: 'succeeded',
    summary: '<b>done</b>',
  });
  await fixture.stage.publish();
  await lit(page, 'run.verifying.sealing');
  await lit(page, 'run.verifying');
  await look(page, 'run.running child.complete', 'taken');
  expect(await page.locator('[data-state="run.running"][data-active]').count()).toBe(0);
  await page.getByRole('region', { name: 'Journal' }).getByText('child.complete').waitFor();
  expect(await page.locator('main b').count()).toBe(0);
  expect(troubles).toEqual([]);
  await close();
});

test('an entry chosen is the moment shown, by pointer and by keys, and a link holds it', async () => {
  const { runId } = await newRun('looked back at');
  await progress(runId, 1, 'one');
  await progress(runId, 2, 'two');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  const rows = page.locator('.journal-row');
  await rows.filter({ hasText: 'workspace.prepared' }).click();
  await lit(page, 'run.starting.launching');
  const link = page.url();
  expect(link).toMatch(/[?&]seq=\d+/);
  await page.keyboard.press(']');
  await lit(page, 'run.running');
  await page.keyboard.press('[');
  await lit(page, 'run.starting.launching');
  await page.keyboard.press('Home');
  await lit(page, 'run.dispatch_pending');
  await page.keyboard.press('End');
  await lit(page, 'run.running');
  expect(page.url()).not.toContain('seq=');
  // What the last step changed is marked in the context.
  const changed = page.locator('.context-changed');
  await changed.filter({ hasText: 'progress' }).first().waitFor();
  expect(await changed.filter({ hasText: 'two' }).count()).toBe(1);
  await rows.filter({ hasText: 'run.dispatch' }).focus();
  await page.keyboard.press('Enter');
  await lit(page, 'run.queued');
  await page.goto(link);
  await lit(page, 'run.starting.launching');
  await close();
});

test('a step back is one of what is shown, also from between two of its entries', async () => {
  const { runId } = await newRun('stepped');
  for (let made = 0; made < 3; made += 1) {
    await fixture.stage.project.call('conductor_create_task', { title: 'another', run: 'x' });
  }
  const own = (await fixture.stage.project.store.listJournal({ actor: runId, limit: 100 })).map(({ seq }) => seq);
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.running');
  await page.keyboard.press('[');
  await lit(page, 'run.starting.launching');
  expect(page.url()).toContain(`seq=${String(own.at(-2))}`);
  await page.keyboard.press(']');
  await lit(page, 'run.running');
  // Somebody's link names an entry of another thing.
  await page.goto(page.url().replace(/seq=\d+/, `seq=${String(own.at(-1)! + 2)}`));
  await lit(page, 'run.running');
  await page.keyboard.press('[');
  await lit(page, 'run.starting.launching');
  await page.keyboard.press('Home');
  await lit(page, 'run.dispatch_pending');
  await page.keyboard.press('[');
  await lit(page, 'run.dispatch_pending');
  expect(page.url()).toContain(`seq=${String(own[0])}`);
  await close();
});

test('playing goes from the first entry to the last and stops there', async () => {
  const { runId } = await newRun('played');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.running');
  await page.keyboard.press('Home');
  await lit(page, 'run.dispatch_pending');
  await page.getByLabel('Speed', { exact: true }).selectOption('64');
  // In a field a space belongs to the field.
  await page.locator('main').focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Pause the journal' }).waitFor();
  await lit(page, 'run.running');
  await page.getByRole('button', { name: 'Play the journal' }).waitFor();
  await close();
});

test('a jump goes to the next failure or gate, and says when there is none', async () => {
  const { taskId } = await fixture.stage.project.call('conductor_create_task', { title: 'fails', run: 'x' });
  const runId = await fixture.stage.project.runTo(taskId, 'failed');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.failed');
  await page.keyboard.press('Home');
  await lit(page, 'run.dispatch_pending');
  await page.keyboard.press('!');
  await lit(page, 'run.failed');
  await page.keyboard.press('!');
  await page.getByText('no failure or gate after this').waitFor();
  await close();
});

test('why not: the state or guard in the way is said and drawn', async () => {
  const { runId } = await newRun('asked about');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.running');
  await page.getByLabel('Event', { exact: true }).selectOption('runner.ended');
  await page.getByText('No.', { exact: true }).waitFor();
  await look(page, 'run.completing runner.ended', 'why-state');
  await page.getByLabel('Event', { exact: true }).selectOption('run.cancel');
  await page.getByText('Yes.', { exact: true }).waitFor();
  await look(page, 'run.running run.cancel', 'why-open');
  await page.getByRole('button', { name: 'Clear' }).click();
  await look(page, 'run.running run.cancel', 'enabled');
  await close();
});

test('the chart moves by keys, wheel and pointer, and fits again', async () => {
  const { page, close } = await fixture.stage.open(fixture.browser, '#/machine/worker');
  const plane = page.locator('.chart-svg > g');
  await plane.waitFor();
  const place = async (): Promise<string | null> => plane.getAttribute('transform');
  const fitted = await place();
  const screen = page.locator('.chart-screen');
  for (const move of [
    () => screen.press('+'),
    () => screen.press('ArrowLeft'),
    () => page.mouse.wheel(0, -200),
    async () => {
      const { x, y } = (await screen.boundingBox())!;
      await page.mouse.move(x + 100, y + 100);
      await page.mouse.down();
      await page.mouse.move(x + 180, y + 140);
      await page.mouse.up();
    },
  ]) {
    await screen.hover({ position: { x: 60, y: 60 } });
    await move();
    await expect.poll(place).not.toBe(fitted);
    await page.getByRole('button', { name: 'Fit' }).click();
    await expect.poll(place).toBe(fitted);
  }
  await close();
});

test('the whole machine rests as names that are read; from near it has its texts, around what is active, and follows that', async () => {
  const { runId } = await newRun('looked at closely');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}`);
  await lit(page, 'run.running');
  const texts = page.locator('.chart-labels text');
  const name = page.locator('[data-state="run.running"] > .chart-title');
  const heightOf = async (): Promise<number> => (await name.boundingBox())!.height;
  expect(await texts.count()).toBe(0);
  expect(await heightOf()).toBeGreaterThan(9);
  await page.getByRole('button', { name: 'Active' }).click();
  await page.locator('.chart-line').getByText('child.gate [isFreshWait]').first().waitFor();
  const isInSight = async (state: string): Promise<boolean> => {
    const box = (await page.locator(`[data-state="${state}"] > .chart-box`).boundingBox())!;
    const screen = (await page.locator('.chart-screen').boundingBox())!;
    return box.y >= screen.y && box.y + box.height <= screen.y + screen.height;
  };
  expect(await isInSight('run.running')).toBe(true);
  expect(await isInSight('run.verifying.sealing')).toBe(false);
  const done = { status: 'succeeded', summary: 'done' } as const;
  await fixture.stage.project.tell(runId, { type: 'child.complete', epoch: 1, seq: 1, ...done });
  await fixture.stage.publish();
  await lit(page, 'run.verifying.sealing');
  await expect.poll(async () => isInSight('run.verifying.sealing')).toBe(true);
  // Keys do the same as buttons, and going away far enough gives the outline again.
  const screen = page.locator('.chart-screen');
  await screen.press('0');
  await expect.poll(async () => texts.count()).toBe(0);
  await screen.press('1');
  await expect.poll(async () => texts.count()).toBeGreaterThan(0);
  for (let times = 0; times < 5; times += 1) await screen.press('-');
  await expect.poll(async () => texts.count()).toBe(0);
  await close();
});

test('what is not there is said with what to do', async () => {
  const { page, close } = await fixture.stage.open(fixture.browser, `#/entity/run-${'z'.repeat(20)}`);
  await page.getByText('What this run was cannot be read').waitFor();
  await page.goto(page.url().replace(/#.*/, '#/entity/<script>'));
  await page.getByText('This is no id of this project').waitFor();
  await page.goto(page.url().replace(/#.*/, '#/machine/nothing'));
  await page.getByText('There is no such machine').waitFor();
  await close();
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('machines, things at a moment and questions meet WCAG AA, on a phone too', async () => {
    const { taskId, runId } = await newRun('<img src=x onerror=alert(1)> \u202e evil');
    await progress(runId, 1, '\u001b[31mred\u202e <script>');
    for (const viewport of [{ width: 1_440, height: 900 }, PHONE]) {
      const { page, troubles, close } = await fixture.stage.open(fixture.browser, `#/entity/${runId}?why=run.cancel`, {
        colorScheme,
        viewport,
      });
      await page.getByText('Yes.', { exact: true }).waitFor();
      expect(await flawsOf(page)).toEqual([]);
      await page.goto(
        page.url().replace(/#.*/, `#/entity/${taskId}?seq=${String(await fixture.stage.project.store.lastSeq())}`),
      );
      await lit(page, 'task.running');
      expect(await flawsOf(page)).toEqual([]);
      await page.goto(page.url().replace(/#.*/, '#/machine/run'));
      await page.locator('[data-state="run.running"]').waitFor();
      expect(await flawsOf(page)).toEqual([]);
      expect(troubles).toEqual([]);
      await close();
    }
  });
});
