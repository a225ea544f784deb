/**
 * Goal: an agent is executed at most once per epoch, whatever races, dies or is there already.
 * Method: many real runners on one contract; a runner that is killed between the blocked shell and the start record.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { until } from './poll.ts';
import { isPtyHere, RunnerBench } from './runner-bench.ts';

const FAILING = fileURLToPath(new URL('../../fixtures/agents/failing-runner.ts', import.meta.url));
const countRuns = 'echo ran >> count.txt';

let bench: RunnerBench;
afterEach(() => bench.close());

const runs = (): string => {
  const path = `${bench.contract.worktreePath}/count.txt`;
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

test('twenty runners of one epoch execute its agent exactly once; the denied leave no trace', async () => {
  bench = new RunnerBench(countRuns);
  await bench.supervisor.start();
  const runners = Array.from({ length: 20 }, () => bench.start());
  await bench.reported('agent.exited');
  await until('all asked', () => new Set(bench.supervisor.asked.map(({ instance }) => instance)).size === 20);
  await until(
    'the denied are gone',
    () => runners.filter(({ process: { exitCode } }) => exitCode === null).length === 1,
  );
  expect(runs()).toBe('ran\n');
  await bench.supervisor.call('runner/finish', { graceMs: 100 });
  expect((await Promise.all(runners.map(({ ended }) => ended))).map(({ code }) => code)).toEqual(runners.map(() => 0));
  const left = ['1.agent', 'artifacts', 'bin', 'contract.json', 'exit.json', 'spool.ndjson'];
  expect(readdirSync(bench.contract.runDirectory).toSorted()).toEqual(left);
});

test('even a supervisor that grants everybody gets one execution', async () => {
  bench = new RunnerBench(countRuns);
  bench.supervisor.onReady = () => ({ kind: 'granted', appliedSeq: 0 });
  await bench.supervisor.start();
  const runners = Array.from({ length: 8 }, () => bench.start());
  await until(
    'all but one give up',
    () => runners.filter(({ process: { exitCode } }) => exitCode === null).length === 1,
  );
  await until('the agent ran', () => runs() === 'ran\n');
  for (const { process: runner } of runners) runner.kill('SIGTERM');
  await Promise.all(runners.map(({ ended }) => ended));
  expect(runs()).toBe('ran\n');
});

test('a runner killed between shell and start record: nothing was executed, no shell is left', async () => {
  for (const runtimeMode of isPtyHere ? (['headless', 'pty'] as const) : (['headless'] as const)) {
    bench = new RunnerBench(countRuns, { runtimeMode });
    bench.env['FAIL'] = 'link';
    await bench.supervisor.start();
    expect(await bench.start(FAILING).ended).toEqual({ code: null, signal: 'SIGKILL' });
    await until('the shell is gone', () => bench.members().length === 0);
    expect([runs(), existsSync(bench.runFile('1.agent'))]).toEqual(['', false]);
    expect(bench.supervisor.bodies).toEqual([]);
    // What a dead runner cannot take with it: its socket's name and its drafts. The next one does not mind.
    const { unlinkSync } = await import('node:fs');
    for (const name of readdirSync(bench.contract.runDirectory)) {
      if (/\.[0-9a-f]{16}$/.test(name)) unlinkSync(bench.runFile(name));
    }
    unlinkSync(bench.contract.socketPath);
    if (runtimeMode === 'headless' && isPtyHere) await bench.close();
  }
});

test('a start record that is there already: nothing is started, nothing is said, nothing is left', async () => {
  bench = new RunnerBench(countRuns);
  writeFileSync(bench.runFile('1.agent'), 'whoever was first');
  await bench.supervisor.start();
  expect(await bench.start().ended).toEqual({ code: 1, signal: null });
  expect([runs(), bench.supervisor.bodies]).toEqual(['', []]);
  expect(existsSync(bench.runFile('exit.json'))).toBe(false);
});

test('denied: exits having done nothing', async () => {
  bench = new RunnerBench(countRuns, { setup: ['touch setup-ran'] });
  bench.supervisor.onReady = () => ({ kind: 'denied', reason: 'old_epoch' });
  await bench.supervisor.start();
  expect(await bench.start().ended).toEqual({ code: 0, signal: null });
  expect(readdirSync(bench.contract.worktreePath)).toEqual([]);
  expect(readdirSync(bench.contract.runDirectory).toSorted()).toEqual(['artifacts', 'bin', 'contract.json']);
});

test('a runner without a grant leaves at once when it is told to', async () => {
  bench = new RunnerBench(countRuns);
  const answers: (() => void)[] = [];
  bench.supervisor.onReady = () => {
    answers.push(() => undefined);
    throw new Error('busy');
  };
  await bench.supervisor.start();
  const runner = bench.start();
  await until('it asks, and asks again', () => answers.length >= 2);
  runner.process.kill('SIGTERM');
  expect(await runner.ended).toEqual({ code: 0, signal: null });
});

test('a stale name of a dead runner’s socket is taken over', async () => {
  bench = new RunnerBench(countRuns);
  const { createServer } = await import('node:net');
  const { linkSync, unlinkSync } = await import('node:fs');
  const stale = createServer();
  await new Promise<void>((resolve) => stale.listen(`${bench.contract.socketPath}x`, resolve));
  linkSync(`${bench.contract.socketPath}x`, bench.contract.socketPath);
  await new Promise((resolve) => stale.close(resolve));
  expect(existsSync(bench.contract.socketPath)).toBe(true);
  expect(() => unlinkSync(`${bench.contract.socketPath}x`)).toThrow();
  const runner = await bench.running();
  await bench.reported('agent.exited');
  expect((await bench.child('progress', 'here')).stdout).toBe('{"applied":true}\n');
  await bench.finish(runner);
});
