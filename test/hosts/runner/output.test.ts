/**
 * Goal: whatever an agent prints, however it ends: the run ends with it, the log is right, memory and disk stay bounded.
 * Method: real agents that flood, print bytes, close their pipes, leave daemons behind, or never say a word.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { until } from './poll.ts';
import { RunnerBench, table } from './runner-bench.ts';

const FAILING = fileURLToPath(new URL('../../fixtures/agents/failing-runner.ts', import.meta.url));

let bench: RunnerBench;
let strays = false;
afterEach(async () => {
  await bench.close({ strays });
  strays = false;
});

test('100 MB of output: memory stays bounded, the log rotates and says what is gone', async () => {
  bench = new RunnerBench("head -c 104857600 /dev/zero | tr '\\0' x; echo; echo the end", {}, { SECRET: 's' });
  const runner = await bench.running();
  let most = 0;
  await until(
    'the agent ended',
    () => {
      most = Math.max(most, table.rssBytes(runner.process.pid!) ?? 0);
      return bench.supervisor.bodies.some(({ kind }) => kind === 'agent.exited');
    },
    60_000,
  );
  expect(most).toBeLessThan(200_000_000);
  const logs = ['output.log', 'output.log.1', 'output.log.2', 'output.log.3'];
  const sizes = logs.map((name) => statSync(bench.runFile(name)).size);
  expect(sizes.slice(1)).toEqual([16_777_216, 16_777_216, 16_777_216]);
  expect(bench.read('output.log').endsWith('x\nthe end\n')).toBe(true);
  const header = (name: string): string => readFileSync(bench.runFile(name)).toString('latin1', 0, 80);
  const gone = Number(
    /^\[conductor: (\d+) bytes before this one were dropped\] *\n$/.exec(header('output.log.3'))?.[1],
  );
  // Everything printed is kept or said to be gone: headers of 80 bytes are not the agent's.
  expect(gone + sizes.reduce((sum, size) => sum + size - 80, 0)).toBe(104_857_600 + '\nthe end\n'.length);
  expect(header('output.log.2')).toMatch(/^\[conductor: continues from the file before\] *\n$/);
  const index = readFileSync(bench.runFile('output.index.3'), 'utf8').split('\n');
  expect(JSON.parse(index[0]!)).toMatchObject([0, expect.any(Number), 'sys']);
  expect(JSON.parse(index[1]!)).toMatchObject([80, expect.any(Number), 'out']);
  await bench.finish(runner);
}, 90_000);

test('binary output is kept byte for byte', async () => {
  bench = new RunnerBench([
    'node',
    '-e',
    'process.stdout.write(Buffer.from(Array.from({length: 65536}, (_, n) => (n * 7) % 256)))',
  ]);
  const runner = await bench.running();
  await bench.reported('agent.exited');
  await bench.finish(runner);
  const expected = Buffer.from(Array.from({ length: 65_536 }, (_, n) => (n * 7) % 256));
  expect(readFileSync(bench.runFile('output.log')).equals(expected)).toBe(true);
});

test('a daemon that holds the pipes does not hold the run; end-agent ends it when it is in the group', async () => {
  bench = new RunnerBench('sleep 600 & echo done');
  const runner = await bench.running();
  expect(await bench.reported('agent.exited')).toMatchObject({ code: 0 });
  expect(bench.read('output.log')).toBe('done\n');
  expect(bench.members()).toHaveLength(2);
  await bench.supervisor.call('runner/end-agent', { key: 'k', graceMs: 2_000 });
  expect(bench.members()).toHaveLength(1);
  await bench.finish(runner);
  await bench.close();

  strays = true;
  bench = new RunnerBench('setsid sleep 600 & echo done');
  const second = await bench.running();
  expect(await bench.reported('agent.exited')).toMatchObject({ code: 0 });
  // Another session is the census's to find: the runner ends in time all the same.
  expect(await bench.finish(second)).toMatchObject({ code: 0 });
});

test('an agent that closes its pipes runs on until it ends', async () => {
  bench = new RunnerBench('exec >&- 2>&-; until [ -e go ]; do sleep 0.05; done; exit 9');
  const runner = await bench.running();
  await bench.reported('agent.started');
  expect((await bench.child('progress', 'silent')).code).toBe(0);
  expect(bench.spooled.some(({ kind }) => kind === 'agent.exited')).toBe(false);
  writeFileSync(join(bench.contract.worktreePath, 'go'), '');
  expect(await bench.reported('agent.exited')).toMatchObject({ code: 9 });
  await bench.finish(runner);
});

test('never a word: the idle limit warns, then ends it', async () => {
  bench = new RunnerBench('sleep 600', { idleMs: 1_000 });
  const runner = await bench.running();
  expect(await bench.reported('agent.exited')).toMatchObject({ code: null, signal: 'SIGTERM' });
  const kinds = ['agent.started', 'limit.warned', 'limit.exceeded', 'agent.exited'];
  expect(bench.supervisor.bodies.map(({ kind }) => kind)).toEqual(kinds);
  expect(bench.supervisor.bodies[2]).toEqual({ kind: 'limit.exceeded', limit: 'idle' });
  await bench.finish(runner);
});

test('output keeps the idle limit away, but not the time limit', async () => {
  bench = new RunnerBench('while :; do echo tick; sleep 0.1; done', { idleMs: 1_000, timeoutMs: 2_500 });
  const runner = await bench.running();
  await bench.reported('agent.exited');
  const limits = bench.supervisor.bodies.flatMap((body) => ('limit' in body ? [`${body.kind} ${body.limit}`] : []));
  expect(limits).toEqual(['limit.warned time', 'limit.exceeded time']);
  await bench.finish(runner);
});

test('a disk that takes no log: the run goes on, and the log says how much is missing', async () => {
  bench = new RunnerBench(
    'echo before; until [ -e go ]; do sleep 0.05; done; echo lost; until [ -e go2 ]; do sleep 0.05; done; echo after',
  );
  bench.env['FAIL'] = 'log';
  await bench.supervisor.start();
  const runner = bench.start(FAILING);
  await until('it began', () => bench.read('output.log') === 'before\n');
  writeFileSync(bench.runFile('full'), '');
  writeFileSync(join(bench.contract.worktreePath, 'go'), '');
  await until('the output was lost', () => bench.supervisor.heartbeats.some(({ outputBytes }) => outputBytes === 12));
  (await import('node:fs')).unlinkSync(bench.runFile('full'));
  writeFileSync(join(bench.contract.worktreePath, 'go2'), '');
  await bench.reported('agent.exited');
  expect(bench.read('output.log')).toBe('before\n[conductor: 5 bytes could not be written here]\nafter\n');
  await bench.finish(runner);
});
