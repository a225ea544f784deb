/**
 * Goal: the rules that make a machine storable and replayable hold for every chart, as it is and not as it is written.
 * Method: walk the state nodes and implementations of each machine object.
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { COMMAND_SCHEMAS, commandActions } from '../../src/machines/commands.ts';
import { EFFECT_RULES, EFFECT_SCHEMAS, effectActions } from '../../src/machines/effects.ts';
import { ACTOR_KINDS } from '../../src/machines/ids.ts';
import { FINAL_STATES, MACHINES, SETTLED_STATES } from '../../src/machines/registry.ts';
import { SUPERVISOR_EFFECT_SCHEMAS } from '../../src/machines/supervisor/model.ts';
import { graphOf } from '../../src/machines/transition-graph.ts';
import { subjects } from './cases/subjects.ts';

const maxIterations = 100;
/** XState's own names, and the words that would make a state look like one of its mechanisms. */
const reserved = /^(?:xstate|done|error|after|init|\*)(?:[.$]|$)/;

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)];
const transitionsOf = (machine: AnyStateMachine): AnyTransitionDefinition[] =>
  nodesOf(machine.root).flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]);
const actionsOf = (machine: AnyStateMachine) => [
  ...nodesOf(machine.root).flatMap(({ entry, exit }) => [...entry, ...exit]),
  ...transitionsOf(machine).flatMap(({ actions }) => [...actions]),
];
const nameOf = (named: unknown): string =>
  typeof named === 'string' ? named : ((named as { type?: string }).type ?? '(inline)');
type Implementations = {
  readonly actions: Readonly<Record<string, unknown>>;
  readonly guards: Readonly<Record<string, unknown>>;
};
const implementationsOf = (machine: AnyStateMachine) => machine.implementations as unknown as Implementations;
/** A recording is an `assign`: XState marks it by its type. */
const isRecording = (implementation: unknown): boolean =>
  (implementation as { type?: string } | undefined)?.type === 'xstate.assign';

describe.each(subjects)('$name', ({ machine, name, actionSchemas }) => {
  test('is named, versioned and bounded', () => {
    expect(machine.id).toBe(name);
    expect(machine.version).toMatch(/^\d+$/);
    expect((machine.config as { options?: { maxIterations?: number } }).options?.maxIterations).toBe(maxIterations);
  });

  test('invokes nothing, delays nothing, catches nothing by a wildcard', () => {
    for (const node of nodesOf(machine.root)) {
      expect(node.invoke, node.id).toEqual([]);
      expect(node.after, node.id).toEqual([]);
      expect(node.history, node.id).toBeFalsy();
      expect([...node.transitions.keys()].filter((event) => reserved.test(event) || event.includes('*'))).toEqual([]);
    }
    expect(machine.implementations.actors).toEqual({});
    expect(machine.implementations.delays).toEqual({});
  });

  test('names all its actions and guards, and each has an implementation', () => {
    const { actions, guards } = implementationsOf(machine);
    const missing = actionsOf(machine).filter((action) => typeof action === 'function' || !(nameOf(action) in actions));
    expect(missing.map(nameOf)).toEqual([]);
    const guarded = transitionsOf(machine).flatMap(({ guard }) => (guard === undefined ? [] : [guard]));
    expect(guarded.filter((guard) => typeof guard === 'function' || !(nameOf(guard) in guards))).toEqual([]);
  });

  test('implements nothing that its chart does not name, but the kernel’s words', () => {
    const { actions, guards } = implementationsOf(machine);
    const used = new Set(actionsOf(machine).map(nameOf));
    const known = { ...COMMAND_SCHEMAS, ...EFFECT_SCHEMAS, ...SUPERVISOR_EFFECT_SCHEMAS };
    expect(Object.keys(actions).filter((action) => !used.has(action) && !(action in known))).toEqual([]);
    const asked = new Set(transitionsOf(machine).map(({ guard }) => (guard === undefined ? '' : nameOf(guard))));
    expect(Object.keys(guards).filter((guard) => !asked.has(guard))).toEqual([]);
  });

  test('an action either records, and is called so, or is a known command or effect', () => {
    for (const [action, implementation] of Object.entries(implementationsOf(machine).actions))
      if (isRecording(implementation)) expect(action).toMatch(/^record[A-Z]/);
      else {
        expect(Object.keys(actionSchemas)).toContain(action);
        expect(typeof implementation, `${action} has an empty body`).toBe('function');
      }
  });

  test('events are noun.verb, states are words', () => {
    const { states, edges } = graphOf(machine);
    const events = new Set(edges.map(({ event }) => event).filter((event) => event !== 'always'));
    for (const event of events) expect(event).toMatch(/^[a-z]+\.[a-z][a-zA-Z]*$/);
    for (const { key } of states) expect(key).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
    expect(new Set(edges.map(({ id }) => id)).size).toBe(edges.length);
  });

  test('no state is a dead end but the final ones', () => {
    const { states, edges } = graphOf(machine);
    const leaving = (id: string): boolean =>
      edges.some(({ source }) => source === id) ||
      states.some((state) => state.id === id && state.parent !== null && leaving(state.parent));
    const stuck = states.filter(({ kind, id }) => kind === 'atomic' && !leaving(id));
    expect(stuck.map(({ id }) => id)).toEqual([]);
  });
});

test('final and settled states are states of their machines, and final means final', () => {
  for (const kind of ACTOR_KINDS) {
    const top = graphOf(MACHINES[kind].machine).states.filter(({ parent }) => parent === kind);
    const finals = top.filter((state) => state.kind === 'final').map(({ key }) => key);
    expect(FINAL_STATES[kind].toSorted(), kind).toEqual(finals.toSorted());
    expect(SETTLED_STATES[kind].filter((state) => !top.some(({ key }) => key === state))).toEqual([]);
    expect(SETTLED_STATES[kind]).toEqual(expect.arrayContaining([...FINAL_STATES[kind]]));
    expect(MACHINES[kind].version, kind).toBe(MACHINES[kind].machine.version);
  }
});

test('commands and effects: every body has a schema, every effect a rule', () => {
  expect(Object.keys(commandActions)).toEqual(Object.keys(COMMAND_SCHEMAS));
  expect(Object.keys(effectActions)).toEqual(Object.keys(EFFECT_SCHEMAS));
  expect(Object.keys(EFFECT_RULES)).toEqual(Object.keys(EFFECT_SCHEMAS));
  for (const [name, { triesMax, deadlineMs }] of Object.entries(EFFECT_RULES)) {
    expect(triesMax, name).toBeGreaterThan(0);
    expect(deadlineMs, name).toBeGreaterThan(0);
  }
});
