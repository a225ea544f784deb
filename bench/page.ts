/**
 * The inspector's page over a real supervisor with fifty runs that report, in a real browser: its first paint, how soon it shows what
 * was committed, its frames (page-frames.ts) and its memory (page-memory.ts). What it costs the supervisor is a bench of its own (page-load.ts).
 *
 * «Painted» is the message that follows a frame in which the text is there, so that a figure holds the whole frame.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { median, quantile, type BenchRow } from './bench-row.ts';
import { measureFrames } from './page-frames.ts';
import { measureMemory } from './page-memory.ts';
import { openPageStage, type PageStage } from './page-stage.ts';

const PAINTS = 20;
const CHANGES = 100;
const CHANGE_TARGET_MS = 100;

export async function run(): Promise<readonly BenchRow[]> {
  const stage = await openPageStage();
  try {
    const paint = await firstPaint(stage);
    const still = await commitToPixel(stage, 'nothing else happens');
    const stop = stage.report();
    try {
      const busy = await commitToPixel(stage, '50 runs report');
      const frames = await measureFrames(stage);
      stop();
      return [paint, still, busy, ...frames, ...(await measureMemory(stage))];
    } finally {
      stop();
    }
  } finally {
    await stage.close();
  }
}

/** Notes when a text is painted in the first element that the selector finds; `null`: any. On the clock of this machine, in ms. */
const painted = (selector: string, text: string | null): string => `new Promise((resolve) => {
  const isThere = () => {
    const found = document.querySelector(${JSON.stringify(selector)});
    return found !== null && (${JSON.stringify(text)} === null || found.textContent === ${JSON.stringify(text)});
  };
  const after = () => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
    port2.postMessage(null);
  });
  const observer = new MutationObserver(() => {
    if (!isThere()) return;
    observer.disconnect();
    after();
  });
  observer.observe(document, { subtree: true, childList: true, characterData: true });
})`;

async function firstPaint({ browser, link }: PageStage): Promise<BenchRow> {
  const times: number[] = [];
  for (let round = 0; round < PAINTS; round += 1) {
    // Nothing is cached: each context is a browser that was never here.
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(`globalThis.firstPaint = ${painted('.task-node, .task-row', null)}`);
    const address = await link();
    const from = now();
    await page.goto(address, { waitUntil: 'commit' });
    times.push((await page.evaluate<number>('globalThis.firstPaint')) - from);
    await context.close();
  }
  return {
    name: 'first useful paint: from the link to the first painted task',
    unit: 'ms',
    median: median(times),
    p95: quantile(times, 0.95),
    target: 'none named',
    met: null,
    detail: `${String(PAINTS)} fresh browser contexts, nothing cached; the link is exchanged and 50 tasks are laid out on the way`,
  };
}

async function commitToPixel(stage: PageStage, what: string): Promise<BenchRow> {
  const { client, objectiveId } = stage;
  const page = await stage.open('#/');
  await page.locator('.objective-title').waitFor();
  const [times, answers]: [number[], number[]] = [[], []];
  for (let change = 0; change < CHANGES; change += 1) {
    const title = `Fifty that report, as of change ${String(change)} while ${what}`;
    await page.evaluate(`{ globalThis.changed = ${painted('.objective-title', title)}; undefined }`);
    // Anywhere between two batches and two frames.
    await wait(randomInt(40, 140));
    const from = now();
    await client.call('conductor_update_objective', { objectiveId, title });
    answers.push(now() - from);
    times.push((await page.evaluate<number>('globalThis.changed')) - from);
  }
  await page.context().close();
  const middle = median(times);
  return {
    name: `from a message to the supervisor to the changed pixel, while ${what}`,
    unit: 'ms',
    median: middle,
    p95: quantile(times, 0.95),
    target: `median ≤ ${String(CHANGE_TARGET_MS)} ms from the commit`,
    met: middle <= CHANGE_TARGET_MS,
    detail: `${String(CHANGES)} changes; the call itself, with the commit in it, is answered after ${median(answers).toFixed(1)} ms`,
  };
}

const now = (): number => performance.timeOrigin + performance.now();
