/**
 * Goal: every state that a machine can be in has a look of its own.
 * Method: take the states from the machines themselves.
 */
import { expect, test } from 'vitest';
import { MACHINES } from '../../../src/machines/registry.ts';
import { KNOWN_STATES } from '../../../visualizations/src/design/state-looks.ts';

test.each(Object.entries(MACHINES))('every state of the %s machine has a look', (_name, { machine }) => {
  const states = Object.keys(machine.root.states);
  expect(states.length).toBeGreaterThan(1);
  expect(states.filter((state) => !KNOWN_STATES.includes(state))).toEqual([]);
});
