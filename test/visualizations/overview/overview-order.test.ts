/**
 * Goal: what needs a person comes first, and a chart is laid out anew only when its tasks or arrows changed.
 * Method: a made-up project, changed in one place at a time.
 */
import { expect, test } from 'vitest';
import { itemsOf } from '../../../visualizations/src/connection/feed-state.ts';
import {
  layoutKey,
  liveRuns,
  matches,
  orderedObjectives,
  recentTrouble,
  shownState,
  waitingTasks,
} from '../../../visualizations/src/views/overview/overview-order.ts';
import { fixtureItems } from '../fixture-project.ts';

const now = 1_700_000_000_000;
const made = fixtureItems('plain', now);
const items = itemsOf(made);

test('objectives stand in the order in which they need somebody', () => {
  expect(orderedObjectives(items).map(({ state }) => state)).toEqual(['needs_review', 'active', 'completed']);
});

test('runs keep their places while they report', () => {
  const before = liveRuns(items).map(({ runId }) => runId);
  const reported = itemsOf({ ...made, runs: made.runs.map((run) => ({ ...run, revision: 9, updatedAt: now + 1 })) });
  expect(liveRuns(reported).map(({ runId }) => runId)).toEqual(before);
  expect(before.length).toBeGreaterThan(1);
});

test('a failure of a task that was completed later is no trouble any more', () => {
  const [worst] = recentTrouble(items, 8);
  expect(worst).toBeDefined();
  const mended = {
    ...made,
    tasks: made.tasks.map((task) => (task.taskId === worst!.taskId ? { ...task, state: 'completed' } : task)),
  };
  expect(recentTrouble(itemsOf(mended), 8).map(({ runId }) => runId)).not.toContain(worst!.runId);
});

test('the key of a layout changes with tasks and arrows, and with nothing else', () => {
  const key = layoutKey('objective-1', made.tasks);
  expect(
    layoutKey(
      'objective-1',
      made.tasks.map((task) => ({ ...task, state: 'failed', revision: 7 })),
    ),
  ).toBe(key);
  expect(layoutKey('objective-1', made.tasks.slice(1))).not.toBe(key);
  const [first, ...rest] = made.tasks;
  expect(layoutKey('objective-1', [{ ...first!, dependsOn: [rest[0]!.taskId] }, ...rest])).not.toBe(key);
});

test('a search finds all of its words anywhere in title, state, plan and id', () => {
  const task = made.tasks.find(({ state }) => state === 'needs_review')!;
  expect(matches(task, 'needs REVIEW')).toBe(true);
  expect(matches(task, `${task.planId!} ${task.title.slice(0, 4)}`)).toBe(true);
  expect(matches(task, 'needs nothing')).toBe(false);
});

test('a task that runs waits for a person while a gate of it or of its run is open', () => {
  const [task] = made.tasks.filter(({ state }) => state === 'running');
  const [gate] = made.gates.filter(({ state }) => state === 'open');
  const askedBy = (given: Partial<NonNullable<typeof gate>>) =>
    waitingTasks(itemsOf({ ...made, gates: [{ ...gate!, ...given }] })).get(task!.taskId) ?? null;
  const { gateId } = gate!;
  expect(askedBy({ taskId: task!.taskId, runId: null })).toBe(gateId);
  expect(askedBy({ taskId: null, runId: task!.runId })).toBe(gateId);
  expect(askedBy({ taskId: task!.taskId, state: 'approved' })).toBeNull();
  expect(shownState(task!, gateId)).toBe('waits_for_you');
  expect(shownState(task!, null)).toBe('running');
  expect(shownState({ ...task!, state: 'completed' }, gateId)).toBe('completed');
  expect(matches(task!, 'waits for you', 'waits_for_you')).toBe(true);
});
