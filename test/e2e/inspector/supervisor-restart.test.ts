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
  readonly lastSeq?: number;
  readonly watch?: readonly string[] | null;
  readonly entries?: readonly NumberedEntry[];
};

/** `ends`: where each message of the journal ended. `seqs`: of the entries of what is watched; `from`: they are all after this one. */
type Heard = { snapshots: number[]; ends: number[]; from: number | null; seqs: number[]; sockets: number };

/** What the feed's sockets of a page brought from now on. */
const listenToFeed = (page: Page, watched: string): Heard => {
  const heard: Heard = { snapshots: [], ends: [], from: null, seqs: [], sockets: 0 };
  page.on('websocket', (socket) => {
    if (!socket.url().endsWith(API.feed)) return;
    heard.sockets += 1;
    socket.on('framereceived', ({ payload }) => {
      const { type, overview, lastSeq, watch, entries = [] } = JSON.parse(String(payload)) as Message;
      if (overview !== undefined) heard.snapshots.push(overview.seq);
      if (type !== 'changes') return;
      if (watch?.includes(watched)) heard.from ??= heard.ends.at(-1) ?? heard.snapshots.at(-1)!;
      heard.ends.push(lastSeq!);
      heard.seqs.push(...entries.map(({ seq }) => seq));
    });
  });
  return heard;
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
  const heard = listenToFeed(page, runId);
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
  const journal = await stage.journal(runId);
  const newest = await stage.project.details<{ items: NumberedEntry[] }>('conductor_list_events', {
    tail: true,
    limit: 1,
  });
  const lastSeq = newest.items[0]!.seq;
  await until('all is told', () => heard.ends.at(-1) === lastSeq);
  // One snapshot, from it on the journal once and in order, with every entry of what is watched.
  expect(heard.snapshots).toHaveLength(1);
  expect(heard.ends).toEqual([...new Set(heard.ends)].toSorted((a, b) => a - b));
  expect(heard.seqs).toEqual(journal.map(({ seq }) => seq).filter((seq) => seq > heard.from!));
  expect(heard.seqs.length).toBeGreaterThan(10);
  expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
  expect(await page.evaluate(`sessionStorage.getItem('conductor.session')`)).toBe(session);
  await page.getByText(`Now, after entry ${lastSeq.toLocaleString('en')}`).waitFor();

  // Of before the last start the tree knows the runs alone.
  await goTo(page, `#/tree?seq=${String(journal.find(({ to }) => to === 'running')!.seq)}`);
  await page.getByText('The supervisor of then has ended').waitFor();
  await page.getByRole('region', { name: 'What ran then' }).locator('.tree-row').first().waitFor();
  await goTo(page, `#/entity/${runId}`);

  // The same of what is drawn: only what is seen is, newest first.
  const own = journal.map(({ seq }) => seq).toReversed();
  await expect
    .poll(async () => {
      const rows = await listedEntries(page);
      return rows.length > 5 && rows.every((seq, index) => seq === own[index]);
    })
    .toBe(true);
});
