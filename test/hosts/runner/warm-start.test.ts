/**
 * Goal: a runner that is started before its run becomes exactly what one that was started for it is, and does nothing else.
 * Method: the real program with an input of its own; the process table, its files and a fake supervisor say what it did.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { RUN_FILES, WARM, type Assignment } from '../../../src/supervisor/runners/contract.ts';
import { until } from './poll.ts';
import { RUNNER_PROGRAM, RunnerBench, table } from './runner-bench.ts';

let bench: RunnerBench;
let warm: ChildProcess | null = null;
afterEach(async () => {
  if (warm !== null && warm.exitCode === null && warm.signalCode === null) {
    warm.kill('SIGKILL');
    await once(warm, 'exit');
  }
  warm = null;
  await bench.close();
});

const startWarm = (): ChildProcess => {
  warm = spawn(process.execPath, ['--no-warnings', RUNNER_PROGRAM, WARM, bench.root, 'unit'], {
    cwd: '/',
    env: { CONDUCTOR_COOKIE: 'p/warm-0/1' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return warm;
};

const assignment = (): Assignment => ({ contract: bench.runFile(RUN_FILES.contract(1)), env: bench.env });
const codeOf = async (runner: ChildProcess): Promise<number | null> =>
  ((await once(runner, 'exit')) as [number | null])[0];

test('it works like one that was started for its run, and what it was given is only in its memory', async () => {
  bench = new RunnerBench(
    ['/bin/sh', '-c', 'pwd; env; exit 3'],
    { completion: 'exit-code' },
    { GIVEN: 'a value of its own' },
  );
  await bench.supervisor.start();
  const runner = startWarm();
  runner.stdin!.end(JSON.stringify(assignment()));
  await bench.reported('agent.exited');
  const proc = `/proc/${String(runner.pid)}`;
  if (process.platform === 'linux') {
    expect(readlinkSync(`${proc}/cwd`)).toBe(bench.contract.runDirectory);
    expect([0, 1, 2].map((fd) => readlinkSync(`${proc}/fd/${String(fd)}`))).toEqual([
      '/dev/null',
      bench.runFile(RUN_FILES.runnerLog),
      bench.runFile(RUN_FILES.runnerLog),
    ]);
    expect(readFileSync(`${proc}/environ`, 'utf8')).not.toContain('a value of its own');
    expect(readFileSync(`${proc}/cmdline`, 'utf8')).not.toContain('a value of its own');
  }
  const ended = once(runner, 'exit');
  await bench.supervisor.call('runner/finish', { graceMs: 1_000 });
  expect((await ended)[0]).toBe(0);
  const output = bench.read(RUN_FILES.output);
  expect(output).toContain(`${bench.contract.worktreePath}\n`);
  expect(output).toContain(`CONDUCTOR_COOKIE=${bench.contract.cookie}\n`);
  expect(output).toContain('GIVEN=a value of its own\n');
  expect(bench.exitRecord.agent).toEqual({ code: 3, signal: null, spawnError: null });
});

test.each([
  ['nothing', (): string => ''],
  ['half of it', (): string => JSON.stringify(assignment()).slice(0, -20)],
  ['something else', (): string => '{"contract":7}'],
])('N1: an input of %s: it leaves, and nothing was made', async (_what, input) => {
  bench = new RunnerBench('true');
  await bench.supervisor.start();
  const runner = startWarm();
  runner.stdin!.end(input());
  expect(await codeOf(runner)).toBe(0);
  expect(bench.supervisor.bodies).toEqual([]);
  for (const name of [RUN_FILES.runnerLog, RUN_FILES.spool(1), RUN_FILES.agent(1)]) {
    expect(existsSync(join(bench.contract.runDirectory, name)), name).toBe(false);
  }
});

test('N2: it waits without using time, and ends when whoever would give it a contract is gone', async () => {
  bench = new RunnerBench('true');
  const runner = startWarm();
  const identity = table.identify(runner.pid!)!;
  const used = (): number => table.usage([identity.pid], 0).get(identity.pid)?.cpuMs ?? 0;
  let before = -1;
  await until('it waits', () => {
    const isStill = used() === before && before > 0;
    before = used();
    return isStill;
  });
  runner.stdin!.destroy();
  expect(await codeOf(runner)).toBe(0);
});
