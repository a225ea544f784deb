/** Runs: started by name, waited for, canceled, shown. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { RunId, WorkerId } from '../machines/ids.ts';
import { contextOf, needActor, type HandlerContext, type WorkerChoice } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said, type OperationResult } from './operation.ts';
import {
  closed,
  objectiveId,
  oneOf,
  optional,
  pageParams,
  reason,
  RUN_STATES,
  runId,
  taskId,
  workerId,
} from './parameter-schemas.ts';
import { invalidState, post, tryPost } from './posting.ts';
import { pageSchema, RunItemSchema } from './read-models/item-schemas.ts';
import { itemsOf, listItems } from './read-models/lists.ts';
import { pageText, runLine } from './read-models/lines.ts';
import { whenSettled } from './run-waiting.ts';
import { keepGrantsOf } from './task-drafts.ts';

const startParams = closed({
  taskId,
  workerId: optional(workerId, 'The worker to use. Default: an idle one, or a new one.'),
});
const startedSchema = closed({
  runId: Type.String(),
  taskId: Type.String(),
  workerId: Type.String(),
  /** `dispatch_pending`: the scheduler starts it when a slot is free, which may be at once. */
  status: Type.String(),
});
type Started = OperationResult<{ runId: string; taskId: string; workerId: string; status: string }>;

const start = async (
  context: HandlerContext,
  params: { readonly taskId: string; readonly workerId?: string },
): Promise<Started> => {
  const task = await needActor(context, params.taskId);
  if (!['ready', 'assigned'].includes(task.facts.state)) {
    throw invalidState({ id: task.id, wanted: 'be started' }, task.facts.state, 'not_in_state');
  }
  const { waitingOn, notBefore } = contextOf(task, 'task');
  if (waitingOn > 0) {
    throw new ConductorError(
      'invalid_state',
      `${task.id} waits for ${String(waitingOn)} tasks and starts when they are completed`,
      {
        details: { id: task.id, state: task.facts.state, waitingOn },
      },
    );
  }
  if (notBefore !== null && notBefore > context.clock.now()) {
    throw new ConductorError(
      'invalid_state',
      `${task.id} is delayed until ${new Date(notBefore).toISOString()} after a failed run`,
      {
        retryable: true,
        details: { id: task.id, state: task.facts.state, notBefore },
      },
    );
  }
  const choice: WorkerChoice =
    params.workerId === undefined
      ? await context.chooseWorker(task)
      : { workerId: params.workerId as WorkerId, newWorker: null };
  if ('refused' in choice) {
    throw new ConductorError('refused', `${task.id} cannot be started now: ${choice.refused}`, {
      retryable: true,
      details: { id: task.id },
    });
  }
  const id = context.newId('run');
  // Only the scheduler counts slots, one start after the other: two callers could take the same one.
  const event = {
    type: 'task.start',
    runId: id,
    workerId: choice.workerId,
    newWorker: choice.newWorker,
    dispatch: false,
  };
  const status = 'dispatch_pending';
  const details = { runId: id as string, taskId: params.taskId, workerId: choice.workerId as string, status };
  const text = `${id} of ${task.id} starts as soon as a slot is free`;
  await keepGrantsOf(context, task);
  const started = await post(
    context,
    { id: task.id, wanted: 'be started' },
    { messages: [{ kind: 'event', to: task.id, event }], result: said(text, details) },
  );
  context.scheduler.poke();
  return started;
};

export const startTaskRun = defineOperation({
  name: 'conductor_start_task_run',
  title: 'Start a run',
  description:
    'Starts a run of a ready task by name and returns at once; while no slot is free the run waits for one. Refused while no worker is free to take it.',
  params: startParams,
  result: startedSchema,
  principals: DECIDERS,
  mutates: true,
  handler: start,
});

export const runTask = defineOperation({
  name: 'conductor_run_task',
  title: 'Run a task to its end',
  description: 'Starts a run of a ready task and waits until it has ended. When the caller goes away the run goes on.',
  params: startParams,
  result: closed({
    ...startedSchema.properties,
    run: Type.Union([RunItemSchema, Type.Null()]),
  }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { content, details } = await start(context, params);
    return { content, details: { ...details, run: null } };
  },
  finish: async (context, { details }) => {
    const [run] = await itemsOf(context, 'run', [await whenSettled(context, details.runId)]);
    return said(runLine(run!), { ...details, status: run!.status, run: run! });
  },
});

export const cancelTaskRun = defineOperation({
  name: 'conductor_cancel_task_run',
  title: 'Cancel a run',
  description:
    'Ends a run in order: its processes get time to leave, its work is committed on its branch, its task is canceled. Canceling ' +
    'what has ended changes nothing.',
  params: closed({ runId, reason: optional(reason, 'Kept with the run.') }),
  result: closed({ runId: Type.String(), changed: Type.Boolean(), status: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { facts } = await needActor(context, params.runId);
    const unchanged = (status: string) =>
      said(`${params.runId} is ${status} already`, { runId: params.runId, changed: false, status });
    if (facts.settled) return unchanged(facts.state);
    const event = { type: 'run.cancel', reason: params.reason ?? `canceled by ${context.principal}` };
    const details = { runId: params.runId, changed: true, status: 'completing' };
    const posted = await tryPost(context, {
      messages: [{ kind: 'event', to: params.runId as RunId, event }],
      result: said(`${params.runId} is ending`, details),
    });
    return posted.kind === 'done' ? posted.result : unchanged(posted.state ?? facts.state);
  },
});

export const getRun = defineOperation({
  name: 'conductor_get_run',
  title: 'Show a run',
  description: 'A run: where it stands, how it ended, its branch and commit, and what the supervisor sees of it now.',
  params: closed({ runId }),
  result: closed({ run: RunItemSchema }),
  principals: READERS,
  mutates: false,
  handler: async (context, { runId: id }) => {
    const [run] = await itemsOf(context, 'run', [await needActor(context, id)]);
    return said(runLine(run!), { run: run! });
  },
});

export const listRuns = defineOperation({
  name: 'conductor_list_runs',
  title: 'List runs',
  description: 'Runs, newest first.',
  params: closed({
    status: Type.Optional(oneOf(RUN_STATES)),
    objectiveId: Type.Optional(objectiveId),
    taskId: Type.Optional(taskId),
    workerId: Type.Optional(workerId),
    ...pageParams,
  }),
  result: pageSchema(RunItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, { status, ...filter }) => {
    const page = await listItems(context, 'run', { ...filter, state: status });
    return said(pageText(page, runLine, 'runs'), page);
  },
});

export const runOperations = [startTaskRun, runTask, cancelTaskRun, getRun, listRuns] as const;
