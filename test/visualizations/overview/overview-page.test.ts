/**
 * Goal: the overview shows how the project stands, follows it live, and stays quick with 1,000 tasks and 50 runs that report.
 * Method: the built page in a real browser; the server sends what the test says; frames are counted by the browser.
 */
import { expect, test } from 'vitest';
import type { ServerMessage } from '../../../src/hosts/inspector/protocol.ts';
import type { OverviewItems } from '../../../src/operations/read-models/overview.ts';
import { openPage, PHONE } from '../browser.ts';
import { taskIdOf } from '../fixture-project.ts';
import { pageWithServers } from '../page-fixture.ts';

const fixture = pageWithServers('plain', 'large', 'empty');

const none: OverviewItems = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };
const changes = (seq: number, items: Partial<OverviewItems>): ServerMessage => ({
  type: 'changes',
  lastSeq: seq,
  lastAt: Date.now(),
  watch: [],
  entries: [],
  items: { ...none, ...items },
  progress: [],
  pulse: null,
});

test('what waits, runs and went wrong is there at a glance, and follows the feed', async () => {
  const { page, close, troubles } = await openPage(fixture.browser);
  await page.goto(fixture.plain.link());
  await page.getByRole('region', { name: 'Waits for you' }).getByText('Shall a minus').waitFor();
  await page.getByRole('region', { name: 'Went wrong lately' }).getByText('out of memory').waitFor();
  const node = page.locator(`.task-node[data-task="${taskIdOf(3)}"]`);
  // It runs, and a gate of it is open: the chart says the latter and leads there.
  expect(await node.innerText()).toContain('waits for you');
  const gate = fixture.plain.project.items.gates.find(
    ({ taskId, state }) => taskId === taskIdOf(3) && state === 'open',
  )!;
  expect(await node.getAttribute('href')).toBe(`#/gate/${gate.gateId}`);
  fixture.plain.send(changes(500, { gates: [{ ...gate, state: 'approved', resolvedAt: Date.now(), revision: 2 }] }));
  await node.getByText('running').waitFor();
  expect(await node.getAttribute('href')).toBe(`#/entity/${taskIdOf(3)}`);
  const task = fixture.plain.project.items.tasks.find(({ taskId }) => taskId === taskIdOf(3))!;
  fixture.plain.send(changes(501, { tasks: [{ ...task, state: 'completed', progress: null, revision: 2 }] }));
  await node.getByText('completed').waitFor();
  const run = fixture.plain.project.items.runs.find(({ settled }) => !settled)!;
  for (const [at, outputBytes] of [
    [0, 0],
    [2_000, 20_480],
  ] as const) {
    const heard = { runId: run.runId, phase: 'agent', idleMs: 0, outputBytes, connected: true } as const;
    const facts = { ...heard, memoryBytes: 47_185_920, cpuPercent: 34.2 };
    fixture.plain.send({ type: 'pulse', at: Date.now() + at, runs: [facts] });
  }
  const running = page.getByRole('region', { name: 'Running' });
  await running.getByText('10.0 KiB/s').waitFor();
  expect(await running.getByText('34 % CPU').count()).toBe(1);
  expect(await running.getByText('45.0 MiB').count()).toBe(1);
  // Of a moment that is over nobody knows: a dash, and no figure of now.
  const runs = fixture.plain.project.items.runs.filter(({ settled }) => !settled).length;
  expect(await running.getByText('usage not known').count()).toBe(runs - 1);
  await page.evaluate('location.hash = "#/?seq=400"');
  await expect.poll(async () => running.getByText('usage not known').count()).toBe(runs);
  expect(await running.getByText('% CPU').count()).toBe(0);
  expect(troubles).toEqual([]);
  await close();
});

test('an empty project says what to do', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.empty.link());
  await page.getByText('Nothing here yet').waitFor();
  await page.getByText('Nothing runs and nothing waits').waitFor();
  await close();
});

test('a chart moves by keys and pointer, and a task that gets the focus comes into sight', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.large.link());
  const plane = page.locator('.task-chart-plane');
  await page.locator('.task-node').first().waitFor();
  const place = async (): Promise<unknown> => plane.getAttribute('style');
  const first = await place();
  const box = (await page.locator('.task-chart-box').boundingBox())!;
  await page.locator('.task-chart-box').focus();
  await page.keyboard.press('0');
  const whole = await place();
  expect(whole).not.toBe(first);
  const chart = (await page.locator('.task-arrows').boundingBox())!;
  expect(chart.width).toBeLessThan(box.width);
  expect(chart.height).toBeLessThan(box.height);
  await page.keyboard.press('ArrowRight');
  expect(await place()).not.toBe(whole);
  await page.keyboard.press('0');
  expect(await place()).toBe(whole);
  await page.keyboard.press('+');
  expect(await place()).not.toBe(whole);
  await page.keyboard.press('1');
  expect(await place()).toContain('scale(1)');
  const before = /translate\((-?\d+).*?, (-?\d+)/
    .exec(String(await place()))!
    .slice(1)
    .map(Number);
  const hash = new URL(page.url()).hash;
  await page.mouse.move(box.x + 60, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x - 40, box.y - 30, { steps: 4 });
  await page.mouse.up();
  const after = /translate\((-?\d+).*?, (-?\d+)/
    .exec(String(await place()))!
    .slice(1)
    .map(Number);
  expect([after[0]! - before[0]!, after[1]! - before[1]!]).toEqual([-100, -70]);
  expect(new URL(page.url()).hash).toBe(hash);
  await close();
});

test('with 1,000 tasks only what is seen exists, as a chart and as a list, and all can be found', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.large.link());
  await page.getByText('300 of 1,000 tasks done').waitFor();
  await page.locator('.task-node').first().waitFor();
  expect(await page.locator('.task-node').count()).toBeLessThan(250);
  expect(await page.locator('.task-node').count()).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'List' }).click();
  await page.locator('.task-row').first().waitFor();
  expect(await page.locator('.task-row').count()).toBeLessThan(60);
  await page.getByRole('searchbox').fill(`failed ${taskIdOf(999).slice(-3)}`);
  const wanted = fixture.large.project.items.tasks.filter(
    (task) => task.state === 'failed' && task.taskId.includes(taskIdOf(999).slice(-3)),
  );
  await page.getByText(wanted.length === 1 ? '1 task' : `${String(wanted.length)} tasks`, { exact: true }).waitFor();
  await close();
});

test('fitted, 1,000 tasks are seen at once as bars by state; a press on one shows it at full size', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.large.link());
  await page.locator('.task-node').first().waitFor();
  await page.getByRole('button', { name: 'Fit' }).click();
  await page.locator('.task-shape').first().waitFor();
  expect(await page.locator('.task-node').count()).toBe(0);
  const bars = await page.evaluate<[string, number][]>(`[...document.querySelectorAll('.task-shape')].map((bar) => [
    bar.dataset.shape, bar.getAttribute('d').split('z').length - 1])`);
  expect(bars.reduce((sum, [, count]) => sum + count, 0)).toBe(1_000);
  const legend = page.getByRole('list', { name: 'Tasks by state' });
  for (const [state, count] of bars) {
    expect(await legend.innerText()).toContain(`${String(count)} ${state.replaceAll('_', ' ')}`);
  }
  expect(bars).toContainEqual(['failed', 100]);
  // Where a task is read, its bar was.
  const box = (await page.locator('.task-chart-box').boundingBox())!;
  const chart = (await page.locator('.task-arrows').boundingBox())!;
  await page.mouse.click(chart.x + chart.width / 2, box.y + box.height / 2);
  await page.locator('.task-node').first().waitFor();
  expect(await page.locator('.task-chart-plane').getAttribute('style')).toContain('scale(1)');
  expect(await page.locator('.task-shape').count()).toBe(0);
  await close();
});

test('a phone gets the list first', async () => {
  const { page, close } = await openPage(fixture.browser, { viewport: PHONE });
  await page.goto(fixture.plain.link());
  await page.locator('.task-row').first().waitFor();
  expect(await page.locator('.task-node').count()).toBe(0);
  await close();
});

/** Times between pictures, noted by the fixture.browser. */
const WATCH = `(() => {
  const frames = [];
  globalThis.frameTimes = frames;
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})()`;

type TraceEvent = {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
};

/**
 * Tasks of the page's main thread in ms of its own processor time, longest first: what other processes of a busy machine take in between
 * is not the page's doing.
 */
const tasksOf = (trace: Buffer): number[] => {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const isMain = ({ pid, tid }: TraceEvent): boolean => mains.some((main) => main.pid === pid && main.tid === tid);
  return traceEvents
    .filter((event) => event.name.endsWith('RunTask') && event.tdur !== undefined && isMain(event))
    .map(({ tdur }) => tdur! / 1_000)
    .toSorted((x, y) => y - x);
};

test('50 runs that report ten times a second among 1,000 tasks hold no frame for 50 ms', async () => {
  const { page, close } = await openPage(fixture.browser);
  await page.goto(fixture.large.link());
  await page.locator('.task-node').first().waitFor();
  const running = fixture.large.project.items.tasks.filter(({ state }) => state === 'running');
  // The first are in the chart, the last have run for longest and stand in the panel.
  const tasks = [...running.slice(0, 25), ...running.slice(-25)];
  const runs = tasks.map(({ runId }) => fixture.large.project.items.runs.find((run) => run.runId === runId)!);
  let seq = 500;
  // One message for all, as the server gathers what happens within 50 ms.
  const report = (): void => {
    const at = Date.now();
    const progress = tasks.map(({ taskId }, index) => ({
      id: runs[index]!.runId,
      taskId,
      text: `step ${String(seq + index + 1)}`,
      at,
    }));
    seq += tasks.length;
    fixture.large.send({ ...changes(seq, {}), type: 'changes', progress } as ServerMessage);
  };
  report();
  await page.locator('.task-node').getByText('step 501').waitFor();
  await page.evaluate(WATCH);
  await fixture.browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  const timer = setInterval(report, 100);
  try {
    await expect.poll(async () => page.evaluate('frameTimes.length'), { timeout: 30_000 }).toBeGreaterThan(180);
  } finally {
    clearInterval(timer);
  }
  const work = tasksOf(await fixture.browser.stopTracing());
  const frames = ((await page.evaluate('frameTimes')) as number[]).toSorted((a, b) => a - b);
  const median = frames[Math.floor(frames.length / 2)]!;
  console.log(
    `median frame ${median.toFixed(1)} ms; longest tasks ${work
      .slice(0, 3)
      .map((ms) => ms.toFixed(1))
      .join(', ')} ms`,
  );
  expect(work.length).toBeGreaterThan(100);
  expect(work[0]).toBeLessThanOrEqual(50);
  expect(median).toBeLessThanOrEqual(17);
  await close();
});
