/**
 * Goal: T1 to T7 (head of the task's machine.ts) hold in every history.
 * Method: random histories of the generated cases.
 */
import { expect, test } from 'vitest';
import { RUN_ENDS, type EndReason } from '../../../src/machines/run/ends.ts';
import type { TaskContext } from '../../../src/machines/task/model.ts';
import { taskCases } from '../cases/task.ts';
import { allActions, always, endOf, tellsIn } from '../graph/random-walk.ts';
import type { NamedAction, Snapshot } from '../graph/stepper.ts';

const of = ({ context }: Snapshot): TaskContext => context as TaskContext;
const toDependents = (actions: readonly NamedAction[]): string[] =>
  tellsIn(actions)
    .filter(({ to }) => typeof to === 'object')
    .map(({ event }) => event.type);

test('T1: it has an active run exactly while it is running', () => {
  always(taskCases, ({ steps }) => {
    for (const { after } of steps) expect(of(after).activeRunId !== null).toBe(after.value === 'running');
  });
});

test('T2: it starts with nothing left to wait for, and not before its time', () => {
  always(taskCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      if (before.value === 'running' || after.value !== 'running') continue;
      const { waitingOn, failedDependencies, notBefore } = of(before);
      expect([event.type, waitingOn, failedDependencies]).toEqual(['task.start', 0, 0]);
      expect(event.at).toBeGreaterThanOrEqual(notBefore ?? 0);
    }
  });
});

test('T3: completed is never left; failed and canceled only by a retry', () => {
  always(taskCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      if (before.value === after.value) continue;
      expect(before.value).not.toBe('completed');
      if (before.value === 'failed' || before.value === 'canceled') expect(event.type).toBe('task.retry');
    }
  });
});

test('T4: an interruption costs no attempt, a retry by hand gives all of them back', () => {
  always(taskCases, ({ steps }) => {
    for (const { before, after, event, ignored } of steps) {
      if (ignored) continue;
      const [was, is] = [of(before).attempts, of(after).attempts];
      if (event.type === 'task.retry') expect(is).toBe(0);
      else if (event.type === 'task.start') expect(is).toBe(was + 1);
      else if (
        event.type === 'task.runEnded' &&
        after.value === 'ready' &&
        RUN_ENDS[event['end'] as EndReason].task === 'interrupt'
      )
        expect(is).toBe(was - 1);
      else expect(is).toBe(was);
      expect(is).toBeLessThanOrEqual(of(after).retry.maxAttempts);
    }
  });
});

const isBad = (value: unknown): boolean => value === 'failed' || value === 'canceled';

test('T5: dependents hear of each completion, failure and recovery once', () => {
  always(taskCases, ({ steps }) => {
    for (const { before, after, actions } of steps) {
      const expected: string[] = [];
      if (isBad(before.value) && !isBad(after.value)) expected.push('dependency.recovered');
      if (!isBad(before.value) && isBad(after.value)) expected.push('dependency.failed');
      if (before.value !== 'completed' && after.value === 'completed') expected.push('dependency.completed');
      expect(toDependents(actions)).toEqual(expected);
    }
  });
});

test('T6: its objective hears of every change of bucket, from the one that it was told last', () => {
  always(taskCases, (walk) => {
    const changes = tellsIn(allActions(walk)).filter(({ event }) => event.type === 'objective.taskChanged');
    const last = changes.reduce(
      (bucket, { event }) => {
        expect(event['from']).toBe(bucket);
        return String(event['to']);
      },
      of(walk.start.snapshot).bucket as string,
    );
    if (of(endOf(walk)).objectiveId === null) expect(changes).toEqual([]);
    else expect(last).toBe(of(endOf(walk)).bucket);
  });
});

test('T7: it waits to be started by name only while it may start and has not; asked again it keeps its place', () => {
  always(taskCases, ({ steps }) => {
    for (const { before, after, event, ignored } of steps) {
      const { queuedAt, waitingOn, failedDependencies } = of(after);
      if (queuedAt !== null) expect(['ready', 'assigned']).toContain(after.value);
      if (queuedAt !== null) expect([waitingOn, failedDependencies]).toEqual([0, 0]);
      if (event.type === 'task.queue' && !ignored) expect(queuedAt).toBe(of(before).queuedAt ?? event.at);
      else if (queuedAt !== null) expect(queuedAt).toBe(of(before).queuedAt);
    }
  });
});
