/**
 * What a feed reads of the supervisor: the whole project, what single entries changed, and stretches of the journal. All of it through
 * operations, as any reader.
 *
 * S1. A run that says how far it is costs no read: what changed stands in the entry.
 */
import { kindOfId } from '../../machines/ids.ts';
import type { EventItem } from '../../operations/read-models/item-schemas.ts';
import type { Overview, OverviewItems } from '../../operations/read-models/overview.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import { BATCH_ENTRIES_MAX, type ProgressNote, type RunPulse, type ServerMessage } from './protocol.ts';

export type Changes = Pick<Extract<ServerMessage, { readonly type: 'changes' }>, 'items' | 'progress'>;
/** As the journal has it, or as an operation tells it. */
export type Entry = JournalEntry | EventItem;

/** @throws ConductorError what the operations throw. */
export type FeedSource = {
  overview(): Promise<Overview>;
  /** The newest entry's number; 0 before the first. */
  lastSeq(): Promise<number>;
  /** At most BATCH_ENTRIES_MAX entries after this one, in order. */
  entriesAfter(seq: number): Promise<readonly Entry[]>;
  /** What these entries changed, as it stands now. */
  changesOf(entries: readonly Entry[]): Promise<Changes>;
  /** Facts of the runs that live. */
  pulse(): readonly RunPulse[];
};

const NO_ITEMS: OverviewItems = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };

export const createFeedSource = (face: SupervisorFace, signal: AbortSignal): FeedSource => {
  const read = async <Details>(operation: string, params: unknown): Promise<Details> => {
    const answer = await face.invoke({
      operation,
      params,
      requestId: null,
      principal: 'human',
      clientEnv: {},
      confirmedGate: null,
      signal,
    });
    return answer.details as Details;
  };
  const events = async (params: unknown): Promise<readonly EventItem[]> =>
    (await read<{ readonly items: readonly EventItem[] }>('conductor_list_events', params)).items;
  return {
    overview: () => read<Overview>('conductor_get_overview', {}),
    lastSeq: async () => (await events({ tail: true, limit: 1 })).at(-1)?.seq ?? 0,
    entriesAfter: async (seq) => events({ afterSequence: seq, limit: BATCH_ENTRIES_MAX }),
    changesOf: async (entries) => {
      const { ids, progress } = changedBy(entries);
      const items = ids.length === 0 ? NO_ITEMS : await read<OverviewItems>('conductor_get_overview_items', { ids });
      return { items, progress };
    },
    pulse: () => face.liveRuns(),
  };
};

/** Says how far a run is and changes nothing else: the run's own entry, or that of its task. */
export const isProgress = ({ kind, event, from, to }: Entry): boolean =>
  kind === 'transition' && from === to && (event.type === 'child.progress' || event.type === 'task.progressed');

/** S1. */
const changedBy = (entries: readonly Entry[]): { readonly ids: readonly string[] } & Pick<Changes, 'progress'> => {
  const ids = new Set<string>();
  const notes = new Map<string, ProgressNote>();
  for (const entry of entries) {
    const { actor: id, event, at } = entry;
    if (isProgress(entry)) notes.set(id, { id, taskId: entry.taskId, text: String(event['text']), at });
    else if (kindOfId(id) !== null) ids.add(id);
  }
  for (const id of ids) notes.delete(id);
  return { ids: [...ids], progress: together(notes) };
};

/** A run and its task say the same: one note for both. */
const together = (notes: ReadonlyMap<string, ProgressNote>): readonly ProgressNote[] => {
  const alone: ProgressNote[] = [];
  const shared = new Set<string>();
  for (const note of notes.values()) {
    const { id, taskId, text } = note;
    const isShared = taskId !== null && taskId !== id && notes.get(taskId)?.text === text;
    if (isShared) shared.add(taskId);
    alone.push(isShared || taskId === null ? note : { ...note, taskId: null });
  }
  return shared.size === 0 ? alone : alone.filter(({ id }) => !shared.has(id));
};
