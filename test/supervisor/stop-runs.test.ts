/**
 * Goal: S1 and S2 of stop-runs.ts: a supervisor that is to stop starts nothing new, and waits for what was on its way.
 * Method: the real services over a kernel that keeps what it is posted; what is stored, and when, is the test's to say.
 */
import { expect, test, vi } from 'vitest';
import { coreServices, noServices, type HeldServices } from '../../src/supervisor/core-children.ts';
import type { StoredActor } from '../../src/persistence/store.ts';
import type { RunParts } from '../../src/supervisor/runs/run-parts.ts';
import { endRuns } from '../../src/supervisor/stop-runs.ts';
import { createVirtualClock } from './kernel/virtual-clock.ts';

const run = (id: string, state: string): StoredActor =>
  ({
    id,
    kind: 'run',
    snapshot: { context: { taskId: `task of ${id}`, objectiveId: null } },
    facts: { state, settled: false },
  }) as unknown as StoredActor;

function project(runs: readonly StoredActor[]) {
  const stored = Promise.withResolvers<{ readonly kind: string }>();
  const post = vi.fn(() => stored.promise);
  const listActors = vi.fn(async ({ kind }: { readonly kind: string }) => ({
    items: kind === 'run' ? runs : [],
    nextCursor: null,
    total: null,
  }));
  const kernel = { post, subscribe: () => () => undefined, store: { listActors, listOutbox: async () => [] } };
  const parts = { kernel: () => kernel, clock: createVirtualClock() } as unknown as RunParts;
  const held = noServices();
  const [, scheduler] = coreServices({ parts, projectMax: 4 }, {} as never, held);
  return { parts, held, post, listActors, start: () => scheduler!.start(() => undefined), stored };
}

const end = (parts: RunParts, held: HeldServices) => endRuns(parts, held, { mode: 'drain', progress: () => undefined });

const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('S1: a scheduler that is restarted while its supervisor stops starts nothing', async () => {
  const { parts, held, post, start } = project([run('run-1', 'dispatch_pending')]);
  await end(parts, held);
  const service = await start();
  await held.scheduler!.idle();
  await service.stop(false);
  expect(post).not.toHaveBeenCalled();
});

test('S2: what runs is looked at after the last start is stored', async () => {
  const { parts, held, post, listActors, start, stored } = project([run('run-1', 'dispatch_pending')]);
  await start();
  await turn();
  expect(post).toHaveBeenCalledTimes(1);
  listActors.mockClear();
  const ended = end(parts, held);
  await turn();
  expect(listActors).not.toHaveBeenCalled();
  stored.resolve({ kind: 'applied' });
  await ended;
  expect(listActors).toHaveBeenCalled();
});

test('a scheduler begins after the last start of the one that failed is stored', async () => {
  const { post, listActors, start, stored } = project([run('run-1', 'dispatch_pending')]);
  const first = await start();
  await turn();
  expect(post).toHaveBeenCalledTimes(1);
  listActors.mockClear();
  const stopped = first.stop(true);
  const second = start();
  await turn();
  expect(listActors).not.toHaveBeenCalled();
  stored.resolve({ kind: 'applied' });
  await stopped;
  await (await second).stop(true);
  expect(listActors).toHaveBeenCalled();
});

test('more runs that wait than a page holds do not hide those that run', async () => {
  const { parts, held, listActors } = project([]);
  const pages = [[run('run-9', 'dispatch_pending')], [run('run-1', 'running')]];
  listActors.mockImplementation(async () => {
    const items = pages.shift() ?? [];
    return { items, nextCursor: pages.length > 0 ? 'next' : null, total: null } as never;
  });
  const lines: string[] = [];
  const reads = vi.fn(async () => ({ facts: { settled: true, state: 'succeeded' } }));
  Object.assign(parts.kernel(), { read: reads });
  await endRuns(parts, held, { mode: 'drain', progress: (line) => lines.push(line) });
  expect(lines).toEqual(['1 running: waiting for them', 'run-1 succeeded, 0 left']);
});
