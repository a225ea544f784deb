/** The committed state that effects on a run read in the tick in which they act. */
import { ConductorError } from '../../machines/errors.ts';
import type { ObjectiveContext } from '../../machines/objective/model.ts';
import type { RunContext } from '../../machines/run/model.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { WorkerContext } from '../../machines/worker/model.ts';
import type { StoredActor } from '../../persistence/store.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { decodeSpec, type TaskSpec } from '../specs/task-spec.ts';

export type RunFacts = {
  readonly actor: StoredActor;
  readonly run: RunContext;
  readonly task: TaskContext;
  readonly worker: WorkerContext;
  readonly objective: ObjectiveContext | null;
  readonly spec: TaskSpec;
};

/** @throws ConductorError `internal` when something that the run refers to is not in the store. */
export async function readRunFacts(parts: Pick<RunParts, 'kernel'>, runId: string): Promise<RunFacts> {
  const kernel = parts.kernel();
  const actor = await need(parts, runId);
  const run = actor.snapshot.context as unknown as RunContext;
  const [task, worker, objective] = await Promise.all([
    need(parts, run.taskId),
    need(parts, run.workerId),
    run.objectiveId === null ? null : need(parts, run.objectiveId),
  ]);
  const taskContext = task.snapshot.context as unknown as TaskContext;
  const bytes = await kernel.store.getBlob(taskContext.spec);
  if (bytes === null) throw new ConductorError('internal', `the spec of ${run.taskId} is not in the store`);
  return {
    actor,
    run,
    task: taskContext,
    worker: worker.snapshot.context as unknown as WorkerContext,
    objective: objective === null ? null : (objective.snapshot.context as unknown as ObjectiveContext),
    spec: decodeSpec(bytes),
  };
}

async function need(parts: Pick<RunParts, 'kernel'>, id: string): Promise<StoredActor> {
  const actor = await parts.kernel().read(id);
  if (actor === null) throw new ConductorError('internal', `${id} is not in the store`);
  return actor;
}

/** The inner state of a run in one of its compound states. */
export const innerState = (actor: StoredActor, state: string): unknown =>
  typeof actor.snapshot.value === 'string' ? null : actor.snapshot.value[state];
