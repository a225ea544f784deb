/**
 * Goal: a plan becomes exactly its objective, tasks and dependencies, in one commit, and runs to its end.
 * Method: the operation against the real kernel; what is stored is read back.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import { decodeSpec, type TaskSpec } from '../../src/supervisor/specs/task-spec.ts';
import { BRANCH_TIP, HEAD, openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const specOf = async (taskId: string): Promise<TaskSpec> => {
  const hash = (await project.actor(taskId)).snapshot.context['spec'] as string;
  return decodeSpec((await project.store.getBlob(hash))!);
};

describe('conductor_run_plan', () => {
  test('makes everything in one commit, the objective active from the first word', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const entries = await project.store.listJournal({ limit: 1_000 });
    expect(new Set(entries.map(({ commit }) => commit)).size).toBe(1);
    expect(entries.filter(({ actor }) => actor === objectiveId).map(({ to }) => to)).not.toContain('blocked');
    expect((await project.actor(objectiveId)).facts.state).toBe('active');
    expect(await project.call('conductor_get_objective', { objectiveId })).toMatchObject({
      objective: { tasks: { ready: 1, waiting: 1 }, maxConcurrency: 4, baseCommit: HEAD },
    });
    expect(Object.keys(tasks)).toEqual(['test', 'build']);
    const { items } = await project.call('conductor_list_tasks', { objectiveId });
    expect(items.map(({ planId, state, reason }) => [planId, state, reason])).toEqual([
      ['build', 'ready', 'will be started next'],
      ['test', 'ready', 'waiting for build'],
    ]);
    expect(project.world.pokes).toBe(1);
  });

  test('runs to its end: a completed task lets its dependents go', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId: tasks['test']! }))).toContain(
      'waits for 1 tasks',
    );
    await project.runTo(tasks['build']!, 'succeeded');
    await project.runTo(tasks['test']!, 'succeeded');
    expect((await project.actor(objectiveId)).facts.state).toBe('completed');
  });

  test('task over plan over configuration; bases are pinned', async () => {
    project.world.userFile = 'timeoutMs: 5000\nverify: [make check]\nenv: [KEY]\nmaxConcurrency: 2\n';
    project.world.uncommittedFiles = 3;
    const plan = {
      ...PLAN,
      setup: ['npm ci'],
      defaults: { base: 'main', env: { A: '1' } },
      tasks: [
        { id: 'one', run: 'x', idleMs: 0 },
        { id: 'two', run: 'y', verify: [], base: 'HEAD' },
      ],
    };
    const done = await project.call(
      'conductor_run_plan',
      { plan },
      { clientEnv: { KEY: 'secret', OTHER: 'not granted' } },
    );
    expect(done.uncommittedFiles).toBe(3);
    expect(await specOf(done.tasks['one']!)).toMatchObject({
      base: BRANCH_TIP,
      setup: ['npm ci'],
      verify: ['make check'],
      timeoutMs: 5_000,
      idleMs: 0,
      env: { A: '1' },
      envNames: ['KEY'],
    });
    expect(await specOf(done.tasks['two']!)).toMatchObject({ base: HEAD, verify: [] });
    expect((await project.actor(done.objectiveId)).snapshot.context['maxConcurrency']).toBe(2);
    expect(project.world.granted).toEqual([{ taskIds: Object.values(done.tasks), values: { KEY: 'secret' } }]);
    const journal = JSON.stringify(await project.store.listJournal({ limit: 1_000 }));
    expect(journal).not.toContain('secret');
    expect(journal).not.toContain('make check');
  });

  test('what an untrusted repository asks for is named and does not run', async () => {
    project.world.repositoryFile = 'verify: [make evil]\n';
    const untrusted = await project.call('conductor_run_plan', { plan: PLAN });
    expect(untrusted.notInForce).toMatchObject([{ key: 'verify' }]);
    expect((await specOf(untrusted.tasks['test']!)).verify).toEqual([]);
    await project.call('conductor_trust_configuration', { hash: sha256(project.world.repositoryFile) });
    const trusted = await project.call('conductor_run_plan', { plan: PLAN });
    expect((await specOf(trusted.tasks['test']!)).verify).toEqual(['make evil']);
    expect(trusted.notInForce).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      'a fault in the text',
      { text: 'objective: x\ntasks: [{id: a}]', file: 'p.yaml' },
      'invalid_params: p.yaml:2:9: tasks[0] needs run',
    ],
    [
      'a fault in the value',
      { plan: { objective: 'x', tasks: [{ id: 'a', run: 'x', dependsOn: ['a'] }] } },
      'invalid_params: plan: tasks[0].dependsOn[0] names the task itself',
    ],
    [
      'an agent that is not there',
      { plan: { objective: 'x', tasks: [{ id: 'a', prompt: 'think' }] } },
      'agent_unavailable: «a» needs the agent pi',
    ],
    [
      'a base that git does not know',
      { plan: { objective: 'x', tasks: [{ id: 'a', run: 'x', base: 'gone' }] } },
      'invalid_params: tasks[0].base names gone',
    ],
    ['neither plan nor text', {}, 'invalid_params: conductor_run_plan: give either plan or text'],
    ['both', { plan: PLAN, text: 'x' }, 'invalid_params: conductor_run_plan: give either plan or text'],
    [
      'too much of it',
      {
        plan: {
          objective: 'x',
          setup: Array.from({ length: 16 }, () => 'x'.repeat(32_000)),
          tasks: Array.from({ length: 100 }, (_, index) => ({ id: `t${String(index)}`, run: 'x' })),
        },
      },
      'too_large: the tasks of this plan have',
    ],
  ])('F1: %s creates nothing', async (_, params, message) => {
    const before = await project.state();
    expect(await refusalOf(project.call('conductor_run_plan', params))).toContain(message);
    expect(await project.state()).toEqual(before);
  });

  test('the largest plan is one commit', async () => {
    const tasks = Array.from({ length: 1_000 }, (_, index) => ({
      id: `t${String(index)}`,
      run: 'x',
      dependsOn: index < 500 ? [] : Array.from({ length: 5 }, (_unused, on) => `t${String((index + on * 7) % 500)}`),
    }));
    const { objectiveId } = await project.call('conductor_run_plan', { plan: { objective: 'x', tasks } });
    expect((await project.actor(objectiveId)).snapshot.context['counts']).toMatchObject({ ready: 500, waiting: 500 });
  });

  test('the same plan twice makes two objectives; the same request makes one', async () => {
    const first = await project.call('conductor_run_plan', { plan: PLAN }, { requestId: 'r1' });
    const again = await project.call('conductor_run_plan', { plan: PLAN }, { requestId: 'r1' });
    const other = await project.call('conductor_run_plan', { plan: PLAN }, { requestId: 'r2' });
    expect(again).toEqual(first);
    expect(other.objectiveId).not.toBe(first.objectiveId);
    expect(
      await refusalOf(project.call('conductor_run_plan', { plan: { ...PLAN, objective: 'x' } }, { requestId: 'r1' })),
    ).toContain('idempotency_conflict');
  });

  test('canceling the objective cancels what is not completed, once', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const runId = await project.start(tasks['build']!);
    expect(await project.call('conductor_cancel_objective', { objectiveId, reason: 'enough' })).toMatchObject({
      changed: true,
    });
    await project.kernel.idle();
    expect((await project.actor(tasks['test']!)).facts.state).toBe('canceled');
    expect((await project.actor(runId)).facts.state).toBe('completing');
    expect(await project.call('conductor_cancel_objective', { objectiveId })).toMatchObject({
      changed: false,
      state: 'canceled',
    });
  });
});
