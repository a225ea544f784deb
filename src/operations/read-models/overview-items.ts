/**
 * Makes the entries of an overview from what actors are, or were at some moment: one way for both, so that time travel shows what
 * was shown then.
 *
 * V1. Two entries of one actor are ordered by `revision`, within what is live and within what is past: live ones count commits, past
 *     ones name the entry of the journal that made them.
 */
import type { StoreReader } from '../../persistence/store.ts';
import { gateFacts, objectiveFacts, runFacts, taskFacts, workerFacts } from './item-facts.ts';
import type {
  OverviewGate,
  OverviewItems,
  OverviewObjective,
  OverviewRun,
  OverviewTask,
  OverviewWorker,
} from './overview.ts';
import { contextIn, seenNow, type Seen, type Shown } from './overview-seen.ts';
import { specFacts, type SpecFacts } from './spec-facts.ts';
import { ownReason } from './task-reasons.ts';

/** Entries made in one turn of the loop: a few milliseconds, then others may go on. */
export const ITEMS_PER_TURN = 100;

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** In the order given. The way a run works is in the spec of its task: that is read when it is not among them. */
export const overviewItems = async (
  reader: Pick<StoreReader, 'getBlob' | 'getActors'>,
  seen: readonly Seen[],
): Promise<OverviewItems> => {
  const specs = await specsOf(reader, seen);
  const items: OverviewItems = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };
  for (const one of seen) {
    switch (one.kind) {
      case 'objective':
        items.objectives.push(objectiveOf(one));
        break;
      case 'task':
        items.tasks.push(taskOf(one, specs.get(one.id)));
        break;
      case 'run':
        items.runs.push(runOf(one, specs.get(contextIn(one, 'run').taskId)));
        break;
      case 'gate':
        items.gates.push(gateOf(one));
        break;
      case 'worker':
        items.workers.push(workerOf(one));
        break;
    }
  }
  return items;
};

/** By task. */
const specsOf = async (
  reader: Pick<StoreReader, 'getBlob' | 'getActors'>,
  seen: readonly Seen[],
): Promise<ReadonlyMap<string, SpecFacts>> => {
  const hashes = new Map(
    seen.filter(({ kind }) => kind === 'task').map((one) => [one.id, contextIn(one, 'task').spec]),
  );
  const wanted = seen.filter(({ kind }) => kind === 'run').map((one) => contextIn(one, 'run').taskId as string);
  const missing = [...new Set(wanted)].filter((id) => !hashes.has(id));
  const others = missing.length === 0 ? [] : (await reader.getActors(missing)).values();
  for (const task of others) hashes.set(task.id, contextIn(seenNow(task), 'task').spec);
  const facts = new Map<string, SpecFacts>();
  for (const [id, hash] of hashes) {
    facts.set(id, await specFacts(reader, hash));
    if (facts.size % ITEMS_PER_TURN === 0) await nextTurn();
  }
  return facts;
};

const objectiveOf = (seen: Seen): OverviewObjective => ({
  ...objectiveFacts(contextIn(seen, 'objective'), seen.state),
  revision: seen.revision,
});

const taskOf = (seen: Seen, spec: SpecFacts | undefined): OverviewTask => {
  const task = contextIn(seen, 'task');
  return {
    ...taskFacts(task, { state: seen.state, reason: reasonOf(seen.state, task) }),
    dependsOn: [...(spec?.dependsOn ?? [])],
    revision: seen.revision,
  };
};

const reasonOf = (state: string, task: Shown['task']): string | null => {
  const own = ownReason(state, task);
  if (own !== undefined) return own;
  return task.waitingOn === 0
    ? null
    : `waiting for ${String(task.waitingOn)} ${task.waitingOn === 1 ? 'task' : 'tasks'}`;
};

const runOf = (seen: Seen, spec: SpecFacts | undefined): OverviewRun => ({
  ...runFacts(contextIn(seen, 'run'), seen.state),
  settled: seen.settled,
  runtimeMode: spec?.runtimeMode ?? 'headless',
  revision: seen.revision,
  updatedAt: seen.updatedAt,
});

const gateOf = (seen: Seen): OverviewGate => ({
  ...gateFacts(contextIn(seen, 'gate'), seen.state),
  revision: seen.revision,
});

const workerOf = (seen: Seen): OverviewWorker => ({
  ...workerFacts(contextIn(seen, 'worker'), seen.state),
  revision: seen.revision,
});
