/**
 * Goal: a supervisor that is killed under an open page costs it a moment: it comes back by itself with the same session at the same
 * port, and what it holds is the journal, nothing missing and nothing twice.
 * Method: SIGKILL while runs report, a new supervisor of the same home; the page's own feed is read from its socket and its picture.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { API } from '../../../src/hosts/inspector/protocol.ts';
import { until } from '../project-fixture.ts';
import { goTo, InspectorStage, type NumberedEntry } from './inspector-stage.ts';

let stage: InspectorStage;
beforeAll(async () => {
  stage = await InspectorStage.open();
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

type Message = {
  readonly type: string;
  readonly overview?: { readonly seq: number };
  readonly entries?: readonly NumberedEntry[];
};

/** What the feed's sockets of a page brought from now on: where each snapshot stood, and the number of each entry. */
const listenToFeed = (page: Page): { readonly snapshots: number[]; readonly seqs: number[]; sockets: number } => {
  const heard = { snapshots: [] as number[], seqs: [] as number[], sockets: 0 };
  page.on('websocket', (socket) => {
    if (!socket.url().endsWith(API.feed)) return;
    heard.sockets += 1;
    socket.on('framereceived', ({ payload }) => {
      const { overview, entries = [] } = JSON.parse(String(payload)) as Message;
      if (overview !== undefined) heard.snapshots.push(overview.seq);
      heard.seqs.push(...entries.map(({ seq }) => seq));
    });
  });
  return heard;
};

const wholeJournal = async (): Promise<readonly number[]> => {
  const seqs: number[] = [];
  for (let after = 0; ;) {
    const { items } = await stage.project.details<{ items: NumberedEntry[] }>('conductor_list_events', {
      afterSequence: after,
      limit: 100,
    });
    seqs.push(...items.map(({ seq }) => seq));
    if (items.length === 0) return seqs;
    after = seqs.at(-1)!;
  }
};

/** Numbers of the entries that the journal panel of a page shows, from the top. */
const listedEntries = async (page: Page): Promise<readonly number[]> =>
  page.evaluate<number[]>(`[...document.querySelectorAll('.journal-row')].map((row) => Number(row.dataset.seq))`);

test('killed and started again under an open page: same port, same session, no entry missing or doubled', async () => {
  const { project } = stage;
  const talk = `n=0; while [ ! -e ${project.at('enough')} ]; do n=$((n+1)); conductor child progress "step $n"; done`;
  const run = `${talk}; conductor child complete succeeded --summary "talked $n times"`;
  const { tasks } = await project.plan({
    objective: 'talk',
    tasks: [
      { id: 'one', run },
      { id: 'two', run },
    ],
  });
  const runId = await until('the run', async () => (await project.task(tasks['one']!)).runId);
  const page = await stage.page('#/tree');
  // Loaded anew with its session, so that the first socket is heard too.
  const heard = listenToFeed(page);
  await page.reload();
  await page.locator('.connection-live').waitFor();
  const { origin } = stage;
  const session = await page.evaluate<string>(`sessionStorage.getItem('conductor.session')`);
  await page.evaluate('globalThis.isSamePage = true');
  await goTo(page, `#/entity/${runId}`);
  await page.locator('.journal-row').first().waitFor();

  for (let round = 1; round <= 2; round += 1) {
    const known = heard.seqs.length;
    await until('entries while it lives', () => heard.seqs.length > known + 3);
    await project.kill();
    await page.locator('.connection:not(.connection-live)').waitFor();
    await project.start();
    await page.locator('.connection-live').waitFor();
    expect(stage.origin).toBe(origin);
    expect(heard.sockets).toBeGreaterThan(round);
  }
  project.say('enough');
  for (const taskId of Object.values(tasks)) await project.taskIs(taskId, 'completed');
  const journal = await wholeJournal();
  await until('all is told', () => heard.seqs.at(-1) === journal.at(-1));
  // One snapshot, and from it on every entry of the journal once, in order.
  expect(heard.snapshots).toHaveLength(1);
  expect(heard.seqs).toEqual(journal.filter((seq) => seq > heard.snapshots[0]!));
  expect(heard.seqs.length).toBeGreaterThan(10);
  expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
  expect(await page.evaluate(`sessionStorage.getItem('conductor.session')`)).toBe(session);
  await page.getByText(`Now, after entry ${journal.at(-1)!.toLocaleString('en')}`).waitFor();

  // The same of what is drawn: only what is seen is, newest first.
  const own = (await stage.journal(runId)).map(({ seq }) => seq).toReversed();
  await expect
    .poll(async () => {
      const rows = await listedEntries(page);
      return rows.length > 5 && rows.every((seq, index) => seq === own[index]);
    })
    .toBe(true);
});
