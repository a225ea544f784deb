/**
 * What a person calls the thing behind an id, as far as the page knows it. Pure.
 *
 * N1. A name is what somebody wrote into a title, or follows from one; an id is no name.
 */
import { kindOfId } from '../../../src/machines/ids.ts';
import type { Items } from './feed-state.ts';

const GATE_NAMES: Readonly<Record<string, string>> = {
  needs_input: 'A question',
  needs_review: 'A review',
  approval_required: 'An approval',
  ready_for_pr: 'A pull request',
  destructive_cleanup: 'A cleanup that destroys',
};

export const gateName = (type: string): string => GATE_NAMES[type] ?? type.replaceAll('_', ' ');

const runName = ({ runs, tasks }: Items, id: string): string | null => {
  const run = runs.get(id);
  const title = run === undefined ? undefined : tasks.get(run.taskId)?.title;
  if (run === undefined || title === undefined) return null;
  return run.attempt > 1 ? `${title}, attempt ${String(run.attempt)}` : title;
};

const gateNameOf = ({ gates }: Items, id: string): string | null => {
  const gate = gates.get(id);
  return gate === undefined ? null : gateName(gate.type);
};

/** Most workers are made for one task and called as their branch. */
const workerName = ({ workers }: Items, id: string): string | null => {
  const worker = workers.get(id);
  return worker === undefined ? null : (worker.name ?? (worker.branch === '' ? null : worker.branch));
};

const NAMES: Readonly<Record<string, (items: Items, id: string) => string | null>> = {
  objective: ({ objectives }, id) => objectives.get(id)?.title ?? null,
  task: ({ tasks }, id) => tasks.get(id)?.title ?? null,
  run: runName,
  gate: gateNameOf,
  worker: workerName,
};

/** Null: nobody gave it one, or the page does not know it. */
export const nameOf = (items: Items, id: string): string | null => NAMES[kindOfId(id) ?? '']?.(items, id) ?? null;
