/**
 * Starting a task by name: a run that waits for a slot, or, while no worker is free to take it, a place in the queue.
 *
 * S1. Slots and workers are the scheduler's alone to give: two callers could take the same one.
 * S2. Queued is stored before it is said. What was answered first is the answer to a repeat; its place is the one of this moment.
 */
import { Type, type Static } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { StoredActor } from '../persistence/store.ts';
import type { Message } from '../supervisor/kernel/kernel.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { said, type OperationResult } from './operation.ts';
import { closed, maybeText, nullable, optional, taskId, workerId } from './parameter-schemas.ts';
import { invalidState, post } from './posting.ts';
import { whenUnqueued } from './run-waiting.ts';
import { keepGrantsOf } from './task-drafts.ts';
import { requireFit } from './worker-fit.ts';

export const startParams = closed({
  taskId,
  workerId: optional(workerId, 'The worker to use. Default: an idle one, or a new one.'),
});
export const startedSchema = closed({
  /** null while it is queued: it has no run yet. */
  runId: maybeText,
  taskId: Type.String(),
  /** null while it is queued for any worker. */
  workerId: maybeText,
  /**
   * `dispatch_pending`: the scheduler starts the run when a slot is free, which may be at once. `queued`: no worker is free either;
   * it starts as soon as one is.
   */
  status: Type.String(),
  /** The task's run before this one; null when there was none. */
  lastRunId: maybeText,
  /** While it is queued: 1 for the next of those of its objective that were started by name. */
  place: nullable(Type.Integer({ minimum: 1 })),
});
export type Started = OperationResult<Static<typeof startedSchema>>;

/** @throws ConductorError `invalid_state` for a task that may not start now, or a worker that never works again; `not_found` */
export const startRun = async (context: HandlerContext, params: Static<typeof startParams>): Promise<Started> => {
  const task = await needActor(context, params.taskId);
  const wanted = params.workerId ?? null;
  requireStartable(context, task);
  if (wanted !== null) requireUsable(task, await needActor(context, wanted));
  await keepGrantsOf(context, task);
  const choice = await context.chooseWorker(task, wanted);
  if ('waits' in choice) return queue(context, task, { wanted, why: choice.waits });
  const id = context.newId('run');
  const { workerId: worker, newWorker } = choice;
  // S1.
  const event = { type: 'task.start', runId: id, workerId: worker, newWorker, dispatch: false };
  const details = { ...factsOf(task), runId: id as string, workerId: worker as string, status: 'dispatch_pending' };
  const started = await post(
    context,
    { id: task.id, wanted: 'be started' },
    {
      messages: [{ kind: 'event', to: task.id, event }],
      result: said(`${id} of ${task.id} starts as soon as a slot is free`, details),
    },
  );
  context.scheduler.poke();
  return started;
};

/** A start that was queued as it is now: at its place, with the run that it got, or without one for good. */
export const asItIsNow = async (context: HandlerContext, { content, details }: Started): Promise<Started> => {
  if (details.status !== 'queued') return { content, details };
  const task = await needActor(context, details.taskId);
  const { queuedAt, lastRunId } = contextOf(task, 'task');
  if (queuedAt !== null) {
    const place = context.scheduler.queuePlace(task.id);
    const where = place === null ? '' : `; it is number ${String(place)} of those that were asked for`;
    return said(`${content[0]!.text}${where}`, { ...details, place });
  }
  if (lastRunId === null || lastRunId === details.lastRunId) {
    const { state } = task.facts;
    return said(`${task.id} was not started: it is ${state}`, { ...details, status: state });
  }
  const { facts } = await needActor(context, lastRunId);
  const started = { runId: lastRunId as string, workerId: facts.workerId, status: facts.state };
  return said(`${lastRunId} of ${task.id} is ${facts.state}`, { ...details, ...started });
};

/** The same after it was waited for. @throws ConductorError `canceled` when the caller is gone */
export const whenBegun = async (context: HandlerContext, started: Started): Promise<Started> => {
  if (started.details.status === 'queued') await whenUnqueued(context, started.details.taskId);
  return asItIsNow(context, started);
};

const factsOf = (task: StoredActor) => {
  const { lastRunId } = contextOf(task, 'task');
  return { taskId: task.id as string, lastRunId: lastRunId as string | null, place: null };
};

const requireStartable = (context: HandlerContext, task: StoredActor): void => {
  const { id, facts } = task;
  if (!['ready', 'assigned'].includes(facts.state)) {
    throw invalidState({ id, wanted: 'be started' }, facts.state, 'not_in_state');
  }
  const { waitingOn, notBefore } = contextOf(task, 'task');
  if (waitingOn > 0) {
    const message = `${id} waits for ${String(waitingOn)} tasks and starts when they are completed`;
    throw new ConductorError('invalid_state', message, { details: { id, state: facts.state, waitingOn } });
  }
  if (notBefore !== null && notBefore > context.clock.now()) {
    const message = `${id} is delayed until ${new Date(notBefore).toISOString()} after a failed run`;
    throw new ConductorError('invalid_state', message, {
      retryable: true,
      details: { id, state: facts.state, notBefore },
    });
  }
};

const requireUsable = (task: StoredActor, worker: StoredActor): void => {
  const { id, facts } = worker;
  if (facts.settled) throw invalidState({ id, wanted: 'be given work' }, facts.state, 'archived');
  requireFit(task, worker);
};

/** Asked for again a task keeps its place. */
const queue = async (
  context: HandlerContext,
  task: StoredActor,
  { wanted, why }: { readonly wanted: string | null; readonly why: string },
): Promise<Started> => {
  const assign: readonly Message[] =
    wanted === null ? [] : [{ kind: 'event', to: task.id, event: { type: 'task.assign', workerId: wanted } }];
  const details = { ...factsOf(task), runId: null, workerId: wanted, status: 'queued' };
  const queued = await post(
    context,
    { id: task.id, wanted: 'be queued' },
    {
      messages: [...assign, { kind: 'event', to: task.id, event: { type: 'task.queue' } }],
      result: said(`${task.id} is queued: ${why}`, details),
    },
  );
  context.scheduler.poke();
  return queued;
};
