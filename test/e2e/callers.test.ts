/**
 * Goal: whoever asks, from wherever and however many at once, there is one supervisor and each intent counts once.
 * Method: many clients over the real socket; supervisors started by `ensureSupervisor` from the built programs.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ensureSupervisor } from '../../src/hosts/rpc/daemon-start.ts';
import { connectSupervisor, type SupervisorClient } from '../../src/hosts/rpc/rpc-client.ts';
import { ProjectFixture, until } from './project-fixture.ts';

const PROGRAMS = new URL('../../dist/programs', import.meta.url).pathname;
const CALLERS = 20;

let project: ProjectFixture;
const clients: SupervisorClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close().catch(() => undefined)));
  await project.close();
});

async function callers(): Promise<readonly SupervisorClient[]> {
  const connecting = Array.from({ length: CALLERS }, () => connectSupervisor({ projectHome: project.paths.root }));
  clients.push(...(await Promise.all(connecting)));
  return clients;
}

/** A supervisor as a client starts it. */
async function ensure(repo: string, home = project.home): Promise<{ readonly pid: number; readonly started: boolean }> {
  const { client, started } = await ensureSupervisor({ repo, home, stay: true, programs: PROGRAMS, inPlace: true });
  clients.push(client);
  return { pid: client.facts.identity.pid, started };
}

const plan = (index: number): object => ({
  objective: `Caller ${String(index)}`,
  tasks: [{ id: 'one', run: project.tells('executed', String(index)), completion: 'exit-code' }],
});

test('20 callers at once, each with a plan of its own: 20 objectives, each executed once', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const made = await Promise.all(
    (await callers()).map((client, index) => client.call('conductor_run_plan', { plan: plan(index) })),
  );
  const ids = made.map(({ details }) => (details as { objectiveId: string }).objectiveId);
  expect(new Set(ids).size).toBe(CALLERS);
  await until('all completed', async () => {
    const tasks = await project.tasks();
    return tasks.length === CALLERS && tasks.every(({ state }) => state === 'completed');
  });
  expect(
    project
      .said('executed')
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual(ids.map((_, index) => index));
});

test('20 callers start the same task at once: one run, 19 refusals that say its state', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { taskId } = await project.details<{ taskId: string }>('conductor_create_task', {
    title: 'one',
    run: `${project.tells('executed')}; ${project.waits('go')}`,
    completion: 'exit-code',
  });
  const starts = await Promise.allSettled(
    (await callers()).map((client) => client.call('conductor_start_task_run', { taskId })),
  );
  const refused = starts
    .filter((start) => start.status === 'rejected')
    .map(({ reason }) => (reason as Error & { code: string }).code);
  expect(refused).toEqual(Array.from({ length: CALLERS - 1 }, () => 'invalid_state'));
  project.say('go');
  await project.taskIs(taskId, 'completed');
  expect(project.said('executed')).toEqual(['executed']);
  expect(await project.runs()).toHaveLength(1);
});

test('more starts by name than there are workers: the rest wait in line, also through a crash', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const make = async (name: string): Promise<string> => {
    const run = `${project.tells('executed', name)}; ${project.waits('go')}`;
    const made = await project.details<{ taskId: string }>('conductor_create_task', {
      title: name,
      run,
      completion: 'exit-code',
    });
    return made.taskId;
  };
  const tasks = [await make('1'), await make('2'), await make('3'), await make('4'), await make('5'), await make('6')];
  const started: { status: string; place: number | null }[] = [];
  for (const taskId of tasks) started.push(await project.details('conductor_start_task_run', { taskId }));
  expect(started.map(({ place }) => place)).toEqual([null, null, null, null, 1, 2]);
  expect(started.at(-1)).toMatchObject({ status: 'queued', runId: null });
  await until('four of them', () => project.said('executed').length === 4);
  await project.kill();
  await project.start();
  project.say('go');
  for (const taskId of tasks) await project.taskIs(taskId, 'completed');
  expect(project.said('executed').toSorted()).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(await project.runs()).toHaveLength(6);
});

test('one intent asked 20 times under one request id, and again after a crash: one effect, one answer', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const ask = (client: SupervisorClient): Promise<unknown> =>
    client.call('conductor_run_plan', { plan: plan(0) }, { requestId: 'one-intent' }).then(({ details }) => details);
  const answers = await Promise.all((await callers()).map(ask));
  await project.kill();
  await project.start();
  answers.push(await ask(project.client));
  expect(answers).toEqual(Array.from({ length: CALLERS + 1 }, () => answers[0]));
  expect(await project.tasks()).toHaveLength(1);
  const other = project.client.call('conductor_run_plan', { plan: plan(1) }, { requestId: 'one-intent' });
  await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict' });
  await project.taskIs((await project.tasks())[0]!.taskId, 'completed');
  expect(project.said('executed')).toEqual(['0']);
});

test('two starts at once, a subdirectory, a symlink and a linked worktree: one project, one supervisor', async () => {
  project = await ProjectFixture.make();
  const [first, second] = await Promise.all([ensure(project.repo), ensure(project.repo)]);
  expect(first.pid).toBe(second.pid);
  expect([first.started, second.started].filter(Boolean)).toHaveLength(1);
  mkdirSync(join(project.repo, 'deep/er'), { recursive: true });
  symlinkSync(project.repo, project.at('link'));
  project.git('worktree', 'add', '-q', '--detach', project.at('linked'));
  for (const path of [
    join(project.repo, 'deep/er'),
    project.at('link'),
    project.at('link/deep'),
    project.at('linked'),
  ]) {
    expect([path, await ensure(path)]).toEqual([path, { pid: first.pid, started: false }]);
  }
  await clients[0]!.stop('now');
});

test('a second home for the same repository is refused and told which home owns it; the owner goes on', async () => {
  project = await ProjectFixture.make();
  const owner = await ensure(project.repo);
  const other = project.at('other-home');
  const refusal = await ensure(project.repo, other).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'owned_elsewhere' });
  expect((refusal as Error).message).toContain(project.home);
  expect((await ensure(project.repo)).pid).toBe(owner.pid);
  await clients[0]!.stop('now');
});

test('a home with a path of 200 bytes works, children and all', async () => {
  project = await ProjectFixture.make({
    home: (directory) => {
      const room = 200 - directory.length - 1;
      const half = Math.floor(room / 2);
      return join(directory, 'h'.repeat(half), 'h'.repeat(room - half - 1));
    },
  });
  expect(Buffer.byteLength(project.home)).toBe(200);
  await project.start();
  const run = `conductor child progress "from far below" && conductor child complete succeeded --summary s`;
  const { tasks } = await project.plan({ objective: 'Long', tasks: [{ id: 'one', run }] });
  await project.taskIs(tasks['one']!, 'completed');
  expect((await project.task(tasks['one']!))['progress']).toBe('from far below');
});
