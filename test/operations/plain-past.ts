/**
 * The past in the plainest way: the whole journal is read, every state of every actor is kept, and everything that was there is looked
 * through. For projects so small that no limit of an overview counts.
 */
import { kindOfId, type ActorId } from '../../src/machines/ids.ts';
import { overviewItems } from '../../src/operations/read-models/overview-items.ts';
import { SAD_ENDS } from '../../src/operations/read-models/overview-scope.ts';
import { contextIn, seenAt, type Seen } from '../../src/operations/read-models/overview-seen.ts';
import type { OverviewItems } from '../../src/operations/read-models/overview.ts';
import { applyPatch } from '../../src/persistence/merge-patch.ts';
import type { JournalEntry, PersistedSnapshot, StoreReader } from '../../src/persistence/store.ts';

type State = { readonly from: number; readonly seen: Seen };
export type PlainPast = { readonly itemsAt: (seq: number, objectiveId: string | null) => Promise<OverviewItems> };

export const readPlainPast = async (reader: StoreReader): Promise<PlainPast> => {
  const states = new Map<string, State[]>();
  const snapshots = new Map<string, PersistedSnapshot>();
  for await (const entry of wholeJournal(reader)) {
    const kind = kindOfId(entry.actor);
    if (entry.patch === null || kind === null) continue;
    const snapshot = await after(reader, snapshots.get(entry.actor) ?? null, entry.patch);
    snapshots.set(entry.actor, snapshot);
    const seen = seenAt(entry.actor as ActorId, kind, {
      snapshot,
      seq: entry.seq,
      at: entry.at,
      version: entry.version,
    });
    states.set(entry.actor, [...(states.get(entry.actor) ?? []), { from: entry.seq, seen }]);
  }
  return {
    itemsAt: async (seq, objectiveId) => {
      const there = [...states.values()].flatMap((list) => list.findLast(({ from }) => from <= seq)?.seen ?? []);
      return overviewItems(reader, shown(there, objectiveId));
    },
  };
};

async function* wholeJournal(reader: StoreReader): AsyncGenerator<JournalEntry> {
  let last = 0;
  for (;;) {
    const page = await reader.listJournal({ after: last, limit: 1_000 });
    yield* page;
    if (page.length === 0) return;
    last = page.at(-1)!.seq;
  }
}

const after = async (
  reader: StoreReader,
  before: PersistedSnapshot | null,
  patch: NonNullable<JournalEntry['patch']>,
): Promise<PersistedSnapshot> => {
  if ('keyframe' in patch) return patch.keyframe;
  if ('merge' in patch) return applyPatch(before!, patch.merge);
  return JSON.parse(new TextDecoder().decode((await reader.getBlob(patch.blob))!)) as PersistedSnapshot;
};

const isSad = ({ state }: Seen): boolean => SAD_ENDS.some((end) => end === state);

/** What an overview of the project, or of one objective, is about. */
const shown = (there: readonly Seen[], objectiveId: string | null): Seen[] => {
  const belongs = (seen: Seen): boolean =>
    objectiveId === null || (seen.context as { readonly objectiveId: string | null }).objectiveId === objectiveId;
  const of = (kind: Seen['kind']): Seen[] => there.filter((seen) => seen.kind === kind);
  const named = (kind: Seen['kind'], ids: readonly (string | null)[]): Seen[] =>
    of(kind).filter(({ id }) => ids.includes(id));
  const own = of('run').filter((run) => belongs(run) && (!run.settled || isSad(run)));
  const tasks = new Set([
    ...of('task').filter(belongs),
    ...named(
      'task',
      own.map((run) => contextIn(run, 'run').taskId),
    ),
  ]);
  const lasts = [...tasks].map((task) => contextIn(task, 'task').activeRunId ?? contextIn(task, 'task').lastRunId);
  const runs = new Set([...own, ...named('run', lasts)]);
  const waited = [
    ...[...tasks].map((task) => contextIn(task, 'task').reviewGateId),
    ...[...runs].map((run) => contextIn(run, 'run').waitingGateId),
  ];
  const open = of('gate').filter((gate) => belongs(gate) && gate.state === 'open');
  const gates = new Set([...named('gate', waited), ...open]);
  const working = [...runs].filter(({ settled }) => !settled).map((run) => contextIn(run, 'run').workerId);
  const objectives = of('objective').filter(belongs);
  const workers = of('worker').filter(
    (worker) =>
      !worker.settled &&
      (working.some((id) => id === worker.id) ||
        // One that stayed when its objective was archived is shown with none.
        objectives.some(({ id }) => id === contextIn(worker, 'worker').objectiveId)),
  );
  return [...objectives, ...tasks, ...runs, ...gates, ...workers];
};
