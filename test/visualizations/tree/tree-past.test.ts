/**
 * Goal: the tree of a moment is what was so then: services from the machine's memory, runners from the journal, nothing of a living process.
 * Method: the machine of a supervisor after a step, and the runs of a made-up project.
 */
import { expect, test } from 'vitest';
import type { SupervisorMoment } from '../../../src/operations/read-models/supervisor-moment.ts';
import { runnersAt, servicesAt } from '../../../visualizations/src/views/tree/tree-past.ts';
import { fixtureItems } from '../fixture-project.ts';
import { fixtureServices } from '../fixture-tree.ts';

const now = 1_700_000_000_000;
const { runs } = fixtureItems('plain', now);

const child = (id: string, state: string) => ({
  id,
  restart: 'permanent',
  shutdownMs: 0,
  state,
  gen: 2,
  fails: 1,
  upAt: state === 'up' ? now - 90_000 : null,
  notBefore: null,
  afterStop: 'down',
});
const then = {
  snapshot: {
    context: {
      strategy: 'rest_for_one',
      intensity: 5,
      periodMs: 60_000,
      backoff: { minMs: 50, maxMs: 5_000, resetAfterMs: 60_000 },
      restarts: [now - 120_000, now - 50_000],
      children: [child('store', 'up'), child('rpc', 'backoff')],
    },
  },
} as unknown as SupervisorMoment;

test('services, budget and reports are of the moment; no process has figures', () => {
  const at = now - 46_000;
  const past = servicesAt(fixtureServices(now), then, { at, runs });
  expect(past.services.map(({ id, state, starts }) => [id, state, starts])).toEqual([
    ['store', 'up', 2],
    ['rpc', 'backoff', 2],
  ]);
  expect(past.budget?.restarts).toBe(1);
  expect(past.supervisor).toMatchObject({ pid: 41_207, memoryBytes: null, cpuPercent: null });
  expect(past.reports.map(({ service }) => service)).toEqual(['effects']);
});

test('runners are those whose runs had begun and not ended', () => {
  const live = runs.filter(({ settled }) => !settled);
  expect(live.length).toBeGreaterThan(0);
  expect(runnersAt(runs).map(({ runId, pid }) => [runId, pid])).toEqual(live.map(({ runId }) => [runId, null]));
  expect(runnersAt([{ ...live[0]!, startedAt: null }])).toEqual([]);
});
