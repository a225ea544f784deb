/**
 * Goal: every view over a real supervisor can be read by anybody in both themes, and none asks another host for anything.
 * Method: one project with everything that a view shows; axe-core on each view, desktop and phone; every request is noted (X1).
 */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isPtyHere } from '../../hosts/runner/runner-bench.ts';
import { DESKTOP, PHONE } from '../../visualizations/browser.ts';
import { flawsOf } from '../../visualizations/view-stage.ts';
import { until } from '../project-fixture.ts';
import { goTo, InspectorStage } from './inspector-stage.ts';

let stage: InspectorStage;
/** Address of each view, and what is there when it has its contents. */
let views: readonly (readonly [hash: string, landmark: string])[];

beforeAll(async () => {
  stage = await InspectorStage.open();
  const { project } = stage;
  const complete = 'conductor child complete succeeded --summary done';
  const terminal = isPtyHere ? 'pty' : 'headless';
  const { objectiveId, tasks } = await project.plan({
    objective: 'Everything there is to see',
    tasks: [
      {
        id: 'done',
        run: `seq 1 40; printf 'const a = 1;\\n' > b.ts; echo b >> a.txt; ${complete}`,
        verify: ['echo verified'],
      },
      { id: 'red', run: 'echo broken; exit 3' },
      { id: 'after-red', dependsOn: ['red'], run: 'true' },
      { id: 'asking', run: `conductor child gate --type needs_input --ask "Which way?" --wait; ${complete}` },
      { id: 'works', run: `conductor child progress "half way"; echo out; ${project.waits('never')}` },
      { id: 'terminal', run: `printf 'a terminal\\n'; ${project.waits('never')}`, runtimeMode: terminal },
      { id: 'review', run: 'echo c > c.txt; conductor child complete partial --summary "look at it"' },
    ],
  });
  const runOf = async (id: string, status: string): Promise<string> =>
    until(`${id} ${status}`, async () => {
      const run = (await project.runOf(tasks[id]!)) ?? null;
      return run?.status === status && run.runId;
    });
  const done = await runOf('done', 'succeeded');
  const asking = await runOf('asking', 'waiting_input');
  const works = await runOf('works', 'running');
  const pty = await runOf('terminal', 'running');
  await runOf('red', 'failed');
  await runOf('review', 'partial');
  const gates = await until('both gates', async () => {
    const open = await project.gates({ state: 'open' });
    return open.length >= 2 && open;
  });
  const gateOf = (type: string): string => gates.find((gate) => gate['type'] === type)!.gateId;
  const { workerId } = await project.runOf(tasks['done']!);
  const moment = (await stage.journal(asking))[2]!.seq;
  const chart = '.chart-state';
  views = [
    ['#/', '.task-node, .task-row'],
    [`#/objective/${objectiveId}`, '.task-node, .task-row'],
    ...[objectiveId, tasks['done']!, tasks['after-red']!, works, workerId, gateOf('needs_input')].map(
      (id) => [`#/entity/${id}`, chart] as const,
    ),
    [`#/entity/${asking}?seq=${String(moment)}`, chart],
    [`#/?seq=${String(moment)}`, '.moment-banner'],
    [`#/run/${done}`, '.log-row'],
    [`#/run/${done}?tab=diff`, '.diff-added'],
    [`#/run/${done}?tab=verification`, '.tab-panel :text("verified")'],
    [`#/run/${done}?tab=artifacts`, '.artifact'],
    [`#/run/${done}?tab=events`, '.journal-row'],
    ['#/machine/supervisor', chart],
    [`#/run/${works}`, '.run-lease'],
    [`#/run/${pty}`, isPtyHere ? '.xterm-rows' : '.log-row'],
    ['#/gates', '.gate-row'],
    [`#/gate/${gateOf('needs_review')}`, '.decision'],
    [`#/gate/${gateOf('needs_input')}`, '.decision'],
    ['#/tree', ':text("scheduler")'],
    ['#/coverage', 'main :text("transitions")'],
    ['#/machine/run', chart],
    ['#/machine/supervisor', chart],
  ];
});
afterEach(() => stage.checkPages());
afterAll(() => stage?.close());

type Scheme = NonNullable<NonNullable<Parameters<Browser['newContext']>[0]>['colorScheme']>;

test.each<readonly [Scheme, string, typeof DESKTOP]>([
  ['light', 'desktop', DESKTOP],
  ['dark', 'desktop', DESKTOP],
  ['light', 'phone', PHONE],
  ['dark', 'phone', PHONE],
])('axe finds nothing in any view, %s, %s', async (colorScheme, _, viewport) => {
  const page = await stage.page('#/', { colorScheme, viewport });
  // What the bar at the lower edge covers is scrolled from below it: without it every target is judged whole.
  await page.addStyleTag({ content: '.scrub-bar { position: static !important; }' });
  const flaws: string[] = [];
  for (const [hash, landmark] of views) {
    await goTo(page, hash);
    await page.locator(landmark).first().waitFor();
    const loading = page.locator('main .loading, main [role="alert"]');
    await expect.poll(() => loading.count(), { timeout: 15_000, message: hash }).toBe(0);
    flaws.push(...(await flawsOf(page)).map((flaw) => `${hash}: ${flaw}`));
  }
  expect(flaws).toEqual([]);
});
