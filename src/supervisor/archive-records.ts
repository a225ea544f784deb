/** What stands in the file of an archived subject, read page by page from the store. */
import type { ActorKind } from '../machines/ids.ts';
import type { ArchiveRecord } from '../persistence/archive-file.ts';
import type { ArtifactRow, JournalEntry, RelationRow, StoredActor, StoreReader } from '../persistence/store.ts';

/** Version of the records. 2: artifacts stand before the journal, and their copies beside the file. */
const SCHEMA_VERSION = 2;
/** Rows read at one time: a millisecond or two of the loop. */
const PAGE = 200;
/** Actors whose blobs are asked for at one time. */
const ACTORS_PAGE = 1_000;

/** All that goes, but for the journal, which is read while it is written. */
export type Gathered = {
  readonly subject: StoredActor;
  readonly actors: readonly StoredActor[];
  readonly edges: readonly RelationRow[];
  readonly artifacts: readonly ArtifactRow[];
  readonly blobs: readonly string[];
};

/** Counted while the records are read. */
export type Seen = { entries: number; firstSeq: number; lastSeq: number };

export async function* recordsOf(
  store: StoreReader,
  gathered: Gathered,
  what: { readonly head: Readonly<Record<string, unknown>>; readonly seen: Seen },
): AsyncGenerator<readonly ArchiveRecord[]> {
  const { actors, edges, artifacts, blobs } = gathered;
  const { seen } = what;
  let count = 0;
  const counted = (page: readonly ArchiveRecord[]): readonly ArchiveRecord[] => {
    count += page.length;
    return page;
  };
  yield [{ ...what.head, kind: 'archive', schemaVersion: SCHEMA_VERSION }];
  for (const actor of actors) yield counted([{ kind: 'actor', actor }]);
  yield counted(edges.map((edge) => ({ kind: 'relation', ...edge })));
  for (const artifact of artifacts) yield counted([{ kind: 'artifact', artifact }]);
  for (const { id } of actors) {
    for await (const entry of entriesOf(store, id)) {
      seen.entries += 1;
      seen.firstSeq = Math.min(seen.firstSeq, entry.seq);
      seen.lastSeq = Math.max(seen.lastSeq, entry.seq);
      yield counted([{ kind: 'entry', entry }]);
    }
  }
  for (const hash of blobs) {
    const data = await store.getBlob(hash);
    yield counted([{ kind: 'blob', hash, data: data === null ? null : Buffer.from(data).toString('base64') }]);
  }
  yield [{ kind: 'end', records: count }];
}

/** Whoever belongs to the subject, itself not among them. */
export async function* membersOf(store: StoreReader, { id, kind }: StoredActor): AsyncGenerator<StoredActor> {
  if (kind === 'objective') {
    for (const member of ['task', 'run', 'gate', 'worker'] as const)
      yield* actorsOf(store, member, { objectiveId: id });
  }
  if (kind !== 'task') return;
  for (const member of ['run', 'gate'] as const) {
    // A question about a task of none may still be an objective's.
    for await (const actor of actorsOf(store, member, { taskId: id }))
      if (actor.facts.objectiveId === null) yield actor;
  }
}

export async function* dependentsOf(store: StoreReader, taskId: string): AsyncGenerator<{ readonly to: string }> {
  for (let after = 0; ;) {
    const rows = await store.listRelation('dependent', taskId, { after, limit: PAGE });
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.row;
  }
}

export async function artifactsOf(store: StoreReader, { id, kind }: StoredActor): Promise<readonly ArtifactRow[]> {
  if (kind !== 'objective' && kind !== 'task') return [];
  const of = kind === 'objective' ? { objectiveId: id } : { taskId: id };
  const found: ArtifactRow[] = [];
  let after: string | null = null;
  do {
    const from: { after?: string } = after === null ? {} : { after };
    const page = await store.listArtifacts({ ...of, limit: PAGE, ...from });
    found.push(...page.items);
    after = page.nextCursor;
  } while (after !== null);
  return found;
}

export async function blobsOf(store: StoreReader, actors: readonly StoredActor[]): Promise<readonly string[]> {
  const hashes = new Set<string>();
  for (let first = 0; first < actors.length; first += ACTORS_PAGE) {
    const ids = actors.slice(first, first + ACTORS_PAGE).map(({ id }) => id);
    for (const hash of await store.blobsOf(ids)) hashes.add(hash);
  }
  return [...hashes];
}

async function* actorsOf(
  store: StoreReader,
  kind: ActorKind,
  of: { readonly objectiveId: string } | { readonly taskId: string },
): AsyncGenerator<StoredActor> {
  let after: string | null = null;
  do {
    const from: { after?: string } = after === null ? {} : { after };
    const page = await store.listActors({ kind, ...of, limit: PAGE, order: 'oldest', ...from });
    yield* page.items;
    after = page.nextCursor;
  } while (after !== null);
}

async function* entriesOf(store: StoreReader, actor: string): AsyncGenerator<JournalEntry> {
  for (let after = 0; ;) {
    const entries = await store.listJournal({ actor, after, limit: PAGE });
    yield* entries;
    if (entries.length < PAGE) return;
    after = entries.at(-1)!.seq;
  }
}
