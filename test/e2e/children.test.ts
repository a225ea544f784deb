/**
 * Goal: what a program inside a run says with `conductor child` reaches the right place, once, and it is told what became of it.
 * Method: real agents in shell that find `conductor` first on their PATH; what they are told lies in files outside of the worktree.
 */
import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { ProjectFixture, until } from './project-fixture.ts';

let project: ProjectFixture;
afterEach(() => project.close());

const LAUNCHER = new URL('../../dist/programs/conductor.mjs', import.meta.url).pathname;
const LIMITS = { RUN_LIMITS: JSON.stringify({ leaveMs: 3_000, sweepMs: 10_000 }) };

/** `conductor child …`; its answer and exit code become one line of `words`. */
const child = (words: string): string =>
  `{ word=$(conductor child ${words} 2>/dev/null); echo "$? $word" >> ${project.at('words')}; }`;

/** The same as pairs. */
const words = (): readonly (readonly [exitCode: number, word: unknown])[] =>
  project.said('words').map((line) => {
    const [code, ...rest] = line.split(' ');
    const text = rest.join(' ');
    return [Number(code), text.startsWith('{') ? JSON.parse(text) : text];
  });

async function begin(script: () => string, more: object = {}): Promise<string> {
  project = await ProjectFixture.make();
  await project.start(LIMITS);
  const plan = { objective: 'Child', tasks: [{ id: 'one', run: script(), ...more }] };
  return (await project.plan(plan)).tasks['one']!;
}

test('progress is applied and seen; complete ends the run with its summary', async () => {
  const taskId = await begin(
    () => `${child('progress "half way"')}; ${child('complete succeeded --summary "all done"')}`,
  );
  await project.taskIs(taskId, 'completed');
  expect(words()).toEqual([
    [0, { applied: true }],
    [0, { applied: true }],
  ]);
  expect((await project.task(taskId))['progress']).toBe('half way');
  expect((await project.runOf(taskId))['completion']).toEqual({ status: 'succeeded', summary: 'all done' });
});

test.each(['succeeded', 'partial', 'blocked', 'failed', 'aborted'])(
  'complete %s: the child hears that it was taken, and the agent may leave by itself',
  async (status) => {
    const taskId = await begin(() => `${child(`complete ${status} --summary s`)}; ${project.tells('left')}`);
    await until('the end', async () => !['ready', 'running'].includes((await project.task(taskId)).state));
    expect(words()).toEqual([[0, { applied: true }]]);
    expect(project.said('left')).toEqual(['left']);
    expect((await project.runOf(taskId))['completion']).toEqual({ status, summary: 's' });
  },
);

test('files that a child shows, and files it leaves in CONDUCTOR_ARTIFACTS, are artifacts with size and SHA-256', async () => {
  const make = 'head -c 5000 /dev/urandom';
  const taskId = await begin(
    () =>
      `${make} > shown.bin; ${make} > "$CONDUCTOR_ARTIFACTS/left.bin"; sha256sum < shown.bin >> ${project.at('sums')}; ` +
      `sha256sum < "$CONDUCTOR_ARTIFACTS/left.bin" >> ${project.at('sums')}; ` +
      child('complete succeeded --summary s --artifact note:shown.bin'),
  );
  await project.taskIs(taskId, 'completed');
  const artifacts = await project.artifacts((await project.runOf(taskId)).runId);
  const named = (suffix: string) => artifacts.find(({ name }) => name.endsWith(suffix))!;
  const [shown, left] = [named('shown.bin'), named('left.bin')];
  expect([shown.type, shown.bytes, shown['producer']]).toEqual(['note', 5_000, 'child_run']);
  expect([left.type, left.bytes]).toEqual(['other', 5_000]);
  expect(project.said('sums').map((line) => line.split(' ')[0])).toEqual([shown.sha256, left.sha256]);
});

test('an answer reaches the child that waits; the run waits for input meanwhile, and its idle limit stands still', async () => {
  const taskId = await begin(
    () =>
      `${child('gate --type needs_input --ask "which colour?" --wait')}; ${child('complete succeeded --summary s')}`,
    { idleMs: 1_000 },
  );
  const gate = await until('the question', async () => (await project.gates({ state: 'open' }))[0] ?? null);
  expect((await project.runOf(taskId)).status).toBe('waiting_input');
  const askedAt = performance.now();
  await until('more than the idle limit', () => performance.now() - askedAt > 1_500);
  await project.details('conductor_resolve_gate', {
    gateId: gate.gateId,
    status: 'approved',
    resolutionReason: 'taste',
    answer: 'deep blue',
  });
  await project.taskIs(taskId, 'completed');
  expect(words()).toEqual([
    [0, 'deep blue'],
    [0, { applied: true }],
  ]);
  expect((await project.gates())[0]!.state).toBe('used');
});

test('a rejected question and one without an answer in time say so with exit code 1', async () => {
  const taskId = await begin(
    () =>
      `${child('gate --type needs_input --ask never --wait --timeout 300')}; ` +
      `${child('gate --type needs_input --ask may-i --wait')}; ${child('complete partial --summary s')}`,
  );
  const gate = await until(
    'the question',
    async () => (await project.gates({ state: 'open' })).find(({ ask }) => ask === 'may-i') ?? null,
  );
  await project.details('conductor_resolve_gate', { gateId: gate.gateId, status: 'rejected', resolutionReason: 'no' });
  await project.taskIs(taskId, 'needs_review');
  expect(words().map(([code]) => code)).toEqual([1, 1, 0]);
});

test('the same key counts once: one report, one follow-up task, the same answer', async () => {
  project = await ProjectFixture.make();
  await project.start(LIMITS);
  const followUp = child('followup --title more --key f -- sh -c true');
  const done = child('complete succeeded --summary once --key c');
  const { taskId } = await project.details<{ taskId: string }>('conductor_create_task', {
    title: 'asks',
    run: `${followUp}; ${followUp}; ${child('progress p --key p')}; ${child('progress p --key p')}; ${done}; ${done}`,
    allowFollowUpTasks: true,
  });
  await project.details('conductor_start_task_run', { taskId });
  await project.taskIs(taskId, 'completed');
  expect(words()).toEqual(Array.from({ length: 6 }, () => [0, { applied: true }]));
  expect((await project.tasks()).map((task) => String(task['title'])).toSorted()).toEqual(['asks', 'more']);
  const journal = await project.journal((await project.runOf(taskId)).runId);
  for (const type of ['child.progress', 'child.complete']) {
    expect(journal.filter(({ event }) => event.type === type)).toHaveLength(1);
  }
});

test('a follow-up task that was not granted is refused with exit code 1, and none is made', async () => {
  const taskId = await begin(
    () => `${child('followup --title more -- true')}; ${child('complete succeeded --summary s')}`,
  );
  await project.taskIs(taskId, 'completed');
  expect(words()[0]).toEqual([1, { applied: false, reason: 'not_permitted' }]);
  expect(await project.tasks()).toHaveLength(1);
});

test('what is said after the completion is too late: told so with exit code 1, recorded, nothing changed', async () => {
  const taskId = await begin(
    () =>
      `${child('complete succeeded --summary first')}; ${child('progress late')}; ${child('complete failed --summary second')}`,
  );
  await project.taskIs(taskId, 'completed');
  expect(words()).toEqual([
    [0, { applied: true }],
    [1, { applied: false, reason: 'run_verifying' }],
    [1, { applied: false, reason: 'run_verifying' }],
  ]);
  const run = await project.runOf(taskId);
  expect([run.status, run['completion']]).toEqual(['succeeded', { status: 'succeeded', summary: 'first' }]);
  const rejected = (await project.journal(run.runId)).filter(({ kind }) => kind === 'rejected');
  expect(rejected.map(({ event }) => event.type)).toEqual(['child.progress', 'child.complete']);
});

test('outside of a run there is nobody to tell: exit code 4; a wrong command line: 2', async () => {
  project = await ProjectFixture.make();
  const env = { PATH: process.env['PATH'] };
  const say = (...args: readonly string[]): number | null =>
    spawnSync(process.execPath, [LAUNCHER, 'child', ...args], { env, encoding: 'utf8' }).status;
  expect([say('progress', 'x'), say('progress'), say('complete', 'well', '--summary', 's')]).toEqual([4, 2, 2]);
});
