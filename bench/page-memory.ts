/**
 * What a page keeps after an hour of fifty entries per second. The hour's entries go through the page's own socket as fast as it shows
 * them, in messages of fifty (one of each run), as the supervisor sends them to a page that shows this view.
 */
import type { CDPSession, Page, WebSocketRoute } from 'playwright-core';
import { FeedBatch } from '../src/hosts/inspector/feed-batch.ts';
import { API, type Watched } from '../src/hosts/inspector/protocol.ts';
import type { EventItem } from '../src/operations/read-models/item-schemas.ts';
import type { Overview } from '../src/operations/read-models/overview.ts';
import { type BenchRow } from './bench-row.ts';
import { detailsOf, RUNS, type PageStage } from './page-stage.ts';

const ENTRIES = 180_000;
/** Messages that are on their way before the page is waited for. */
const AHEAD = 40;
const SAMPLES = 9;
const MEBIBYTE = 2 ** 20;

export async function measureMemory(stage: PageStage): Promise<readonly BenchRow[]> {
  const { runId } = stage.runs[0]!;
  return [
    await growthOf(stage, { name: 'overview', hash: '#/', watch: [] }),
    await growthOf(stage, { name: 'entity', hash: `#/entity/${runId}`, watch: [runId] }),
  ];
}

type View = { readonly name: string; readonly hash: string; readonly watch: Watched };

async function growthOf(stage: PageStage, { name, hash, watch }: View): Promise<BenchRow> {
  const context = await stage.browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  let feed: WebSocketRoute | null = null;
  await page.routeWebSocket(new RegExp(`${API.feed}$`), (socket) => {
    socket.connectToServer();
    feed = socket;
  });
  await page.goto(await stage.link());
  await page.locator('.connection-live').waitFor();
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  const messages = await messagesOf(stage, watch);
  const client = await context.newCDPSession(page);
  const heaps = [await heapOf(client)];
  const from = performance.now();
  let last = 0;
  for (let told = 0; told < ENTRIES; told += RUNS) {
    const { seq, text } = messages();
    last = seq;
    (feed as WebSocketRoute | null)!.send(text);
    if ((told / RUNS) % AHEAD === 0) await shows(page, last);
    if ((told + RUNS) % (ENTRIES / SAMPLES) === 0) {
      await shows(page, last);
      heaps.push(await heapOf(client));
    }
  }
  const seconds = (performance.now() - from) / 1_000;
  await context.close();
  return rowOf(name, heaps, seconds);
}

/** The page has taken in everything up to this entry, and painted it. */
async function shows(page: Page, seq: number): Promise<void> {
  await page.getByText(`Now, after entry ${seq.toLocaleString('en')}`).waitFor({ timeout: 120_000 });
}

async function heapOf(client: CDPSession): Promise<number> {
  await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = await client.send('Runtime.getHeapUsage');
  return usedSize / MEBIBYTE;
}

/** Made after what the supervisor tells of these runs: the same shapes with new numbers, texts and times. */
async function messagesOf({ client }: PageStage, watch: Watched): Promise<() => { seq: number; text: string }> {
  const { items, lastSeq } = await detailsOf<Overview>(client, 'conductor_get_overview', {});
  const asked = await detailsOf<{ readonly items: readonly EventItem[] }>(client, 'conductor_list_events', {
    tail: true,
    limit: 100,
  });
  const sample = asked.items.findLast(({ event }) => event.type === 'child.progress')!;
  const live = items.runs.filter(({ settled }) => !settled);
  const none = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };
  let seq = lastSeq;
  return () => {
    const at = Date.now();
    const entries = live.map(({ runId, taskId }, index) => {
      const own = seq + index + 1;
      const text = `step ${String(own)}: read src/parser/expression.ts and the tests that cover it`;
      return { ...sample, seq: own, commit: own, at, actor: runId, taskId, event: { ...sample.event, text, seq: own } };
    });
    seq += live.length;
    const progress = entries.map(({ actor, taskId, event: { text } }) => ({ id: actor, taskId, text, at }));
    return { seq, text: new FeedBatch(entries, { items: none, progress }).textFor(watch) };
  };
}

function rowOf(view: string, heaps: readonly number[], seconds: number): BenchRow {
  const grown = heaps.at(-1)! - heaps[0]!;
  const middle = Math.floor(heaps.length / 2);
  const later = (heaps.at(-1)! - heaps[middle]!) / ((heaps.length - 1 - middle) / (heaps.length - 1));
  return {
    name: `what the ${view} view keeps more after an hour of 50 entries per second`,
    unit: 'MiB of JS heap after GC',
    median: grown,
    p95: null,
    target: 'none named; must level off',
    met: null,
    detail:
      `${ENTRIES.toLocaleString('en')} entries in ${seconds.toFixed(0)} s; ` +
      `from ${heaps.map((mebibytes) => mebibytes.toFixed(1)).join(' → ')} MiB; slope of the second half ${later.toFixed(2)} MiB per hour`,
  };
}
