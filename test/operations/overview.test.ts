/**
 * Goal: the overview shows the project as it is, bounded and counted, and at a past moment exactly what was shown at that moment.
 * Method: a project in memory whose overview is kept after every commit; later each of those moments is asked for again.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Overview } from '../../src/operations/read-models/overview.ts';
import { openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const overview = (params: object = {}): Promise<Overview> => project.call('conductor_get_overview', params);
const ids = (items: readonly object[]): string[] => items.map((item) => Object.values(item)[0] as string).toSorted();

const plan = (count: number) => ({
  objective: 'many',
  tasks: Array.from({ length: count }, (_, n) => ({ id: `t${String(n)}`, run: 'x' })),
});

/** Without what only a moment of its own has: the number of the last commit, the order of the shelf. */
const picture = ({ items }: Overview) =>
  Object.fromEntries(
    Object.entries(items).map(([kind, list]) => [
      kind,
      (list as readonly Record<string, unknown>[])
        .map((item) => {
          return Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'revision' && key !== 'updatedAt'));
        })
        .toSorted((a, b) => (String(Object.values(a)[0]) < String(Object.values(b)[0]) ? -1 : 1)),
    ]),
  );

describe('now', () => {
  test('an empty project has nothing, and no time', async () => {
    expect(await overview()).toEqual({
      seq: 0,
      at: null,
      lastSeq: 0,
      counts: { tasks: {}, runs: {}, gates: {}, workers: {}, objectives: {} },
      items: { objectives: [], tasks: [], runs: [], gates: [], workers: [] },
      omitted: { objectives: 0, tasks: 0 },
    });
  });

  test('a plan with its dependencies, the run of each task, its worker, and what waits', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const first = await overview();
    expect(first.items.tasks.find(({ planId }) => planId === 'test')).toMatchObject({
      taskId: tasks['test'],
      state: 'ready',
      reason: 'waiting for 1 task',
      dependsOn: [tasks['build']],
      runId: null,
    });
    const runId = await project.runTo(tasks['build']!, 'partial');
    const shown = await overview();
    const task = shown.items.tasks.find(({ planId }) => planId === 'build')!;
    expect(task).toMatchObject({ state: 'needs_review', runId, attempts: 1 });
    expect(shown.items.gates).toEqual([expect.objectContaining({ gateId: task.gateId, state: 'open', runId })]);
    expect(shown.items.runs).toEqual([
      expect.objectContaining({ runId, status: 'partial', settled: true, runtimeMode: 'headless' }),
    ]);
    expect(shown.items.workers).toEqual([expect.objectContaining({ objectiveId, state: 'idle', runId })]);
    expect(shown.items.objectives).toEqual([expect.objectContaining({ objectiveId, openGates: 1 })]);
    expect(shown.counts).toMatchObject({ tasks: { needs_review: 1, ready: 1 } });
    expect(shown.seq).toBe(await project.store.lastSeq());
  });

  test('tasks without an objective, with what they run', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const runId = await project.start(taskId);
    const { items } = await overview();
    expect(ids(items.tasks)).toEqual([taskId]);
    expect(items.runs).toEqual([expect.objectContaining({ runId, status: 'running', settled: false })]);
    expect(items.workers).toHaveLength(1);
  });

  test('L1: what has no room is counted; what runs or failed is shown all the same', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: plan(30) });
    await project.call('conductor_run_plan', { plan: plan(8) });
    const failed = await project.runTo(tasks['t3']!, 'failed');
    const running = await project.start(tasks['t5']!);
    const shown = await overview({ limit: 10 });
    expect(ids(shown.items.runs)).toEqual([failed, running].toSorted());
    expect(ids(shown.items.tasks)).toEqual(expect.arrayContaining([tasks['t3'], tasks['t5']]));
    expect(shown.items.tasks.length + shown.omitted.tasks).toBe(38);
    expect(shown.items.tasks.length).toBeLessThanOrEqual(12);
  });

  test('live objectives come before newer ones that are over', async () => {
    const live = (await project.call('conductor_run_plan', { plan: PLAN })).objectiveId;
    for (let count = 0; count < 60; count += 1) {
      const { objectiveId } = await project.call('conductor_create_objective', { title: `o${String(count)}` });
      await project.call('conductor_cancel_objective', { objectiveId });
    }
    const shown = await overview();
    expect(shown.items.objectives).toHaveLength(50);
    expect(shown.items.objectives[0]!.objectiveId).toBe(live);
    expect(shown.omitted.objectives).toBe(11);
    const past = await overview({ seq: shown.seq - 1 });
    // A moment before, the last of them was not canceled yet.
    expect(past.items.objectives[1]!.objectiveId).toBe(live);
    expect(past.omitted.objectives).toBe(11);
  });

  test('one objective alone; one that never was', async () => {
    const one = (await project.call('conductor_run_plan', { plan: PLAN })).objectiveId;
    await project.call('conductor_run_plan', { plan: PLAN });
    const { items, omitted } = await overview({ objectiveId: one });
    expect(ids(items.objectives)).toEqual([one]);
    expect(items.tasks.every(({ objectiveId }) => objectiveId === one)).toBe(true);
    expect(omitted).toEqual({ objectives: 0, tasks: 0 });
    const unknown = `objective-${'0'.repeat(20)}`;
    expect(await refusalOf(overview({ objectiveId: unknown }))).toContain('not_found');
    expect(await refusalOf(overview({ objectiveId: unknown, seq: 1 }))).toContain('not_found');
  });
});

describe('entries by id', () => {
  test('as the overview shows them; what is not there is left out', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    await project.runTo(tasks['build']!, 'partial');
    const { items } = await overview();
    const all = Object.values(items).flatMap((list) => ids(list));
    expect(
      picture({ items: await project.call('conductor_get_overview_items', { ids: all }) } as unknown as Overview),
    ).toEqual(picture({ items } as unknown as Overview));
    const none = await project.call('conductor_get_overview_items', { ids: [`task-${'0'.repeat(20)}`] });
    expect(Object.values(none).flat()).toEqual([]);
  });

  test('revision grows with every commit that changed the entry', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const revision = async () =>
      (await project.call('conductor_get_overview_items', { ids: [taskId] })).tasks[0]!.revision;
    const before = await revision();
    await project.call('conductor_cancel_task', { taskId });
    expect(await revision()).toBeGreaterThan(before);
  });
});

describe('the past', () => {
  test('M1: each moment shows what was shown then, whatever has happened since', async () => {
    const moments: Overview[] = [await overview()];
    const keep = async (): Promise<void> => void moments.push(await overview());
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    await keep();
    const loose = (await project.call('conductor_create_task', { title: 'loose', run: 'x' })).taskId;
    await keep();
    await project.start(loose);
    await keep();
    await project.runTo(tasks['build']!, 'red');
    await keep();
    const { gateId } = await project.call('conductor_create_gate', {
      type: 'approval_required',
      requestedDecision: 'may I?',
      resourceRefs: { objectiveId },
    });
    await keep();
    await project.call('conductor_resolve_gate', { gateId, status: 'rejected', resolutionReason: 'no' });
    await keep();
    await project.call('conductor_accept_task', { taskId: tasks['build'], reason: 'fine' });
    await keep();
    await project.runTo(tasks['test']!, 'failed');
    await keep();
    await project.call('conductor_retry_task', { taskId: tasks['test'] });
    await keep();
    await project.call('conductor_cancel_objective', { objectiveId });
    await keep();
    await project.call('conductor_create_task', { title: 'later', run: 'x' });
    for (const then of moments) {
      const past = await overview({ seq: then.seq });
      expect({ seq: past.seq, at: past.at }).toEqual({ seq: then.seq, at: then.at });
      expect(past.counts).toBeNull();
      expect(past.lastSeq).toBeGreaterThan(then.seq);
      expect(picture(past), `after ${String(then.seq)}`).toEqual(picture(then));
      const part = await overview({ seq: then.seq, objectiveId });
      expect(ids(part.items.tasks)).toEqual(ids(then.items.tasks.filter(({ objectiveId: of }) => of === objectiveId)));
    }
  });

  test('between two commits of one moment and the next nothing is torn: every number has a picture', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    await project.runTo(tasks['build']!, 'succeeded');
    const lastSeq = await project.store.lastSeq();
    for (let seq = 0; seq < lastSeq; seq += 1) {
      const { items } = await overview({ seq });
      for (const { taskId } of items.runs) expect(ids(items.tasks)).toContain(taskId);
    }
  });

  test('a moment that has not come is now', async () => {
    await project.call('conductor_run_plan', { plan: PLAN });
    const now = await overview();
    expect(await overview({ seq: now.seq + 1_000 })).toEqual(now);
  });
});
