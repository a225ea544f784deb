/** Frames of the page while fifty runs report, view by view: times between pictures, and the longest work of its main thread. */
import type { Browser, Page } from 'playwright-core';
import { median, quantile, type BenchRow } from './bench-row.ts';
import type { PageStage } from './page-stage.ts';
import { until } from './scratch-project.ts';

const FRAMES = 600;
const FRAME_TARGET_MS = 17;
const WORK_TARGET_MS = 50;

export async function measureFrames(stage: PageStage): Promise<readonly BenchRow[]> {
  const [first] = stage.runs;
  const views = [
    { name: 'overview', hash: '#/', selector: '.task-node' },
    { name: 'entity', hash: `#/entity/${first!.runId}`, selector: '.chart-box' },
    { name: 'run', hash: `#/run/${first!.runId}`, selector: '.run-facts' },
    { name: 'tree', hash: '#/tree', selector: '.tree-row' },
  ];
  const rows: BenchRow[] = [];
  for (const view of views) {
    const page = await stage.open(view.hash);
    await page.locator(view.selector).first().waitFor();
    rows.push(rowOf(view.name, await watch(stage.browser, page)));
    await page.context().close();
  }
  return rows;
}

/** Times between pictures, noted by the browser. */
const WATCH = `(() => {
  globalThis.frameTimes = [];
  let last = performance.now();
  const step = (now) => {
    globalThis.frameTimes.push(now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})()`;

type Watched = { readonly frames: readonly number[]; readonly work: readonly number[] };

async function watch(browser: Browser, page: Page): Promise<Watched> {
  await page.evaluate(WATCH);
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await until(async () => (await page.evaluate<number>('frameTimes.length')) > FRAMES, 250);
  const work = workOf(await browser.stopTracing());
  return { frames: await page.evaluate<number[]>('frameTimes'), work };
}

type TraceEvent = {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
};

/** Tasks of the page's main thread in ms of its own processor time, longest first: the machine's other work is not the page's doing. */
function workOf(trace: Buffer): readonly number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${String(pid)} ${String(tid)}`),
  );
  return traceEvents
    .filter(({ name, tdur }) => name.endsWith('RunTask') && tdur !== undefined)
    .filter(({ pid, tid }) => mains.has(`${String(pid)} ${String(tid)}`))
    .map(({ tdur }) => tdur! / 1_000)
    .toSorted((a, b) => b - a);
}

function rowOf(view: string, { frames, work }: Watched): BenchRow {
  const middle = median(frames);
  const longest = work[0] ?? Number.NaN;
  return {
    name: `a frame of the ${view} view while 50 runs report`,
    unit: 'ms',
    median: middle,
    p95: quantile(frames, 0.95),
    target: `median ≤ ${String(FRAME_TARGET_MS)} ms, none over ${String(WORK_TARGET_MS)} ms of the page's own processor time`,
    met: middle <= FRAME_TARGET_MS && longest <= WORK_TARGET_MS,
    detail:
      `${String(frames.length)} frames; longest work ${work
        .slice(0, 3)
        .map((ms) => ms.toFixed(1))
        .join(', ')} ms of ${String(work.length)} pieces, ` +
      `${(work.reduce((sum, ms) => sum + ms, 0) / frames.length).toFixed(2)} ms per frame`,
  };
}
