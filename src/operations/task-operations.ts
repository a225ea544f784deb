/** Tasks: made, changed, shown. What moves them through their life is in task-decisions.ts. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { ObjectiveId, TaskId, WorkerId } from '../machines/ids.ts';
import { TaskSpecSchema } from '../supervisor/specs/task-spec.ts';
import { contextOf, needActor, type HandlerContext, type OperationContext } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
import {
  closed,
  objectiveId,
  oneOf,
  optional,
  pageParams,
  TASK_STATES,
  taskId,
  workerId,
} from './parameter-schemas.ts';
import { taskKeys } from './task-update.ts';
import { parseTaskValue } from './plan/plan-file.ts';
import { PLAN_LIMITS } from './plan/plan-schema.ts';
import { invalidState, post } from './posting.ts';
import { pageSchema, TaskItemSchema } from './read-models/item-schemas.ts';
import { itemsOf, listItems } from './read-models/lists.ts';
import { pageText, taskLine } from './read-models/lines.ts';
import { keepGrants, messagesOf, needAgent, readSpec, resolveBase, specOf, type TaskDraft } from './task-drafts.ts';
import { requireFit } from './worker-fit.ts';

const needs = oneOf(['code', 'order']);

export const createTask = defineOperation({
  name: 'conductor_create_task',
  title: 'Create a task',
  description:
    'Creates one task. In an active objective it starts by itself; without an objective it is started by name ' +
    '(conductor_start_task_run). Tasks that belong together are better made by conductor_run_plan, in one commit.',
  params: closed({
    ...taskKeys,
    objectiveId: optional(objectiveId, 'The objective it belongs to.'),
    dependsOn: optional(
      Type.Array(closed({ taskId, needs: Type.Optional(needs) }), { maxItems: PLAN_LIMITS.tasksMax }),
      'Tasks that must be completed first. Their work is merged into the base, unless needs is order.',
    ),
    draft: optional(Type.Boolean(), 'true: it waits for conductor_submit_task.'),
    allowFollowUpTasks: optional(Type.Boolean(), 'Whether its run may create tasks.'),
  }),
  result: closed({
    taskId: Type.String(),
    state: Type.String(),
    objectiveId: Type.Union([Type.String(), Type.Null()]),
  }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const {
      objectiveId: objective = null,
      dependsOn = [],
      draft = false,
      allowFollowUpTasks = false,
      ...keys
    } = params;
    const task = parseTaskValue(keys);
    needAgent(context, task);
    const base = await baseOf(context, objective as ObjectiveId | null, task.base);
    const { values } = await context.config.at(base.commit);
    await needDependencies(context, dependsOn);
    const made = specOf(task, {
      planId: null,
      setup: null,
      base: base.pinned,
      dependsOn: dependsOn.map((on) => ({ taskId: on.taskId as TaskId, needs: on.needs ?? 'code' })),
      mayFollowUp: allowFollowUpTasks,
      configuration: values,
    });
    const id = context.newId('task');
    const whole: TaskDraft = { ...made, taskId: id, objectiveId: objective as ObjectiveId | null, draft };
    const state = draft ? 'draft' : 'ready';
    keepGrants(context, [whole]);
    const created = await post(
      context,
      { id, wanted: 'be created' },
      {
        ...messagesOf(whole, context.clock.now()),
        result: said(`${id} «${task.title}» is ${state}`, { taskId: id as string, state, objectiveId: objective }),
      },
    );
    context.scheduler.poke();
    return created;
  },
});

/** Where it starts: `pinned` goes into the spec; null there means the objective's base. */
const baseOf = async (
  context: HandlerContext,
  objective: ObjectiveId | null,
  wanted: string | null,
): Promise<{ readonly pinned: string | null; readonly commit: string }> => {
  if (wanted !== null) {
    const commit = await resolveBase(context, wanted, 'base');
    return { pinned: commit, commit };
  }
  const inherited = objective === null ? null : contextOf(await needActor(context, objective), 'objective').baseCommit;
  if (inherited !== null) return { pinned: null, commit: inherited };
  const commit = await resolveBase(context, 'HEAD', 'the checkout');
  return { pinned: commit, commit };
};

const needDependencies = async (
  { reader }: OperationContext,
  dependsOn: readonly { readonly taskId: string }[],
): Promise<void> => {
  const known = await reader.getActors(dependsOn.map((on) => on.taskId));
  const seen = new Set<string>();
  dependsOn.forEach((on, index) => {
    const problem = seen.has(on.taskId)
      ? 'names a task a second time'
      : known.has(on.taskId)
        ? null
        : 'names no task of this project';
    seen.add(on.taskId);
    if (problem !== null) {
      throw new ConductorError('invalid_params', `dependsOn[${String(index)}] ${problem}: ${on.taskId}`, {
        details: { taskId: on.taskId },
      });
    }
  });
};

export const submitTask = defineOperation({
  name: 'conductor_submit_task',
  title: 'Submit a draft',
  description: 'Makes a draft task ready, so that it starts as soon as it can.',
  params: closed({ taskId }),
  result: closed({ taskId: Type.String(), changed: Type.Boolean() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, { taskId: id }) => {
    const actor = await needActor(context, id);
    const result = said(`${id} is submitted`, { taskId: id, changed: true });
    const messages = [{ kind: 'event', to: actor.id, event: { type: 'task.submit' } }] as const;
    const submitted = await post(context, { id, wanted: 'be submitted' }, { messages, result });
    context.scheduler.poke();
    return submitted;
  },
});

export const assignTask = defineOperation({
  name: 'conductor_assign_task',
  title: 'Assign a task to a worker',
  description:
    'Says in which worker the next run of a ready task takes place. The worker must be idle and not held for other work.',
  params: closed({ taskId, workerId }),
  result: closed({ taskId: Type.String(), workerId: Type.String(), state: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const [task, worker] = [await needActor(context, params.taskId), await needActor(context, params.workerId)];
    const place = contextOf(worker, 'worker');
    const isHeld = place.heldFor !== null && place.heldFor !== params.taskId;
    if (worker.facts.state !== 'idle' || isHeld) {
      const reason = isHeld ? `held for ${place.heldFor}` : 'not idle';
      throw invalidState(
        { id: worker.id, wanted: `take ${params.taskId}` },
        isHeld ? `idle, but ${reason}` : worker.facts.state,
        reason,
      );
    }
    requireFit(task, worker);
    const event = { type: 'task.assign', workerId: params.workerId as WorkerId };
    const details = { taskId: params.taskId, workerId: params.workerId, state: 'assigned' };
    return post(
      context,
      { id: task.id, wanted: 'be assigned' },
      {
        messages: [{ kind: 'event', to: task.id, event }],
        result: said(`${task.id} is assigned to ${worker.id}`, details),
      },
    );
  },
});

export const getTask = defineOperation({
  name: 'conductor_get_task',
  title: 'Show a task',
  description: 'A task: where it stands and why, and what was asked for. Values in env are not shown.',
  params: closed({ taskId }),
  result: closed({ task: TaskItemSchema, spec: Type.Omit(TaskSpecSchema, ['env']) }),
  principals: READERS,
  mutates: false,
  handler: async (context, { taskId: id }) => {
    const actor = await needActor(context, id);
    const [task] = await itemsOf(context, 'task', [actor]);
    const { env, ...spec } = await readSpec(context, contextOf(actor, 'task').spec);
    const names = [...new Set([...Object.keys(env), ...spec.envNames])];
    return said(taskLine(task!), { task: task!, spec: { ...spec, envNames: names } });
  },
});

export const listTasks = defineOperation({
  name: 'conductor_list_tasks',
  title: 'List tasks',
  description: 'Tasks, newest first, each with the reason why it is not running.',
  params: closed({
    state: Type.Optional(oneOf(TASK_STATES)),
    objectiveId: Type.Optional(objectiveId),
    workerId: Type.Optional(workerId),
    ...pageParams,
  }),
  result: pageSchema(TaskItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const page = await listItems(context, 'task', params);
    return said(pageText(page, taskLine, 'tasks'), page);
  },
});

export const taskOperations = [createTask, submitTask, assignTask, getTask, listTasks] as const;
