/**
 * Goal: the chart of a run lights the state in which the run is, after each event and at each moment of its past.
 * Method: a real run that goes on when the test says so, watched in a real browser; what is lit is compared with the journal.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../project-fixture.ts';
import { goTo, InspectorStage, isLit, watchLight } from './inspector-stage.ts';

let stage: InspectorStage;
beforeAll(async () => {
  stage = await InspectorStage.open();
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

type Watched = { readonly taskId: string; readonly runId: string };

/** A run that waits in each phase for a file of its name: setup, work, sum, check, leave. It asks after `work`. */
const startRun = async (name: string): Promise<Watched> => {
  const { project } = stage;
  const step = (phase: string): string => project.waits(`${name}-${phase}`);
  const work = [
    'conductor child progress "begun"',
    step('work'),
    'answer=$(conductor child gate --type needs_input --ask "Which way?" --wait)',
    'conductor child progress "went $answer"',
    step('sum'),
    'conductor child complete succeeded --summary "done"',
  ];
  const { tasks } = await project.plan({
    objective: `watched ${name}`,
    setup: [step('setup')],
    tasks: [
      {
        id: 'main',
        title: `main of ${name}`,
        run: work.join('\n'),
        verify: [`${step('check')}; (trap "" TERM; ${step('leave')}) &`],
      },
    ],
  });
  const taskId = tasks['main']!;
  const runId = await until('the run', async () => (await project.task(taskId)).runId);
  return { taskId, runId };
};

/** Waits until the journal's newest entry leads to this state, and until the page lights it. */
const reaches = async (page: Page, { runId }: Watched, state: string): Promise<void> => {
  await until(`${runId} ${state}`, async () => (await stage.journal(runId)).at(-1)?.to === state);
  await isLit(page, state);
};

/** @returns the gate that asked. */
const answer = async (runId: string): Promise<string> => {
  const gate = await until('the question', async () => (await stage.project.gates({ state: 'open' }))[0] ?? null);
  const resolution = { status: 'approved', resolutionReason: 'asked', answer: 'left' };
  expect(gate['runId']).toBe(runId);
  await stage.project.details('conductor_resolve_gate', { gateId: gate.gateId, ...resolution });
  return gate.gateId;
};

test('the chart lights the right state after each event, and at each moment of the past', async () => {
  const { project } = stage;
  const run = await startRun('followed');
  const page = await stage.page(`#/entity/${run.runId}`);
  await reaches(page, run, 'running');
  const lit = await watchLight(page);
  for (const phase of ['setup', 'work']) project.say(`followed-${phase}`);
  await reaches(page, run, 'waiting_input');
  await answer(run.runId);
  await reaches(page, run, 'running');
  project.say('followed-sum');
  await reaches(page, run, 'verifying');
  project.say('followed-check');
  await reaches(page, run, 'completing');
  project.say('followed-leave');
  await reaches(page, run, 'succeeded');
  const states = ['running', 'waiting_input', 'running', 'verifying', 'completing', 'succeeded'];
  expect(await lit()).toEqual(states);
  const entries = await stage.journal(run.runId);
  const moves = entries.filter(({ from, to }) => from !== to).map(({ to }) => to);
  expect(moves).toEqual(['queued', 'starting', ...states]);
  // Forwards and backwards, so that nothing of the moment before is left over.
  for (const { seq, to } of [...entries, ...entries.toReversed()]) {
    await goTo(page, `#/entity/${run.runId}?seq=${String(seq)}`);
    await isLit(page, to!);
  }
});

/** Title → state of every task that the overview's list shows. */
const shownTasks = async (page: Page): Promise<Readonly<Record<string, string>>> =>
  page.evaluate<Readonly<Record<string, string>>>(
    `Object.fromEntries([...document.querySelectorAll('.task-row')].map((row) =>
      [row.querySelector('.row-title').textContent, row.querySelector('.state-name').textContent]))`,
  );

test('scrubbed back and forth everything shows that moment, a link holds it, and back to now is live again', async () => {
  const { project } = stage;
  const run = await startRun('scrubbed');
  for (const phase of ['setup', 'work']) project.say(`scrubbed-${phase}`);
  const { objectiveId } = await project.task(run.taskId);
  const place = `#/objective/${String(objectiveId)}`;
  const page = await stage.page(place);
  await page.getByRole('button', { name: 'List' }).click();
  const gateId = await answer(run.runId);
  const shows = (state: string) =>
    expect.poll(() => shownTasks(page), { timeout: 30_000 }).toEqual({ 'main of scrubbed': state });
  await shows('running');

  const [created] = await stage.journal(run.taskId);
  const [asked] = await stage.journal(gateId);
  const slider = page.getByRole('slider', { name: /^Moment/ });
  // The journal of an objective begins with itself; the task comes with it.
  await slider.press('Home');
  await page.locator('.moment-banner').waitFor();
  const moments: [number, string][] = [
    [created!.seq, 'ready'],
    [asked!.seq, 'waits for you'],
    [created!.seq, 'ready'],
  ];
  for (const [seq, state] of moments) {
    await goTo(page, `${place}?seq=${String(seq)}`);
    await shows(state);
    await page.getByText(`entry ${seq.toLocaleString('en')}.`).waitFor();
  }
  await goTo(page, `${place}?seq=${String(asked!.seq)}`);
  await page.getByText('1 running, 1 waits for you').waitFor();
  const link = new URL(page.url()).hash;
  const other = await stage.page(link);
  await other.getByText('1 running, 1 waits for you').waitFor();
  expect(await other.locator('.moment-banner').innerText()).toBe(await page.locator('.moment-banner').innerText());

  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.locator('.moment-banner').waitFor({ state: 'detached' });
  for (const phase of ['sum', 'check', 'leave']) project.say(`scrubbed-${phase}`);
  await shows('completed');
  // The other page stays where it was while the project goes on.
  await other.getByText('1 running, 1 waits for you').waitFor();
  const waiting = (await stage.journal(run.runId)).find(({ to }) => to === 'waiting_input')!;
  await goTo(other, `#/entity/${run.runId}?seq=${String(waiting.seq)}`);
  await isLit(other, 'waiting_input');
  await other.keyboard.press('[');
  await isLit(other, 'running');
  await other.keyboard.press('End');
  await isLit(other, 'succeeded');
});

test("the supervisor's own machine is lit as it lives, and at each of its steps", async () => {
  const page = await stage.page('#/tree');
  const lights = (state: string) => page.locator(`[data-state="${state}"][data-active]`).waitFor();
  await page.getByRole('link', { name: 'supervisor', exact: true }).click();
  await lights('supervisor.live.running');
  const steps = page.getByRole('region', { name: 'Steps' });
  await steps.getByText('supervisor.start').click();
  await lights('supervisor.live.starting');
  await page.locator('[data-edge*="supervisor.start"][data-look="taken"]').first().waitFor();
  expect(page.url()).toMatch(/[?&]step=1\b/);
  await page.reload();
  await lights('supervisor.live.starting');
  await page.getByRole('button', { name: 'Newest step' }).click();
  await lights('supervisor.live.running');
  await page.getByLabel('Event', { exact: true }).selectOption('supervisor.start');
  await page.getByText('it is taken in idle').waitFor();
  await page.getByText('No.', { exact: true }).waitFor();

  // The tree, too, is that of the moment.
  const { tasks } = await stage.project.plan({
    objective: 'then',
    tasks: [{ id: 'main', title: 'ran then', run: stage.project.waits('then') }],
  });
  const runId = await until('the run', async () => (await stage.project.task(tasks['main']!)).runId);
  await until('it runs', async () => (await stage.journal(runId)).at(-1)?.to === 'running');
  const { seq } = (await stage.journal(runId)).at(-1)!;
  stage.project.say('then');
  await until('it ended', async () => (await stage.journal(runId)).at(-1)?.to === 'partial');
  const tree = page.getByRole('region', { name: 'Supervision tree' });
  await goTo(page, '#/tree');
  await tree.getByText(/ MiB$/).first().waitFor();
  expect(await tree.getByRole('link', { name: 'ran then' }).count()).toBe(0);
  await goTo(page, `#/tree?seq=${String(seq)}`);
  await tree.getByRole('link', { name: 'ran then' }).waitFor();
  await tree.getByText('rpc', { exact: true }).waitFor();
  expect(await tree.getByText(/ MiB$/).count()).toBe(0);
});
