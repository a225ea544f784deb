/**
 * Goal: whatever a program does to stay, to hide or to flood, its run ends, and what of it can be found is gone.
 * Method: real programs in shell. Each test says whether the program is found without a cgroup; without one a process that clears its
 * environment, leaves group and session, and loses its parent before anybody looked is not. Graces are short here.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ProjectFixture, until } from './project-fixture.ts';
import type { Run } from './project-items.ts';

let project: ProjectFixture;
afterEach(() => project.close());

const LIMITS = { RUN_LIMITS: JSON.stringify({ leaveMs: 300, sweepMs: 10_000 }) };

/** Runs one program as a task until the task has settled or waits for a person. */
async function runProgram(
  script: (at: ProjectFixture) => string,
  more: object = {},
  environment: Readonly<Record<string, string>> = LIMITS,
): Promise<{ readonly taskId: string; readonly state: string; readonly run: Run }> {
  project = await ProjectFixture.make();
  await project.start(environment);
  const one = { id: 'one', run: script(project), completion: 'exit-code', ...more };
  const taskId = (await project.plan({ objective: 'Hostile', tasks: [one] })).tasks['one']!;
  const state = await until('the end', async () => {
    const task = await project.task(taskId);
    return ['completed', 'failed', 'needs_review', 'canceled', 'blocked'].includes(task.state) && task.state;
  });
  return { taskId, state, run: await project.runOf(taskId) };
}

/** A command that stays for ever, once it has left its pid in a file. */
function stays(at: ProjectFixture, name: string): string {
  writeFileSync(at.at('stay.sh'), '#!/bin/sh\necho $$ > "$1"\nexec sleep 1000\n', { mode: 0o755 });
  return `${at.at('stay.sh')} ${at.at(name)}`;
}
const pidIn = (name: string): number => Number(project.said(name)[0]);
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${String(pid)}/stat`) && !/\) Z /.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
const workerState = async (): Promise<string> => (await project.workers())[0]!.state;

test('ignores SIGTERM: found, killed after its grace; a completion that it made before counts', async () => {
  const { state, run } = await runProgram(
    (at) =>
      `trap '' TERM; echo $$ > ${at.at('pid')}; conductor child complete succeeded --summary s; while :; do sleep 0.1; done`,
    { completion: 'explicit' },
  );
  expect([state, run.status, await workerState()]).toEqual(['completed', 'succeeded', 'idle']);
  expect(isAlive(pidIn('pid'))).toBe(false);
});

test('forks a daemon (setsid): found by its cookie, ended; the run succeeds and the worker is free', async () => {
  const { run } = await runProgram((at) => `setsid ${stays(at, 'pid')} & ${at.waits('pid')}`);
  expect([run.status, await workerState()]).toEqual(['succeeded', 'idle']);
  expect(isAlive(pidIn('pid'))).toBe(false);
});

test('leaves a daemon that goes on writing: found by its cookie, ended before anything is committed', async () => {
  const { run } = await runProgram(
    () => `setsid sh -c 'while :; do echo x >> d.txt; sleep 0.01; done' & while [ ! -s d.txt ]; do sleep 0.05; done`,
    { verify: ['sleep 0.3; git diff --quiet HEAD'] },
  );
  expect(run.status).toBe('succeeded');
  expect(project.git('show', `${run.branch!}:d.txt`)).toBe(readFileSync(join(run.worktreePath!, 'd.txt'), 'utf8'));
});

test('double-forks a daemon: found by its cookie, ended; the run succeeds', async () => {
  const { run } = await runProgram((at) => `setsid sh -c '(${stays(at, 'pid')} &) &'; ${at.waits('pid')}`);
  expect([run.status, await workerState()]).toEqual(['succeeded', 'idle']);
  expect(isAlive(pidIn('pid'))).toBe(false);
});

test('clears its environment below a living agent: found as its descendant, ended with it', async () => {
  project = await ProjectFixture.make();
  await project.start(LIMITS);
  const run = `setsid env -i ${stays(project, 'pid')} & ${project.waits('never')}`;
  const { tasks } = await project.plan({ objective: 'Hostile', tasks: [{ id: 'one', run }] });
  const pid = await until('the program', () => (project.said('pid').length > 0 ? pidIn('pid') : null));
  await project.details('conductor_cancel_task', { taskId: tasks['one']! });
  await project.taskIs(tasks['one']!, 'canceled');
  expect((await project.runOf(tasks['one']!)).status).toBe('aborted');
  expect(isAlive(pid)).toBe(false);
});

test('clears its environment, ignores SIGTERM, and its runner is killed: found below the agent, killed before the next epoch', async () => {
  project = await ProjectFixture.make();
  await project.start(LIMITS);
  const deaf = `sh -c "trap '' TERM; ${project.tells('deaf', '$$')}; while :; do sleep 0.1; done"`;
  // The first execution alone starts it.
  const start = `[ -e ${project.at('deaf')} ] || setsid env -i ${deaf.replaceAll('$$', String.raw`\$\$`)} &`;
  const run = `${project.tells('executed')}; ${start} ${project.waits('go')}`;
  const { tasks } = await project.plan({
    objective: 'Hostile',
    tasks: [{ id: 'one', run, completion: 'exit-code', restart: { backoffMs: 0 } }],
  });
  const pid = await until('the program', () => (project.said('deaf').length > 0 ? pidIn('deaf') : null));
  process.kill(project.startRecord((await project.runOf(tasks['one']!)).runId).runner.pid, 'SIGKILL');
  await until('a second execution', () => project.said('executed').length === 2);
  expect(isAlive(pid)).toBe(false);
  project.say('go');
  await project.taskIs(tasks['one']!, 'completed');
});

test('clears its environment and is seen before its parent ends: remembered, found, ended', async () => {
  const { run } = await runProgram((at) => `setsid env -i ${stays(at, 'pid')} & sleep 7`);
  expect(run.status).toBe('succeeded');
  expect(isAlive(pidIn('pid'))).toBe(false);
});

test('clears its environment, leaves the session and loses its parent at once: NOT found without a cgroup; the run ends', async () => {
  const { run } = await runProgram((at) => `setsid env -i sh -c '(${stays(at, 'pid')} &)'; ${at.waits('pid')}`);
  expect(run.status).toBe('succeeded');
  const pid = pidIn('pid');
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
});

test('cannot be ended in time: the run is stale, its worker broken, its task needs a review and has a gate', async () => {
  const { state, run } = await runProgram(
    (at) => `setsid ${stays(at, 'pid')} & ${at.waits('pid')}; exit 1`,
    {},
    {
      RUN_LIMITS: JSON.stringify({ leaveMs: 0, sweepMs: 0 }),
    },
  );
  expect([state, run.status, run.end]).toEqual(['needs_review', 'stale', 'census_leftover']);
  expect(await workerState()).toBe('broken');
  expect((await project.gates({ state: 'open' })).map(({ type }) => type)).toEqual(['needs_review']);
  expect(isAlive(pidIn('pid'))).toBe(true);
  process.kill(pidIn('pid'), 'SIGKILL');
});

test('closes its pipes: works on unseen, and its end is its own', async () => {
  const { run } = await runProgram(() => 'exec >&- 2>&-; sleep 0.5; touch later.txt');
  expect(run.status).toBe('succeeded');
  expect(project.git('ls-tree', '--name-only', run.branch!)).toContain('later.txt');
});

test('prints 100 MB: the log keeps four files of 16 MiB and says how much is gone; the supervisor stays small', async () => {
  const { run } = await runProgram(() => 'yes 0123456789abcdef | head -c 100000000');
  expect(run.status).toBe('succeeded');
  const directory = join(project.paths.runs, run.runId);
  const logs = readdirSync(directory).filter((name) => name.startsWith('output.log'));
  expect(logs).toHaveLength(4);
  const bytes = logs.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  expect(bytes).toBeGreaterThan(3 * 16 * 1_048_576);
  expect(bytes).toBeLessThanOrEqual(4 * 16 * 1_048_576);
  expect(readFileSync(join(directory, 'output.log.3'), 'latin1').slice(0, 80)).toMatch(/\d/);
  const rssMiB =
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(project.pid)}/status`, 'utf8'))?.[1]) / 1_024;
  expect(rssMiB).toBeLessThan(300);
});

test('prints binary: every byte is in the log artifact', async () => {
  const { run } = await runProgram((at) => `head -c 1000000 /dev/urandom > ${at.at('bytes')}; cat ${at.at('bytes')}`);
  expect(run.status).toBe('succeeded');
  const log = (await project.artifacts(run.runId)).find(({ type }) => type === 'log');
  expect(log!.bytes).toBe(1_000_000);
  expect(readFileSync(join(project.paths.runs, run.runId, 'output.log'))).toEqual(readFileSync(project.at('bytes')));
});

test('never prints: ended by its idle limit, the run failed', async () => {
  const { state, run } = await runProgram((at) => at.waits('never'), { idleMs: 1_000 });
  expect([state, run.status, run.end, await workerState()]).toEqual(['failed', 'failed', 'idle_limit', 'idle']);
});
