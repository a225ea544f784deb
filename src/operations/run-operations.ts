/** Runs: started by name, waited for, canceled, shown. */
import { Type } from 'typebox';
import type { RunId } from '../machines/ids.ts';
import { cancelReason } from './cancel-reason.ts';
import { needActor } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
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
import { tryPost } from './posting.ts';
import { pageSchema, RunItemSchema } from './read-models/item-schemas.ts';
import { itemsOf, listItems } from './read-models/lists.ts';
import { pageText, runLine } from './read-models/lines.ts';
import { asItIsNow, startedSchema, startParams, startRun, whenBegun } from './run-start.ts';
import { whenSettled } from './run-waiting.ts';

export const startTaskRun = defineOperation({
  name: 'conductor_start_task_run',
  title: 'Start a run',
  description:
    'Starts a run of a ready task by name and returns at once. While no slot is free the run waits for one; while no worker is free ' +
    'to take it, the task is queued, before those that nobody asked for; place is 1 for the next one.',
  params: startParams,
  result: startedSchema,
  principals: DECIDERS,
  mutates: true,
  handler: startRun,
  finish: asItIsNow,
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
    const { content, details } = await startRun(context, params);
    return { content, details: { ...details, run: null } };
  },
  finish: async (context, result) => {
    const { content, details } = await whenBegun(context, result);
    if (details.runId === null) return { content, details: { ...details, run: null } };
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
    const event = { type: 'run.cancel', reason: cancelReason(context.principal, params.reason) };
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
