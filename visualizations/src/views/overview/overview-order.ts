/** What the overview shows first, and what it leaves out. Pure. */
import type { Items } from '../../connection/feed-state.ts';
import type { OverviewObjective, OverviewRun, OverviewTask } from '../../../../src/operations/read-models/overview.ts';

/** Objectives in which nothing moves by itself any more. */
const DONE: readonly string[] = ['completed', 'canceled'];
/** What a person should look at stands first, whatever its age. */
const OBJECTIVE_ORDER = ['needs_review', 'blocked', 'active', 'draft', 'completed', 'canceled'];
/** Ends that somebody should know of. */
const TROUBLE: readonly string[] = ['failed', 'stale', 'unknown_dispatch', 'blocked', 'interrupted', 'partial'];

export const isDone = ({ state }: OverviewObjective): boolean => DONE.includes(state);

const rank = ({ state }: OverviewObjective): number => {
  const at = OBJECTIVE_ORDER.indexOf(state);
  return at === -1 ? OBJECTIVE_ORDER.length : at;
};

/** Live ones first, by how much they need a person, then the newest. */
export const orderedObjectives = (items: Items): readonly OverviewObjective[] =>
  [...items.objectives.values()].toSorted((a, b) => rank(a) - rank(b) || b.createdAt - a.createdAt);

export const tasksByObjective = (items: Items): ReadonlyMap<string | null, readonly OverviewTask[]> =>
  Map.groupBy(items.tasks.values(), ({ objectiveId }) => objectiveId);

/** Task id → the gate that keeps it waiting: its own or its run's, the one that has waited longest. */
export const waitingTasks = ({ gates, runs }: Pick<Items, 'gates' | 'runs'>): ReadonlyMap<string, string> =>
  new Map(
    [...gates.values()]
      .filter(({ state }) => state === 'open')
      .toSorted((a, b) => b.createdAt - a.createdAt)
      .flatMap(({ gateId, taskId, runId }): [string, string][] => {
        const waiting = taskId ?? runs.get(runId ?? '')?.taskId ?? null;
        return waiting === null ? [] : [[waiting, gateId]];
      }),
  );

/** How a task is shown: one that runs waits for a person while a gate of it is open; other states say more than that themselves. */
export const shownState = ({ state }: OverviewTask, gateId: string | null): string =>
  state === 'running' && gateId !== null ? 'waits_for_you' : state;

/** Longest running first; they do not change places while they report. */
export const liveRuns = (items: Items): readonly OverviewRun[] =>
  [...items.runs.values()]
    .filter(({ settled }) => !settled)
    .toSorted((a, b) => (a.startedAt ?? a.createdAt) - (b.startedAt ?? b.createdAt));

/** Latest first. A run whose task was completed by another one is no trouble any more. */
export const recentTrouble = (items: Items, max: number): readonly OverviewRun[] =>
  [...items.runs.values()]
    .filter(
      ({ settled, status, taskId }) =>
        settled && TROUBLE.includes(status) && items.tasks.get(taskId)?.state !== 'completed',
    )
    .toSorted((a, b) => (b.endedAt ?? b.updatedAt) - (a.endedAt ?? a.updatedAt))
    .slice(0, max);

/** The same text as long as the same tasks wait for the same tasks: what a layout depends on. */
export const layoutKey = (objectiveId: string, tasks: readonly OverviewTask[]): string => {
  let hash = 0x811c9dc5;
  for (const { taskId, dependsOn } of tasks) {
    const text = `${taskId}<${dependsOn.join()};`;
    // By index: this runs with every change of a thousand tasks, and an iterator takes ten times as long. Ids are ASCII.
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return `${objectiveId} ${String(tasks.length)} ${hash.toString(36)}`;
};

/** Whether a task is what somebody looks for: by title, id in its plan, state as it is shown, or id. */
export const matches = (task: OverviewTask, wanted: string, state = task.state): boolean => {
  const text = `${task.title} ${task.planId ?? ''} ${state.replaceAll('_', ' ')} ${task.taskId}`.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
};
