/**
 * What a feed reads of the supervisor: the whole project, what single entries changed, and stretches of the journal. All of it through
 * operations, as any reader.
 */
import { kindOfId } from '../../machines/ids.ts';
import type { EventItem } from '../../operations/read-models/item-schemas.ts';
import type { Overview, OverviewItems } from '../../operations/read-models/overview.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import { BATCH_ENTRIES_MAX, type FeedEntry, type RunPulse, type ServerMessage } from './protocol.ts';

export type ChangesMessage = Extract<ServerMessage, { readonly type: 'changes' }>;

/** @throws ConductorError what the operations throw. */
export type FeedSource = {
  overview(): Promise<Overview>;
  /** The newest entry's number; 0 before the first. */
  lastSeq(): Promise<number>;
  /** At most BATCH_ENTRIES_MAX entries after this one, in order. */
  entriesAfter(seq: number): Promise<readonly FeedEntry[]>;
  /** These entries with what they changed, as it stands now. */
  changesOf(entries: readonly FeedEntry[]): Promise<ChangesMessage>;
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
    entriesAfter: async (seq) => (await events({ afterSequence: seq, limit: BATCH_ENTRIES_MAX })).map(feedEntry),
    changesOf: async (entries) => {
      const ids = [...new Set(entries.map(({ actor }) => actor))].filter((id) => kindOfId(id) !== null);
      const items = ids.length === 0 ? NO_ITEMS : await read<OverviewItems>('conductor_get_overview_items', { ids });
      return { type: 'changes', lastSeq: entries.at(-1)?.seq ?? 0, entries, items };
    },
    pulse: () => face.liveRuns().map((run) => ({ ...run })),
  };
};

/** Patches stay behind: pages that want one ask for it. */
export const feedEntry = ({ patch: _, ...entry }: JournalEntry | EventItem): FeedEntry => ({
  ...entry,
  taken: [...entry.taken],
});
