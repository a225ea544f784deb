/**
 * Goal: charts and task graphs are what the machines and the plans say, by name and by id, then and now.
 * Method: a project in memory, asked through the operations.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { graphOf } from '../../src/machines/transition-graph.ts';
import { CHART_MACHINES, CHART_NAMES } from '../../src/operations/charts/chart-machines.ts';
import { chartLayout, endLayouts } from '../../src/operations/charts/layout-source.ts';
import { openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});
afterAll(endLayouts);

const coverageOf = async (coverage: string | null) => {
  project.world.coverage = coverage;
  return (await project.call('conductor_get_machine', { machine: 'gate' })).coverage;
};

describe('a machine', () => {
  test.each(CHART_NAMES)('%s by its name', async (machine) => {
    const { graph, layout, outline, coverage } = await project.call('conductor_get_machine', { machine });
    expect(graph).toEqual(graphOf(CHART_MACHINES[machine]));
    expect(layout).toEqual(await chartLayout(graphOf(CHART_MACHINES[machine])));
    expect(outline).toEqual(await chartLayout(graphOf(CHART_MACHINES[machine]), 'outline'));
    expect(coverage).toBeNull();
  });

  test('by an id; of an actor that is not there nothing', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    expect((await project.call('conductor_get_machine', { machine: taskId })).graph.machine).toBe('task');
    expect(await refusalOf(project.call('conductor_get_machine', { machine: `run-${'0'.repeat(20)}` }))).toContain(
      'not_found',
    );
    expect(await refusalOf(project.call('conductor_get_machine', { machine: 'runs' }))).toContain('invalid_params');
  });

  test('with what the tests exercised of this version; anything else is no coverage', async () => {
    const counted = {
      transitions: { 'gate.open gate.ask -> (internal)': 3 },
      ignored: { 'approved gate.approve': 2 },
      unreachable: { 'gate.open timer.expire -> gate.expired': 'a reason' },
    };
    expect(await coverageOf(JSON.stringify([{ machine: 'gate', version: '1', ...counted }]))).toEqual(counted);
    for (const wrong of [
      JSON.stringify([{ machine: 'gate', version: '0', ...counted }]),
      JSON.stringify([{ machine: 'gate', version: '1', transitions: { x: 'many' }, ignored: {}, unreachable: {} }]),
      '{"machine": "gate"}',
      '[',
      null,
    ]) {
      expect(await coverageOf(wrong)).toBeNull();
    }
  });
});

describe('a picture', () => {
  test.each(CHART_NAMES)('%s is what lies in the repository', async (machine) => {
    for (const [format, ending] of [
      ['svg', 'svg'],
      ['mermaid', 'mmd'],
      ['json', 'json'],
    ] as const) {
      const { text } = await project.call('conductor_draw_machine', { machine, format });
      expect(text).toBe(readFileSync(`visualizations/machines/${machine}.${ending}`, 'utf8'));
    }
  });

  test('of an actor: its states are lit, as they are and as they were', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const seq = await project.store.lastSeq();
    const runId = await project.start(taskId);
    const draw = (machine: string, more: object = {}) =>
      project.call('conductor_draw_machine', { machine, format: 'svg', ...more });
    expect((await draw(runId)).active).toEqual(['run', 'run.running']);
    expect((await draw(taskId)).text).toContain('Active: running.');
    expect((await draw(taskId, { seq })).text).toContain('Active: ready.');
    expect((await draw('run', { active: ['run.queued'] })).text).toContain('Active: queued.');
    expect(await refusalOf(draw('run', { active: ['task.ready'] }))).toBe(
      'invalid_params: the machine run has no state task.ready',
    );
  });
});

describe('the tasks of an objective', () => {
  test('with an arrow from each to those that wait for it', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const { nodes, edges } = await project.call('conductor_layout_tasks', { objectiveId });
    expect(nodes.map(({ taskId }) => taskId).toSorted()).toEqual(Object.values(tasks).toSorted());
    expect(edges.map(({ from, to }) => [from, to])).toEqual([[tasks['build'], tasks['test']]]);
    const empty = await project.call('conductor_create_objective', { title: 'empty' });
    expect((await project.call('conductor_layout_tasks', { objectiveId: empty.objectiveId })).nodes).toEqual([]);
    expect(
      await refusalOf(project.call('conductor_layout_tasks', { objectiveId: `objective-${'0'.repeat(20)}` })),
    ).toContain('not_found');
  });
});
