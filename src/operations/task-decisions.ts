/** What moves a task on by a decision: accept, retry, cancel. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { TaskId } from '../machines/ids.ts';
import { cancelReason } from './cancel-reason.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { DECIDERS, defineOperation, said } from './operation.ts';
import { closed, optional, reason, taskId } from './parameter-schemas.ts';
import { invalidState, post, tryPost } from './posting.ts';
import { keepGrantsOf } from './task-drafts.ts';

export const acceptTask = defineOperation({
  name: 'conductor_accept_task',
  title: 'Accept reviewed work',
  description:
    'Completes a task that needs a review, with a reason that is kept. Not for runs; work whose verification was red is accepted ' +
    'by a human only.',
  params: closed({ taskId, reason }),
  result: closed({ taskId: Type.String(), state: Type.String(), gateId: Type.Union([Type.String(), Type.Null()]) }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const actor = await needActor(context, params.taskId);
    const task = contextOf(actor, 'task');
    if (actor.facts.state !== 'needs_review') {
      throw invalidState({ id: actor.id, wanted: 'be accepted' }, actor.facts.state, 'not_in_state');
    }
    const gate = await openReview(context, task.reviewGateId);
    const isHumanOnly = gate?.humanOnly ?? task.end === 'verification_red';
    if (isHumanOnly && context.principal !== 'human') {
      throw new ConductorError('not_permitted', `${actor.id} failed its verification: only a human accepts it`, {
        details: { taskId: actor.id, gateId: gate?.gateId ?? null, principal: context.principal },
      });
    }
    const decision = { principal: context.principal, reason: params.reason };
    const message =
      gate === null
        ? ({ kind: 'event', to: actor.id, event: { type: 'task.accept', ...decision } } as const)
        : ({
            kind: 'event',
            to: gate.gateId,
            event: { type: 'gate.approve', ...decision, answer: params.reason },
          } as const);
    const details = { taskId: actor.id as string, state: 'completed', gateId: gate?.gateId ?? null };
    const accepted = await post(
      context,
      { id: message.to, wanted: 'be accepted' },
      { messages: [message], result: said(`${actor.id} is accepted and completed`, details) },
    );
    context.scheduler.poke();
    return accepted;
  },
});

const openReview = async (context: HandlerContext, gateId: string | null) => {
  if (gateId === null) return null;
  const gate = await needActor(context, gateId);
  return gate.facts.state === 'open' ? contextOf(gate, 'gate') : null;
};

export const retryTask = defineOperation({
  name: 'conductor_retry_task',
  title: 'Retry a task',
  description:
    'Makes a failed, blocked, canceled or reviewed task ready again; its attempts start at 0 and its worktree stays as it is. ' +
    'Open questions about accepting it are withdrawn.',
  params: closed({ taskId }),
  result: closed({ taskId: Type.String(), changed: Type.Boolean() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, { taskId: id }) => {
    const actor = await needActor(context, id);
    const messages = [{ kind: 'event', to: actor.id, event: { type: 'task.retry' } }] as const;
    const result = said(`${id} starts again as soon as it can`, { taskId: id, changed: true });
    await keepGrantsOf(context, actor);
    const retried = await post(context, { id, wanted: 'be retried' }, { messages, result });
    context.scheduler.poke();
    return retried;
  },
});

export const cancelTask = defineOperation({
  name: 'conductor_cancel_task',
  title: 'Cancel a task',
  description:
    'Cancels a task; a run of it ends in order, its work is committed on its branch. Canceling what has ended changes nothing. ' +
    'conductor_retry_task brings it back.',
  params: closed({ taskId, reason: optional(reason, 'Kept with the task.') }),
  result: closed({ taskId: Type.String(), changed: Type.Boolean(), state: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { id, facts } = await needActor(context, params.taskId);
    const unchanged = (state: string) =>
      said(`${id} is ${state} already`, { taskId: params.taskId, changed: false, state });
    if (facts.settled) return unchanged(facts.state);
    const event = { type: 'task.cancel', reason: cancelReason(context.principal, params.reason) };
    const isRunning = facts.state === 'running';
    const details = { taskId: params.taskId, changed: true, state: isRunning ? 'running' : 'canceled' };
    const text = isRunning ? `${id} is being canceled: its run is ending` : `${id} is canceled`;
    const posted = await tryPost(context, {
      messages: [{ kind: 'event', to: id as TaskId, event }],
      result: said(text, details),
    });
    return posted.kind === 'done' ? posted.result : unchanged(posted.state ?? facts.state);
  },
});

export const taskDecisions = [acceptTask, retryTask, cancelTask] as const;
