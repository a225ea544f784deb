/** Objectives: made, changed, shown, canceled. */
import { Type } from 'typebox';
import { TEXT_MAX } from '../machines/schema.ts';
import type { ObjectiveId } from '../machines/ids.ts';
import { TASK_LIMITS } from '../supervisor/specs/task-spec.ts';
import { cancelReason } from './cancel-reason.ts';
import { contextOf, needActor } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
import { closed, objectiveId, OBJECTIVE_STATES, oneOf, optional, pageParams, reason } from './parameter-schemas.ts';
import { PLAN_LIMITS } from './plan/plan-schema.ts';
import { post, tryPost } from './posting.ts';
import { ObjectiveItemSchema, pageSchema } from './read-models/item-schemas.ts';
import { objectiveItem } from './read-models/items.ts';
import { listItems } from './read-models/lists.ts';
import { objectiveLine, pageText } from './read-models/lines.ts';
import { resolveBase } from './task-drafts.ts';

const title = Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax });
const maxConcurrency = Type.Integer({ minimum: 1, maximum: PLAN_LIMITS.concurrencyMax });

export const createObjective = defineOperation({
  name: 'conductor_create_objective',
  title: 'Create an objective',
  description:
    'Creates an objective as a draft: add tasks with conductor_create_task, then activate it with conductor_update_objective. ' +
    'conductor_run_plan does all of that at once.',
  params: closed({
    title,
    prompt: optional(Type.String({ minLength: 1, maxLength: TEXT_MAX }), 'What it is for, in full.'),
    maxConcurrency: optional(maxConcurrency, 'Runs at one time. Default: the configuration.'),
  }),
  result: closed({ objectiveId: Type.String(), state: Type.String(), baseCommit: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const id = context.newId('objective');
    const baseCommit = await resolveBase(context, 'HEAD', 'the checkout');
    const { values } = await context.config.at(baseCommit);
    const input = {
      objectiveId: id,
      title: params.title,
      prompt: params.prompt ?? null,
      maxConcurrency: params.maxConcurrency ?? values.maxConcurrency,
      baseCommit,
      draft: true,
      at: context.clock.now(),
    };
    const result = said(`${id} «${params.title}» is a draft`, {
      objectiveId: id as string,
      state: 'draft',
      baseCommit,
    });
    return post(context, { id, wanted: 'be created' }, { messages: [{ kind: 'create', id, input }], result });
  },
});

export const updateObjective = defineOperation({
  name: 'conductor_update_objective',
  title: 'Change or activate an objective',
  description: 'Changes title or concurrency, or makes a draft active, so that its tasks start.',
  params: closed({
    objectiveId,
    title: Type.Optional(title),
    maxConcurrency: Type.Optional(maxConcurrency),
    status: optional(oneOf(['active']), 'active: its tasks may start.'),
  }),
  result: closed({ objectiveId: Type.String(), changed: Type.Boolean() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const actor = await needActor(context, params.objectiveId);
    const objective = contextOf(actor, 'objective');
    const to = actor.id;
    const isChange = params.title !== undefined || params.maxConcurrency !== undefined;
    const isActivation = params.status === 'active' && actor.facts.state === 'draft';
    const change = {
      type: 'objective.update',
      title: params.title ?? objective.title,
      maxConcurrency: params.maxConcurrency ?? objective.maxConcurrency,
    };
    const messages = [
      ...(isChange ? [{ kind: 'event', to, event: change } as const] : []),
      ...(isActivation ? [{ kind: 'event', to, event: { type: 'objective.activate' } } as const] : []),
    ];
    if (messages.length === 0) {
      return said(`${to} is ${actor.facts.state}: nothing to change`, { objectiveId: to as string, changed: false });
    }
    const result = said(`${to} is changed`, { objectiveId: to as string, changed: true });
    const done = await post(context, { id: to, wanted: 'be changed' }, { messages, result });
    context.scheduler.poke();
    return done;
  },
});

export const getObjective = defineOperation({
  name: 'conductor_get_objective',
  title: 'Show an objective',
  description: 'Where an objective stands: its state and its tasks counted by where they stand.',
  params: closed({ objectiveId }),
  result: closed({ objective: ObjectiveItemSchema }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const objective = objectiveItem(await needActor(context, params.objectiveId));
    return said(objectiveLine(objective), { objective });
  },
});

export const listObjectives = defineOperation({
  name: 'conductor_list_objectives',
  title: 'List objectives',
  description: 'Objectives, newest first.',
  params: closed({ state: Type.Optional(oneOf(OBJECTIVE_STATES)), ...pageParams }),
  result: pageSchema(ObjectiveItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const page = await listItems(context, 'objective', params);
    return said(pageText(page, objectiveLine, 'objectives'), page);
  },
});

export const cancelObjective = defineOperation({
  name: 'conductor_cancel_objective',
  title: 'Cancel an objective',
  description:
    'Cancels an objective and every task of it that is not completed; running ones end in order. That is final. Canceling what ' +
    'has ended changes nothing.',
  params: closed({ objectiveId, reason: optional(reason, 'Kept with the objective and its tasks.') }),
  result: closed({ objectiveId: Type.String(), changed: Type.Boolean(), state: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { facts } = await needActor(context, params.objectiveId);
    const unchanged = (state: string) =>
      said(`${params.objectiveId} is ${state} already`, { objectiveId: params.objectiveId, changed: false, state });
    if (facts.settled) return unchanged(facts.state);
    const event = { type: 'objective.cancel', reason: cancelReason(context.principal, params.reason) };
    const details = { objectiveId: params.objectiveId, changed: true, state: 'canceled' };
    const posted = await tryPost(context, {
      messages: [{ kind: 'event', to: params.objectiveId as ObjectiveId, event }],
      result: said(`${params.objectiveId} is canceled; its running tasks are ending`, details),
    });
    return posted.kind === 'done' ? posted.result : unchanged(posted.state ?? facts.state);
  },
});

export const objectiveOperations = [
  createObjective,
  updateObjective,
  getObjective,
  listObjectives,
  cancelObjective,
] as const;
