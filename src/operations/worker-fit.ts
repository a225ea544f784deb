/** Whether a task may work in a worker that somebody names for it. */
import { ConductorError } from '../machines/errors.ts';
import type { StoredActor } from '../persistence/store.ts';
import { contextOf } from './operation-context.ts';

/** @throws ConductorError `refused` when the task uses a worker of another name alone. */
export const requireFit = (task: StoredActor, worker: StoredActor): void => {
  const { workerName } = contextOf(task, 'task');
  const { name } = contextOf(worker, 'worker');
  if (workerName === null || workerName === name) return;
  throw new ConductorError(
    'refused',
    `${task.id} uses the worker named ${workerName} alone, and ${worker.id} is ${name ?? 'unnamed'}`,
  );
};
