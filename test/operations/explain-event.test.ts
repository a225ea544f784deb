/**
 * Goal: what is said of an event is what XState would do with it, for every machine, state, and event that the generated tests know;
 * and it is said in words.
 * Method: every edge of the explored graphs is asked about with all fields and with none; a project is asked through the operations.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { graphOf } from '../../src/machines/transition-graph.ts';
import { branchVerdicts, enabledTransitions, OPEN_VERDICTS } from '../../src/operations/read-models/branch-verdicts.ts';
import { subjects } from '../machines/cases/subjects.ts';
import { explore } from '../machines/graph/explore.ts';
import { openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

describe.each(subjects)('$name', (subject) => {
  const { nodes, reached } = explore(subject);
  const eventOf = new Map(graphOf(subject.machine).edges.map(({ id, event }) => [id, event]));

  test('B1: with all fields, `taken` is exactly what XState takes', () => {
    const seen = new Set<string>();
    for (const { snapshot, edges } of nodes.values()) {
      for (const { event, outcome, case: name } of edges) {
        const taken = branchVerdicts(snapshot as unknown as AnyMachineSnapshot, event)
          .filter(({ verdict }) => verdict === 'taken')
          .map(({ transition }) => transition);
        const expected = outcome.taken.filter((id) => eventOf.get(id) !== 'always');
        expect(taken, `${name} in ${JSON.stringify(snapshot.value)}`).toEqual(expected);
        taken.forEach((id) => seen.add(id));
      }
    }
    // Every transition of an event that can be reached at all was said to be taken at least once.
    expect([...seen].toSorted()).toEqual([...reached].filter((id) => eventOf.get(id) !== 'always').toSorted());
  });

  test('B2: without fields nothing is denied that some event may do, and nothing promised that one may not', () => {
    for (const { snapshot, edges } of nodes.values()) {
      for (const { event, ignored, outcome, case: name } of edges) {
        const where = `${name} in ${JSON.stringify(snapshot.value)}`;
        const known = { type: event.type, at: event.at };
        const branches = branchVerdicts(snapshot as unknown as AnyMachineSnapshot, known);
        const open = branches.filter(({ verdict }) => OPEN_VERDICTS.includes(verdict)).map((one) => one.transition);
        const taken = outcome.taken.filter((id) => eventOf.get(id) !== 'always');
        expect(open, where).toEqual(expect.arrayContaining([...taken]));
        const isSure = branches.some(({ verdict }) => verdict === 'taken' || verdict === 'otherwise');
        if (isSure) expect(ignored, where).toBe(false);
        for (const id of taken) {
          expect(enabledTransitions(snapshot as unknown as AnyMachineSnapshot, { at: event.at }), where).toContain(id);
        }
      }
    }
  });
});

describe('in words', () => {
  let project: Project;
  beforeEach(async () => {
    project = await openProject();
  });
  afterEach(async () => {
    await project.close();
  });
  const explain = (id: string, event: string, more: object = {}) =>
    project.call('conductor_explain_event', { id, event, ...more });

  test('a state that does not take it, and those that would', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const runId = await project.runTo(taskId, 'succeeded');
    const { enabled, text, branches, states } = await explain(runId, 'run.cancel');
    expect(enabled).toBe(false);
    expect(states).toEqual(['run.succeeded']);
    expect(text).toMatch(
      /^run\.cancel is not enabled: the run is in succeeded, which is final; it is taken in dispatch_pending, queued,/,
    );
    expect(new Set(branches.map(({ verdict }) => verdict))).toEqual(new Set(['ended']));
  });

  test('a guard that does not hold, one that depends on fields, and one that does with them', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const runId = await project.start(taskId);
    expect(await explain(runId, 'runner.ended')).toMatchObject({ enabled: false });
    const progress = { seq: 1, text: 'x' };
    expect(await explain(runId, 'child.progress')).toMatchObject({
      enabled: null,
      text: expect.stringMatching(/^child\.progress may be enabled: it depends on its fields: guard /),
    });
    expect(await explain(runId, 'child.progress', { payload: { epoch: 1, ...progress } })).toMatchObject({
      enabled: true,
      text: 'child.progress is enabled: it stays in running',
    });
    expect(await explain(runId, 'child.progress', { payload: { epoch: 7, ...progress } })).toMatchObject({
      enabled: false,
      text: expect.stringMatching(
        /^child\.progress is not enabled: the run is in running, where guard \w+ does not hold$/,
      ),
    });
    expect((await explain(runId, 'child.progress', { payload: { epoch: 'x', ...progress } })).text).toContain(
      'As given it would be refused',
    );
  });

  test('an event that the machine never takes, with the nearest; an id that is not there', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    expect(await refusalOf(explain(taskId, 'task.cancle'))).toBe(
      'invalid_params: a task knows no event task.cancle: did you mean task.cancel?',
    );
    expect(await refusalOf(explain(taskId, 'always'))).toContain('invalid_params');
    expect(await refusalOf(explain(`task-${'0'.repeat(20)}`, 'task.cancel'))).toContain('not_found');
  });

  test('of a moment that is over, and nothing changes', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const seq = await project.store.lastSeq();
    await project.call('conductor_cancel_task', { taskId: tasks['build'] });
    const before = await project.state();
    expect((await explain(tasks['build']!, 'task.cancel', { seq })).enabled).toBe(true);
    expect((await explain(tasks['build']!, 'task.cancel')).enabled).toBe(false);
    expect(await project.state()).toEqual(before);
  });
});

describe('a snapshot', () => {
  let project: Project;
  beforeEach(async () => {
    project = await openProject();
  });
  afterEach(async () => {
    await project.close();
  });
  const snapshotOf = (id: string, seq?: number) =>
    project.call('conductor_get_snapshot', seq === undefined ? { id } : { id, seq });

  test('after each of its entries: what it was, what it had done, what it remembered before', async () => {
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const runId = await project.runTo(taskId, 'succeeded');
    for (const id of [taskId, runId]) {
      const { items } = await project.call('conductor_list_events', id === taskId ? { taskId } : { runId });
      let previous: object | null = null;
      for (const entry of items.filter(({ actor }) => actor === id)) {
        const moment = await snapshotOf(id, entry.seq);
        expect(moment).toMatchObject({ id, seq: entry.seq, last: entry, previous });
        expect(moment.snapshot).toEqual(await project.store.snapshotAt(id, entry.seq));
        expect(moment.active[0]).toBe(moment.kind);
        expect(moment.active).toContain(`${moment.kind}.${entry.to!}`);
        previous = moment.snapshot.context;
      }
    }
    expect((await snapshotOf(runId)).enabled).toEqual([]);
    expect((await snapshotOf(taskId)).snapshot).toEqual((await project.actor(taskId)).snapshot);
  });

  test('what may be taken is what can be explained', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const runId = await project.start(tasks['build']!);
    for (const id of [runId, tasks['build']!, tasks['test']!]) {
      const { enabled } = await snapshotOf(id);
      expect(enabled.length).toBeGreaterThan(0);
      for (const transition of enabled) {
        const event = /^\S+ ([^\s[]+)/.exec(transition)![1]!;
        const { branches } = await project.call('conductor_explain_event', { id, event });
        expect(OPEN_VERDICTS).toContain(branches.find((one) => one.transition === transition)!.verdict);
      }
    }
  });

  test('before it was there it is not found, and when it begins is said', async () => {
    await project.call('conductor_create_task', { title: 'first', run: 'x' });
    const seq = await project.store.lastSeq();
    const { taskId } = await project.call('conductor_create_task', { title: 'x', run: 'x' });
    expect(await refusalOf(snapshotOf(taskId, seq))).toContain(`it begins with entry ${String(seq + 1)}`);
    expect(await refusalOf(snapshotOf(`gate-${'0'.repeat(20)}`))).toContain('not_found');
  });
});
