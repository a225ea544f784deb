/**
 * Goal: T1 to T3 of retention-jobs.ts: what is old and settled moves, whatever it belongs to; one that cannot is no obstacle; copies
 * that nobody names go; and what would move is told beforehand.
 * Method: the real jobs over the memory store with actors of every age, real files.
 */
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ActorId, EpochMs } from '../../src/machines/ids.ts';
import { artifactPath, storeArtifact } from '../../src/persistence/artifact-files.ts';
import { openMemoryStore } from '../../src/persistence/memory-store.ts';
import { ensureProjectHome, projectHome } from '../../src/persistence/project-home.ts';
import type { ActorFacts, ActorWrite, Store } from '../../src/persistence/store.ts';
import type { Kernel } from '../../src/supervisor/kernel/kernel.ts';
import { retentionJobs } from '../../src/supervisor/retention-jobs.ts';
import { retentionOutlook } from '../../src/supervisor/retention-outlook.ts';
import { createSpec, encodeSpec } from '../../src/supervisor/specs/task-spec.ts';
import { actorOf, artifactOf, batchOf, firstOwner, idOf } from '../persistence/store-builders.ts';
import { createVirtualClock, settle, type VirtualClock } from './kernel/virtual-clock.ts';

const dayMs = 86_400_000;
const retainDays = 10;
let clock: VirtualClock;
let store: Store;
let said: string[];
let forgotten: string[];
let folder: string;
let paths: ReturnType<typeof projectHome>;
let jobs: ReturnType<typeof retentionJobs>;
beforeEach(() => {
  clock = createVirtualClock(Date.now() as EpochMs);
  store = openMemoryStore({ owner: firstOwner });
  said = [];
  forgotten = [];
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  paths = projectHome(folder, 'repo-1');
  ensureProjectHome(paths);
  const report = (what: string, reason: string): void => void said.push(`${what}: ${reason}`);
  jobs = retentionJobs({ kernel, clock, table, paths, runtimeDirectory: folder, epoch: 1, retainDays, report });
});
afterEach(() => rmSync(folder, { recursive: true }));

const table = { bootId: 'boot', liveness: () => 'gone' as const };
const kernel = (): Kernel =>
  ({ store, forget: (ids: readonly string[]) => forgotten.push(...ids) }) as unknown as Kernel;
const run = async (name: string): Promise<void> => {
  const steps = jobs.find((job) => job.name === name)!.run();
  while ((await steps.next()).done !== true) await settle();
};
const spec = encodeSpec(createSpec({ title: 'done', run: ['true'] }));
const aged = (id: ActorId, days: number, facts: Partial<ActorFacts>): ActorWrite => {
  const at = (clock.now() - days * dayMs) as EpochMs;
  return { ...actorOf(id, { facts, context: { spec: spec.hash } }), createdAt: at, updatedAt: at };
};
const commit = async (actors: readonly ActorWrite[]): Promise<void> => {
  const blobs = [{ ...spec, usedBy: actors.filter(({ kind }) => kind === 'task').map(({ id }) => id) }];
  expect(await store.commit(batchOf({ actors, blobs }))).toEqual({ kind: 'committed' });
};
const archived = async (): Promise<readonly string[]> =>
  (await store.listArchived({ limit: 100 })).items.map(({ subjectId }) => subjectId).toSorted();

test('T1: what is over and old moves, of every kind; what waits for a person, is young or belongs elsewhere stays', async () => {
  const over = { settled: true };
  const [goal, blocked] = [idOf('objective', 1), idOf('objective', 2)];
  await commit([
    aged(idOf('task', 1), 11, { ...over, state: 'completed' }),
    aged(idOf('task', 2), 11, { ...over, state: 'failed' }),
    aged(idOf('task', 3), 11, { ...over, state: 'canceled' }),
    aged(idOf('task', 4), 11, { state: 'needs_review' }),
    aged(idOf('task', 5), 11, { state: 'blocked' }),
    aged(idOf('task', 6), 9, { ...over, state: 'completed' }),
    aged(goal, 11, { ...over, state: 'completed', objectiveId: goal }),
    aged(idOf('task', 7), 11, { ...over, state: 'completed', objectiveId: goal }),
    aged(blocked, 11, { state: 'blocked', objectiveId: blocked }),
    aged(idOf('task', 8), 11, { ...over, state: 'failed', objectiveId: blocked }),
    aged(idOf('gate', 1), 11, { ...over, state: 'expired' }),
    aged(idOf('gate', 2), 11, { ...over, state: 'used', taskId: idOf('task', 5) }),
    aged(idOf('gate', 3), 11, { ...over, state: 'used', objectiveId: blocked }),
    aged(idOf('gate', 4), 11, { state: 'open' }),
    aged(idOf('worker', 1), 11, { ...over, state: 'archived' }),
    aged(idOf('worker', 2), 11, { ...over, state: 'archived', objectiveId: blocked }),
    aged(idOf('worker', 3), 11, { ...over, state: 'archived', objectiveId: idOf('objective', 9) }),
  ]);
  await run('archive');
  const moved = [
    idOf('task', 1),
    idOf('task', 2),
    idOf('task', 3),
    goal,
    idOf('gate', 1),
    idOf('worker', 1),
    idOf('worker', 3),
  ];
  expect(await archived()).toEqual(moved.toSorted());
  expect(forgotten.toSorted()).toEqual([...moved, idOf('task', 7)].toSorted());
  expect(said).toHaveLength(moved.length);
  expect(await store.getBlob(spec.hash)).not.toBeNull();
});

test('T3: one that cannot be moved is said once, and the next ones move', async () => {
  const facts = { settled: true, state: 'completed' };
  await commit([1, 2, 3].map((n) => aged(idOf('task', n), 11, facts)));
  const data = await storeArtifact(paths.artifacts, Buffer.from('whole'), { bytesMax: 100 });
  const artifacts = [artifactOf(1, { ...data, taskId: idOf('task', 1) })];
  expect(await store.commit(batchOf({ artifacts }))).toEqual({ kind: 'committed' });
  writeFileSync(artifactPath(paths.artifacts, data.sha256), 'damaged');
  for (let round = 0; round < 3; round += 1) await run('archive');
  expect(await archived()).toEqual([idOf('task', 2), idOf('task', 3)]);
  expect(said.filter((line) => line.includes('could not be moved'))).toHaveLength(1);
});

const keep = async (text: string, days: number): Promise<string> => {
  const { sha256 } = await storeArtifact(paths.artifacts, Buffer.from(text), { bytesMax: 100 });
  const at = new Date(clock.now() - days * dayMs);
  utimesSync(artifactPath(paths.artifacts, sha256), at, at);
  return sha256;
};

test('copies that no artifact names go after a day; the others stay', async () => {
  const [named, lost, young] = [await keep('named', 5), await keep('lost', 5), await keep('young', 0.5)];
  await store.commit(batchOf({ artifacts: [artifactOf(1, { sha256: named })] }));
  await run('artifact files');
  const left = [named, lost, young].map((sha256) => existsSync(artifactPath(paths.artifacts, sha256)));
  expect(left).toEqual([true, false, true]);
});

test('what would move is counted with its evidence, and nothing is touched', async () => {
  const before = (clock.now() - retainDays * dayMs) as EpochMs;
  expect(await retentionOutlook(store, before)).toEqual({ subjects: 0, evidenceBytes: 0, isCut: false });
  const facts = { settled: true, state: 'completed' };
  await commit([1, 2].map((n) => aged(idOf('task', n), 11, facts)));
  await store.commit(
    batchOf({
      artifacts: [
        artifactOf(1, { sha256: 'a', bytes: 100, taskId: idOf('task', 1) }),
        artifactOf(2, { sha256: 'a', bytes: 100, taskId: idOf('task', 2) }),
        artifactOf(3, { sha256: 'b', bytes: 20, taskId: idOf('task', 2) }),
        artifactOf(4, { sha256: 'c', bytes: 3, taskId: idOf('task', 3) }),
      ],
    }),
  );
  expect(await retentionOutlook(store, before)).toEqual({ subjects: 2, evidenceBytes: 120, isCut: false });
  expect(await archived()).toEqual([]);
});
