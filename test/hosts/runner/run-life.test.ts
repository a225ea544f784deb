/**
 * Goal: a run's ordinary life, from the grant to the exit record, told in reports.
 * Method: real runner processes against a fake supervisor on a real socket.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { RUN_FILES } from '../../../src/supervisor/runners/contract.ts';
import { PROTOCOL } from '../../../src/supervisor/runners/protocol.ts';
import { until } from './poll.ts';
import { RunnerBench } from './runner-bench.ts';

let bench: RunnerBench;
afterEach(() => bench.close());

test('grant, agent, exit, verification, finish', async () => {
  bench = new RunnerBench(['sh', '-c', 'echo "hello $CONDUCTOR_RUN_ID"; echo oops >&2; exit 3']);
  const runner = await bench.running();
  expect(bench.supervisor.asked[0]).toMatchObject({ protocol: PROTOCOL, spoolSeq: 0, token: bench.contract.token });
  const started = await bench.reported('agent.started');
  expect(started.pgid).toBe(started.identity.pid);
  expect(await bench.reported('agent.exited')).toEqual({
    kind: 'agent.exited',
    code: 3,
    signal: null,
    spawnError: null,
  });
  expect(bench.read('output.log')).toContain(`hello ${bench.contract.runId}\n`);
  const index = bench
    .read('output.index')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [number, number, string]);
  expect(index.map(([, , stream]) => stream).toSorted()).toEqual(['err', 'out']);
  expect(JSON.parse(bench.read('1.agent'))).toMatchObject({ runId: bench.contract.runId, agent: started.identity });

  const verify = { key: 'v1', commit: 'abc', commands: ['echo fine; pwd', ['false'], 'echo never'], timeoutMs: 60_000 };
  await bench.supervisor.call('runner/verify', verify);
  await bench.supervisor.call('runner/verify', verify);
  const verified = await bench.reported('verification.finished');
  expect(verified).toMatchObject({ key: 'v1', ok: false, message: 'false ended with exit code 1' });
  expect(verified.results.map(({ exitCode }) => exitCode)).toEqual([0, 1]);
  expect(verified.results[0]!.tail).toBe(`fine\n${bench.contract.worktreePath}\n`);
  expect(bench.read('verify-1.log')).toContain('fine\n');

  expect(await bench.finish(runner)).toEqual({ code: 0, signal: null });
  expect(bench.exitRecord).toMatchObject({ epoch: 1, lastSeq: 3, agent: { code: 3, signal: null, spawnError: null } });
  expect(bench.spooled.map(({ kind }) => kind)).toEqual(['agent.started', 'agent.exited', 'verification.finished']);
  expect(statSync(bench.runFile('spool.ndjson')).size).toBeLessThan(10_000);
  expect(statSync(bench.runFile('output.log')).mode & 0o777).toBe(0o600);
});

test('a program that is not there is a spawn error, an exit code 127 is not', async () => {
  bench = new RunnerBench(['no-such-program-here', 'x']);
  const runner = await bench.running();
  expect(await bench.reported('agent.exited')).toMatchObject({ code: null, spawnError: 'not_found' });
  expect(bench.read('1.agent')).toBe('');
  await bench.finish(runner);
  await bench.close();

  bench = new RunnerBench('no-such-program-here');
  const second = await bench.running();
  expect(await bench.reported('agent.exited')).toMatchObject({ code: 127, spawnError: null });
  await bench.finish(second);
});

test('setup runs in turn before the agent; red setup starts none', async () => {
  bench = new RunnerBench('cat made', { setup: ['echo one > made', ['sh', '-c', 'echo two >> made']] });
  const runner = await bench.running();
  await bench.reported('agent.exited');
  expect(bench.read('output.log')).toContain('one\ntwo\n');
  await bench.finish(runner);
  await bench.close();

  bench = new RunnerBench('touch agent-ran', { setup: ['echo broken >&2; exit 4', 'touch second-ran'] });
  const second = await bench.running();
  const failed = await bench.reported('setup.failed');
  expect(failed.message).toContain('ended with exit code 4');
  expect(bench.read('output.log')).toContain('broken\n');
  expect(await bench.finish(second)).toMatchObject({ code: 0 });
  expect(bench.spooled.map(({ kind }) => kind)).toEqual(['setup.failed']);
  expect(bench.exitRecord.agent).toBeNull();
});

test('pipes that lie ready take the output of the first program, and their names are gone', async () => {
  bench = new RunnerBench('ls -A "$(dirname "$CONDUCTOR_CONTRACT")"; echo one; echo two > /dev/stderr');
  const ready = RUN_FILES.pipes.map((name) => `${bench.contract.runDirectory}/${name}`);
  execFileSync('mkfifo', ready);
  const runner = await bench.running();
  await bench.reported('agent.exited');
  const output = readFileSync(`${bench.contract.runDirectory}/output.log`, 'utf8');
  expect(output.split('\n').toSorted()).toEqual(expect.arrayContaining(['one', 'two']));
  expect(output).not.toContain('.pipe-');
  await bench.finish(runner);
});

test('the agent gets its environment, an empty stdin, no descriptor of ours and the contract’s umask', async () => {
  bench = new RunnerBench(
    'env > env.txt; ls -l /proc/self/fd > fds.txt; cat > stdin.txt; umask > umask.txt; touch made; echo by name > /dev/stderr',
  );
  const runner = await bench.running();
  await bench.reported('agent.exited');
  const tree = (name: string): string => readFileSync(`${bench.contract.worktreePath}/${name}`, 'utf8');
  expect(tree('env.txt')).toContain(`CONDUCTOR_COOKIE=${bench.contract.cookie}\n`);
  expect(tree('env.txt')).toMatch(new RegExp(`^PATH=${bench.contract.runDirectory}/bin:`, 'm'));
  // A pipe, not a socket: `echo … > /dev/stderr` opens it by name.
  expect(tree('fds.txt')).toMatch(/ 2 -> pipe:|\.pipe-/);
  expect(tree('fds.txt')).not.toMatch(/ (?:[3-9]|\d\d+) -> socket:/);
  expect(readFileSync(`${bench.contract.runDirectory}/output.log`, 'utf8')).toContain('by name');
  expect(tree('fds.txt')).toMatch(/ 0 -> \/dev\/null/);
  expect(tree('stdin.txt')).toBe('');
  expect(tree('umask.txt')).toBe('0022\n');
  await bench.finish(runner);
});

test('with a known completion there is no agent, only what is instructed', async () => {
  bench = new RunnerBench(null);
  const runner = await bench.running();
  await bench.supervisor.call('runner/verify', { key: 'k', commit: 'c', commands: ['true'], timeoutMs: 9_000 });
  expect(await bench.reported('verification.finished')).toMatchObject({ ok: true, message: '1 command passed' });
  await bench.finish(runner);
  expect(bench.read('1.agent')).toBe('');
});

test('end-agent ends a deaf agent with its group, once per key; the answer comes when all are gone', async () => {
  bench = new RunnerBench("trap '' TERM; sleep 600 & echo ready; while :; do sleep 1; done");
  const runner = await bench.running();
  await until('the agent is ready', () => bench.read('output.log').includes('ready'));
  const both = ['a', 'a'].map((key) => bench.supervisor.call('runner/end-agent', { key, graceMs: 300 }));
  expect(await Promise.all(both)).toEqual([1, 2].map(() => ({ ended: true, code: null, signal: 'SIGKILL' })));
  expect(bench.members().map(({ identity }) => identity.pid)).toEqual([runner.process.pid]);
  await bench.finish(runner);
});

test('a verification that takes too long is ended with everything it started', async () => {
  bench = new RunnerBench(null);
  const runner = await bench.running();
  await bench.supervisor.call('runner/verify', {
    key: 'k',
    commit: 'c',
    commands: ['sleep 600 & sleep 601'],
    timeoutMs: 300,
  });
  const { ok, message } = await bench.reported('verification.finished');
  expect([ok, message]).toEqual([false, 'sleep 600 & sleep 601 took longer than 300 ms (all commands together)']);
  expect(bench.members()).toHaveLength(1);
  await bench.finish(runner);
});

test('values of granted variables and secret files are in no log, report, tail or artifact', async () => {
  const secretFile = `/tmp/conductor-secret-${String(process.pid)}`;
  const [secret, fromFile] = ['hunter-two-is-long', 'file-held-secret'];
  writeFileSync(secretFile, `${fromFile}\n`);
  const changes = { secretNames: ['MY_SECRET'], secretFiles: [secretFile] };
  const script = [
    'printf "a-%s-b " "$MY_SECRET" | tee leak.txt; printf "$MY_SECRET" | base64; cat "$F"',
    'conductor child progress "it is $MY_SECRET" --artifact report:leak.txt',
    'conductor child complete succeeded --summary "done with $MY_SECRET"',
  ].join('; ');
  bench = new RunnerBench(script, changes, { MY_SECRET: secret, F: secretFile });
  const runner = await bench.running();
  await bench.reported('agent.exited');
  await bench.supervisor.call('runner/verify', {
    key: 'k',
    commit: 'c',
    commands: ['echo $MY_SECRET; false'],
    timeoutMs: 9_000,
  });
  await bench.reported('verification.finished');
  await bench.finish(runner);
  const artifact = bench.read('artifacts/01-leak.txt');
  const kept =
    ['output.log', 'spool.ndjson', 'verify-1.log', 'exit.json'].map((name) => bench.read(name)).join('\n') + artifact;
  for (const leak of [secret, fromFile, Buffer.from(secret).toString('base64').slice(0, 20)])
    expect(kept).not.toContain(leak);
  expect(artifact).toBe('a-[redacted]-b ');
  expect(bench.spooled.find(({ kind }) => kind === 'child.complete')).toMatchObject({
    summary: 'done with [redacted]',
  });
  (await import('node:fs')).rmSync(secretFile);
});
