/**
 * Goal: each fault that the simulation found and that has a small cause of its own, shown without the simulation.
 * Method: the code in question with as little around it as it needs; time is virtual.
 */
import { expect, test, vi } from 'vitest';
import type { StoredActor, StoreReader } from '../../src/persistence/store.ts';
import { keepRunner } from '../../src/supervisor/effects/start-runner.ts';
import { recoverWorktree } from '../../src/supervisor/effects/worker-worktrees.ts';
import type { EffectCall, Post } from '../../src/supervisor/kernel/kernel.ts';
import { createSnapshotSource } from '../../src/supervisor/processes/process-snapshot.ts';
import { LiveRuns } from '../../src/supervisor/runs/live-runs.ts';
import { createRunnerIntake } from '../../src/supervisor/runs/runner-intake.ts';
import { startRunMonitor } from '../../src/supervisor/runs/run-monitor.ts';
import type { RunParts } from '../../src/supervisor/runs/run-parts.ts';
import { LiveView } from '../../src/supervisor/scheduler/live-view.ts';
import { startScheduler } from '../../src/supervisor/scheduler/scheduler.ts';
import { planStarts, type WishingCandidate } from '../../src/supervisor/scheduler/start-plan.ts';
import { stopRuns } from '../../src/supervisor/stop-runs.ts';
import { Chance } from './chance.ts';
import { VirtualHost } from './virtual-host.ts';
import { Life, VirtualTime } from './virtual-time.ts';

const RUN = 'run-0123456789abcdefghjk';
const TASK = 'task-0123456789abcdefghjk';
const WORKER = 'worker-0123456789abcdefghjk';
const OBJECTIVE = 'objective-0123456789abcdefghjk';
const HOUR_MS = 3_600_000;

type Context = Readonly<Record<string, unknown>>;
const actor = (
  id: string,
  state: string,
  { facts = {}, ...context }: Context & { readonly facts?: object },
): StoredActor =>
  ({
    id,
    kind: id.split('-')[0],
    revision: 1,
    snapshot: { status: 'active', value: state, context },
    facts: { state, bucket: null, settled: false, objectiveId: null, runId: null, ...facts },
  }) as unknown as StoredActor;

const runningRun = (): StoredActor =>
  actor(RUN, 'running', { runId: RUN, taskId: TASK, objectiveId: OBJECTIVE, epoch: 1 });

const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Everything that is due within `ms`, each at its time. */
async function pass(time: VirtualTime, ms: number): Promise<void> {
  const until = time.monotonic + ms;
  time.after(new Life(), ms, () => undefined);
  await turn();
  while (time.monotonic < until && time.step()) await turn();
}

function machine() {
  const time = new VirtualTime();
  const host = new VirtualHost(time);
  const supervisor = host.spawn({ ppid: 1, command: 'supervisor', cookie: null, cwd: null });
  const table = host.tableFor(supervisor);
  const clock = time.clockOf(supervisor.life, new Chance('regression'));
  const snapshot = createSnapshotSource(table, () => clock.monotonic());
  return { time, host, table, clock, snapshot, live: new LiveRuns(), project: { key: 'project' } };
}

function watchedRun(post: (post: Post) => Promise<unknown>) {
  const made = machine();
  const runner = made.host.spawn({ ppid: 1, command: 'runner', cookie: null, cwd: null });
  const kernel = { peek: runningRun, read: async () => runningRun(), post };
  const parts = { ...made, kernel: () => kernel } as unknown as RunParts;
  const run = made.live.of(RUN, 1);
  run.runner = runner.identity;
  made.live.leases.renew(RUN, made.clock.monotonic());
  return { ...made, monitor: startRunMonitor(parts, async () => []) };
}

test('a machine that sleeps before the monitor’s first beat expires no lease', async () => {
  const post = vi.fn(async () => ({ kind: 'applied' }));
  const { time, monitor } = watchedRun(post);
  time.suspend(3 * HOUR_MS, true);
  await pass(time, 5_000);
  monitor.stop();
  expect(post).not.toHaveBeenCalled();
});

test('a lease that expires while nothing can be stored is said again, and rejects nowhere', async () => {
  const post = vi.fn(async () => Promise.reject(new Error('disk full')));
  const { time, monitor } = watchedRun(post);
  await pass(time, 605_000);
  monitor.stop();
  expect(post.mock.calls.length).toBeGreaterThan(1);
});

test('a runner that is still to be started is not looked for by the supervisor that takes over', async () => {
  const met = async (outbox: readonly object[]): Promise<boolean> => {
    const made = machine();
    const store = {
      listOutbox: async () => outbox,
      listActors: async () => ({ items: [runningRun()], nextCursor: null, total: 1 }),
    };
    const platform = {
      readScope: async () => null,
      readRunner: async () => null,
      readStart: async () => ({ kind: 'missing' }),
    };
    const parts = { ...made, platform, kernel: () => ({ store }) } as unknown as RunParts;
    const monitor = startRunMonitor(parts, async () => []);
    await monitor.adopt();
    monitor.stop();
    return made.live.get(RUN) !== null;
  };
  expect(await met([{ actor: RUN, name: 'startRunner', state: 'waiting' }])).toBe(false);
  expect(await met([])).toBe(true);
});

test('a warm runner that was not granted yet is known to the supervisor that takes over', async () => {
  const made = machine();
  // It carries no cookie of the run: nothing but the record names it.
  const runner = made.host.spawn({ ppid: 1, command: 'runner', cookie: null, cwd: null });
  const records = new Map<string, unknown>();
  const launching = actor(RUN, 'starting', {
    runId: RUN,
    taskId: TASK,
    objectiveId: OBJECTIVE,
    epoch: 1,
    instance: null,
  });
  Object.assign(launching.snapshot, { value: { starting: 'launching' } });
  const post = vi.fn(async () => ({ kind: 'applied' }));
  const store = {
    listOutbox: async () => [],
    listActors: async () => ({ items: [launching], nextCursor: null, total: 1 }),
  };
  const platform = {
    readScope: async () => null,
    recordRunner: (runId: string, epoch: number, identity: unknown) => records.set(`${runId}/${epoch}`, identity),
    readRunner: async (runId: string, epoch: number) => records.get(`${runId}/${epoch}`) ?? null,
    readSpool: async () => [],
    readExit: async () => null,
    readStart: async () => ({ kind: 'missing' }),
  };
  const takeOver = async (): Promise<void> => {
    const kernel = { store, peek: () => launching, read: async () => launching, post };
    const parts = { ...made, live: new LiveRuns(), platform, kernel: () => kernel } as unknown as RunParts;
    const monitor = startRunMonitor(parts, async () => []);
    await monitor.adopt();
    await pass(made.time, 10_000);
    monitor.stop();
  };
  keepRunner(
    { platform, live: made.live, table: made.table } as unknown as RunParts,
    { runId: RUN, epoch: 1 },
    runner.identity,
  );
  await takeOver();
  expect(post).not.toHaveBeenCalled();
  records.clear();
  await takeOver();
  expect(post).toHaveBeenCalled();
});

test('a start that cannot be stored is a reason, and ends nothing', async () => {
  const { clock, table, live } = machine();
  const task = actor(TASK, 'ready', {
    objectiveId: OBJECTIVE,
    spec: 'spec',
    workerName: null,
    workerId: null,
    facts: { bucket: 'ready', objectiveId: OBJECTIVE },
  });
  const objective = actor(OBJECTIVE, 'active', { maxConcurrency: 1, counts: { ready: 1, delayed: 0 } });
  const items: Partial<Record<string, StoredActor>> = { task, objective };
  const worker = actor(WORKER, 'idle', { name: null, objectiveId: OBJECTIVE, heldFor: null, branch: 'b' });
  const kernel = {
    store: {
      listActors: async ({ kind }: { readonly kind: string }) => ({
        items: kind === 'worker' ? [worker] : items[kind] === undefined ? [] : [items[kind]],
        nextCursor: null,
        total: null,
      }),
      listActorIds: async () => [TASK],
      getBlob: async () => null,
    },
    subscribe: () => () => undefined,
    read: async () => task,
    post: async () => Promise.reject(new Error('disk full')),
  };
  const parts = { kernel: () => kernel, clock, table, live, newId: () => RUN } as unknown as RunParts;
  const scheduler = await startScheduler(parts, { projectMax: 4, isOpen: () => true });
  await scheduler.idle();
  await scheduler.stop();
  expect(scheduler.reasonOf(TASK, OBJECTIVE)).toContain('disk full');
});

test('what a commit says while the scheduler’s view is loading outranks an older page', async () => {
  const view = new LiveView();
  const listActors = async ({ kind }: { readonly kind: string }) => {
    if (kind === 'run') view.apply(actor(RUN, 'succeeded', { facts: { settled: true } }));
    return { items: kind === 'run' ? [runningRun()] : [], nextCursor: null, total: null };
  };
  await view.load({ listActors } as unknown as StoreReader);
  expect(view.runs.size).toBe(0);
});

test('a commit while the scheduler is loading starts nothing yet', async () => {
  const { clock, table, live } = machine();
  const listeners: ((news: { readonly actors: readonly StoredActor[] }) => void)[] = [];
  const asked: string[] = [];
  const loading = Promise.withResolvers<void>();
  const listActors = async (query: { readonly kind: string; readonly objectiveId?: string }) => {
    asked.push(query.objectiveId ?? query.kind);
    if (query.kind === 'objective') await loading.promise;
    return { items: [], nextCursor: null, total: null };
  };
  const listActorIds = async ({ objectiveId }: { readonly objectiveId: string }) => {
    asked.push(objectiveId);
    return [];
  };
  const kernel = {
    store: { listActors, listActorIds },
    subscribe: (listener: (typeof listeners)[number]) => {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const starting = startScheduler({ kernel: () => kernel, clock, table, live } as unknown as RunParts, {
    projectMax: 4,
    isOpen: () => true,
  });
  const counts = { ready: 1, delayed: 0 };
  listeners[0]!({ actors: [actor(OBJECTIVE, 'active', { maxConcurrency: 1, counts })] });
  await turn();
  expect(asked).toEqual(['objective']);
  loading.resolve();
  const scheduler = await starting;
  await scheduler.idle();
  await scheduler.stop();
  expect(asked).toContain(OBJECTIVE);
});

test('a task that waits for its worker takes no slot and no files from the next one', () => {
  const candidate = (taskId: string, workerName: string | null): WishingCandidate => ({
    taskId,
    objectiveId: OBJECTIVE,
    writeScope: ['src'],
    wish: { taskId, objectiveId: OBJECTIVE, workerName, assignedTo: null, lastWorkerId: null },
  });
  const broken = { workerId: WORKER, state: 'broken', name: 'ada', objectiveId: OBJECTIVE, heldFor: null, branch: 'b' };
  const lane = { objectiveId: OBJECTIVE, maxConcurrency: 1, running: 0, runningScopes: [] };
  const plan = planStarts({
    lanes: [{ ...lane, candidates: [candidate('first', 'ada'), candidate('second', null)] }],
    workers: new Map([[WORKER, broken]]),
    limits: { projectMax: 4, running: 0 },
  });
  expect(plan.starts.map((start) => start.candidate.taskId)).toEqual(['second']);
  expect(plan.waits.get('first')).toContain('broken');
});

test('a worktree is not recovered while a process of its last run lives there', async () => {
  const made = machine();
  const stray = made.host.spawn({ ppid: 1, command: 'stray', cookie: `project/${RUN}/1`, cwd: '/worktree' });
  stray.unkillableUntil = HOUR_MS;
  const context = { workerId: WORKER, branch: 'b', worktreePath: '/worktree', lastRunId: RUN };
  const actors = new Map([
    [WORKER, actor(WORKER, 'recovering', context)],
    [RUN, actor(RUN, 'stale', { runId: RUN, epoch: 1 })],
  ]);
  const recover = vi.fn();
  const parts = {
    ...made,
    kernel: () => ({ read: async (id: string) => actors.get(id) ?? null }),
    platform: {
      readScope: async () => null,
      readRunner: async () => null,
      readStart: async () => ({ kind: 'missing' }),
      removeSocket: async () => undefined,
    },
    runnerSocket: () => '/socket',
    workspaces: { recover },
    limits: { leaveMs: 1_000, sweepMs: 4_000 },
  } as unknown as RunParts;
  const call = { key: 'key', params: { workerId: WORKER } } as unknown as EffectCall<'recoverWorktree'>;
  const result = recoverWorktree(parts, call);
  await pass(made.time, 10_000);
  const [message] = (await result).messages;
  expect(message).toMatchObject({ event: { type: 'worker.refused' } });
  expect(recover).not.toHaveBeenCalled();
});

const progress = (seq: number) => ({
  seq,
  at: 0,
  body: { kind: 'child.progress', text: 'a', key: null, artifacts: [] },
});

test('a report behind one that could not be stored is not stored either', async () => {
  const posted: unknown[] = [];
  const kernel = {
    peek: runningRun,
    read: async () => runningRun(),
    post: async ({ messages }: Post) => {
      posted.push(messages[0]);
      throw new Error('disk full');
    },
  };
  const intake = createRunnerIntake({ ...machine(), kernel: () => kernel } as unknown as RunParts);
  const entries = [progress(1), progress(2)] as unknown as Parameters<typeof intake.deliver>[2];
  await expect(intake.deliver(RUN, 1, entries)).rejects.toThrow('disk full');
  expect(posted).toHaveLength(1);
});

test('a stop does not wait for a run whose last step was parked', async () => {
  const store = {
    listOutbox: async () => [{ actor: RUN, state: 'parked' }],
    listActors: async () => ({ items: [actor(RUN, 'completing', {})], nextCursor: null, total: 1 }),
  };
  const parts = { kernel: () => ({ store }) } as unknown as RunParts;
  await expect(stopRuns(parts, 'now', () => undefined)).resolves.toBeUndefined();
});
