/**
 * Goal: a thing is called by what a person wrote of it, and an id never passes for a name.
 * Method: the items of a made-up project.
 */
import { expect, test } from 'vitest';
import { itemsOf } from '../../../visualizations/src/connection/feed-state.ts';
import { nameOf } from '../../../visualizations/src/connection/thing-names.ts';
import { fixtureItems } from '../fixture-project.ts';

const made = fixtureItems('plain', 1_700_000_000_000);
const items = itemsOf(made);
const [task] = made.tasks;
const run = made.runs.find(({ taskId }) => taskId === task!.taskId)!;

test('objectives and tasks by their titles, runs by their task, from the second attempt on with its number', () => {
  expect(nameOf(items, made.objectives[0]!.objectiveId)).toBe(made.objectives[0]!.title);
  expect(nameOf(items, task!.taskId)).toBe(task!.title);
  const of = (attempt: number) => nameOf({ ...items, runs: new Map([[run.runId, { ...run, attempt }]]) }, run.runId);
  expect([of(1), of(2)]).toEqual([task!.title, `${task!.title}, attempt 2`]);
});

test('gates by what they ask for, workers by name, else by branch', () => {
  const gate = made.gates.find(({ type }) => type === 'needs_review')!;
  expect(nameOf(items, gate.gateId)).toBe('A review');
  const worker = made.workers[0]!;
  const of = (given: Partial<typeof worker>) =>
    nameOf({ ...items, workers: new Map([[worker.workerId, { ...worker, ...given }]]) }, worker.workerId);
  expect([of({ name: 'builder' }), of({ name: null, branch: 'b/c' }), of({ name: null, branch: '' })]).toEqual([
    'builder',
    'b/c',
    null,
  ]);
});

test.each(['', 'run-', run.runId.replace(/.$/, 'z'), 'nonsense'])('nobody knows %j', (id) => {
  expect(nameOf(items, id)).toBeNull();
});
