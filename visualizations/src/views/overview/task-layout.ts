/** Where each task of an objective stands in its chart, as the supervisor laid it out; asked once per set of tasks. */
import { useEffect } from 'react';
import type { TaskLayout } from '../../../../src/operations/charts/task-layout.ts';
import { useCall, type CallResult } from '../../connection/use-conductor.ts';

/** Layouts kept for charts that are opened again. */
const KEPT_MAX = 64;
const kept = new Map<string, TaskLayout>();

const keep = (key: string, layout: TaskLayout): void => {
  kept.set(key, layout);
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
};

/** `key` names the set of tasks, see `layoutKey`. While a new set is laid out the last layout stays. */
export const useTaskLayout = (objectiveId: string, key: string): Omit<CallResult<TaskLayout>, 'state'> => {
  const known = kept.get(key) ?? null;
  const asked = useCall<TaskLayout>('conductor_layout_tasks', known === null ? { objectiveId } : null, [key]);
  const { state, details } = asked;
  useEffect(() => {
    if (state === 'ready' && details !== null) keep(key, details);
  }, [state, details, key]);
  return known === null ? asked : { ...asked, details: known };
};
