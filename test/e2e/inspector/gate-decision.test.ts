/**
 * Goal: a person decides in the page and the run goes on; without the right typed confirmation nothing is decided.
 * Method: real runs that ask and wait; what is decided is read from the journal, and from what the run did with it.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { API, PASS_HEADER } from '../../../src/hosts/inspector/protocol.ts';
import { passAt } from '../../hosts/inspector/page-pass.ts';
import { until } from '../project-fixture.ts';
import type { Gate } from '../project-items.ts';
import { InspectorStage } from './inspector-stage.ts';

let stage: InspectorStage;
beforeAll(async () => {
  stage = await InspectorStage.open();
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

/** A run that asks for a review, waits for it, and says what it was told. */
const askReview = async (name: string): Promise<{ readonly taskId: string; readonly gate: Gate }> => {
  const { project } = stage;
  const ask = `conductor child gate --type needs_review --ask "May ${name} go on?" --wait`;
  const run = `${ask}; ${project.tells(name)}; conductor child complete succeeded --summary "went on"`;
  const { tasks } = await project.plan({ objective: name, tasks: [{ id: 'main', run }] });
  const taskId = tasks['main']!;
  const gate = await until('the question', async () => {
    return (await project.gates({ state: 'open' })).find((each) => each['taskId'] === taskId) ?? null;
  });
  return { taskId, gate };
};

const stateOf = async (gateId: string): Promise<string> =>
  (await stage.project.details<{ gate: Gate }>('conductor_get_gate', { gateId })).gate.state;

/** What the page's own session may do past its form. */
const post = async (
  page: Page,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const session = await page.evaluate<string>(`sessionStorage.getItem('conductor.session')`);
  const headers = { 'content-type': 'application/json', [PASS_HEADER]: await passAt(stage.origin, session) };
  return page.evaluate(
    `fetch(${JSON.stringify(path)}, {
      method: 'POST',
      headers: ${JSON.stringify(headers)},
      body: ${JSON.stringify(JSON.stringify(body))},
    }).then(async (answer) => ({ status: answer.status, body: await answer.json() }))`,
  );
};

test('approved with the typed confirmation, the run goes on and is completed', async () => {
  const { taskId, gate } = await askReview('willing');
  const page = await stage.page('#/gates');
  await page.getByRole('link', { name: 'May willing go on?' }).click();
  await page.getByLabel('To approve, type').fill(gate.gateId.slice(-6));
  await page.getByLabel('Why, for the record').fill('looks right');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Nothing waits for you').waitFor();
  await stage.project.taskIs(taskId, 'completed');
  expect(stage.project.said('willing')).toEqual(['willing']);
  const approved = (await stage.journal(gate.gateId)).find(({ to }) => to === 'approved')!;
  expect(approved).toMatchObject({ principal: 'human' });
  await page.getByText('looks right').first().waitFor();
});

test('a wrong confirmation is refused by the page and by the supervisor, and changes nothing', async () => {
  const { project } = stage;
  const { taskId, gate } = await askReview('stopped');
  const { gateId } = gate;
  const page = await stage.page(`#/gate/${gateId}`);
  const before = await stage.journal(gateId);
  const approve = page.getByRole('button', { name: 'Approve' });
  const field = page.getByLabel('To approve, type');
  const end = gateId.slice(-6);
  for (const typed of ['wrong!', end.slice(1), `${end}x`, end.toUpperCase()].filter((text) => text !== end)) {
    await field.fill(typed);
    expect(await approve.isDisabled(), typed).toBe(true);
    await field.press('Enter');
  }

  const params = { gateId, status: 'approved', resolutionReason: 'by force' };
  const call = (confirm: object, requestId: string) =>
    post(page, API.call, { operation: 'conductor_resolve_gate', params, requestId, ...confirm });
  const { body } = await post(page, API.challenge, { gateId });
  const { nonce } = body as { readonly nonce: string };
  const attempts = [
    await call({}, 'none'),
    await call({ confirm: { nonce: 'made-up', typed: end } }, 'made-up'),
    await call({ confirm: { nonce, typed: 'wrong!' } }, 'wrong'),
    // A challenge is used up by a wrong answer.
    await call({ confirm: { nonce, typed: end } }, 'again'),
  ];
  for (const { status, body: refusal } of attempts) {
    expect(status).toBe(403);
    expect(refusal).toMatchObject({ error: { code: 'not_permitted' } });
  }
  expect(await stateOf(gateId)).toBe('open');
  expect(await stage.journal(gateId)).toEqual(before);
  expect(await project.task(taskId)).toMatchObject({ state: 'running' });
  expect(project.said('stopped')).toEqual([]);

  await page.getByLabel('To reject, say why').fill('not today');
  await page.getByRole('button', { name: 'Reject' }).click();
  await page.getByText('Rejected. Whoever asked is told.').waitFor();
  expect(await stateOf(gateId)).toBe('rejected');
});

test('what an agent reports is shown as its own word everywhere, never as what Conductor says', async () => {
  const word = 'all is well, Conductor recommends to approve';
  const { tasks } = await stage.project.plan({
    objective: 'smooth',
    tasks: [{ id: 'main', run: `conductor child complete partial --summary "${word}"` }],
  });
  const gate = await until('the review', async () => {
    return (await stage.project.gates({ state: 'open' })).find((each) => each['taskId'] === tasks['main']) ?? null;
  });
  expect(gate['ask']).toBe('Accept «main»? Its run reported a partial result');
  const page = await stage.page(`#/gate/${gate.gateId}`);
  const boxes = page.locator('.model-text').filter({ hasText: word });
  await boxes.first().waitFor();
  expect(await boxes.locator('figcaption').allTextContents()).toEqual(['written by the agent']);
  const unmarked = page.locator('.safe-text:not(.said *)').filter({ hasText: word });
  expect(await unmarked.count()).toBe(0);
  await page.goto(`${stage.origin}/#/`);
  await page.getByRole('region', { name: 'Went wrong lately' }).locator('.said').filter({ hasText: word }).waitFor();
  await page.locator('.task-node .said').filter({ hasText: word }).waitFor();
  expect(await unmarked.count()).toBe(0);
  await page.goto(`${stage.origin}/#/run/${String(gate['runId'])}`);
  await page.getByText('It reported a partial result').waitFor();
  await boxes.first().waitFor();
  expect(await unmarked.count()).toBe(0);
});
