/**
 * Goal: a supervisor that dies loses nothing and repeats nothing.
 * Method: real processes; every task appends a line to a file outside of its worktree each time it is executed.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openProcessTable } from '../../src/supervisor/processes/open-process-table.ts';
import { ProjectFixture, until } from './project-fixture.ts';

const table = openProcessTable();
let project: ProjectFixture;
afterEach(() => project.close());

const linesOf = (path: string): readonly string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

/** Whether this process was started as a runner that has no run yet. */
const isWarm = (pid: number): boolean => {
  const identity = table.identify(pid);
  return identity !== null && table.cookieOf(identity)?.includes('/warm-') === true;
};

/** A task that says that it was executed, waits until it may end, and ends well. */
const waiting = (id: string, directory: string): object => ({
  id,
  run: `echo ${id} >> ${join(directory, 'executed')}; while [ ! -e ${join(directory, 'go')} ]; do sleep 0.1; done; echo ${id} > ${id}.txt`,
  completion: 'exit-code',
});

test('20 live runs survive a kill -9 of the supervisor: all adopted, none executed again, all complete', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const ids = Array.from({ length: 20 }, (_, index) => `t${String(index)}`);
  await project.plan({
    objective: 'Twenty',
    maxConcurrency: 20,
    tasks: ids.map((id) => waiting(id, project.directory)),
  });
  await until('20 agents', () => linesOf(join(project.directory, 'executed')).length === 20);
  await project.kill();
  expect(project.processes().length).toBeGreaterThanOrEqual(20);
  await project.start();
  await until('20 adopted', async () => {
    const runs = await project.runs();
    return runs.filter((run) => (run['live'] as { connected: boolean } | null)?.connected === true).length === 20;
  });
  appendFileSync(join(project.directory, 'go'), '');
  await until(
    '20 completed',
    async () => (await project.tasks()).filter((task) => task.state === 'completed').length === 20,
  );
  expect(linesOf(join(project.directory, 'executed')).toSorted()).toEqual(ids.toSorted());
  const runs = await project.runs();
  expect(runs.map((run) => [run['status'], run['epoch']])).toEqual(ids.map(() => ['succeeded', 1]));
});

test('work that ends while the supervisor is away is counted, not run again', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { tasks } = await project.plan({ objective: 'Away', tasks: [waiting('one', project.directory)] });
  await until('the agent', () => linesOf(join(project.directory, 'executed')).length === 1);
  await project.kill();
  appendFileSync(join(project.directory, 'go'), '');
  const runner = await until('the agent to end', () => {
    const alive = project.processes();
    return alive.length === 1 ? alive[0]! : null;
  });
  process.kill(runner.pid, 'SIGKILL');
  await until('the runner to end', () => project.processes().length === 0);
  await project.start();
  await until('completed', async () => (await project.task(tasks['one']!)).state === 'completed');
  expect(linesOf(join(project.directory, 'executed'))).toEqual(['one']);
  expect(project.git('show', 'conductor/away/one:one.txt')).toBe('one\n');
});

test('a warm runner that is stopped between setup and agent while the supervisor dies is not taken for lost', async () => {
  project = await ProjectFixture.make();
  await project.start();
  // The process that starts programs comes up with the first work, and runners are kept ready after it.
  await project.plan({ objective: 'First', tasks: [{ id: 'a', run: 'true', completion: 'exit-code' }] });
  await until('two are kept ready', () => project.waiting().length === 2);
  const { tasks } = await project.plan({
    objective: 'Setup',
    setup: [`echo set up >> ${project.at('executed')}; ${project.waits('setup')}`],
    tasks: [{ id: 'one', run: `echo ran >> ${project.at('executed')}`, completion: 'exit-code' }],
  });
  const run = await until('its setup', async () => {
    const one = (await project.runs()).find(({ taskId }) => taskId === tasks['one']);
    return linesOf(project.at('executed')).length === 1 ? one! : null;
  });
  const runner = project.runnerRecord(run.runId);
  expect(isWarm(runner.pid)).toBe(true);
  process.kill(runner.pid, 'SIGSTOP');
  try {
    // Its setup ends, and nothing else of the run is alive but a process that has not even the run's cookie.
    project.say('setup');
    await until('the setup to end', () => project.processes().every(({ pid }) => pid === runner.pid));
    await project.kill();
    await project.start();
    const startedAt = Date.now();
    await until('every chance to call it lost', () => Date.now() - startedAt > 7_000);
    expect((await project.runOf(tasks['one']!)).epoch).toBe(1);
  } finally {
    process.kill(runner.pid, 'SIGCONT');
  }
  await until('completed', async () => (await project.task(tasks['one']!)).state === 'completed');
  expect((await project.runOf(tasks['one']!)).epoch).toBe(1);
  expect(linesOf(project.at('executed'))).toEqual(['set up', 'ran']);
});

test('a runner that is killed gives a new epoch; its agent does not live beside the next one', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { tasks } = await project.plan({ objective: 'Lost', tasks: [waiting('one', project.directory)] });
  await until('the agent', () => linesOf(join(project.directory, 'executed')).length === 1);
  const [run] = await project.runs();
  const first = project.startRecord(run!.runId);
  process.kill(first.runner.pid, 'SIGKILL');
  await until('a second execution', () => linesOf(join(project.directory, 'executed')).length === 2);
  expect(project.processes().some(({ pid }) => pid === first.agent.pid)).toBe(false);
  appendFileSync(join(project.directory, 'go'), '');
  await until('completed', async () => (await project.task(tasks['one']!)).state === 'completed');
  const [after] = await project.runs();
  expect([after!['status'], after!['epoch']]).toEqual(['succeeded', 2]);
});
