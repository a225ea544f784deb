/**
 * Goal: what lays out charts is there while it is needed, costs nobody who is waiting more than an error, and leaves nothing behind.
 * Method: the real program; it is killed while it works, left alone, and begun by a program that ends.
 */
import { execFileSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { graphOf } from '../../../src/machines/transition-graph.ts';
import { CHART_MACHINES } from '../../../src/operations/charts/chart-machines.ts';
import { LayoutProcess } from '../../../src/operations/charts/layout-process.ts';
import type { LayoutJob } from '../../../src/operations/charts/layout-program.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';

const table = openProcessTable();
const job: LayoutJob = { kind: 'chart', graph: graphOf(CHART_MACHINES.gate), form: 'outline' };
const begun: LayoutProcess[] = [];
let ends = 0;
const begin = (idleMs?: number): LayoutProcess => {
  const one = new LayoutProcess(() => (ends += 1), idleMs);
  begun.push(one);
  return one;
};
const isThere = (pid: number): boolean => {
  const row = table.list().find(({ identity }) => identity.pid === pid);
  return row !== undefined && row.state !== 'zombie';
};
afterEach(async () => {
  await Promise.all(begun.splice(0).map((one) => one.end()));
  ends = 0;
});

test('it answers jobs in any number, and one that it fails at costs the others nothing', async () => {
  const one = begin();
  const broken = { kind: 'tasks', graph: { tasks: ['a'], edges: [['a', 'nobody']] } } as const;
  const answers = await Promise.allSettled([one.run(job), one.run(broken), one.run(job)]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(answers[1]).toMatchObject({
    reason: { code: 'internal', message: expect.stringContaining('failed') as unknown },
  });
  expect(ends).toBe(0);
});

test('P2: killed while somebody waits, it fails the jobs and says that it takes no more', async () => {
  const one = begin();
  const asked = [one.run(job), one.run(job)];
  process.kill(one.pid!, 'SIGKILL');
  for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'internal', retryable: true });
  expect(ends).toBe(1);
  await one.end();
  expect(ends).toBe(1);
});

test('it ends by itself when there is nothing to do, and not while there is', async () => {
  const one = begin(1);
  expect(await one.run(job)).toMatchObject({ internal: [] });
  await waitUntil('it is gone', () => !isThere(one.pid!));
  expect(ends).toBe(1);
});

const SOURCE = new URL('../../../src/', import.meta.url).href;
/** A program of its own that has had a chart laid out. */
const laidOut = `
    const { chartLayout, endLayouts } = await import('${SOURCE}operations/charts/layout-source.ts');
    const { graphOf } = await import('${SOURCE}machines/transition-graph.ts');
    const { CHART_MACHINES } = await import('${SOURCE}operations/charts/chart-machines.ts');
    await chartLayout(graphOf(CHART_MACHINES.gate));`;
const run = (program: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '-e', laidOut + program], { encoding: 'utf8' });

test('P3: it keeps no program from ending, and ends with it', async () => {
  const said = run(`
    const { execFileSync } = await import('node:child_process');
    console.log(execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }));`);
  const pid = Number(/^\s*(\d+) .*layout-program/m.exec(said)![1]);
  await waitUntil('it is gone too', () => !isThere(pid));
});

test('a program that has nothing else to do can wait for its end', () => {
  expect(run(`await endLayouts(); console.log('ended');`)).toBe('ended\n');
});
