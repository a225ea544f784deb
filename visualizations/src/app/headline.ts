/** The project in one line of plain words. Pure. */
import type { Items } from '../connection/feed-state.ts';
import { formatCount } from '../design/format.ts';

export type Headline = {
  readonly running: number;
  /** Questions and reviews that only a person moves. */
  readonly waiting: number;
  readonly done: number;
  readonly failed: number;
};

/** Objectives count their own tasks, so that those which are not in the list count too; loose tasks are counted one by one. */
export const headlineOf = (items: Items, omittedDone: number): Headline => {
  const loose = [...items.tasks.values()].filter(({ objectiveId }) => objectiveId === null);
  const inState = (state: string): number =>
    [...items.objectives.values()].reduce((sum, { tasks }) => sum + (tasks[state] ?? 0), 0) +
    loose.filter((task) => task.state === state).length;
  return {
    running: inState('running'),
    waiting: openGates(items).length,
    done: inState('completed') + omittedDone,
    failed: inState('failed'),
  };
};

/** Oldest first: what has waited longest is on top. */
export const openGates = (items: Items) =>
  [...items.gates.values()].filter(({ state }) => state === 'open').toSorted((a, b) => a.createdAt - b.createdAt);

export const headlineText = ({ running, waiting, done, failed }: Headline): string => {
  const parts = [
    ...(running > 0 ? [`${formatCount(running)} running`] : []),
    ...(waiting > 0 ? [`${formatCount(waiting)} ${waiting === 1 ? 'waits' : 'wait'} for you`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(done > 0 ? [`${formatCount(done)} done`] : []),
  ];
  return parts.length === 0 ? 'Nothing runs and nothing waits' : parts.join(', ');
};
