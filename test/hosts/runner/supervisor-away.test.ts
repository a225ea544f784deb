/**
 * Goal: the supervisor's absence changes nothing but who hears the reports and when; nothing is lost, doubled or reordered.
 * Method: the fake supervisor is killed and started again in every phase of a run.
 */
import { afterEach, expect, test } from 'vitest';
import { until } from './poll.ts';
import { RunnerBench } from './runner-bench.ts';

let bench: RunnerBench;
afterEach(() => bench.close());

const untilFile = (name: string, text: string) => until(`${name} says ${text}`, () => bench.read(name).includes(text));

test('away while the agent works: children are told stored; later all comes, in order and once', async () => {
  bench = new RunnerBench('echo up; until [ -e go ]; do sleep 0.05; done; exit 5');
  const runner = await bench.running();
  await untilFile('output.log', 'up');
  expect((await bench.child('progress', 'one')).stdout).toBe('{"applied":true}\n');
  await bench.supervisor.kill();
  const away = await bench.child('complete', 'succeeded', '--summary', 'all done', '--key', 'k');
  expect(away).toMatchObject({ code: 0, stdout: '{"applied":"stored"}\n' });
  expect((await bench.child('complete', 'succeeded', '--summary', 'all done', '--key', 'k')).stdout).toContain(
    'stored',
  );
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${bench.contract.worktreePath}/go`, '');
  await until('the agent’s end is in the spool', () => bench.spooled.some(({ kind }) => kind === 'agent.exited'));
  await bench.supervisor.start();
  await bench.reported('agent.exited');
  expect(bench.supervisor.received.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  const kinds = ['agent.started', 'child.progress', 'child.complete', 'agent.exited'];
  expect(bench.supervisor.bodies.map(({ kind }) => kind)).toEqual(kinds);
  // The word has come meanwhile, and the same key gets it now.
  expect((await bench.child('complete', 'succeeded', '--summary', 'all done', '--key', 'k')).stdout).toBe(
    '{"applied":true}\n',
  );
  await bench.finish(runner);
});

test('away before the grant: it waits; away during setup and verification: both go on', async () => {
  bench = new RunnerBench('true', { setup: ['echo in-setup; until [ -e go ]; do sleep 0.05; done'] });
  const runner = bench.start();
  await bench.supervisor.start();
  await untilFile('output.log', 'in-setup');
  await bench.supervisor.kill();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${bench.contract.worktreePath}/go`, '');
  await until('the agent ended', () => bench.spooled.length === 2);
  await bench.supervisor.start();
  await bench.reported('agent.exited');
  const verify = {
    key: 'v',
    commit: 'c',
    commands: ['echo x; until [ -e go2 ]; do sleep 0.05; done'],
    timeoutMs: 60_000,
  };
  await bench.supervisor.call('runner/verify', verify);
  await untilFile('verify-1.log', 'x');
  await bench.supervisor.kill();
  writeFileSync(`${bench.contract.worktreePath}/go2`, '');
  await until('verified', () => bench.spooled.some(({ kind }) => kind === 'verification.finished'));
  await bench.supervisor.start();
  await until('it is back', () => bench.supervisor.connected);
  // Instructions are idempotent across connections.
  await bench.supervisor.call('runner/verify', verify);
  expect(await bench.reported('verification.finished')).toMatchObject({ key: 'v', ok: true });
  await bench.finish(runner);
  expect(bench.spooled.filter(({ kind }) => kind === 'verification.finished')).toHaveLength(1);
});

test('gone between taking a report and answering it: the child is told stored, the repeat changes nothing', async () => {
  bench = new RunnerBench('sleep 600');
  const runner = await bench.running();
  await bench.reported('agent.started');
  let killed = false;
  bench.supervisor.beforeAnswer = () => {
    if (!killed) void bench.supervisor.kill();
    killed = true;
  };
  expect((await bench.child('progress', 'lost answer')).stdout).toBe('{"applied":"stored"}\n');
  await bench.supervisor.start();
  await until('it is back', () => bench.supervisor.connected);
  expect((await bench.child('progress', 'next')).stdout).toBe('{"applied":true}\n');
  const texts = bench.supervisor.bodies.flatMap((body) => (body.kind === 'child.progress' ? [body.text] : []));
  expect(texts).toEqual(['lost answer', 'next']);
  await bench.finish(runner);
});

test('a gate’s question outlives the supervisor, and its answer finds the waiting child', async () => {
  bench = new RunnerBench('sleep 600', { idleMs: 1_500 });
  bench.supervisor.word = ({ seq, body }) =>
    body.kind === 'child.gate'
      ? { result: 'applied', seq, gate: { gateId: 'gate-1', state: 'open', decision: null, answer: null } }
      : null;
  const runner = await bench.running();
  await bench.reported('agent.started');
  const gate = ['gate', '--type', 'needs_input', '--ask', 'Which colour?', '--wait'];
  const children = [bench.child(...gate), bench.child(...gate)];
  await bench.reported('child.gate');
  await bench.supervisor.kill();
  await bench.supervisor.start();
  await until('the question was asked again', () => {
    return (
      bench.supervisor.received.filter(({ body }) => body.kind === 'child.gate').length === 1 &&
      bench.supervisor.connected
    );
  });
  // Longer than the idle limit: it stands still while somebody waits for a person.
  const from = performance.now();
  await until('two idle limits have passed', () => performance.now() - from > 3_000);
  const answer = { gateId: 'gate-1', decision: 'approved', answer: 'blue' };
  expect(await bench.supervisor.call('runner/answer', answer)).toEqual({ delivered: true });
  for (const child of children) expect(await child).toMatchObject({ code: 0, stdout: 'blue\n' });
  expect(await bench.supervisor.call('runner/answer', answer)).toEqual({ delivered: false });
  expect(bench.spooled.filter(({ kind }) => kind === 'child.gate')).toHaveLength(1);
  expect(bench.spooled.some(({ kind }) => kind.startsWith('limit.'))).toBe(false);
  await bench.finish(runner);
});

test('a question stored while the supervisor was away is answered after it came back', async () => {
  bench = new RunnerBench('sleep 600');
  const runner = await bench.running();
  await bench.reported('agent.started');
  await bench.supervisor.kill();
  const child = bench.child('gate', '--type', 'needs_review', '--ask', 'ok?', '--wait');
  await until('the question is in the spool', () => bench.spooled.some(({ kind }) => kind === 'child.gate'));
  bench.supervisor.word = ({ seq, body }) =>
    body.kind === 'child.gate'
      ? {
          result: 'applied',
          seq,
          gate: { gateId: 'g', state: 'rejected', decision: 'rejected', answer: 'not like this' },
        }
      : null;
  await bench.supervisor.start();
  expect(await child).toMatchObject({ code: 1, stdout: '' });
  expect((await child).stderr).toContain('not like this');
  await bench.finish(runner);
});

test('a wait ends at its own limit', async () => {
  bench = new RunnerBench('sleep 600');
  const runner = await bench.running();
  await bench.reported('agent.started');
  const child = await bench.child('gate', '--type', 'needs_input', '--ask', 'now?', '--wait', '--timeout', '200');
  expect(child).toMatchObject({ code: 1, stdout: '' });
  expect(child.stderr).toContain('"reason":"timeout"');
  await bench.finish(runner);
});

test('a granted runner that is denied later ends its agent, keeps what happened, and leaves', async () => {
  bench = new RunnerBench('sleep 600');
  const runner = await bench.running();
  await bench.reported('agent.started');
  bench.supervisor.onReady = () => ({ kind: 'denied', reason: 'old_epoch' });
  await bench.supervisor.kill();
  await bench.supervisor.start();
  expect(await runner.ended).toEqual({ code: 0, signal: null });
  expect(bench.exitRecord.agent).toEqual({ code: null, signal: 'SIGTERM', spawnError: null });
});

test('SIGTERM at the runner: the agent gets it, the end says so, the exit record is written, supervisor or not', async () => {
  for (const away of [false, true]) {
    bench = new RunnerBench("trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    const runner = await bench.running();
    await untilFile('output.log', 'up');
    if (away) await bench.supervisor.kill();
    runner.process.kill('SIGTERM');
    expect(await runner.ended).toEqual({ code: 0, signal: null });
    expect(bench.read('output.log')).toContain('saved');
    expect(bench.spooled.at(-1)).toEqual({ kind: 'agent.exited', code: null, signal: 'SIGTERM', spawnError: null });
    expect(bench.exitRecord).toMatchObject({ lastSeq: 2, agent: { signal: 'SIGTERM' } });
    if (!away) expect(bench.supervisor.bodies.at(-1)?.kind).toBe('agent.exited');
    if (!away) await bench.close();
  }
});

test('every supervisor is told which values its run was given, and nobody else', async () => {
  bench = new RunnerBench('echo "$GH_TOKEN" up; until [ -e go ]; do sleep 0.05; done');
  bench.env['GH_TOKEN'] = 'value of a person';
  bench.env['OPENAI_API_KEY'] = '';
  const runner = await bench.running();
  await untilFile('output.log', 'up');
  await bench.supervisor.kill();
  await bench.supervisor.start();
  await until('it asked again', () => bench.supervisor.asked.length > 1);
  for (const { secrets } of bench.supervisor.asked) {
    expect(secrets).toContain('value of a person');
    expect(secrets).not.toContain('');
  }
  for (const name of ['output.log', 'contract.json', 'spool.ndjson']) {
    expect(bench.read(name), name).not.toContain('value of a person');
  }
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${bench.contract.worktreePath}/go`, '');
  await bench.reported('agent.exited');
  await bench.finish(runner);
});
