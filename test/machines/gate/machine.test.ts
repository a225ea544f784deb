/**
 * Goal: G1 to G5 (head of the gate's machine.ts) hold in every history.
 * Method: random histories of the generated cases.
 */
import { expect, test } from 'vitest';
import { HIGH_RISK_GATE_TYPES, type GateContext } from '../../../src/machines/gate/model.ts';
import { gateCases } from '../cases/gate.ts';
import { allActions, always, endOf, tellsIn } from '../graph/random-walk.ts';

const told = (actions: Parameters<typeof tellsIn>[0], type: string) =>
  tellsIn(actions).filter(({ event }) => event.type === type);

test('G1: it is answered at most once, and used at most once', () => {
  always(gateCases, ({ steps }) => {
    const moved = steps.filter(({ before, after }) => before.value !== after.value);
    expect(moved.filter(({ before }) => before.value === 'open').length).toBeLessThanOrEqual(1);
    expect(moved.filter(({ after }) => after.value === 'used').length).toBeLessThanOrEqual(1);
  });
});

test('G2: no child decides, and what is of high risk is approved by a human only', () => {
  always(gateCases, ({ steps }) => {
    for (const { before, after, event } of steps) {
      if (before.value !== 'open' || after.value === 'open' || !('principal' in event)) continue;
      const { gateType, humanOnly, resolvedBy } = after.context as GateContext;
      expect(resolvedBy).not.toBe('child_run');
      if (after.value === 'approved' && (humanOnly || HIGH_RISK_GATE_TYPES.includes(gateType)))
        expect(resolvedBy).toBe('human');
    }
  });
});

test('G3: an approval is used for its operation, at its revision, in time', () => {
  always(gateCases, ({ steps }) => {
    for (const { after, before, event } of steps) {
      if (after.value !== 'used' || before.value === 'used') continue;
      const { operation, targetRevision, expiresAt } = after.context as GateContext;
      expect(event['operation']).toBe(operation);
      if (targetRevision !== null) expect(event['revision']).toBe(targetRevision);
      expect(event.at).toBeLessThan(expiresAt ?? Infinity);
    }
  });
});

test('G4: its objective hears once of the opening and once of the end', () => {
  always(gateCases, (walk) => {
    const { objectiveId } = walk.start.snapshot.context as GateContext;
    const actions = allActions(walk);
    expect(told(actions, 'gate.opened').length).toBe(objectiveId === null ? 0 : 1);
    const isOver = endOf(walk).value !== 'open';
    expect(told(actions, 'gate.closed').length).toBe(objectiveId !== null && isOver ? 1 : 0);
  });
});

test('G5: its subject hears every answer when it is given, and again when it asks', () => {
  always(gateCases, ({ steps }) => {
    for (const { before, after, event, actions, ignored } of steps) {
      const { subject, runId, taskId } = after.context as GateContext;
      const answers =
        (before.value === 'open' && after.value !== 'open') ||
        (before.value === 'approved' && event.type === 'gate.ask');
      const hasSubject = subject === 'run' || subject === 'task';
      const heard = told(actions, 'gate.resolved');
      expect(heard.length).toBe(answers && hasSubject && !ignored ? 1 : 0);
      for (const { to } of heard) expect(to).toBe(subject === 'run' ? runId : taskId);
    }
  });
});
