/** What an open page costs the supervisor: its processor time per journal entry, in interleaved pairs without and with a page. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { intervalOf, median, quantile, type BenchRow } from './bench-row.ts';
import { detailsOf, type PageStage } from './page-stage.ts';

const PAIRS = 15;
const WINDOW_MS = 8_000;
/** After the page came or went: what it asks for at first is not what it costs while it is open. */
const SETTLE_MS = 2_000;
const TARGET_PERCENT = 3;

type Window = { readonly cpuMs: number; readonly entries: number; readonly ms: number };

export async function measureLoad(stage: PageStage): Promise<BenchRow> {
  const page = await stage.open('#/');
  await page.locator('.task-node').first().waitFor();
  const address = page.url();
  const [without, having]: [Window[], Window[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    await page.goto('about:blank');
    without.push(await windowOf(stage));
    await reopen(page, address);
    having.push(await windowOf(stage));
  }
  await page.context().close();
  return rowOf(without, having);
}

async function reopen(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator('.task-node').first().waitFor();
}

async function windowOf({ client }: PageStage): Promise<Window> {
  const { pid } = client.facts.identity;
  await wait(SETTLE_MS);
  const seq = async (): Promise<number> =>
    (
      await detailsOf<{ readonly items: readonly { readonly seq: number }[] }>(client, 'conductor_list_events', {
        tail: true,
        limit: 1,
      })
    ).items.at(-1)!.seq;
  const [fromSeq, from, fromMs] = [await seq(), cpuMsOf(pid), performance.now()];
  await wait(WINDOW_MS);
  const [to, toMs] = [cpuMsOf(pid), performance.now()];
  return { cpuMs: to - from, entries: (await seq()) - fromSeq, ms: toMs - fromMs };
}

/** Of all threads, to the nanosecond. Linux only. */
function cpuMsOf(pid: number): number {
  const threads = `/proc/${String(pid)}/task`;
  return readdirSync(threads).reduce(
    (sum, thread) => sum + Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

function rowOf(without: readonly Window[], having: readonly Window[]): BenchRow {
  const cost = ({ cpuMs, entries }: Window): number => cpuMs / entries;
  const more = having.map((window, pair) => (cost(window) / cost(without[pair]!) - 1) * 100);
  const [low, high] = intervalOf(more);
  const share = (windows: readonly Window[]): string =>
    `${median(windows.map(({ cpuMs, ms }) => (cpuMs / ms) * 100)).toFixed(2)} % of a processor`;
  const points = median(
    having.map(({ cpuMs, ms }, pair) => (cpuMs / ms - without[pair]!.cpuMs / without[pair]!.ms) * 100),
  );
  return {
    name: "the supervisor's processor time per entry with an open page, against none",
    unit: '% more',
    median: median(more),
    p95: quantile(more, 0.95),
    target: `≤ ${String(TARGET_PERCENT)} % more`,
    met: high <= TARGET_PERCENT ? true : low > TARGET_PERCENT ? false : null,
    detail:
      `${String(PAIRS)} pairs of ${String(WINDOW_MS / 1_000)} s, 95 % interval ${low.toFixed(1)} to ${high.toFixed(1)}; ` +
      `${median(having.map(({ entries, ms }) => (entries * 1_000) / ms)).toFixed(0)} entries per second; ` +
      `without ${share(without)}, with ${share(having)}: ${points.toFixed(2)} points`,
  };
}
