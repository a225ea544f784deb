/**
 * Goal: the tree tells what it holds: which services are up, what was started again and why, what is left of the budget.
 * Method: services that fail when they are told to, under a virtual clock.
 */
import { expect, test } from 'vitest';
import type { Service } from '../../../src/supervisor/tree/tree-child.ts';
import { createSupervisionTree, TREE_POLICY } from '../../../src/supervisor/tree/supervision-tree.ts';
import type { TreeState } from '../../../src/supervisor/tree/tree-history.ts';
import { createVirtualClock } from '../kernel/virtual-clock.ts';

/** A service that can be told to fail. */
const scripted = (id: string) => {
  const held: { fail: (cause: unknown) => void; starts: number } = { fail: () => undefined, starts: 0 };
  const service: Service = {
    id,
    restart: 'permanent',
    shutdownMs: 1_000,
    start: async (fail) => {
      held.fail = fail;
      held.starts += 1;
      return { stop: async () => undefined };
    },
  };
  return { service, held };
};

const open = async () => {
  const clock = createVirtualClock();
  const [store, hosts] = [scripted('store'), scripted('hosts')];
  const tree = createSupervisionTree({
    services: [store.service, hosts.service],
    policy: { ...TREE_POLICY, strategy: 'one_for_one', intensity: 100 },
    clock,
    report: () => undefined,
  });
  await tree.start();
  return { clock, tree, hosts: hosts.held };
};

const stateOf = ({ value }: TreeState): string => (typeof value === 'string' ? value : `live.${value.live}`);

test('what failed is counted and reported with its reason; the others are not', async () => {
  const { clock, tree, hosts } = await open();
  expect(tree.view().reports).toEqual([]);
  expect(tree.view().context.children.map(({ id, state, gen }) => [id, state, gen])).toEqual([
    ['store', 'up', 1],
    ['hosts', 'up', 1],
  ]);
  hosts.fail(new Error('the port is taken'));
  expect(tree.view().reports).toEqual([
    { at: clock.now(), service: 'hosts', what: 'failed', reason: 'the port is taken' },
  ]);
  const [, failing] = tree.view().context.children;
  expect(failing).toMatchObject({ state: 'backoff', fails: 1, notBefore: expect.any(Number) });
  await clock.advance(TREE_POLICY.backoff.maxMs);
  const { context } = tree.view();
  expect(context.children.map(({ state, gen }) => [state, gen])).toEqual([
    ['up', 1],
    ['up', 2],
  ]);
  expect(context.restarts).toHaveLength(1);
  await tree.stop('done');
});

test('reports do not grow: the newest are kept', async () => {
  const { clock, tree, hosts } = await open();
  for (let count = 0; count < 60; count += 1) {
    hosts.fail(new Error(`failure ${String(count)}`));
    await clock.advance(TREE_POLICY.backoff.maxMs);
  }
  const { reports } = tree.view();
  expect(reports).toHaveLength(50);
  expect(reports.at(-1)!.reason).toBe('failure 59');
  expect(reports[0]!.reason).toBe('failure 10');
  await tree.stop('done');
});

test('every step of its machine is kept with what it took, before and after; word of an earlier start is none', async () => {
  const { clock, tree, hosts } = await open();
  const brief = () =>
    tree
      .view()
      .steps()
      .map(({ seq, event, taken, before, after }) => [
        seq,
        event.type,
        taken.some((id) => id.includes(event.type)),
        stateOf(before),
        stateOf(after),
      ]);
  const started = [
    [1, 'supervisor.start', true, 'idle', 'live.starting'],
    [2, 'child.started', true, 'live.starting', 'live.starting'],
    [3, 'child.started', true, 'live.starting', 'live.running'],
  ];
  expect(brief()).toEqual(started);
  hosts.fail(new Error('the port is taken'));
  hosts.fail(new Error('said twice'));
  expect(brief()).toEqual([...started, [4, 'child.exited', true, 'live.running', 'live.running']]);
  const { before, after } = tree.view().steps().at(-1)!;
  expect([before.context.children[1]!.state, after.context.children[1]!.state]).toEqual(['up', 'backoff']);
  for (let count = 0; count < 150; count += 1) {
    await clock.advance(TREE_POLICY.backoff.maxMs);
    hosts.fail(new Error('again'));
  }
  const kept = tree.view().steps();
  expect(kept).toHaveLength(200);
  expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => kept[0]!.seq + index));
  await tree.stop('done');
  expect(stateOf(tree.view().steps().at(-1)!.after)).toBe('stopped');
});

test('what is said while another event is handled is a step of its own', async () => {
  const clock = createVirtualClock();
  const { service } = scripted('store');
  let starts = 0;
  const hasty: Service = {
    ...service,
    start: async (fail) => {
      starts += 1;
      // In the same turn in which the machine asks for the start.
      if (starts === 1) fail(new Error('at once'));
      return { stop: async () => undefined };
    },
  };
  const policy = { ...TREE_POLICY, strategy: 'one_for_one', intensity: 100 } as const;
  const tree = createSupervisionTree({ services: [hasty], policy, clock, report: () => undefined });
  await expect(tree.start()).rejects.toThrow('at once');
  const steps = tree.view().steps();
  expect(steps.map(({ event }) => event.type).slice(0, 2)).toEqual(['supervisor.start', 'child.exited']);
  for (const { event, taken } of steps) expect(taken.some((id) => id.includes(event.type))).toBe(true);
  for (const [index, { before }] of steps.entries()) if (index > 0) expect(before).toBe(steps[index - 1]!.after);
});
