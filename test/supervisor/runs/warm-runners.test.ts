/**
 * Goal: runners that are started ahead are given away once, or end with whoever would have given them work.
 * Method: real processes beside a real starter; instead of a runner a shell that writes its input to a file.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import type { ProcessIdentity } from '../../../src/supervisor/processes/process-identity.ts';
import { createProcessStarter, type ProcessStarter } from '../../../src/supervisor/processes/process-starter.ts';
import { createWarmRunners, type WarmRunners } from '../../../src/supervisor/runs/warm-runners.ts';
import { waitUntil } from '../processes/started-programs.ts';

const table = openProcessTable();
let directory: string;
let starter: ProcessStarter;
let runners: WarmRunners;
let started: ProcessIdentity[];

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
const begin = async (idleMs?: number): Promise<void> => {
  starter = createProcessStarter({
    node: process.execPath,
    identify: (pid) => table.identify(pid),
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  const beside = {
    give: (program: ProcessIdentity, input: string) => starter.give(program, input),
    startWaiting: async (program: Parameters<ProcessStarter['startWaiting']>[0]) => {
      const result = await starter.startWaiting(program);
      if (result !== null && 'identity' in result) started.push(result.identity);
      return result;
    },
  };
  const script = 'cat > input.$$; [ -s input.$$ ] || rm input.$$';
  const program = { file: '/bin/sh', args: ['-c', script], cwd: directory, env, logPath: devNull };
  runners = createWarmRunners({ starter: beside, table, program: () => Promise.resolve(program) });
  const call = { ...program, args: ['-c', 'true'], input: null, outputBytesMax: 1, silenceMaxMs: null };
  // Calls go through this process until the one beside it is there.
  do await starter.run(call);
  while ((await starter.startWaiting({ ...program, args: ['-c', 'true'] })) === null);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  started = [];
});
afterEach(async () => {
  runners.close();
  starter.close();
  for (const identity of started) {
    await waitUntil('it is gone', () => ['gone', 'zombie'].includes(table.liveness(identity)));
  }
  rmSync(directory, { recursive: true, force: true });
});

const living = (): readonly ProcessIdentity[] => started.filter((each) => table.liveness(each) === 'alive');
const inputs = (): readonly string[] =>
  readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));

/** Nobody is there for the first, and then two are kept ready. */
async function stocked(): Promise<void> {
  expect(await runners.give('nobody')).toBeNull();
  await waitUntil('two wait', () => living().length === 2);
}

test('W2: each is given away once; whoever comes after the last gets none', async () => {
  await begin();
  await stocked();
  const taken = [await runners.give('one'), await runners.give('two')];
  expect(new Set(taken.map((each) => each?.pid)).size).toBe(2);
  expect(await runners.give('three')).toBeNull();
  await waitUntil('they read', () => inputs().length === 2 && inputs().every((text) => text !== ''));
  expect(inputs().toSorted()).toEqual(['one', 'two']);
});

test('W3: one that died is not given, the next one is', async () => {
  await begin();
  await stocked();
  table.signal(started[0]!, 'SIGKILL');
  await waitUntil('one died', () => living().length === 1);
  expect((await runners.give('it'))?.pid).toBe(started[1]!.pid);
});

test('what was given away is made up for, and no crowd is started for a crowd', async () => {
  await begin();
  await stocked();
  for (let run = 0; run < 50; run += 1) await runners.give('x');
  await waitUntil('two more wait', () => started.length === 4 && living().length === 2);
});

test.each([
  ['the process that started them', (): void => void table.signal(table.identify(starter.pid!)!, 'SIGKILL')],
  ['the rest of a supervisor without work', (): void => undefined],
])('W1: they end with %s, having read nothing', async (what, end) => {
  await begin(what.startsWith('the rest') ? 300 : undefined);
  expect(await runners.give('nobody')).toBeNull();
  await waitUntil('they were started', () => started.length === 2);
  end();
  await waitUntil('they left', () => living().length === 0);
  expect(inputs()).toEqual([]);
  expect(await runners.give('late')).toBeNull();
});
