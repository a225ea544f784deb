/**
 * What an open page costs the supervisor: its processor time per journal entry with and without one.
 *
 * Two supervisors with the same load at the same time, of which one has the page: then they change places. Both have one processor to
 * themselves, and everything else has the other: what the machine does to both, which is more than the page does, cancels out.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { intervalOf, median, quantile, type BenchRow } from './bench-row.ts';
import { detailsOf, openPageStage, type PageStage } from './page-stage.ts';

/** What a page costs is about a fiftieth of the load, and one pair is off by twice as much. */
const PAIRS = 72;
const WINDOW_MS = 12_000;
/** After the page came or went: what it asks for at first is not what it costs while it is open. */
const SETTLE_MS = 2_000;
const TARGET_PERCENT = 3;

/** Processors by number. */
const [MEASURED, ELSEWHERE] = [0, 1];

/** `entries`: of the journal. */
type Window = { readonly cpuMs: number; readonly entries: number; readonly ms: number };
/** The same moment of both. */
type Moment = { readonly having: Window; readonly without: Window };
type Place = { readonly stage: PageStage; readonly page: Page; readonly address: string };

export async function run(): Promise<readonly BenchRow[]> {
  // Who is started from here on inherits it.
  keepOn(ELSEWHERE, process.pid);
  const stages = [await openPageStage(), await openPageStage()] as const;
  for (const { client } of stages) keepOn(MEASURED, client.facts.identity.pid);
  const ends = stages.map((stage) => stage.report());
  try {
    return [await measureLoad(...stages)];
  } finally {
    for (const end of ends) end();
    for (const stage of stages) await stage.close();
  }
}

async function measureLoad(first: PageStage, second: PageStage): Promise<BenchRow> {
  const places = [await placeOf(first), await placeOf(second)] as const;
  const pairs: (readonly [Moment, Moment])[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    pairs.push([await momentOf(places[0], places[1]), await momentOf(places[1], places[0])]);
  }
  return rowOf(pairs);
}

async function placeOf(stage: PageStage): Promise<Place> {
  const page = await stage.open('#/');
  await page.locator('.task-node').first().waitFor();
  return { stage, page, address: page.url() };
}

async function momentOf(having: Place, without: Place): Promise<Moment> {
  await without.page.goto('about:blank');
  await having.page.goto(having.address);
  await having.page.locator('.task-node').first().waitFor();
  await wait(SETTLE_MS);
  const [one, other] = await Promise.all([windowOf(having.stage), windowOf(without.stage)]);
  return { having: one, without: other };
}

async function windowOf({ client }: PageStage): Promise<Window> {
  const { pid } = client.facts.identity;
  const [fromSeq, from, fromMs] = [await lastSeqOf(client), cpuMsOf(pid), performance.now()];
  await wait(WINDOW_MS);
  const [to, toMs] = [cpuMsOf(pid), performance.now()];
  return { cpuMs: to - from, entries: (await lastSeqOf(client)) - fromSeq, ms: toMs - fromMs };
}

async function lastSeqOf(client: PageStage['client']): Promise<number> {
  const params = { tail: true, limit: 1 };
  type Newest = { readonly items: readonly { readonly seq: number }[] };
  return (await detailsOf<Newest>(client, 'conductor_list_events', params)).items.at(-1)!.seq;
}

/** With all its threads. Linux only, with util-linux and two processors. */
function keepOn(processor: number, pid: number): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(processor), String(pid)], { stdio: 'ignore' });
}

/** Of all threads, to the nanosecond. Linux only. */
function cpuMsOf(pid: number): number {
  const threads = `/proc/${String(pid)}/task`;
  return readdirSync(threads).reduce(
    (sum, thread) => sum + Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

/** Ms per entry. */
const costOf = (windows: readonly Window[]): number =>
  windows.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / windows.reduce((sum, { entries }) => sum + entries, 0);

/** In % of a processor. */
const shareOf = (windows: readonly Window[]): number => median(windows.map(({ cpuMs, ms }) => (cpuMs / ms) * 100));

function rowOf(pairs: readonly (readonly [Moment, Moment])[]): BenchRow {
  const havingOf = (pair: readonly Moment[]): readonly Window[] => pair.map(({ having }) => having);
  const withoutOf = (pair: readonly Moment[]): readonly Window[] => pair.map(({ without }) => without);
  const more = pairs.map((pair) => (costOf(havingOf(pair)) / costOf(withoutOf(pair)) - 1) * 100);
  const [low, high] = intervalOf(more);
  const moments = pairs.flat();
  const rate = median(havingOf(moments).map(({ entries, ms }) => (entries * 1_000) / ms));
  return {
    name: "the supervisor's processor time per entry with an open page, against none",
    unit: '% more',
    median: median(more),
    p95: quantile(more, 0.95),
    target: `≤ ${String(TARGET_PERCENT)} % more`,
    met: high <= TARGET_PERCENT ? true : low > TARGET_PERCENT ? false : null,
    detail:
      `${String(PAIRS)} pairs of ${String((2 * WINDOW_MS) / 1_000)} s, 95 % interval ${low.toFixed(1)} to ${high.toFixed(1)}; ` +
      `${rate.toFixed(0)} entries per second; of a processor ${shareOf(withoutOf(moments)).toFixed(2)} % without, ` +
      `${shareOf(havingOf(moments)).toFixed(2)} % with`,
  };
}
