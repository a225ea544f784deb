/**
 * Goal: O1 to O4 (head of the objective's machine.ts) hold in every history, and each roll-up is the promised one.
 * Method: random histories of the generated cases against a roll-up written down a second time, as prose has it.
 */
import { expect, test } from 'vitest';
import type { ObjectiveContext } from '../../../src/machines/objective/model.ts';
import { TASK_BUCKETS } from '../../../src/machines/task/model.ts';
import { objectiveCases } from '../cases/objective.ts';
import { later, sampleGate, sampleTask } from '../cases/samples.ts';
import { allActions, always, endOf, tellsIn } from '../graph/random-walk.ts';
import { createStepper, type Snapshot } from '../graph/stepper.ts';

const of = ({ context }: Snapshot): ObjectiveContext => context as ObjectiveContext;
const stepper = createStepper(objectiveCases.machine);

/** All completed; else something runs or can run, or is still being written; else a person is asked; else stuck. */
function expected({ counts, openGates }: ObjectiveContext): string {
  const present = TASK_BUCKETS.filter((bucket) => counts[bucket] > 0);
  if (present.join() === 'completed') return 'completed';
  if (present.some((bucket) => ['running', 'ready', 'delayed'].includes(bucket))) return 'active';
  if (present.every((bucket) => bucket === 'draft' || bucket === 'completed')) return 'active';
  if (present.includes('needs_review') || openGates > 0) return 'needs_review';
  return 'blocked';
}

test('O1: outside draft and canceled its state is what its counters say', () => {
  always(objectiveCases, ({ start, steps }) => {
    for (const snapshot of [start.snapshot, ...steps.map(({ after }) => after)])
      if (snapshot.value !== 'draft' && snapshot.value !== 'canceled')
        expect(snapshot.value).toBe(expected(of(snapshot)));
  });
});

test.each(TASK_BUCKETS)('O1: one task that is %s, with and without an open gate', (bucket) => {
  const { snapshot } = stepper.init(objectiveCases.inputs['live'] ?? {});
  const one = stepper.step(snapshot, { type: 'task.added', at: later(1), taskId: sampleTask(1), bucket }).snapshot;
  expect(one.value).toBe(expected(of(one)));
  const asked = stepper.step(one, { type: 'gate.opened', at: later(2), gateId: sampleGate(1) }).snapshot;
  expect(asked.value).toBe(expected(of(asked)));
});

test('O2: its counts are the tasks that were added, and never below zero', () => {
  always(objectiveCases, (walk) => {
    const added = walk.steps.filter(({ event, ignored }) => event.type === 'task.added' && !ignored).length;
    const { counts, openGates } = of(endOf(walk));
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(added);
    expect(Math.min(openGates, ...Object.values(counts))).toBeGreaterThanOrEqual(0);
  });
});

test('O3: a thousand tasks and gates need no more room than one', () => {
  let { snapshot } = stepper.init(objectiveCases.inputs['live'] ?? {});
  const before = JSON.stringify(snapshot.context).length;
  for (let n = 0; n < 1_000; n += 1) {
    const taskId = sampleTask(n);
    ({ snapshot } = stepper.step(snapshot, { type: 'task.added', at: later(n), taskId, bucket: 'ready' }));
    ({ snapshot } = stepper.step(snapshot, { type: 'gate.opened', at: later(n), gateId: sampleGate(n) }));
  }
  expect(JSON.stringify(snapshot.context).length - before).toBeLessThan(20);
});

test('O4: canceling tells every member once; what is completed is not canceled', () => {
  always(objectiveCases, (walk) => {
    const canceling = tellsIn(allActions(walk)).filter(({ event }) => event.type === 'task.cancel');
    expect(canceling.length).toBe(endOf(walk).value === 'canceled' ? 1 : 0);
    for (const { to } of canceling) expect(to).toEqual({ relation: 'member', of: of(endOf(walk)).objectiveId });
    for (const { before, event, ignored } of walk.steps)
      if (before.value === 'completed' && event.type === 'objective.cancel') expect(ignored).toBe(true);
  });
});
