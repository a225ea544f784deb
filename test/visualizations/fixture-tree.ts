/** The supervision tree of the made-up project: a service that was restarted, one that waits to be, and three runners. */
import type { Services } from '../../src/operations/read-models/supervision-view.ts';
import { runIdOf, taskIdOf } from './fixture-project.ts';

const MEBIBYTE = 2 ** 20;

const service = (id: string, given: Partial<Services['services'][number]> = {}): Services['services'][number] => ({
  id,
  state: 'up',
  restart: 'permanent',
  starts: 1,
  failures: 0,
  upAt: null,
  notBefore: null,
  ...given,
});

export const fixtureServices = (now: number): Services => ({
  supervisor: {
    pid: 41_207,
    version: '0.0.0',
    startedAt: now - 3_600_000,
    memoryBytes: 82 * MEBIBYTE,
    cpuPercent: 0.4,
  },
  budget: {
    strategy: 'rest_for_one',
    intensity: 5,
    periodMs: 60_000,
    restarts: 2,
    backoff: { minMs: 50, maxMs: 5_000, resetAfterMs: 60_000 },
  },
  services: [
    service('store', { upAt: now - 3_600_000 }),
    service('kernel', { upAt: now - 3_600_000 }),
    service('effects', { upAt: now - 45_000, starts: 2, failures: 1 }),
    service('scheduler', { upAt: now - 45_000, starts: 2 }),
    service('rpc', { upAt: now - 45_000, starts: 2 }),
    service('inspector', { state: 'backoff', restart: 'transient', starts: 3, failures: 2, notBefore: now + 30_000 }),
  ],
  runners: [3, 4, 5].map((index) => ({
    runId: runIdOf(index),
    taskId: taskIdOf(index),
    epoch: index === 4 ? 2 : 1,
    pid: 41_300 + index,
    phase: 'agent',
    connected: index !== 5,
    memoryBytes: (9 + index) * MEBIBYTE,
    cpuPercent: index * 3.1,
  })),
  reports: [
    { at: now - 46_000, service: 'effects', what: 'failed', reason: 'git worktree list: the index is locked' },
    { at: now - 5_000, service: 'inspector', what: 'start failed', reason: 'port 43117 is taken' },
  ],
});
