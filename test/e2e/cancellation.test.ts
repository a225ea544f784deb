/**
 * Goal: a cancel is taken at every stage, whoever it names, and ends with nothing left.
 * Method: one row per stage; three objectives of one task each are held there by the world (an effect that waits, an agent that
 * waits), then one is canceled by its run, one by its task, one by itself.
 */
import { afterEach, expect, test } from 'vitest';
import type { EffectName } from '../../src/machines/effects.ts';
import { ProjectFixture, until } from './project-fixture.ts';
import type { Run } from './project-items.ts';

let project: ProjectFixture;
afterEach(() => project.close());

type Stage = {
  /** The run's status there. */
  readonly status: string;
  /** An effect that waits; null: the agent does. */
  readonly held: EffectName | null;
  readonly run: string;
  readonly verify?: readonly string[];
  /** What becomes of run and task; default aborted and canceled. */
  readonly ends?: readonly [run: string, task: string];
};

const STAGES: Readonly<Record<string, Stage>> = {
  queued: { status: 'queued', held: 'prepareWorkspace', run: 'true' },
  starting: { status: 'starting', held: 'startRunner', run: 'true' },
  running: { status: 'running', held: null, run: 'while :; do sleep 0.1; done' },
  waiting_input: {
    status: 'waiting_input',
    held: null,
    run: 'conductor child gate --type needs_input --ask which --wait',
  },
  'verifying: sealing': { status: 'verifying', held: 'sealWork', run: 'true' },
  'verifying: checking': { status: 'verifying', held: null, run: 'true', verify: ['while :; do sleep 0.1; done'] },
  // What it came to is decided: a success stays one, whoever cancels now.
  completing: { status: 'completing', held: 'finishRun', run: 'true', ends: ['succeeded', 'completed'] },
};

const BY = ['run', 'task', 'objective'] as const;

async function cancel(by: (typeof BY)[number], id: string): Promise<unknown> {
  const operation = {
    run: 'conductor_cancel_task_run',
    task: 'conductor_cancel_task',
    objective: 'conductor_cancel_objective',
  };
  return (await project.details(operation[by], { [`${by}Id`]: id }))['changed'];
}

test.each(Object.keys(STAGES))('canceled while %s, by run, task and objective', async (name) => {
  const { status, held, run, verify = [], ends = ['aborted', 'canceled'] } = STAGES[name]!;
  project = await ProjectFixture.make();
  await project.start({
    RUN_LIMITS: JSON.stringify({ leaveMs: 300, sweepMs: 10_000 }),
    ...(held === null ? {} : { HOLD_AT: `before:${held}`, HOLD_UNTIL: project.at('released') }),
  });
  const ids: { run: string; task: string; objective: string }[] = [];
  for (const by of BY) {
    const plan = { objective: `By ${by}`, tasks: [{ id: 'one', run, completion: 'exit-code', verify }] };
    const { objectiveId, tasks } = await project.plan(plan);
    ids.push({ objective: objectiveId, task: tasks['one']!, run: '' });
  }
  for (const id of ids) {
    id.run = await until(status, async () => {
      const one = await project.runOf(id.task);
      return one?.status === status && one.runId;
    });
  }
  const changed = await Promise.all(BY.map((by, index) => cancel(by, ids[index]![by])));
  // The end of a run that is already decided is not changed any more.
  expect(changed).toEqual([name !== 'completing', true, true]);
  project.say('released');
  for (const id of ids) await project.taskIs(id.task, ends[1]);
  const runs = await project.runs();
  expect(runs.map((one) => one['status'])).toEqual(BY.map(() => ends[0]));
  expect(project.processes()).toEqual([]);
  expect(await Promise.all(BY.map((by, index) => cancel(by, ids[index]![by])))).toEqual([false, false, false]);
});

test('canceled while dispatch_pending, by run, task and objective: nothing was ever started', async () => {
  project = await ProjectFixture.make();
  await project.start({ PROJECT_MAX: '1', RUN_LIMITS: JSON.stringify({ leaveMs: 300, sweepMs: 10_000 }) });
  const busy = await project.plan({ objective: 'Busy', tasks: [{ id: 'one', run: project.waits('never') }] });
  await project.taskIs(busy.tasks['one']!, 'running');
  for (const by of BY) {
    const plan = { objective: `By ${by}`, tasks: [{ id: 'one', run: project.tells('executed') }] };
    const { objectiveId, tasks } = await project.plan(plan);
    const task = tasks['one']!;
    const started = await project.details<Run>('conductor_start_task_run', { taskId: task });
    expect(started.status).toBe('dispatch_pending');
    const ids = { run: started.runId, task, objective: objectiveId };
    expect(await cancel(by, ids[by])).toBe(true);
    await project.taskIs(task, 'canceled');
    expect((await project.runOf(task)).status).toBe('aborted');
    expect(await cancel(by, ids[by])).toBe(false);
  }
  await cancel('objective', busy.objectiveId);
  await project.taskIs(busy.tasks['one']!, 'canceled');
  expect(project.said('executed')).toEqual([]);
});
