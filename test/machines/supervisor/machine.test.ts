/**
 * Goal: S1 to S7 (head of the supervisor's machine.ts), and OTP's matrix of exits and restarts.
 * Method: tables where OTP has tables; random histories of the generated cases for the rest.
 */
import { describe, expect, test } from 'vitest';
import {
  RESTARTS,
  STRATEGIES,
  problemsOfSpec,
  type SupervisorContext,
  type SupervisorSpec,
} from '../../../src/machines/supervisor/model.ts';
import { supervisorCases } from '../cases/supervisor.ts';
import { later } from '../cases/samples.ts';
import { allActions, always, endOf } from '../graph/random-walk.ts';
import { createStepper, type MachineEvent, type NamedAction, type Snapshot } from '../graph/stepper.ts';

const of = ({ context }: Snapshot): SupervisorContext => context as SupervisorContext;
const stepper = createStepper(supervisorCases.machine);
const spec = supervisorCases.inputs['one_for_one'] as SupervisorSpec;
const three = (change: Partial<SupervisorSpec>): SupervisorSpec => ({
  ...spec,
  children: ['a', 'b', 'c'].map((id) => ({ id, restart: 'permanent', shutdownMs: 100 })),
  ...change,
});

/** A tiny world: children start and stop at once unless told otherwise, timers are kept until they are fired by hand. */
function world(input: SupervisorSpec) {
  let { snapshot } = stepper.init(input);
  const log: string[] = [];
  const stubborn = new Set<string>();
  const genOf = (id: string): number => of(snapshot).children.find((child) => child.id === id)?.gen ?? 0;
  const react = ({ type, params }: NamedAction, at: number): void => {
    const { id, gen, hard, dueAt, key, reason } = params as Record<string, unknown>;
    if (type === 'startChild') {
      log.push(`start ${String(id)}`);
      send({ type: 'child.started', at, id, gen });
    } else if (type === 'stopChild') {
      log.push(`${hard === true ? 'kill' : 'stop'} ${String(id)}`);
      if (hard === true || !stubborn.has(String(id)))
        send({ type: 'child.exited', at, id, gen, normal: true, reason: 'told to', rand: 0 });
    } else if (type === 'escalate') log.push(`escalate ${String(reason)}`);
    else if (type === 'setTimer' && dueAt !== null && String(key).startsWith('restart'))
      log.push(`in ${String(Number(dueAt) - at)} ms`);
  };
  const send = (event: MachineEvent): void => {
    const outcome = stepper.step(snapshot, event);
    ({ snapshot } = outcome);
    for (const action of outcome.actions) react(action, event.at);
  };
  const crash = (id: string, at = later(0), normal = false): void =>
    send({ type: 'child.exited', at, id, gen: genOf(id), normal, reason: 'crashed', rand: 0.5 });
  return {
    log,
    stubborn,
    send,
    crash,
    restart: (id: string, at = later(0)): void => send({ type: 'timer.restart', at, id, gen: genOf(id) }),
    kill: (id: string): void => send({ type: 'timer.kill', at: later(9), id, gen: genOf(id) }),
    start: (): void => send({ type: 'supervisor.start', at: later(0) }),
    stop: (): void => send({ type: 'supervisor.stop', at: later(0), reason: 'asked to' }),
    state: () => snapshot.value,
    up: () =>
      of(snapshot)
        .children.filter(({ state }) => state === 'up')
        .map(({ id }) => id)
        .join(''),
  };
}

describe('S1: nothing starts under a bad spec', () => {
  const child = { id: 'a', restart: 'permanent', shutdownMs: 1 } as const;
  const bad: Record<string, Partial<SupervisorSpec>> = {
    'two of one name': { children: [child, child] },
    'no name': { children: [{ ...child, id: '' }] },
    'negative patience': { children: [{ ...child, shutdownMs: -1 }] },
    'patience for ever': { children: [{ ...child, shutdownMs: Infinity }] },
    'an unknown restart': { children: [{ ...child, restart: 'sometimes' as never }] },
    'an unknown strategy': { strategy: 'one_for_none' as never },
    'negative intensity': { intensity: -1 },
    'half an intensity': { intensity: 0.5 },
    'no period': { periodMs: 0 },
    'a backoff that shrinks': { backoff: { minMs: 10, maxMs: 5, resetAfterMs: 0 } },
    'no time': { backoff: { minMs: 1, maxMs: 5, resetAfterMs: NaN } },
    'too many': { children: Array.from({ length: 65 }, (_, n) => ({ ...child, id: String(n) })) },
  };
  test.each(Object.entries(bad))('%s', (_, change) => {
    expect(problemsOfSpec({ ...spec, ...change })).toHaveLength(1);
    expect(() => stepper.init({ ...spec, ...change })).toThrowError(
      expect.objectContaining({ code: 'invalid_params' }),
    );
  });
  test('the good one', () => {
    expect(problemsOfSpec(spec)).toEqual([]);
  });
});

test('S2: children start in order, and a failed first start is the failure of all', () => {
  const fine = world(three({}));
  fine.start();
  expect([fine.log, fine.state()]).toEqual([['start a', 'start b', 'start c'], { live: 'running' }]);
  const one = stepper.step(stepper.init(three({})).snapshot, { type: 'supervisor.start', at: later(0) });
  expect(one.actions.map(({ type }) => type)).toEqual(['startChild']);
  const failed = stepper.step(one.snapshot, {
    type: 'child.startFailed',
    at: later(1),
    id: 'a',
    gen: 1,
    reason: 'no',
    rand: 0,
  });
  expect([failed.snapshot.value, failed.actions.at(-1)]).toEqual([
    'failed',
    { type: 'escalate', params: { reason: 'a: no' } },
  ]);
});

test('S3: children are stopped in reverse order, one after another, and killed when they stay', () => {
  const tree = world(three({}));
  tree.start();
  tree.stubborn.add('b');
  tree.stop();
  expect([tree.log.slice(3), tree.state()]).toEqual([['stop c', 'stop b'], 'stopping']);
  tree.kill('b');
  expect([tree.log.slice(5), tree.state()]).toEqual([['kill b', 'stop a'], 'stopped']);
  always(supervisorCases, ({ steps }) => {
    for (const { after } of steps)
      expect(of(after).children.filter(({ state }) => state === 'stopping').length).toBeLessThanOrEqual(1);
  });
});

const matrix = {
  permanent: { normally: true, abnormally: true },
  transient: { normally: false, abnormally: true },
  temporary: { normally: false, abnormally: false },
} as const;
test.each(RESTARTS.flatMap((restart) => (['normally', 'abnormally'] as const).map((how) => [restart, how] as const)))(
  'S4: a %s child that ends %s',
  (restart, how) => {
    const tree = world({ ...spec, children: [{ id: 'a', restart, shutdownMs: 1 }] });
    tree.start();
    tree.crash('a', later(0), how === 'normally');
    tree.restart('a');
    expect(tree.up()).toBe(matrix[restart][how] ? 'a' : '');
    expect(tree.state()).toEqual({ live: 'running' });
  },
);

test.each(STRATEGIES)('who goes down with the one in the middle: %s', (strategy) => {
  const tree = world(three({ strategy }));
  tree.start();
  tree.crash('b');
  tree.restart('b');
  const expected = {
    one_for_one: ['in 100 ms', 'start b'],
    rest_for_one: ['in 100 ms', 'stop c', 'start b', 'start c'],
    one_for_all: ['in 100 ms', 'stop c', 'stop a', 'start a', 'start b', 'start c'],
  };
  expect(tree.log.slice(3)).toEqual(expected[strategy]);
  expect(tree.up()).toBe('abc');
});

test.each([
  [1, 5_000, 'failed'],
  [1, 5_001, 'running'],
  [2, 5_000, 'running'],
  [0, 9_999, 'failed'],
])('S5: intensity %i, the second crash after %i ms: %s', (intensity, gapMs, expected) => {
  const tree = world(three({ intensity, periodMs: 5_000 }));
  tree.start();
  tree.crash('a', later(0));
  tree.restart('a', later(100));
  tree.crash('a', later(gapMs));
  expect(tree.state()).toEqual(expected === 'failed' ? 'failed' : { live: 'running' });
  expect(tree.log.filter((line) => line.startsWith('escalate'))).toEqual(
    expected === 'failed' ? ['escalate a: crashed'] : [],
  );
});

test('S5: it escalates exactly when it failed, and never bears more restarts than it may', () => {
  always(supervisorCases, (walk) => {
    const escalated = allActions(walk).filter(({ type }) => type === 'escalate').length;
    expect(escalated).toBe(endOf(walk).value === 'failed' ? 1 : 0);
    const { restarts, intensity } = of(endOf(walk));
    expect(restarts.length).toBeLessThanOrEqual(intensity);
  });
});

test('S6: what is said about another start of a child changes nothing', () => {
  always(supervisorCases, ({ steps }) => {
    for (const { before, event, ignored } of steps) {
      const child = of(before).children.find(({ id }) => id === event['id']);
      if ('gen' in event && child?.gen !== event['gen']) expect(ignored).toBe(true);
    }
  });
});

test('S7: with a group strategy nobody is started before the whole group is down', () => {
  always(supervisorCases, ({ steps }) => {
    for (const { after, actions } of steps)
      if (actions.some(({ type }) => type === 'startChild'))
        expect(of(after).children.some(({ state }) => state === 'leaving' || state === 'stopping')).toBe(false);
  });
});

test('a backoff doubles with every failure in a row, to its end, and begins anew after a stable time', () => {
  const tree = world(three({ intensity: 100, backoff: { minMs: 100, maxMs: 300, resetAfterMs: 60_000 } }));
  tree.start();
  for (const at of [0, 1_000, 2_000, 3_000, 70_000]) {
    tree.crash('a', later(at));
    tree.restart('a', later(at + 500));
  }
  expect(tree.log.filter((line) => line.startsWith('in'))).toEqual([
    'in 100 ms',
    'in 200 ms',
    'in 300 ms',
    'in 300 ms',
    'in 100 ms',
  ]);
});
