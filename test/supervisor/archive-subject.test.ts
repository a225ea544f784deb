/**
 * Goal: what was settled long ago moves to a file that holds all of it, evidence included, and the store keeps all of it until
 * then; what is not settled, young, or needed by others stays.
 * Method: the real kernel and machines over the memory store, work brought to its end by operations, real files.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EpochMs } from '../../src/machines/ids.ts';
import { readArchive, writeArchive, type ArchiveRecord } from '../../src/persistence/archive-file.ts';
import { artifactPath, storeArtifact } from '../../src/persistence/artifact-files.ts';
import type { Store } from '../../src/persistence/store.ts';
import { archiveSubject, type ArchiveRequest } from '../../src/supervisor/archive-subject.ts';
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
const request = (subjectId: string, rest: Partial<ArchiveRequest> = {}): ArchiveRequest => ({
  store: project.store,
  directory: join(folder, 'archive'),
  artifacts: join(folder, 'artifacts'),
  subjectId,
  settledBefore: (project.clock.now() + 1) as EpochMs,
  now: project.clock.now(),
  ...rest,
});
/** Evidence of a run, as an effect leaves it: a copy that was stored so long ago, and a row. */
const evidence = async (runId: string, text: string, ageMs = 2 * dayMs): Promise<string> => {
  const { facts } = await project.actor(runId);
  const artifacts = join(folder, 'artifacts');
  const stored = await storeArtifact(artifacts, Buffer.from(text), { bytesMax: 1_000 });
  const at = new Date(project.clock.now() - ageMs);
  utimesSync(artifactPath(artifacts, stored.sha256), at, at);
  const artifactId = project.context.newId('artifact');
  const row = {
    ...stored,
    artifactId,
    type: 'note',
    name: 'note.txt',
    producer: 'system' as const,
    taskId: facts.taskId,
    runId,
    objectiveId: facts.objectiveId,
    workerId: null,
    metadata: {},
    createdAt: project.clock.now(),
  };
  await project.kernel.post({ messages: [], artifacts: [row], principal: 'system' });
  return artifactId;
};
/** What stands under artifacts. */
const copies = (): readonly string[] => {
  const found = readdirSync(join(folder, 'artifacts'), { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
};
/** What moved, forgotten by the kernel as the job does it. */
const moved = async (subjectId: string) => {
  const outcome = await archiveSubject(request(subjectId));
  if (outcome.kind !== 'archived') throw new Error(outcome.reason);
  project.kernel.forget(outcome.actors);
  return outcome;
};
const recordsIn = async (path: string): Promise<readonly ArchiveRecord[]> => {
  const records: ArchiveRecord[] = [];
  for await (const record of readArchive(path)) records.push(record);
  return records;
};
/** The project's store with another way to let go of an objective. */
const storeWith = (archive: Store['archive']): Store =>
  new Proxy(project.store, {
    get: (store, name) => {
      if (name === 'archive') return archive;
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
  const outcome = await archiveSubject(request(made.objectiveId));
  if (outcome.kind !== 'archived') throw new Error(outcome.reason);
  project.kernel.forget(outcome.actors);
  expect(outcome.actors.toSorted()).toEqual(ids.toSorted());

  const path = join(folder, 'archive', outcome.row.file);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const records = await recordsIn(path);
  const of = (kind: string): readonly ArchiveRecord[] => records.filter((record) => record.kind === kind);
  expect(records[0]).toMatchObject({ kind: 'archive', subjectId: made.objectiveId, title: 'Ship it' });
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
      details: { id, archive: { subjectId: made.objectiveId, file: `archive/${outcome.row.file}` } },
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
  await expect(archiveSubject(request(objectiveId, { store: failing }))).rejects.toThrow('killed here');
  expect(await everything()).toEqual(before);
  expect(readdirSync(join(folder, 'archive'))).toEqual([`${objectiveId}.ndjson.gz`]);

  writeFileSync(join(folder, 'blocked'), '');
  const nowhere = request(objectiveId, { directory: join(folder, 'blocked') });
  await expect(archiveSubject(nowhere)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await everything()).toEqual(before);
  expect((await archiveSubject(request(objectiveId))).kind).toBe('archived');
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
    return project.store.archive(move);
  });
  expect(await archiveSubject(request(objectiveId, { store: late }))).toMatchObject({ kind: 'kept' });
  expect(await everything()).toEqual(before);
});

test('what is young, unsettled or waited for stays', async () => {
  const { objectiveId } = await completed();
  const early = request(objectiveId, { settledBefore: (project.clock.now() - dayMs) as EpochMs });
  expect(await archiveSubject(early)).toMatchObject({ kind: 'kept', reason: expect.stringContaining('lately') });
  const large = request(objectiveId, { actorsMax: 4 });
  expect(await archiveSubject(large)).toMatchObject({ reason: 'it is large, and work goes on' });
  const open = await plan();
  expect(await archiveSubject(request(open.objectiveId))).toMatchObject({ reason: 'it is not settled' });
  expect(await archiveSubject(request('objective-none'))).toMatchObject({ reason: 'it is not settled' });
  const running = await plan();
  await project.start(running.tasks['build']!);
  await project.call('conductor_cancel_objective', { objectiveId: running.objectiveId, reason: 'no' });
  expect(await archiveSubject(request(running.objectiveId))).toMatchObject({ kind: 'kept' });
  expect((await project.store.listArchived({ limit: 10 })).items).toEqual([]);
});

test('its evidence moves along, and is read from the archive; what others name too stays where it is', async () => {
  project.world.archive = join(folder, 'archive');
  const { objectiveId, runs } = await completed();
  const other = await completed();
  const [own, both] = [await evidence(runs[0]!, 'its own'), await evidence(runs[1]!, 'shared')];
  const kept = await evidence(other.runs[0]!, 'shared');
  const { row, freedBytes } = await moved(objectiveId);
  expect(row.artifacts).toBe(2);
  expect(freedBytes).toBe('its own'.length);
  expect(copies()).toEqual(['shared']);
  expect((await project.store.listArtifacts({ limit: 9 })).items.map(({ artifactId }) => artifactId)).toEqual([kept]);
  for (const [artifactId, content] of [
    [own, 'its own'],
    [both, 'shared'],
  ] as const) {
    const read = await project.call('conductor_read_artifact', { artifactId });
    expect(read).toMatchObject({ artifactId, content, contentSource: 'archive', truncated: false });
    expect(await project.call('conductor_read_artifact', { artifactId, maxBytes: 2 })).toMatchObject({
      content: content.slice(0, 2),
      truncated: true,
    });
  }
  await moved(other.objectiveId);
  expect(copies()).toEqual([]);
  const last = await project.call('conductor_read_artifact', { artifactId: kept });
  expect(last).toMatchObject({ content: 'shared', contentSource: 'archive' });
});

test('X5: what was stored again a moment ago stays, for its row may be on its way', async () => {
  const { objectiveId, runs } = await completed();
  await evidence(runs[0]!, 'again', 60_000);
  await evidence(runs[1]!, 'old');
  expect(await moved(objectiveId)).toMatchObject({ freedBytes: 'old'.length });
  expect(copies()).toEqual(['again']);
});

test('evidence that is gone is no obstacle, and evidence that is damaged keeps everything', async () => {
  project.world.archive = join(folder, 'archive');
  const { objectiveId, runs } = await completed();
  const gone = await evidence(runs[0]!, 'gone');
  rmSync(join(folder, 'artifacts'), { recursive: true });
  const artifactId = await evidence(runs[1]!, 'whole');
  const { sha256 } = (await project.store.getArtifact(artifactId))!;
  writeFileSync(artifactPath(join(folder, 'artifacts'), sha256), 'damaged');
  const before = await everything();
  await expect(archiveSubject(request(objectiveId))).rejects.toMatchObject({ code: 'store_damaged' });
  expect(await everything()).toEqual(before);
  writeFileSync(artifactPath(join(folder, 'artifacts'), sha256), 'whole');
  await moved(objectiveId);
  expect(await project.call('conductor_read_artifact', { artifactId: gone })).toMatchObject({
    content: null,
    contentSource: 'none',
  });
});

test('what its tasks were stays in the store as long as another task says the same', async () => {
  const [one, two] = [await completed(), await completed()];
  const specOf = async (task: string) => (await project.actor(task)).snapshot.context['spec'] as string;
  const [shared, own] = [await specOf(one.tasks['build']!), await specOf(one.tasks['test']!)];
  expect(await specOf(two.tasks['build']!)).toBe(shared);
  await moved(one.objectiveId);
  expect(await project.store.getBlob(shared)).not.toBeNull();
  expect(await project.store.getBlob(own)).toBeNull();
  await moved(two.objectiveId);
  expect(await project.store.getBlob(shared)).toBeNull();
});

test('a task of no objective moves with its runs and questions; what depends on it comes first', async () => {
  project.world.archive = join(folder, 'archive');
  const make = async (rest: object = {}) =>
    (await project.call('conductor_create_task', { title: 'alone', run: 'x', ...rest })).taskId;
  const first = await make();
  const second = await make({ dependsOn: [{ taskId: first }] });
  const runs = [await project.runTo(first, 'succeeded'), await project.runTo(second, 'failed')];
  const gate = await project.call('conductor_create_gate', {
    type: 'needs_input',
    requestedDecision: 'Keep it?',
    resourceRefs: { taskId: second },
  });
  const artifactId = await evidence(runs[1]!, 'why it failed');
  await finishEffects();
  expect(await archiveSubject(request(second))).toMatchObject({ reason: `${gate.gateId} is open` });
  await project.call('conductor_resolve_gate', { gateId: gate.gateId, status: 'rejected', resolutionReason: 'no' });
  expect(await archiveSubject(request(first))).toMatchObject({ reason: `${second} depends on ${first} and stays` });
  const { actors, row } = await moved(second);
  expect(actors.toSorted()).toEqual([second, runs[1]!, gate.gateId].toSorted());
  expect(row).toMatchObject({ subjectId: second, title: 'alone', state: 'failed', artifacts: 1 });
  expect(await project.call('conductor_read_artifact', { artifactId })).toMatchObject({ content: 'why it failed' });
  expect((await moved(first)).actors.toSorted()).toEqual([first, runs[0]!].toSorted());
  expect(await replayJournal(project.store)).toMatchObject({ differences: [] });
});

test('a worker of none moves when no run names it any more, and a question about nothing by itself', async () => {
  const { taskId } = await project.call('conductor_create_task', { title: 'alone', run: 'x' });
  const runId = await project.runTo(taskId, 'succeeded');
  const workerId = (await project.actor(runId)).facts.workerId!;
  await project.tell(workerId, { type: 'worker.cleanup', gateId: null }, { type: 'worker.cleaned', rescueRef: null });
  await finishEffects();
  expect(await archiveSubject(request(workerId))).toMatchObject({ reason: 'a run names it' });
  await moved(taskId);
  expect((await moved(workerId)).row).toMatchObject({ subjectId: workerId, state: 'archived', actors: 1 });
  const { gateId } = await project.call('conductor_create_gate', { type: 'needs_review', requestedDecision: 'Look?' });
  await project.call('conductor_resolve_gate', { gateId, status: 'canceled', resolutionReason: 'no' });
  expect((await moved(gateId)).row).toMatchObject({ title: 'needs_review', state: 'canceled', actors: 1 });
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
