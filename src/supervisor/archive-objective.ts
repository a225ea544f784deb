/**
 * Moves one objective that was settled long ago out of the store: tasks, runs, gates, cleaned-up workers, all that they wrote into
 * the journal, edges, artifact rows, and copies of the blobs they name.
 *
 * X1. The file is whole and was read back before the store lets go of anything; a crash in between leaves both.
 * X2. The store lets go only of what the file holds: whatever changed meanwhile keeps everything (M2 of archive-row.ts).
 * X3. Workers that still have a worktree stay, with their journal: they are found and cleaned up as before.
 * X4. An objective stays as long as a task of another one depends on one of its tasks.
 *
 * Blobs stay in the store too: the same bytes may belong to others.
 */
import { join } from 'node:path';
import type { ActorKind, EpochMs } from '../machines/ids.ts';
import type { ObjectiveContext } from '../machines/objective/model.ts';
import type { TaskContext } from '../machines/task/model.ts';
import type { ArchiveRow } from '../persistence/archive-row.ts';
import { writeArchive, type ArchiveRecord } from '../persistence/archive-file.ts';
import type { ArtifactRow, RelationRow, Store, StoredActor } from '../persistence/store.ts';
import { decodeSpec } from './specs/task-spec.ts';

export type ArchiveOutcome =
  | { readonly kind: 'archived'; readonly row: ArchiveRow; readonly actors: readonly string[] }
  | { readonly kind: 'kept'; readonly reason: string };

/** Rows read at one time: a millisecond or two of the loop. */
const PAGE = 200;
const SCHEMA_VERSION = 1;

export type ArchiveRequest = {
  readonly store: Store;
  /** Directory of the project's archive. */
  readonly directory: string;
  readonly objectiveId: string;
  /** Only what has not changed since. */
  readonly settledBefore: EpochMs;
  readonly now: EpochMs;
  /** Larger ones stay for now: the store lets go in one transaction, about 25 ms per 100 actors, and commits wait for it. */
  readonly actorsMax?: number;
};

/** @throws what the file system throws; then nothing has changed in the store. */
export async function archiveObjective(request: ArchiveRequest): Promise<ArchiveOutcome> {
  const { store, objectiveId, now } = request;
  const gathered = await gather(request);
  if ('reason' in gathered) return { kind: 'kept', reason: gathered.reason };
  const { objective, actors, edges, blobs } = gathered;
  const context = objective.snapshot.context as unknown as ObjectiveContext;
  const file = `${objectiveId}.ndjson.gz`;
  const seen = { entries: 0, artifacts: 0, firstSeq: Number.MAX_SAFE_INTEGER, lastSeq: 0 };
  const head = { objectiveId, title: context.title, state: objective.facts.state, archivedAt: now };
  const written = await writeArchive(
    join(request.directory, file),
    recordsOf(store, { head, actors, edges, blobs, seen, objectiveId }),
  );
  const row: ArchiveRow = { ...head, file, ...written, actors: actors.length, ...seen };
  const result = await store.archiveObjective({
    owner: store.owner,
    row,
    actors: actors.map(({ id, revision }) => ({ id, revision })),
    edges,
  });
  if (result.kind === 'committed') return { kind: 'archived', row, actors: actors.map(({ id }) => id) };
  return { kind: 'kept', reason: `the store answered ${result.kind}; the file is written again next time` };
}

type Gathered = {
  readonly objective: StoredActor;
  readonly actors: readonly StoredActor[];
  readonly edges: readonly RelationRow[];
  readonly blobs: readonly string[];
};

type Kept = { readonly reason: string };

async function gather(request: ArchiveRequest): Promise<Gathered | Kept> {
  const { store, objectiveId, settledBefore } = request;
  const objective = await store.getActor(objectiveId);
  if (objective === null || !objective.facts.settled) return { reason: 'it is not settled' };
  const actors = await settledMembers(store, objective);
  if ('reason' in actors) return actors;
  if (actors.length > (request.actorsMax ?? Number.POSITIVE_INFINITY))
    return { reason: 'it is large, and work goes on' };
  const young = actors.find(({ updatedAt }) => updatedAt >= settledBefore);
  if (young !== undefined) return { reason: `${young.id} has changed lately` };
  const ids = new Set<string>(actors.map(({ id }) => id));
  const edges: RelationRow[] = [];
  const blobs: string[] = [];
  for (const actor of actors) {
    if (actor.kind !== 'task') continue;
    const ties = await tiesOf(store, actor, ids);
    if ('reason' in ties) return ties;
    edges.push(...ties.edges);
    blobs.push(...ties.blobs);
  }
  return { objective, actors, edges, blobs };
}

/** X3. */
async function settledMembers(store: Store, objective: StoredActor): Promise<readonly StoredActor[] | Kept> {
  const actors = [objective];
  for (const kind of ['task', 'run', 'gate', 'worker'] as const) {
    for await (const actor of membersOf(store, kind, objective.id)) {
      if (actor.facts.settled) actors.push(actor);
      else if (kind !== 'worker') return { reason: `${actor.id} is ${actor.facts.state}` };
    }
  }
  return actors;
}

/** X4; and what leads to a task: edges of the tasks it depends on, the blobs of its spec. */
async function tiesOf(
  store: Store,
  task: StoredActor,
  ids: ReadonlySet<string>,
): Promise<Pick<Gathered, 'edges' | 'blobs'> | Kept> {
  for await (const { to } of dependentsOf(store, task.id)) {
    if (!ids.has(to)) return { reason: `${to} of another objective depends on ${task.id}` };
  }
  const { spec } = task.snapshot.context as unknown as TaskContext;
  const bytes = await store.getBlob(spec);
  if (bytes === null) return { reason: `the spec of ${task.id} is not in the store` };
  const { dependsOn, promptBlob } = decodeSpec(bytes);
  return {
    edges: dependsOn.map(({ taskId }) => ({ relation: 'dependent', from: taskId, to: task.id })),
    blobs: promptBlob === null ? [spec] : [spec, promptBlob],
  };
}

type Contents = Omit<Gathered, 'objective'> & {
  readonly objectiveId: string;
  readonly head: Readonly<Record<string, unknown>>;
  /** Counted while they are read. */
  readonly seen: { entries: number; artifacts: number; firstSeq: number; lastSeq: number };
};

async function* recordsOf(store: Store, contents: Contents): AsyncGenerator<readonly ArchiveRecord[]> {
  const { actors, edges, seen } = contents;
  const blobs = new Set(contents.blobs);
  let count = 0;
  const counted = (page: readonly ArchiveRecord[]): readonly ArchiveRecord[] => {
    count += page.length;
    return page;
  };
  yield [{ ...contents.head, kind: 'archive', schemaVersion: SCHEMA_VERSION }];
  for (const actor of actors) yield counted([{ kind: 'actor', actor }]);
  yield counted(edges.map((edge) => ({ kind: 'relation', ...edge })));
  for (const { id } of actors) {
    for await (const entry of entriesOf(store, id)) {
      seen.entries += 1;
      seen.firstSeq = Math.min(seen.firstSeq, entry.seq);
      seen.lastSeq = Math.max(seen.lastSeq, entry.seq);
      if (entry.patch !== null && 'blob' in entry.patch) blobs.add(entry.patch.blob);
      yield counted([{ kind: 'entry', entry }]);
    }
  }
  for await (const artifact of artifactsOf(store, contents.objectiveId)) {
    seen.artifacts += 1;
    yield counted([{ kind: 'artifact', artifact }]);
  }
  for (const hash of blobs) {
    const data = await store.getBlob(hash);
    yield counted([{ kind: 'blob', hash, data: data === null ? null : Buffer.from(data).toString('base64') }]);
  }
  yield [{ kind: 'end', records: count }];
}

async function* membersOf(store: Store, kind: ActorKind, objectiveId: string): AsyncGenerator<StoredActor> {
  let after: string | null = null;
  do {
    const from: { after?: string } = after === null ? {} : { after };
    const page = await store.listActors({ kind, objectiveId, limit: PAGE, order: 'oldest', ...from });
    yield* page.items;
    after = page.nextCursor;
  } while (after !== null);
}

async function* dependentsOf(store: Store, taskId: string): AsyncGenerator<{ readonly to: string }> {
  for (let after = 0; ;) {
    const rows = await store.listRelation('dependent', taskId, { after, limit: PAGE });
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.row;
  }
}

async function* entriesOf(store: Store, actor: string) {
  for (let after = 0; ;) {
    const entries = await store.listJournal({ actor, after, limit: PAGE });
    yield* entries;
    if (entries.length < PAGE) return;
    after = entries.at(-1)!.seq;
  }
}

async function* artifactsOf(store: Store, objectiveId: string): AsyncGenerator<ArtifactRow> {
  let after: string | null = null;
  do {
    const from: { after?: string } = after === null ? {} : { after };
    const page = await store.listArtifacts({ objectiveId, limit: PAGE, ...from });
    yield* page.items;
    after = page.nextCursor;
  } while (after !== null);
}
