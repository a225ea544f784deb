/**
 * Goal: R1 to R7 (head of the run's machine.ts) hold in every history.
 * Method: random histories of the generated cases.
 */
import { expect, test } from 'vitest';
import { kindOfId } from '../../../src/machines/ids.ts';
import { RUN_ENDS } from '../../../src/machines/run/ends.ts';
import type { RunContext } from '../../../src/machines/run/model.ts';
import { runCases } from '../cases/run.ts';
import { nameOf } from '../graph/coverage-file.ts';
import { allActions, always, endOf, tellsIn, type Told } from '../graph/random-walk.ts';
import type { Snapshot } from '../graph/stepper.ts';

const of = ({ context }: Snapshot): RunContext => context as RunContext;

test('R1: one instance is granted per epoch, and never changed', () => {
  always(runCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      const [was, is] = [of(before), of(after)];
      if (was.epoch !== is.epoch) expect(is.instance).toBeNull();
      else if (was.instance !== null) expect(is.instance).toBe(was.instance);
      else if (is.instance !== null) expect([event.type, event['instance']]).toEqual(['runner.ready', is.instance]);
    }
  });
});

test('R2: another epoch and a repeated report change nothing', () => {
  always(runCases, ({ steps }) => {
    for (const { before, event, ignored } of steps) {
      const { epoch, spoolSeq } = of(before);
      if ('epoch' in event && event['epoch'] !== epoch) expect(ignored, event.type).toBe(true);
      if ('seq' in event && Number(event['seq']) <= spoolSeq) expect(ignored, event.type).toBe(true);
    }
  });
});

test('R3: every end passes through completing, and is the one that was decided', () => {
  always(runCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      if (before.status !== 'active' || after.status === 'active') continue;
      expect(before.value).toBe('completing');
      expect(['runner.ended', 'effect.failed']).toContain(event.type);
      const { end } = of(after);
      expect(end === null ? null : RUN_ENDS[end].run).toBe(after.value);
      if (event.type === 'runner.ended' && event['leftover'] === 0) expect(end).toBe(of(before).end);
    }
  });
});

test('R4: once a completion is known the agent is not run again', () => {
  always(runCases, ({ steps }) => {
    for (const { before, after } of steps)
      if (of(before).completion !== null || of(before).resume === 'verify')
        expect(['running', 'waiting_input']).not.toContain(after.value);
  });
});

test('R5: a new epoch begins only after a sweep that found nothing', () => {
  always(runCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      if (of(before).epoch === of(after).epoch && nameOf(after.value) !== 'starting.backing_off') continue;
      if (nameOf(before.value) === 'starting.backing_off') continue;
      expect([nameOf(before.value), event.type, event['leftover']]).toEqual(['starting.fencing', 'epoch.swept', 0]);
    }
  });
});

test('R6: restarts within the period stay within the intensity', () => {
  always(runCases, ({ steps }) => {
    for (const { after } of steps) {
      const { restarts, restart } = of(after);
      const newest = restarts.at(-1) ?? 0;
      expect(restarts.filter((at) => newest - at < restart.periodMs).length).toBeLessThanOrEqual(restart.intensity);
    }
  });
});

const isEnd = ({ event }: Told): boolean => ['task.runEnded', 'worker.released', 'worker.broke'].includes(event.type);
/** Who is told of the end, the task first. */
const hearers = (tells: readonly Told[]): string[] =>
  tells
    .filter(isEnd)
    .map(({ to }) => kindOfId(String(to)) ?? '')
    .toSorted((a, b) => a.localeCompare(b));

test('R7: task and worker hear of the end once, in the step that makes the run final', () => {
  always(runCases, (walk) => {
    const isFinal = endOf(walk).status !== 'active';
    expect(hearers(tellsIn(allActions(walk)))).toEqual(isFinal ? ['task', 'worker'] : []);
    for (const { before, after, actions } of walk.steps)
      if (before.status === 'active' && after.status !== 'active')
        expect(hearers(tellsIn(actions))).toEqual(['task', 'worker']);
  });
});
