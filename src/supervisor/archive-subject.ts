/**
 * Moves what was settled long ago out of the store: an objective with its tasks, runs, gates and cleaned-up workers, or a task, a
 * worker or a gate of no objective; with all that they wrote into the journal, edges, artifacts and blobs.
 *
 *     copies of its evidence ─▶ file ─▶ the store lets go ─▶ files of evidence that nobody names go
 *
 * X1. Copies and file are whole and were read back before the store lets go of anything; a crash in between leaves both.
 * X2. The store lets go only of what the file holds: whatever changed meanwhile keeps everything (M2 of archive-row.ts).
 * X3. Workers of an objective that still have a worktree stay, with their journal: they are found and cleaned up as before.
 * X4. A subject stays as long as a task of another one depends on one of its tasks; a worker, as long as a run names it.
 * X5. Evidence that others name too stays under its hash; what a crash left over is taken away later (retention-jobs.ts).
 */
import { join } from 'node:path';
import type { EpochMs } from '../machines/ids.ts';
import type { TaskContext } from '../machines/task/model.ts';
import { writeArchive } from '../persistence/archive-file.ts';
import type { ArchiveRow } from '../persistence/archive-row.ts';
import { keepArchived } from '../persistence/archived-artifacts.ts';
import type { RelationRow, Store, StoredActor } from '../persistence/store.ts';
import { removeUnnamed } from '../persistence/unnamed-artifacts.ts';
import {
  artifactsOf,
  blobsOf,
  dependentsOf,
  membersOf,
  recordsOf,
  type Gathered,
  type Seen,
} from './archive-records.ts';
import { decodeSpec } from './specs/task-spec.ts';

export type ArchiveOutcome =
  | {
      readonly kind: 'archived';
      readonly row: ArchiveRow;
      readonly actors: readonly string[];
      /** Bytes of evidence that went from its place. */
      readonly freedBytes: number;
    }
  | { readonly kind: 'kept'; readonly reason: string };

export type ArchiveRequest = {
  readonly store: Store;
  /** Directory of the project's archive. */
  readonly directory: string;
  /** Directory of the project's artifacts. */
  readonly artifacts: string;
  /** An objective, or a task, worker or gate of none. */
  readonly subjectId: string;
  /** Only what has not changed since. */
  readonly settledBefore: EpochMs;
  readonly now: EpochMs;
  /** Larger ones stay for now: the store lets go in one transaction, about 25 ms per 100 actors, and commits wait for it. */
  readonly actorsMax?: number;
};

/** @throws what the file system throws, `store_damaged` for evidence that is not what it was; then nothing has changed in the store. */
export async function archiveSubject(request: ArchiveRequest): Promise<ArchiveOutcome> {
  const { store, subjectId, directory, artifacts, now } = request;
  const gathered = await gather(request);
  if ('reason' in gathered) return { kind: 'kept', reason: gathered.reason };
  const { subject, actors, edges } = gathered;
  const hashes = new Set(gathered.artifacts.map(({ sha256 }) => sha256));
  await keepArchived({ artifacts, archive: directory }, subjectId, hashes);
  const file = `${subjectId}.ndjson.gz`;
  const seen: Seen = { entries: 0, firstSeq: Number.MAX_SAFE_INTEGER, lastSeq: 0 };
  const head = { subjectId, title: titleOf(subject), state: subject.facts.state, archivedAt: now };
  const written = await writeArchive(join(directory, file), recordsOf(store, gathered, { head, seen }));
  const counts = { actors: actors.length, artifacts: gathered.artifacts.length, ...seen };
  const row: ArchiveRow = { ...head, file, ...written, ...counts };
  const result = await store.archive({
    owner: store.owner,
    row,
    actors: actors.map(({ id, revision }) => ({ id, revision })),
    artifacts: gathered.artifacts.map(({ artifactId }) => artifactId),
    edges,
  });
  if (result.kind !== 'committed') {
    return { kind: 'kept', reason: `the store answered ${result.kind}; the file is written again next time` };
  }
  const named = (asked: readonly string[]) => store.namedHashes(asked);
  // X5: what cannot be removed now is no reason to call the move anything but done.
  const freed = await removeUnnamed({ artifacts, now, named }, [...hashes]).catch(() => null);
  return { kind: 'archived', row, actors: actors.map(({ id }) => id), freedBytes: freed?.bytes ?? 0 };
}

type Kept = { readonly reason: string };

async function gather(request: ArchiveRequest): Promise<Gathered | Kept> {
  const { store, subjectId, settledBefore } = request;
  const subject = await store.getActor(subjectId);
  if (subject === null || !subject.facts.settled) return { reason: 'it is not settled' };
  const actors = await settledMembers(store, subject);
  if ('reason' in actors) return actors;
  if (actors.length > (request.actorsMax ?? Number.POSITIVE_INFINITY))
    return { reason: 'it is large, and work goes on' };
  const young = actors.find(({ updatedAt }) => updatedAt >= settledBefore);
  if (young !== undefined) return { reason: `${young.id} has changed lately` };
  const ids = new Set<string>(actors.map(({ id }) => id));
  const edges: RelationRow[] = [];
  for (const actor of actors) {
    if (actor.kind !== 'task') continue;
    const found = await edgesTo(store, actor, ids);
    if ('reason' in found) return found;
    edges.push(...found);
  }
  if (subject.kind === 'worker' && (await isNamed(store, subjectId))) return { reason: 'a run names it' };
  const [artifacts, blobs] = [await artifactsOf(store, subject), await blobsOf(store, actors)];
  return { subject, actors, edges, artifacts, blobs };
}

/** X3. */
async function settledMembers(store: Store, subject: StoredActor): Promise<readonly StoredActor[] | Kept> {
  const actors = [subject];
  for await (const actor of membersOf(store, subject)) {
    if (actor.facts.settled) actors.push(actor);
    else if (actor.kind !== 'worker') return { reason: `${actor.id} is ${actor.facts.state}` };
  }
  return actors;
}

/** X4; and what leads to a task: edges of the tasks it depends on. */
async function edgesTo(
  store: Store,
  task: StoredActor,
  ids: ReadonlySet<string>,
): Promise<readonly RelationRow[] | Kept> {
  for await (const { to } of dependentsOf(store, task.id)) {
    if (!ids.has(to)) return { reason: `${to} depends on ${task.id} and stays` };
  }
  const { spec } = task.snapshot.context as unknown as TaskContext;
  const bytes = await store.getBlob(spec);
  if (bytes === null) return { reason: `the spec of ${task.id} is not in the store` };
  return decodeSpec(bytes).dependsOn.map(({ taskId }) => ({ relation: 'dependent', from: taskId, to: task.id }));
}

async function isNamed(store: Store, workerId: string): Promise<boolean> {
  for (const kind of ['run', 'task', 'gate'] as const) {
    if ((await store.listActorIds({ kind, workerId, limit: 1 })).length > 0) return true;
  }
  return false;
}

function titleOf({ kind, snapshot }: StoredActor): string {
  const { title, name, gateType } = snapshot.context as { readonly [field: string]: string | null | undefined };
  return title ?? name ?? gateType ?? kind;
}
