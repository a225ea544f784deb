/**
 * A gate: a durable question to a human or to the parent agent, whose approval allows one operation once.
 *
 *     open ──gate.approve──▶ approved ──gate.use──▶ used
 *      │                        └─────timer.expire──▶ expired
 *      ├──gate.reject──▶ rejected
 *      ├──gate.cancel · gate.runEnded (needs_input)──▶ canceled
 *      └──timer.expire──▶ expired
 *
 * It does not know who may see it, does not carry the approved operation out, and does not ask again: the same question
 * asked twice is the same gate (`gate.ask`).
 *
 * G1. It is answered at most once, and an approval is used at most once.
 * G2. No child run decides; a high-risk type, or one marked `humanOnly`, is approved by a human only.
 * G3. An approval is good for its own operation, at the revision it was given for, before `expiresAt`.
 * G4. Its objective hears of the opening once, and of the end of the question once, whatever the end is.
 * G5. Its subject hears every answer exactly when it is given, and again whenever it asks again.
 */
import { assign, setup } from 'xstate';
import { commandActions } from '../commands.ts';
import type { EpochMs, RunId, TaskId } from '../ids.ts';
import type { Principal } from '../schema.ts';
import {
  HIGH_RISK_GATE_TYPES,
  type GateContext,
  type GateEvent,
  type GateInput,
  type GateOperation,
  type GateType,
} from './model.ts';

type Decision = 'approved' | 'rejected' | 'canceled' | 'expired';

const isPast = ({ expiresAt }: GateContext, at: EpochMs): boolean => expiresAt !== null && at >= expiresAt;

const subjectOf = ({ subject, runId, taskId }: GateContext): RunId | TaskId | null =>
  subject === 'run' ? runId : subject === 'task' ? taskId : null;

const opened = (context: GateContext) =>
  ({
    to: context.objectiveId,
    event: { type: 'gate.opened', at: context.createdAt, gateId: context.gateId },
    mode: 'report',
  }) as const;

const closed = (context: GateContext, at: EpochMs) =>
  ({ to: context.objectiveId, event: { type: 'gate.closed', at, gateId: context.gateId }, mode: 'report' }) as const;

/** The answer as its subject gets it. Where nothing was answered, the reason is what the asker needs to know. */
const resolved = (context: GateContext, decision: Decision, at: EpochMs) =>
  ({
    to: subjectOf(context),
    event: {
      type: 'gate.resolved',
      at,
      gateId: context.gateId,
      decision,
      principal: context.resolvedBy,
      answer: context.answer ?? context.reason ?? '',
    },
    mode: 'notify',
  }) as const;

export const gateMachine = setup({
  types: {} as { context: GateContext; events: GateEvent; input: GateInput },
  actions: {
    ...commandActions,
    recordResolution: assign(
      (
        _,
        by: { readonly principal: Principal; readonly reason: string; readonly answer?: string; readonly at: EpochMs },
      ) => ({ resolvedBy: by.principal, reason: by.reason, answer: by.answer ?? null, resolvedAt: by.at }),
    ),
    recordExpiry: assign((_, { at }: { readonly at: EpochMs }) => ({
      resolvedBy: 'system' as const,
      reason: 'Nobody answered in time.',
      resolvedAt: at,
    })),
    recordLapse: assign({ reason: 'The approval was not used in time.' }),
    recordUse: assign((_, { at }: { readonly at: EpochMs }) => ({ usedAt: at })),
  },
  guards: {
    mayApprove: ({ context }, by: { readonly principal: Principal; readonly at: EpochMs }) => {
      const onlyHuman = context.humanOnly || HIGH_RISK_GATE_TYPES.includes(context.gateType);
      return (onlyHuman ? by.principal === 'human' : by.principal !== 'child_run') && !isPast(context, by.at);
    },
    mayDecide: (_, by: { readonly principal: Principal }) => by.principal !== 'child_run',
    isOfType: ({ context }, type: GateType) => context.gateType === type,
    isExpired: ({ context }, { at }: { readonly at: EpochMs }) => isPast(context, at),
    allows: (
      { context },
      use: { readonly operation: GateOperation; readonly revision: number | null; readonly at: EpochMs },
    ) =>
      use.operation === context.operation &&
      (context.targetRevision === null || use.revision === context.targetRevision) &&
      !isPast(context, use.at),
  },
}).createMachine({
  id: 'gate',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input: { at, ...fields } }) => ({
    ...fields,
    answer: null,
    reason: null,
    resolvedBy: null,
    createdAt: at,
    resolvedAt: null,
    usedAt: null,
  }),
  entry: [
    { type: 'tell', params: ({ context }) => opened(context) },
    { type: 'relate', params: ({ context }) => ({ relation: 'gate', from: context.taskId, to: context.gateId }) },
    { type: 'relate', params: ({ context }) => ({ relation: 'gate', from: context.runId, to: context.gateId }) },
    { type: 'setTimer', params: ({ context }) => ({ key: 'expire', dueAt: context.expiresAt, event: 'timer.expire' }) },
  ],
  initial: 'open',
  states: {
    open: {
      description: 'Waits for an answer.',
      on: {
        'gate.ask': { description: 'No answer yet: the asker goes on waiting.' },
        'gate.approve': {
          guard: { type: 'mayApprove', params: ({ event }) => event },
          target: 'approved',
          actions: [
            { type: 'recordResolution', params: ({ event }) => event },
            { type: 'tell', params: ({ context, event }) => closed(context, event.at) },
            { type: 'tell', params: ({ context, event }) => resolved(context, 'approved', event.at) },
          ],
        },
        'gate.reject': {
          guard: { type: 'mayDecide', params: ({ event }) => event },
          target: 'rejected',
          actions: [
            { type: 'recordResolution', params: ({ event }) => event },
            { type: 'clearTimer', params: { key: 'expire' } },
            { type: 'tell', params: ({ context, event }) => closed(context, event.at) },
            { type: 'tell', params: ({ context, event }) => resolved(context, 'rejected', event.at) },
          ],
        },
        'gate.cancel': {
          guard: { type: 'mayDecide', params: ({ event }) => event },
          target: 'canceled',
          actions: [
            { type: 'recordResolution', params: ({ event }) => event },
            { type: 'clearTimer', params: { key: 'expire' } },
            { type: 'tell', params: ({ context, event }) => closed(context, event.at) },
            { type: 'tell', params: ({ context, event }) => resolved(context, 'canceled', event.at) },
          ],
        },
        'gate.runEnded': {
          guard: { type: 'isOfType', params: 'needs_input' },
          target: 'canceled',
          actions: [
            {
              type: 'recordResolution',
              params: ({ event }) => ({ principal: 'system', reason: 'The run that asked has ended.', at: event.at }),
            },
            { type: 'clearTimer', params: { key: 'expire' } },
            { type: 'tell', params: ({ context, event }) => closed(context, event.at) },
            { type: 'tell', params: ({ context, event }) => resolved(context, 'canceled', event.at) },
          ],
        },
        'timer.expire': {
          guard: { type: 'isExpired', params: ({ event }) => event },
          target: 'expired',
          actions: [
            { type: 'recordExpiry', params: ({ event }) => event },
            { type: 'tell', params: ({ context, event }) => closed(context, event.at) },
            { type: 'tell', params: ({ context, event }) => resolved(context, 'expired', event.at) },
          ],
        },
      },
    },
    approved: {
      description: 'Answered; what it allows may be done once. The timer stays armed: an approval expires too.',
      on: {
        'gate.ask': {
          actions: { type: 'tell', params: ({ context, event }) => resolved(context, 'approved', event.at) },
        },
        'gate.use': {
          guard: { type: 'allows', params: ({ event }) => event },
          target: 'used',
          actions: [
            { type: 'recordUse', params: ({ event }) => event },
            { type: 'clearTimer', params: { key: 'expire' } },
          ],
        },
        'timer.expire': {
          guard: { type: 'isExpired', params: ({ event }) => event },
          target: 'expired',
          actions: 'recordLapse',
        },
      },
    },
    used: { type: 'final' },
    rejected: { type: 'final' },
    canceled: { type: 'final' },
    expired: { type: 'final' },
  },
});
