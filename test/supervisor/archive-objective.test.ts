/**
 * Goal: an objective that was settled long ago moves to a file that holds all of it, and the store keeps all of it until then;
 * what is not settled, young, or needed by others stays.
 * Method: the real kernel and machines over the memory store, objectives brought to their ends by operations, real files.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EpochMs } from '../../src/machines/ids.ts';
import { readArchive, writeArchive, type ArchiveRecord } from '../../src/persistence/archive-file.ts';
import type { Store } from '../../src/persistence/store.ts';
import { archiveObjective, type ArchiveRequest } from '../../src/supervisor/archive-objective.ts';
import { replayJournal } from '../../src/supervisor/kernel/replay.ts';
import { openProject, PLAN, refusalOf, type Project } from '../operations/operation-fixture.ts';

const dayMs = 86_400_000;
let project: Project;
let folder: string;
beforeEach(async () => {
  project = await openProject();
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(async () => {
  await project.close();
  rmSync(folder, { recursive: true });
});

type Made = { readonly objectiveId: string; readonly tasks: Readonly<Record<string, string>> };

/** No effect is carried out here: what waits in the outbox is said to be done. */
const finishEffects = async (): Promise<void> => {
  for (const { key } of await project.store.listOutbox()) {
    await project.kernel.post({ messages: [], principal: 'system', effectDone: key });
  }
};
const plan = async (body: object = PLAN): Promise<Made> =>
  (await project.call('conductor_run_plan', { plan: body })) as unknown as Made;
/** An objective with two completed tasks and their runs. */
const completed = async (): Promise<Made & { readonly runs: readonly string[] }> => {
  const made = await plan();
  const runs = [
    await project.runTo(made.tasks['build']!, 'succeeded'),
    await project.runTo(made.tasks['test']!, 'succeeded'),
  ];
  await finishEffects();
  return { ...made, runs };
};
const request = (objectiveId: string, rest: Partial<ArchiveRequest> = {}): ArchiveRequest => ({
  store: project.store,
  directory: join(folder, 'archive'),
  objectiveId,
  settledBefore: (project.clock.now() + 1) as EpochMs,
  now: project.clock.now(),
  ...rest,
});
const recordsIn = async (path: string): Promise<readonly ArchiveRecord[]> => {
  const records: ArchiveRecord[] = [];
  for await (const record of readArchive(path)) records.push(record);
  return records;
};
/** The project's store with another way to let go of an objective. */
const storeWith = (archive: Store['archiveObjective']): Store =>
  new Proxy(project.store, {
    get: (store, name) => {
      if (name === 'archiveObjective') return archive;
      const member = store[name as keyof Store];
      return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(store) : member;
    },
  });
const everything = async (): Promise<unknown> => ({
  state: await project.state(),
  journal: await project.store.listJournal({ limit: 1_000 }),
  archived: await project.store.listArchived({ limit: 100 }),
});

test('a completed objective moves with all that belongs to it, and its ids name the file', async () => {
  const other = await plan();
  const made = await completed();
  const ids = [made.objectiveId, ...Object.values(made.tasks), ...made.runs];
  const before = await project.store.listJournal({ limit: 1_000 });
  const actors = await project.store.getActors(ids);
  const outcome = await archiveObjective(request(made.objectiveId));
  if (outcome.kind !== 'archived') throw new Error(outcome.reason);
  project.kernel.forget(outcome.actors);
  expect(outcome.actors.toSorted()).toEqual(ids.toSorted());

  const path = join(folder, 'archive', outcome.row.file);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const records = await recordsIn(path);
  const of = (kind: string): readonly ArchiveRecord[] => records.filter((record) => record.kind === kind);
  expect(records[0]).toMatchObject({ kind: 'archive', objectiveId: made.objectiveId, title: 'Ship it' });
  expect(records.at(-1)).toEqual({ kind: 'end', records: records.length - 2 });
  expect(new Map(of('actor').map(({ actor }) => [(actor as { id: string }).id, actor]))).toEqual(actors);
  const own = before.filter(({ actor }) => ids.includes(actor));
  expect(of('entry').map(({ entry }) => entry)).toEqual(
    outcome.actors.flatMap((id) => own.filter(({ actor }) => actor === id)),
  );
  expect(of('blob').length).toBeGreaterThanOrEqual(2);
  for (const { hash, data } of of('blob')) {
    expect(
      createHash('sha256')
        .update(Buffer.from(data as string, 'base64'))
        .digest('hex'),
    ).toBe(hash);
  }
  expect(outcome.row).toMatchObject({ entries: own.length, actors: ids.length, bytes: statSync(path).size });
  expect(outcome.row.sha256).toBe(
    createHash('sha256')
      .update(gunzipSync(readFileSync(path)))
      .digest('hex'),
  );

  expect((await project.store.listJournal({ limit: 1_000 })).map(({ seq }) => seq)).toEqual(
    before.filter(({ actor }) => !ids.includes(actor)).map(({ seq }) => seq),
  );
  for (const id of ids) {
    expect(await project.kernel.read(id)).toBeNull();
    await expect(project.call('conductor_show', { id })).rejects.toMatchObject({
      code: 'not_found',
      details: { id, archive: { objectiveId: made.objectiveId, file: `archive/${outcome.row.file}` } },
    });
  }
  expect(await refusalOf(project.call('conductor_retry_task', { taskId: made.tasks['build'] }))).toContain(
    outcome.row.file,
  );
  expect((await project.actor(other.objectiveId)).facts.state).toBe('active');
  await project.runTo(other.tasks['build']!, 'succeeded');
  expect(await replayJournal(project.store)).toMatchObject({ differences: [] });
});

test('X1: whatever fails before the store lets go leaves everything in the store', async () => {
  const { objectiveId } = await completed();
  const before = await everything();
  const failing = storeWith(() => Promise.reject(new Error('killed here')));
  await expect(archiveObjective(request(objectiveId, { store: failing }))).rejects.toThrow('killed here');
  expect(await everything()).toEqual(before);
  expect(readdirSync(join(folder, 'archive'))).toEqual([`${objectiveId}.ndjson.gz`]);

  writeFileSync(join(folder, 'blocked'), '');
  const nowhere = request(objectiveId, { directory: join(folder, 'blocked') });
  await expect(archiveObjective(nowhere)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await everything()).toEqual(before);
  expect((await archiveObjective(request(objectiveId))).kind).toBe('archived');
});

test('X2: what changes while the file is written keeps everything', async () => {
  const { objectiveId } = await completed();
  let before: unknown;
  const late = storeWith(async (move) => {
    await project.kernel.post({
      messages: [],
      principal: 'system',
      notes: [{ actor: objectiveId, type: 'note.late', text: 'came late' }],
    });
    before = await everything();
    return project.store.archiveObjective(move);
  });
  expect(await archiveObjective(request(objectiveId, { store: late }))).toMatchObject({ kind: 'kept' });
  expect(await everything()).toEqual(before);
});

test('what is young, unsettled or waited for stays', async () => {
  const { objectiveId } = await completed();
  const early = request(objectiveId, { settledBefore: (project.clock.now() - dayMs) as EpochMs });
  expect(await archiveObjective(early)).toMatchObject({ kind: 'kept', reason: expect.stringContaining('lately') });
  const large = request(objectiveId, { actorsMax: 4 });
  expect(await archiveObjective(large)).toMatchObject({ reason: 'it is large, and work goes on' });
  const open = await plan();
  expect(await archiveObjective(request(open.objectiveId))).toMatchObject({ reason: 'it is not settled' });
  expect(await archiveObjective(request('objective-none'))).toMatchObject({ reason: 'it is not settled' });
  const running = await plan();
  await project.start(running.tasks['build']!);
  await project.call('conductor_cancel_objective', { objectiveId: running.objectiveId, reason: 'no' });
  expect(await archiveObjective(request(running.objectiveId))).toMatchObject({ kind: 'kept' });
  expect((await project.store.listArchived({ limit: 10 })).items).toEqual([]);
});

const pages = async function* (): AsyncGenerator<readonly ArchiveRecord[]> {
  yield [
    { kind: 'archive', text: 'ä\n\u2028"' },
    { kind: 'entry', n: 1 },
  ];
  yield [];
  yield Array.from({ length: 5_000 }, (_, n) => ({ kind: 'entry', n, text: 'é'.repeat(n % 50) }));
};
const broken = async function* (): AsyncGenerator<readonly ArchiveRecord[]> {
  yield [{ kind: 'archive' }];
  throw new Error('the store went away');
};

test('a file is one only when it was read back', async () => {
  const path = join(folder, 'deep', 'x.gz');
  await writeArchive(path, pages());
  const records = await recordsIn(path);
  expect(records).toHaveLength(5_002);
  expect(records[0]).toEqual({ kind: 'archive', text: 'ä\n\u2028"' });
  await expect(writeArchive(path, broken())).rejects.toThrow('the store went away');
  expect(readdirSync(join(folder, 'deep'))).toEqual(['x.gz']);
  expect(await recordsIn(path)).toHaveLength(5_002);
});
