/**
 * A worker: a durable place to work, made of a branch and a worktree, used by one run at a time.
 *
 *     creating ─┬─(reserved) worker.prepared──▶ busy ◀──worker.reserve── idle
 *               │      └─worker.released──▶ archived                    ▲ │ ▲
 *               └─(alone) worker.prepared───────────────────────────────┘ │ └─worker.released── busy
 *     idle · busy ──worker.broke──▶ broken ──worker.recover──▶ recovering ──worker.prepared──▶ idle
 *                                     └──worker.prepared (its run is still there)──▶ busy
 *     idle · broken ──worker.cleanup──▶ cleaning ──worker.cleaned──▶ archived
 *     creating (alone) · recovering · cleaning ──worker.refused · effect.failed──▶ broken
 *
 * It does not choose who works here (the scheduler does), does not prepare a run's base (the run's effect does, and tells it),
 * and never judges a worktree: it believes what it is told.
 *
 * W1. At most one run has it. `reservedBy` is non-null in `creating.reserved` and `busy`, and in `broken` while the run that
 *     had it is not final; nobody recovers it or cleans it up before that.
 * W2. Only the run that has it releases it or gives it up as broken, and it can always do so; a reconcile (`runId: null`)
 *     may break it in any case, but does not take it from its run.
 * W3. While it is held for a task no other task reserves it, and it is not cleaned up without a gate.
 * W4. Its worktree is removed in `cleaning` only, and a cleanup under a gate uses that gate, or does not begin.
 * W5. An effect that is given up leaves it `broken` with a reason, never waiting.
 */
import { assign, setup } from 'xstate';
import { commandActions } from '../commands.ts';
import { effectActions, type EffectName } from '../effects.ts';
import type { EpochMs, GateId, RunId, TaskId } from '../ids.ts';
import type { WorkerContext, WorkerEvent, WorkerInput } from './model.ts';

type Place = {
  readonly branch: string;
  readonly worktreePath: string;
  readonly baseCommit: string | null;
  readonly at: EpochMs;
};

/** `runId`: who says so; null: a reconcile; absent: an effect of the worker's own. */
type Damage = { readonly message: string; readonly at: EpochMs; readonly runId?: RunId | null };

export const workerMachine = setup({
  types: {} as { context: WorkerContext; events: WorkerEvent; input: WorkerInput },
  actions: {
    ...commandActions,
    ...effectActions,
    recordPlace: assign((_, place: Place) => ({
      branch: place.branch,
      worktreePath: place.worktreePath,
      baseCommit: place.baseCommit,
      prepared: true,
      reason: null,
      updatedAt: place.at,
    })),
    recordReservation: assign((_, { runId, at }: { readonly runId: RunId; readonly at: EpochMs }) => ({
      reservedBy: runId,
      updatedAt: at,
    })),
    recordRelease: assign(
      (_, by: { readonly runId: RunId; readonly holdFor: TaskId | null; readonly at: EpochMs }) => ({
        reservedBy: null,
        lastRunId: by.runId,
        heldFor: by.holdFor,
        updatedAt: by.at,
      }),
    ),
    recordDamage: assign(({ context }, why: Damage) => {
      const keepsRun = why.runId === null;
      return {
        lastRunId: keepsRun ? context.lastRunId : (context.reservedBy ?? context.lastRunId),
        reservedBy: keepsRun ? context.reservedBy : null,
        cleanupGateId: null,
        reason: why.message,
        updatedAt: why.at,
      };
    }),
    recordUnhold: assign((_, { at }: { readonly at: EpochMs }) => ({ heldFor: null, updatedAt: at })),
    recordRecovery: assign((_, { at }: { readonly at: EpochMs }) => ({ updatedAt: at })),
    recordCleanup: assign((_, { gateId, at }: { readonly gateId: GateId | null; readonly at: EpochMs }) => ({
      cleanupGateId: gateId,
      updatedAt: at,
    })),
    recordRemoval: assign((_, { rescueRef, at }: { readonly rescueRef: string | null; readonly at: EpochMs }) => ({
      rescueRef,
      prepared: false,
      heldFor: null,
      reason: null,
      updatedAt: at,
    })),
  },
  guards: {
    isReserved: ({ context }) => context.reservedBy !== null,
    isUnreserved: ({ context }) => context.reservedBy === null,
    isFreeFor: ({ context }, { taskId }: { readonly taskId: TaskId }) =>
      context.heldFor === null || context.heldFor === taskId,
    isHolder: ({ context }, { runId }: { readonly runId: RunId | null }) =>
      context.reservedBy !== null && context.reservedBy === runId,
    mayBreak: ({ context }, { runId }: { readonly runId: RunId | null }) =>
      runId === null || context.reservedBy === runId,
    isHeldFor: ({ context }, { taskId }: { readonly taskId: TaskId }) => context.heldFor === taskId,
    mayCleanUp: ({ context }, { gateId }: { readonly gateId: GateId | null }) =>
      context.reservedBy === null && (context.heldFor === null || gateId !== null),
    isAbout: (_, effects: { readonly failed: EffectName; readonly awaited: EffectName }) =>
      effects.failed === effects.awaited,
  },
}).createMachine({
  id: 'worker',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input: { at, ...place } }) => ({
    ...place,
    heldFor: null,
    prepared: false,
    baseCommit: null,
    lastRunId: null,
    cleanupGateId: null,
    rescueRef: null,
    reason: null,
    createdAt: at,
    updatedAt: at,
  }),
  initial: 'creating',
  states: {
    creating: {
      description: 'No worktree yet.',
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'isReserved', target: 'reserved' }, { target: 'alone' }] },
        reserved: {
          description: 'The run that made it prepares the worktree.',
          on: {
            'worker.prepared': {
              target: '#worker.busy',
              actions: { type: 'recordPlace', params: ({ event }) => event },
            },
            'worker.released': {
              guard: { type: 'isHolder', params: ({ event }) => event },
              target: '#worker.archived',
              actions: [
                { type: 'recordRelease', params: ({ event }) => event },
                { type: 'recordRemoval', params: ({ event }) => ({ rescueRef: null, at: event.at }) },
              ],
            },
            'worker.broke': {
              guard: { type: 'mayBreak', params: ({ event }) => event },
              target: '#worker.broken',
              actions: { type: 'recordDamage', params: ({ event }) => event },
            },
          },
        },
        alone: {
          description: 'Made by itself: it asks for its worktree.',
          entry: { type: 'createWorktree', params: ({ context }) => ({ workerId: context.workerId }) },
          on: {
            'worker.prepared': {
              target: '#worker.idle',
              actions: { type: 'recordPlace', params: ({ event }) => event },
            },
            'worker.refused': {
              target: '#worker.broken',
              actions: { type: 'recordDamage', params: ({ event }) => event },
            },
            'effect.failed': {
              guard: { type: 'isAbout', params: ({ event }) => ({ failed: event.effect, awaited: 'createWorktree' }) },
              target: '#worker.broken',
              actions: { type: 'recordDamage', params: ({ event }) => event },
            },
          },
        },
      },
    },
    idle: {
      description: 'A worktree stands; nobody works in it.',
      on: {
        'worker.reserve': {
          guard: { type: 'isFreeFor', params: ({ event }) => event },
          target: 'busy',
          actions: { type: 'recordReservation', params: ({ event }) => event },
        },
        'worker.broke': {
          guard: { type: 'mayBreak', params: ({ event }) => event },
          target: 'broken',
          actions: { type: 'recordDamage', params: ({ event }) => event },
        },
        'worker.unhold': {
          guard: { type: 'isHeldFor', params: ({ event }) => event },
          actions: { type: 'recordUnhold', params: ({ event }) => event },
        },
        'worker.cleanup': {
          guard: { type: 'mayCleanUp', params: ({ event }) => event },
          target: 'cleaning',
          actions: { type: 'recordCleanup', params: ({ event }) => event },
        },
      },
    },
    busy: {
      description: 'One run has it.',
      on: {
        'worker.prepared': { actions: { type: 'recordPlace', params: ({ event }) => event } },
        'worker.released': {
          guard: { type: 'isHolder', params: ({ event }) => event },
          target: 'idle',
          actions: { type: 'recordRelease', params: ({ event }) => event },
        },
        'worker.broke': {
          guard: { type: 'mayBreak', params: ({ event }) => event },
          target: 'broken',
          actions: { type: 'recordDamage', params: ({ event }) => event },
        },
        'worker.unhold': {
          guard: { type: 'isHeldFor', params: ({ event }) => event },
          actions: { type: 'recordUnhold', params: ({ event }) => event },
        },
      },
    },
    broken: {
      description: 'Not to be used before somebody recovers it or cleans it up.',
      on: {
        'worker.prepared': {
          guard: 'isReserved',
          description: 'Its run found or made the worktree after all.',
          target: 'busy',
          actions: { type: 'recordPlace', params: ({ event }) => event },
        },
        'worker.released': {
          guard: { type: 'isHolder', params: ({ event }) => event },
          actions: { type: 'recordRelease', params: ({ event }) => event },
        },
        'worker.broke': {
          guard: { type: 'isHolder', params: ({ event }) => event },
          actions: { type: 'recordDamage', params: ({ event }) => event },
        },
        'worker.unhold': {
          guard: { type: 'isHeldFor', params: ({ event }) => event },
          actions: { type: 'recordUnhold', params: ({ event }) => event },
        },
        'worker.recover': {
          guard: 'isUnreserved',
          target: 'recovering',
          actions: { type: 'recordRecovery', params: ({ event }) => event },
        },
        'worker.cleanup': {
          guard: { type: 'mayCleanUp', params: ({ event }) => event },
          target: 'cleaning',
          actions: { type: 'recordCleanup', params: ({ event }) => event },
        },
      },
    },
    recovering: {
      entry: { type: 'recoverWorktree', params: ({ context }) => ({ workerId: context.workerId }) },
      on: {
        'worker.prepared': { target: 'idle', actions: { type: 'recordPlace', params: ({ event }) => event } },
        'worker.refused': { target: 'broken', actions: { type: 'recordDamage', params: ({ event }) => event } },
        'effect.failed': {
          guard: { type: 'isAbout', params: ({ event }) => ({ failed: event.effect, awaited: 'recoverWorktree' }) },
          target: 'broken',
          actions: { type: 'recordDamage', params: ({ event }) => event },
        },
      },
    },
    cleaning: {
      entry: [
        {
          type: 'tell',
          params: ({ context }) => ({
            to: context.cleanupGateId,
            event: {
              type: 'gate.use',
              at: context.updatedAt,
              operation: 'destructive_cleanup',
              revision: null,
            },
            mode: 'required',
          }),
        },
        { type: 'cleanupWorktree', params: ({ context }) => ({ workerId: context.workerId }) },
      ],
      on: {
        'worker.cleaned': { target: 'archived', actions: { type: 'recordRemoval', params: ({ event }) => event } },
        'worker.refused': { target: 'broken', actions: { type: 'recordDamage', params: ({ event }) => event } },
        'effect.failed': {
          guard: { type: 'isAbout', params: ({ event }) => ({ failed: event.effect, awaited: 'cleanupWorktree' }) },
          target: 'broken',
          actions: { type: 'recordDamage', params: ({ event }) => event },
        },
      },
    },
    archived: { type: 'final' },
  },
});
