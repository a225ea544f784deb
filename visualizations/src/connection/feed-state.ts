/**
 * What the page knows of the project, and how a message of the feed changes it. Pure.
 *
 * F1. Nothing is changed in place: what is the same object did not change.
 * F2. An entry counts once: what is not newer than `lastSeq` is a repeat and dropped.
 * F3. Of two reports on one thing the one with the higher revision counts, whatever came first. A note of its progress changes nothing but
 *     that, and is as new as the message it came with.
 */
import type {
  FeedEntry,
  ProgressNote,
  ProjectFacts,
  Pulse as PulseReport,
  RunPulse,
  ServerMessage,
} from '../../../src/hosts/inspector/protocol.ts';
import type {
  Overview,
  OverviewGate,
  OverviewItems,
  OverviewObjective,
  OverviewRun,
  OverviewTask,
  OverviewWorker,
} from '../../../src/operations/read-models/overview.ts';

export type Items = {
  readonly objectives: ReadonlyMap<string, OverviewObjective>;
  readonly tasks: ReadonlyMap<string, OverviewTask>;
  readonly runs: ReadonlyMap<string, OverviewRun>;
  readonly gates: ReadonlyMap<string, OverviewGate>;
  readonly workers: ReadonlyMap<string, OverviewWorker>;
};

/**
 * A run's live facts, and what follows from one report of its runner to the next. Runners report less often than the supervisor does, so
 * that the same numbers come more than once.
 */
export type Pulse = RunPulse & {
  readonly at: number;
  /** Null until two reports are there; nothing new for RATE_MS is nothing. */
  readonly bytesPerSecond: number | null;
  /** When the agent was last heard, ms since 1970. */
  readonly heardAt: number;
  /** When `outputBytes` became what it is. */
  readonly grownAt: number;
};

/** Silence after which the output rate is zero, in ms: longer than the pause between two reports of a runner. */
const RATE_MS = 8_000;

export type FeedState = {
  readonly project: ProjectFacts | null;
  readonly items: Items;
  /** Newest entry known; null before the first snapshot. */
  readonly lastSeq: number | null;
  /** When the newest entry was written, ms since 1970. */
  readonly lastAt: number | null;
  readonly omitted: Overview['omitted'];
  /** Completed tasks that are in no item, because their objectives were too many for one page. */
  readonly omittedDone: number;
  readonly pulses: ReadonlyMap<string, Pulse>;
};

export const NO_ITEMS: Items = {
  objectives: new Map(),
  tasks: new Map(),
  runs: new Map(),
  gates: new Map(),
  workers: new Map(),
};

export const EMPTY_FEED: FeedState = {
  project: null,
  items: NO_ITEMS,
  lastSeq: null,
  lastAt: null,
  omitted: { objectives: 0, tasks: 0 },
  omittedDone: 0,
  pulses: new Map(),
};

const keyed = <Item>(list: readonly Item[], key: keyof Item): ReadonlyMap<string, Item> =>
  new Map(list.map((item) => [String(item[key]), item]));

export const itemsOf = (items: OverviewItems): Items => ({
  objectives: keyed(items.objectives, 'objectiveId'),
  tasks: keyed(items.tasks, 'taskId'),
  runs: keyed(items.runs, 'runId'),
  gates: keyed(items.gates, 'gateId'),
  workers: keyed(items.workers, 'workerId'),
});

type Revised = { readonly revision: number };

const merged = <Item extends Revised>(
  known: ReadonlyMap<string, Item>,
  changed: ReadonlyMap<string, Item>,
): ReadonlyMap<string, Item> => {
  const newer = [...changed].filter(([id, item]) => (known.get(id)?.revision ?? -1) < item.revision);
  if (newer.length === 0) return known;
  const next = new Map(known);
  for (const [id, item] of newer) next.set(id, item);
  return next;
};

const mergeItems = (known: Items, changed: Items): Items => {
  const next: Items = {
    objectives: merged(known.objectives, changed.objectives),
    tasks: merged(known.tasks, changed.tasks),
    runs: merged(known.runs, changed.runs),
    gates: merged(known.gates, changed.gates),
    workers: merged(known.workers, changed.workers),
  };
  const isSame = (Object.keys(next) as (keyof Items)[]).every((kind) => next[kind] === known[kind]);
  return isSame ? known : next;
};

type Progressing = { readonly progress: string | null; readonly progressAt: number | null; readonly updatedAt: number };

const noted = <Item extends Progressing>(
  known: ReadonlyMap<string, Item>,
  notes: readonly ProgressNote[],
): ReadonlyMap<string, Item> => {
  const next = new Map(known);
  for (const { id, taskId, text, at } of notes) {
    for (const named of taskId === null ? [id] : [id, taskId]) {
      const item = known.get(named);
      if (item !== undefined) next.set(named, { ...item, progress: text, progressAt: at, updatedAt: at });
    }
  }
  return next;
};

const noteProgress = (items: Items, notes: readonly ProgressNote[]): Items =>
  notes.length === 0 ? items : { ...items, tasks: noted(items.tasks, notes), runs: noted(items.runs, notes) };

const doneIn = (items: Items): number => {
  const loose = [...items.tasks.values()].filter((task) => task.objectiveId === null && task.state === 'completed');
  const grouped = [...items.objectives.values()].reduce((sum, { tasks }) => sum + (tasks['completed'] ?? 0), 0);
  return grouped + loose.length;
};

type Snapshot = Extract<ServerMessage, { type: 'snapshot' }>;
type Changes = Extract<ServerMessage, { type: 'changes' }>;

export const applySnapshot = (state: FeedState, { project, overview }: Snapshot): FeedState => {
  const items = itemsOf(overview.items);
  const allDone = overview.counts?.['tasks']?.['completed'] ?? 0;
  return {
    project,
    items,
    lastSeq: overview.seq,
    lastAt: overview.at,
    omitted: overview.omitted,
    omittedDone: Math.max(0, allDone - doneIn(items)),
    pulses: state.pulses,
  };
};

/** `fresh`: the entries that were not known, in order. */
export const applyChanges = (
  state: FeedState,
  { entries, items, progress, pulse, lastSeq, lastAt }: Changes,
): { readonly state: FeedState; readonly fresh: readonly FeedEntry[] } => {
  const known = state.lastSeq ?? 0;
  const fresh = entries.filter(({ seq }) => seq > known);
  const next = {
    ...state,
    items: noteProgress(mergeItems(state.items, itemsOf(items)), lastSeq > known ? progress : []),
    lastSeq: Math.max(known, lastSeq),
    lastAt: lastSeq > known ? lastAt : state.lastAt,
  };
  return { fresh, state: pulse === null ? next : applyPulse(next, pulse) };
};

const firstPulse = (run: RunPulse, at: number): Pulse => ({
  ...run,
  at,
  bytesPerSecond: null,
  heardAt: at - run.idleMs,
  grownAt: at,
});

const nextPulse = (before: Pulse, run: RunPulse, at: number): Pulse => {
  const heardAt = run.idleMs === before.idleMs ? before.heardAt : at - run.idleMs;
  const ms = at - before.grownAt;
  const bytes = run.outputBytes - before.outputBytes;
  if (bytes !== 0 && ms > 0) {
    return { ...run, at, heardAt, grownAt: at, bytesPerSecond: (Math.max(0, bytes) * 1_000) / ms };
  }
  return { ...run, at, heardAt, grownAt: before.grownAt, bytesPerSecond: ms > RATE_MS ? 0 : before.bytesPerSecond };
};

export const applyPulse = (state: FeedState, { at, runs }: PulseReport): FeedState => {
  const pulseOf = (run: RunPulse): Pulse => {
    const before = state.pulses.get(run.runId);
    return before === undefined ? firstPulse(run, at) : nextPulse(before, run, at);
  };
  return { ...state, pulses: new Map(runs.map((run) => [run.runId, pulseOf(run)])) };
};
