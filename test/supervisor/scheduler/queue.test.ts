/**
 * Goal: J4 of scheduler.ts: who is started by name while no worker is free waits in one line, before the others and in the order of
 * asking, also after a restart; there is no second way to a worker.
 * Method: the real scheduler over the real kernel and machines; operations ask as a host does, runs are carried out by a test.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveRuns } from '../../../src/supervisor/runs/live-runs.ts';
import type { RunParts } from '../../../src/supervisor/runs/run-parts.ts';
import { startScheduler, type Scheduler } from '../../../src/supervisor/scheduler/scheduler.ts';
import { openProject, type Project } from '../../operations/operation-fixture.ts';
import { settle } from '../kernel/virtual-clock.ts';

/** Workers of tasks that belong to no objective, and their runs at one time. */
const LOOSE = 4;

let project: Project;
let scheduler: Scheduler;
let isOpen: boolean;
beforeEach(async () => {
  isOpen = true;
  project = await openProject();
  await open();
});
afterEach(async () => {
  await scheduler.stop();
  await project.close();
});

const open = async (): Promise<void> => {
  const { kernel, clock, context } = project;
  const { newId, workspaces } = context;
  const table = { memoryFreeBytes: () => 2 ** 40, rssBytes: () => null };
  const parts = { kernel: () => kernel, clock, table, workspaces, newId, live: new LiveRuns() } as unknown as RunParts;
  scheduler = await startScheduler(parts, { projectMax: 16, isOpen: () => isOpen });
  await rest();
};
const rest = async (): Promise<void> => {
  await settle();
  await scheduler.idle();
  await settle();
};
/** `conductor_start_task_run` with this scheduler. */
const start = async (taskId: string, workerId?: string) => {
  const started = await project.call(
    'conductor_start_task_run',
    { taskId, ...(workerId === undefined ? {} : { workerId }) },
    {
      scheduler: {
        queuePlace: (id) => scheduler.queuePlace(id),
        poke: () => scheduler.poke(),
        reasons: async () => new Map(),
      },
      chooseWorker: async (task, wanted) => {
        const placement = await scheduler.place(task, wanted);
        if (placement.kind === 'wait') return { waits: placement.reason };
        return { workerId: placement.workerId as never, newWorker: placement.newWorker };
      },
    },
  );
  await rest();
  await project.clock.advance(1);
  return started;
};
const newTask = async (more: object = {}): Promise<string> =>
  (await project.call('conductor_create_task', { title: 'Build', run: 'make', ...more })).taskId;
const stateOf = async (id: string): Promise<string> => (await project.actor(id)).facts.state;
const states = (ids: readonly string[]): Promise<readonly string[]> => Promise.all(ids.map(stateOf));
const runOf = async (taskId: string): Promise<string> => (await project.actor(taskId)).facts.runId!;
/** Ends the run of a task; its worker is free then. */
const end = async (taskId: string): Promise<void> => {
  await project.carryOut(await runOf(taskId));
  await rest();
};
/** As many tasks of no objective as have workers, running. */
const full = async (): Promise<readonly string[]> => {
  const tasks = await Promise.all(Array.from({ length: LOOSE }, () => newTask()));
  for (const taskId of tasks) expect(await start(taskId)).toMatchObject({ place: null });
  expect(await states(tasks)).toEqual(tasks.map(() => 'running'));
  return tasks;
};

test('who waits for a worker gets the first that is free, in the order of asking', async () => {
  const [one, two] = await full();
  const [first, second, third] = [await newTask(), await newTask(), await newTask()];
  expect(await start(second)).toMatchObject({ status: 'queued', place: 1 });
  expect(await start(first)).toMatchObject({ status: 'queued', place: 2 });
  expect(await start(third)).toMatchObject({ status: 'queued', place: 3 });
  expect(scheduler.reasonOf(first, null)).toBe('no slot is free: 4 runs in its objective');
  await end(one!);
  expect(await states([first, second, third])).toEqual(['ready', 'running', 'ready']);
  expect([scheduler.queuePlace(second), scheduler.queuePlace(first), scheduler.queuePlace(third)]).toEqual([
    null,
    1,
    2,
  ]);
  await project.call('conductor_cancel_task', { taskId: first });
  await rest();
  expect(scheduler.queuePlace(third)).toBe(1);
  await end(two!);
  expect(await states([first, third])).toEqual(['canceled', 'running']);
});

test('who comes while others wait does not pass them by, though a worker is free at that moment', async () => {
  const [one] = await full();
  const [first, late] = [await newTask(), await newTask()];
  await start(first);
  isOpen = false;
  await end(one!);
  expect(await scheduler.place(await project.actor(first), null)).toMatchObject({ kind: 'placed' });
  expect(await scheduler.place(await project.actor(late), null)).toEqual({
    kind: 'wait',
    reason: `${first} was asked for before it`,
  });
  isOpen = true;
  expect(await start(late)).toMatchObject({ status: 'queued', place: 2 });
  expect(await states([first, late])).toEqual(['running', 'ready']);
});

test('the line outlasts the supervisor', async () => {
  const [one] = await full();
  const [first, second] = [await newTask(), await newTask()];
  await start(first);
  await start(second);
  await scheduler.stop();
  await open();
  expect([scheduler.queuePlace(first), scheduler.queuePlace(second)]).toEqual([1, 2]);
  await end(one!);
  expect(await states([first, second])).toEqual(['running', 'ready']);
});

test('a task of an objective comes before its elders when it is asked for, and a draft’s starts without it', async () => {
  const tasks = ['a', 'b', 'c'].map((id) => ({ id, run: 'make' }));
  const plan = await project.call('conductor_run_plan', { plan: { objective: 'Goal', maxConcurrency: 1, tasks } });
  await rest();
  const [a, b, c] = ['a', 'b', 'c'].map((id) => plan.tasks[id]!);
  expect(await states([a!, b!, c!])).toEqual(['running', 'ready', 'ready']);
  expect(await start(c!)).toMatchObject({ status: 'queued', place: 1 });
  await end(a!);
  expect(await states([b!, c!])).toEqual(['ready', 'running']);

  const { objectiveId } = await project.call('conductor_create_objective', { title: 'Later', maxConcurrency: 1 });
  const [one, two, three] = [
    await newTask({ objectiveId }),
    await newTask({ objectiveId }),
    await newTask({ objectiveId }),
  ];
  expect(await start(one)).toMatchObject({ status: 'dispatch_pending' });
  expect(await start(two)).toMatchObject({ status: 'queued', place: 1 });
  await end(one);
  expect(await states([two, three])).toEqual(['running', 'ready']);
});

test('who waits for a worker of its own holds nobody up, and gets that one', async () => {
  const named = await newTask({ workerName: 'ada' });
  const next = await newTask({ workerName: 'ada' });
  await start(named);
  expect(await start(next)).toMatchObject({ status: 'queued', place: 1 });
  const worker = (await project.actor(named)).facts.workerId!;
  const other = await newTask();
  expect(await start(other)).toMatchObject({ status: 'dispatch_pending' });
  expect(await stateOf(other)).toBe('running');
  await end(named);
  expect((await project.actor(next)).facts).toMatchObject({ state: 'running', workerId: worker });
});
