/**
 * Goal: a person decides a gate in the browser: what is sent is what was meant, once, and what goes wrong is said in place.
 * Method: the built page in a real browser; the server notes what is called.
 */
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { openPage } from '../browser.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers('plain');

beforeEach(() => {
  fixture.plain.project.calls.length = 0;
});
const gateOf = (type: string): string => fixture.plain.project.items.gates.find((gate) => gate.type === type)!.gateId;
const decisions = () => fixture.plain.project.calls.filter(({ operation }) => operation === 'conductor_resolve_gate');

const openGate = async (type: string): Promise<{ page: Page; close: () => Promise<void> }> => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  await page.evaluate(`location.hash = '#/gate/${gateOf(type)}'`);
  await page.locator('.decision').waitFor();
  return { page, close };
};

test('D1: an approval waits for the last six characters, and sends them with the challenge', async () => {
  const id = gateOf('ready_for_pr');
  const { page, close } = await openGate('ready_for_pr');
  const approve = page.getByRole('button', { name: 'Approve' });
  const field = page.getByLabel('To approve, type');
  expect(await approve.isDisabled()).toBe(true);
  await field.fill('wrong!');
  expect(await approve.isDisabled()).toBe(true);
  await field.fill(id.slice(-6));
  await approve.click();
  await page.getByText('Approved. Whoever asked is told.').waitFor();
  expect(decisions()).toMatchObject([
    {
      params: { gateId: id, status: 'approved', resolutionReason: 'approved in the inspector (ready_for_pr)' },
      confirm: { nonce: `nonce-${id}`, typed: id.slice(-6) },
    },
  ]);
  expect(decisions()[0]?.requestId).toMatch(/^[\da-f-]{36}$/);
  await close();
});

test('an answer goes as it was written, without a challenge', async () => {
  const { page, close } = await openGate('needs_input');
  await page.getByLabel('Your answer').fill('Yes: unary.\nBut only there.');
  await page.getByRole('button', { name: 'Send the answer' }).click();
  await page.getByText('Approved. Whoever asked is told.').waitFor();
  expect(decisions()).toMatchObject([{ params: { status: 'approved', answer: 'Yes: unary.\nBut only there.' } }]);
  expect(decisions()[0]).not.toHaveProperty('confirm');
  await close();
});

test('a rejection needs a reason', async () => {
  const { page, close } = await openGate('ready_for_pr');
  const reject = page.getByRole('button', { name: 'Reject' });
  expect(await reject.isDisabled()).toBe(true);
  await page.getByLabel('To reject, say why').fill('the tests are missing');
  await reject.click();
  await page.getByText('Rejected. Whoever asked is told.').waitFor();
  expect(decisions()).toMatchObject([{ params: { status: 'rejected', resolutionReason: 'the tests are missing' } }]);
  await close();
});

test('what the supervisor refuses is said in place, and the words are still there', async () => {
  const { page, close } = await openGate('ready_for_pr');
  const gate = fixture.plain.project.items.gates.find(({ type }) => type === 'ready_for_pr')!;
  const { items } = fixture.plain.project;
  fixture.plain.project.items = { ...items, gates: items.gates.map((known) => ({ ...known, state: 'expired' })) };
  await page.getByLabel('To reject, say why').fill('too late');
  await page.getByRole('button', { name: 'Reject' }).click();
  await page.getByRole('alert').getByText(`${gate.gateId} is expired already`).waitFor();
  expect(await page.getByLabel('To reject, say why').inputValue()).toBe('too late');
  fixture.plain.project.items = items;
  await close();
});

test('a question of a model is marked as its words, and evidence is read when it is opened', async () => {
  const { page, close } = await openGate('needs_input');
  await page.getByText('written by the agent of a run').waitFor();
  expect(fixture.plain.project.calls.map(({ operation }) => operation)).not.toContain('conductor_read_artifact');
  await page.getByRole('button', { name: 'Read test_result.txt' }).click();
  await page.getByText('unary minus: expected -1, got 1').waitFor();
  await page.locator('.diff-added').first().waitFor();
  expect(await page.locator('.diff-removed').count()).toBe(1);
  await close();
});

test('a decision made elsewhere arrives by itself', async () => {
  const { page, close } = await openGate('needs_review');
  const gate = fixture.plain.project.items.gates.find(
    ({ state, type }) => state === 'open' && type === 'needs_review',
  )!;
  const decided = { ...gate, state: 'approved', revision: 2, resolvedAt: fixture.plain.project.now };
  fixture.plain.send({
    type: 'changes',
    lastSeq: 501,
    lastAt: fixture.plain.project.now,
    watch: null,
    entries: [],
    items: { objectives: [], tasks: [], runs: [], workers: [], gates: [decided] },
    progress: [],
    pulse: null,
  });
  await page.locator('.decision').waitFor({ state: 'detached' });
  await page.getByRole('group', { name: 'Decided gates' }).getByText(gate.ask).waitFor();
  await close();
});

test('a gate that is not there is said to be missing', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.locator('.connection-live').waitFor();
  await page.evaluate(`location.hash = '#/gate/gate-nowhere'`);
  await page.getByRole('alert').getByText('there is no gate-nowhere in this project').waitFor();
  await close();
});
