/**
 * An objective: a goal that groups tasks, and where they stand together.
 *
 *     draft ──objective.activate──▶ active ◀──▶ needs_review ◀──▶ blocked
 *       │                             └──────▶ completed (task.added reopens it)
 *       └── objective.cancel (from any state but completed) ──▶ canceled
 *
 * Which of active, needs_review, blocked and completed it is follows from its counters alone (`rollUpOf`), after every event. Tasks
 * and gates tell it what it counts as `report`s: a task that lets the next one go on is counted after it.
 *
 * It does not know its tasks (they stand in the relation `member`), does not start them, and does not wait for them when it
 * is canceled: it tells each of them.
 *
 * O1. Out of `draft` and before `canceled`, its state is what its counters say.
 * O2. Its counts add up to the tasks that were added; no counter is ever below zero.
 * O3. Its size does not depend on the number of its tasks or gates.
 * O4. Canceling tells every member once; a completed objective is not canceled.
 */
import { assign, setup } from 'xstate';
import { commandActions } from '../commands.ts';
import type { EpochMs } from '../ids.ts';
import { TASK_BUCKETS, type TaskBucket } from '../task/model.ts';
import type { ObjectiveContext, ObjectiveEvent, ObjectiveInput } from './model.ts';

type RollUp = 'active' | 'needs_review' | 'blocked' | 'completed';

const noTasks = Object.fromEntries(TASK_BUCKETS.map((bucket) => [bucket, 0])) as Record<TaskBucket, number>;

/** Waiting tasks count for nothing here: what they wait for does, or nothing moves them. */
function rollUpOf({ counts, openGates }: ObjectiveContext): RollUp {
  const total = TASK_BUCKETS.reduce((sum, bucket) => sum + counts[bucket], 0);
  if (total > 0 && counts.completed === total) return 'completed';
  const canMove = counts.running + counts.ready + counts.delayed > 0;
  const onlyDraftsAreLeft = counts.draft + counts.completed === total;
  if (canMove || onlyDraftsAreLeft) return 'active';
  return counts.needs_review > 0 || openGates > 0 ? 'needs_review' : 'blocked';
}

const toActive = { guard: { type: 'rollsUpTo', params: { state: 'active' } }, target: 'active' } as const;
const toReview = { guard: { type: 'rollsUpTo', params: { state: 'needs_review' } }, target: 'needs_review' } as const;
const toBlocked = { guard: { type: 'rollsUpTo', params: { state: 'blocked' } }, target: 'blocked' } as const;
const toCompleted = { guard: { type: 'rollsUpTo', params: { state: 'completed' } }, target: 'completed' } as const;

type Cancel = { readonly event: Extract<ObjectiveEvent, { type: 'objective.cancel' }> };

const cancel = {
  target: 'canceled',
  actions: [
    { type: 'recordCancel', params: ({ event }: Cancel) => event },
    {
      type: 'tell',
      params: ({ context, event }: Cancel & { readonly context: ObjectiveContext }) =>
        ({
          to: { relation: 'member', of: context.objectiveId },
          event: { type: 'task.cancel', at: event.at, reason: event.reason },
          mode: 'notify',
        }) as const,
    },
  ],
} as const;

export const objectiveMachine = setup({
  types: {} as { context: ObjectiveContext; events: ObjectiveEvent; input: ObjectiveInput },
  actions: {
    ...commandActions,
    recordUpdate: assign(
      ({ context }, change: { readonly title: string; readonly maxConcurrency: number; readonly at: EpochMs }) => ({
        title: change.title,
        maxConcurrency: change.maxConcurrency,
        revision: context.revision + 1,
        updatedAt: change.at,
      }),
    ),
    recordActivation: assign((_, { at }: { readonly at: EpochMs }) => ({ updatedAt: at })),
    recordTask: assign(({ context }, added: { readonly bucket: TaskBucket; readonly at: EpochMs }) => ({
      counts: { ...context.counts, [added.bucket]: context.counts[added.bucket] + 1 },
      updatedAt: added.at,
    })),
    recordMove: assign(
      ({ context }, move: { readonly from: TaskBucket; readonly to: TaskBucket; readonly at: EpochMs }) => ({
        counts: {
          ...context.counts,
          [move.from]: context.counts[move.from] - 1,
          [move.to]: context.counts[move.to] + 1,
        },
        updatedAt: move.at,
      }),
    ),
    recordGateOpened: assign(({ context }, { at }: { readonly at: EpochMs }) => ({
      openGates: context.openGates + 1,
      updatedAt: at,
    })),
    recordGateClosed: assign(({ context }, { at }: { readonly at: EpochMs }) => ({
      openGates: Math.max(0, context.openGates - 1),
      updatedAt: at,
    })),
    recordCancel: assign((_, why: { readonly reason: string; readonly at: EpochMs }) => ({
      reason: why.reason,
      updatedAt: why.at,
    })),
  },
  guards: {
    isDraft: ({ context }) => context.draft,
    rollsUpTo: ({ context }, { state }: { readonly state: RollUp }) => rollUpOf(context) === state,
    staysPut: (_, move: { readonly from: TaskBucket; readonly to: TaskBucket }) => move.from === move.to,
    hasOneThere: ({ context }, move: { readonly from: TaskBucket }) => context.counts[move.from] > 0,
  },
}).createMachine({
  id: 'objective',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input: { at, ...goal } }) => ({
    ...goal,
    revision: 1,
    counts: noTasks,
    openGates: 0,
    reason: null,
    createdAt: at,
    updatedAt: at,
  }),
  initial: 'created',
  // What is counted is counted wherever it stands: a gate that closes while everything is completed is still one less.
  on: {
    'task.added': {
      actions: [
        { type: 'recordTask', params: ({ event }) => event },
        {
          type: 'relate',
          params: ({ context, event }) => ({ relation: 'member', from: context.objectiveId, to: event.taskId }),
        },
      ],
    },
    'objective.taskChanged': [
      { guard: { type: 'staysPut', params: ({ event }) => event }, description: 'Nothing to count.' },
      {
        guard: { type: 'hasOneThere', params: ({ event }) => event },
        actions: { type: 'recordMove', params: ({ event }) => event },
      },
    ],
    'gate.opened': { actions: { type: 'recordGateOpened', params: ({ event }) => event } },
    'gate.closed': { actions: { type: 'recordGateClosed', params: ({ event }) => event } },
    'objective.update': { actions: { type: 'recordUpdate', params: ({ event }) => event } },
  },
  states: {
    created: { always: [{ guard: 'isDraft', target: 'draft' }, { target: 'active' }] },
    draft: {
      description: 'Being put together; nothing of it starts.',
      on: {
        'objective.activate': {
          target: 'active',
          actions: { type: 'recordActivation', params: ({ event }) => event },
        },
        'objective.cancel': cancel,
      },
    },
    active: {
      description: 'Something runs or can run, or nothing has been added yet.',
      always: [toCompleted, toReview, toBlocked],
      on: { 'objective.cancel': cancel },
    },
    needs_review: {
      description: 'Nothing can run before a person decides something.',
      always: [toCompleted, toActive, toBlocked],
      on: { 'objective.cancel': cancel },
    },
    blocked: {
      description: 'Nothing can run, and no question is open.',
      always: [toCompleted, toActive, toReview],
      on: { 'objective.cancel': cancel },
    },
    completed: { tags: 'settled', always: [toActive, toReview, toBlocked] },
    canceled: { type: 'final' },
  },
});
