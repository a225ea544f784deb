/**
 * Goal: W1 to W5 (head of the worker's machine.ts) hold in every history.
 * Method: random histories of the generated cases.
 */
import { expect, test } from 'vitest';
import type { WorkerContext } from '../../../src/machines/worker/model.ts';
import { workerCases } from '../cases/worker.ts';
import { nameOf } from '../graph/coverage-file.ts';
import { always, tellsIn } from '../graph/random-walk.ts';
import { createStepper, type Snapshot } from '../graph/stepper.ts';

const of = ({ context }: Snapshot): WorkerContext => context as WorkerContext;
const stepper = createStepper(workerCases.machine);

test('W1: at most one run has it, and nobody recovers it or cleans it up before that run is final', () => {
  always(workerCases, ({ steps }) => {
    for (const { before, after } of steps) {
      const state = nameOf(after.value);
      const isHad = of(after).reservedBy !== null;
      if (state === 'busy' || state === 'creating.reserved') expect(isHad).toBe(true);
      else if (state !== 'broken') expect(isHad).toBe(false);
      if (of(before).reservedBy !== null && isHad) expect(of(after).reservedBy).toBe(of(before).reservedBy);
    }
  });
});

test('W2: its run alone gives it back, and always can', () => {
  always(workerCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      const { reservedBy } = of(before);
      if (reservedBy === null) continue;
      if (of(after).reservedBy === null) expect(event['runId']).toBe(reservedBy);
      for (const type of ['worker.released', 'worker.broke']) {
        const word = { type, at: event.at, runId: reservedBy, holdFor: null, message: '' };
        expect(stepper.step(before, word).taken, `${nameOf(before.value)} ${type}`).not.toEqual([]);
      }
    }
  });
});

test('W3: while it is held no other task has it, and it is not cleaned up without a gate', () => {
  always(workerCases, ({ steps }) => {
    for (const { before, event, ignored } of steps) {
      const { heldFor } = of(before);
      if (heldFor === null || ignored) continue;
      if (event.type === 'worker.reserve') expect(event['taskId']).toBe(heldFor);
      if (event.type === 'worker.cleanup') expect(event['gateId']).not.toBeNull();
    }
  });
});

test('W4: a worktree is removed in cleaning only, under the gate that was named', () => {
  always(workerCases, ({ steps }) => {
    for (const { before, after, event, actions } of steps) {
      if (of(before).prepared && !of(after).prepared) expect(before.value).toBe('cleaning');
      if (after.value !== 'cleaning' || before.value === 'cleaning') continue;
      const uses = tellsIn(actions).filter((tell) => tell.event.type === 'gate.use');
      expect(uses.map(({ to, mode }) => [to, mode])).toEqual(
        event['gateId'] === null ? [] : [[event['gateId'], 'required']],
      );
    }
  });
});

test('W5: an effect that is given up leaves it broken, with a reason', () => {
  always(workerCases, ({ steps }) => {
    for (const { after, event, ignored } of steps)
      if (!ignored && (event.type === 'effect.failed' || event.type === 'worker.refused')) {
        expect(after.value).toBe('broken');
        expect(of(after).reason).not.toBeNull();
      }
  });
});
