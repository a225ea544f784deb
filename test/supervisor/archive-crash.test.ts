/**
 * Goal: an archive that dies between two of its steps loses nothing, and the next one ends what it began (X1, X5; U3).
 * Method: a real store with evidence; a real process that is killed at each step; then the store is opened here as a supervisor does.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EpochMs } from '../../src/machines/ids.ts';
import { readArchive } from '../../src/persistence/archive-file.ts';
import { readArchivedArtifact } from '../../src/persistence/archived-artifacts.ts';
import { artifactPath, storeArtifact, sweepArtifactDrafts } from '../../src/persistence/artifact-files.ts';
import { ensureProjectHome, projectHome } from '../../src/persistence/project-home.ts';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import type { Store } from '../../src/persistence/store.ts';
import { artifactsInFolder, bringBackAside, removeUnnamed } from '../../src/persistence/unnamed-artifacts.ts';
import { archiveSubject } from '../../src/supervisor/archive-subject.ts';
import { encodeSpec, createSpec } from '../../src/supervisor/specs/task-spec.ts';
import { endPrograms, startProgram } from '../persistence/child-program.ts';
import { actorOf, artifactOf, batchOf, entryOf, idOf } from '../persistence/store-builders.ts';

const dayMs = 86_400_000;
const [objective, task, run] = [idOf('objective', 1), idOf('task', 1), idOf('run', 1)];
const [other, otherRun] = [idOf('task', 2), idOf('run', 2)];
const TEXTS = { one: 'first evidence', two: 'second evidence', three: 'shared evidence' };

let home: string;
let paths: ReturnType<typeof projectHome>;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'conductor-'));
  paths = projectHome(home, 'project');
  ensureProjectHome(paths);
  await fill();
});
afterEach(async () => {
  await endPrograms();
  rmSync(home, { recursive: true });
});

const keep = async (text: string) => {
  const stored = await storeArtifact(paths.artifacts, Buffer.from(text), { bytesMax: 1_000 });
  const at = new Date(Date.now() - 2 * dayMs);
  utimesSync(artifactPath(paths.artifacts, stored.sha256), at, at);
  return stored;
};

/** An objective that is over, with evidence, and a task of none that names one piece of it too. */
async function fill(): Promise<void> {
  const spec = encodeSpec(createSpec({ title: 'done', run: ['true'] }));
  const [one, two, three] = [await keep(TEXTS.one), await keep(TEXTS.two), await keep(TEXTS.three)];
  const facts = { objectiveId: objective, settled: true };
  const store = await openSqliteStore({ path: paths.database });
  const batch = batchOf({
    owner: store.owner,
    actors: [
      actorOf(objective, { facts: { ...facts, state: 'completed' }, context: { title: 'goal' } }),
      actorOf(task, { facts: { ...facts, taskId: task, state: 'completed' }, context: { spec: spec.hash } }),
      actorOf(run, { facts: { ...facts, taskId: task, state: 'succeeded' } }),
      actorOf(other),
    ],
    journal: [entryOf(1, objective), entryOf(2, task), entryOf(3, run), entryOf(4, other)],
    blobs: [{ ...spec, usedBy: [task] }],
    artifacts: [
      artifactOf(1, { ...one, objectiveId: objective, taskId: task, runId: run }),
      artifactOf(2, { ...two, objectiveId: objective, taskId: task, runId: run }),
      artifactOf(3, { ...three, objectiveId: objective, taskId: task, runId: run }),
      artifactOf(4, { ...three, taskId: other, runId: otherRun }),
    ],
  });
  expect(await store.commit(batch)).toEqual({ kind: 'committed' });
  await store.close();
}

/** As a supervisor opens it: what was moved aside is back before anybody reads. */
const open = async (): Promise<Store> => {
  const store = await openSqliteStore({ path: paths.database });
  await sweepArtifactDrafts(paths.artifacts);
  await bringBackAside(paths.artifacts);
  return store;
};

const textOf = async (store: Store, artifactId: string): Promise<string> => {
  const row = await store.getArtifact(artifactId);
  if (row !== null) return readFileSync(artifactPath(paths.artifacts, row.sha256), 'utf8');
  const archive = (await store.findArchived(artifactId))!;
  const found = await readArchivedArtifact(paths.archive, archive, { artifactId, maxBytes: 1_000 });
  return Buffer.from(found!.data!).toString();
};

const texts = (store: Store) => Promise.all([1, 2, 3, 4].map((n) => textOf(store, artifactOf(n).artifactId)));

/** The daily look at every copy. */
const sweep = async (store: Store): Promise<void> => {
  const named = (hashes: readonly string[]) => store.namedHashes(hashes);
  for (let folder = 0; folder < 256; folder += 1) {
    const hashes = await artifactsInFolder(paths.artifacts, folder);
    await removeUnnamed({ artifacts: paths.artifacts, now: Date.now(), named }, hashes);
  }
};

const copies = (): readonly string[] =>
  readdirSync(paths.artifacts, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));

test.each([
  ['between two copies', false],
  ['before the file has its name', false],
  ['after the file', false],
  ['after the store let go', true],
  ['when a copy was moved aside', true],
  ['when a copy was removed', true],
])('killed %s', async (step, isLetGo) => {
  const program = startProgram('archive-and-die.ts', [home, objective, step]);
  expect(await program.ended).toBeNull();
  expect(program.lines).toEqual([]);
  const store = await open();
  try {
    expect((await store.findArchived(objective)) !== null).toBe(isLetGo);
    expect((await store.getActors([objective, task, run])).size).toBe(isLetGo ? 0 : 3);
    expect(await texts(store)).toEqual([TEXTS.one, TEXTS.two, TEXTS.three, TEXTS.three]);
    const now = Date.now() as EpochMs;
    if (!isLetGo) {
      const { archive: directory, artifacts } = paths;
      const request = { store, directory, artifacts, subjectId: objective, settledBefore: now, now };
      expect((await archiveSubject(request)).kind).toBe('archived');
    }
    await sweep(store);
    expect(copies()).toEqual([TEXTS.three]);
    expect(await texts(store)).toEqual([TEXTS.one, TEXTS.two, TEXTS.three, TEXTS.three]);
    const kinds: string[] = [];
    for await (const record of readArchive(join(paths.archive, `${objective}.ndjson.gz`))) kinds.push(record.kind);
    expect(kinds.filter((kind) => ['actor', 'entry', 'artifact', 'blob'].includes(kind))).toHaveLength(3 + 3 + 3 + 1);
    expect(readdirSync(paths.archive).toSorted()).toEqual([`${objective}.artifacts`, `${objective}.ndjson.gz`]);
  } finally {
    await store.close();
  }
});

test('not killed, it says so: the steps above are those of a whole move', async () => {
  const program = startProgram('archive-and-die.ts', [home, objective, 'never']);
  expect(await program.ended).toBe(0);
  expect(program.lines).toEqual(['moved']);
  expect(copies()).toEqual([TEXTS.three]);
});
