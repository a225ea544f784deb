/** What the task chart may record and ask: its assignments and guards, with the kernel's commands. */
import { assign, setup } from 'xstate';
import { commandActions } from '../commands.ts';
import { reviewGateIdOf, type EpochMs, type RunId, type WorkerId } from '../ids.ts';
import { whyOf, type TaskConsequence } from '../run/ends.ts';
import type { Principal } from '../schema.ts';
import { consequenceOf, nextAttemptAt } from './decisions.ts';
import type { TaskBucket, TaskContext, TaskEvent, TaskInput } from './model.ts';

type Ended = Extract<TaskEvent, { type: 'task.runEnded' }>;
type Start = Extract<TaskEvent, { type: 'task.start' }>;
type Resolved = Extract<TaskEvent, { type: 'gate.resolved' }>;

export const taskSetup = setup({
  types: {} as { context: TaskContext; events: TaskEvent; input: TaskInput },
  actions: {
    ...commandActions,
    recordBucket: assign((_, { bucket }: { readonly bucket: TaskBucket }) => ({ bucket })),
    recordTime: assign((_, { at }: { readonly at: EpochMs }) => ({ updatedAt: at })),
    recordUpdate: assign(({ context }, update: Extract<TaskEvent, { type: 'task.update' }>) => ({
      title: update.title,
      spec: update.spec,
      workerName: update.workerName,
      retry: update.retry,
      run: update.run,
      revision: context.revision + 1,
      updatedAt: update.at,
    })),
    recordAssignment: assign((_, to: { readonly workerId: WorkerId; readonly at: EpochMs }) => ({
      workerId: to.workerId,
      updatedAt: to.at,
    })),
    recordQueue: assign(({ context }, { at }: { readonly at: EpochMs }) => ({
      queuedAt: context.queuedAt ?? at,
      updatedAt: at,
    })),
    recordDependency: assign(
      ({ context }, change: { readonly waiting: -1 | 0; readonly failed: -1 | 0 | 1; readonly at: EpochMs }) => ({
        waitingOn: Math.max(0, context.waitingOn + change.waiting),
        failedDependencies: Math.max(0, context.failedDependencies + change.failed),
        updatedAt: change.at,
      }),
    ),
    recordStart: assign(({ context }, start: Start) => ({
      attempts: context.attempts + 1,
      runs: context.runs + 1,
      activeRunId: start.runId,
      lastRunId: start.runId,
      workerId: start.workerId,
      notBefore: null,
      queuedAt: null,
      reason: null,
      said: null,
      end: null,
      progress: null,
      progressAt: null,
      updatedAt: start.at,
    })),
    recordProgress: assign((_, { text, at }: { readonly text: string; readonly at: EpochMs }) => ({
      progress: text,
      progressAt: at,
      updatedAt: at,
    })),
    recordCancelRequest: assign((_, { reason, at }: { readonly reason: string; readonly at: EpochMs }) => ({
      cancelRequested: true,
      reason,
      said: null,
      updatedAt: at,
    })),
    recordEnd: assign(({ context }, ended: Ended) => ({
      activeRunId: null,
      cancelRequested: false,
      end: ended.end,
      ...whyOf(ended.end, ended.message),
      branch: ended.branch ?? context.branch,
      commit: ended.commit ?? context.commit,
      updatedAt: ended.at,
    })),
    recordInterruption: assign(({ context }) => ({ attempts: Math.max(0, context.attempts - 1) })),
    recordBackoff: assign(({ context }, { at, rand }: { readonly at: EpochMs; readonly rand: number }) => ({
      notBefore: nextAttemptAt(context.retry, context.attempts, { at, rand }),
    })),
    recordBackoffOver: assign((_, { at }: { readonly at: EpochMs }) => ({ notBefore: null, updatedAt: at })),
    recordReview: assign((_, { runId }: { readonly runId: RunId }) => ({ reviewGateId: reviewGateIdOf(runId) })),
    recordReviewOver: assign((_, { at }: { readonly at: EpochMs }) => ({ reviewGateId: null, updatedAt: at })),
    recordAcceptance: assign(
      (_, by: { readonly principal: Principal; readonly reason: string; readonly at: EpochMs }) => ({
        acceptedBy: by.principal,
        reason: by.reason,
        said: null,
        reviewGateId: null,
        updatedAt: by.at,
      }),
    ),
    recordReason: assign((_, { reason, at }: { readonly reason: string; readonly at: EpochMs }) => ({
      reason,
      said: null,
      queuedAt: null,
      updatedAt: at,
    })),
    recordBlock: assign((_, { by }: { readonly by: 'dependency' | 'run' }) => ({
      blockedBy: by,
      queuedAt: null,
      ...(by === 'dependency' ? { reason: 'a task it depends on failed or was canceled', said: null } : {}),
    })),
    recordRetry: assign((_, { at }: { readonly at: EpochMs }) => ({
      attempts: 0,
      notBefore: null,
      blockedBy: null,
      reviewGateId: null,
      reason: null,
      said: null,
      end: null,
      updatedAt: at,
    })),
    recordUnblocked: assign({ blockedBy: null, reason: null, said: null }),
  },
  guards: {
    isDraft: ({ context }) => context.bucket === 'draft',
    hasFailedDependency: ({ context }) => context.failedDependencies > 0,
    isOnlyFailedDependency: ({ context }) => context.blockedBy === 'dependency' && context.failedDependencies === 1,
    mayQueue: ({ context }, { at }: { readonly at: EpochMs }) => isStartable(context, { at }),
    isStartable: ({ context }, start: Start) => start.newWorker === null && isStartable(context, start),
    isBackoffOver: ({ context }, { at }: { readonly at: EpochMs }) =>
      context.notBefore !== null && at >= context.notBefore,
    isStartableByAssignee: ({ context }, start: Start) =>
      start.newWorker === null && start.workerId === context.workerId && isStartable(context, start),
    isStartableWithNewWorker: ({ context }, start: Start) => start.newWorker !== null && isStartable(context, start),
    isActiveRun: ({ context }, runId: RunId) => context.activeRunId === runId,
    isCanceledEnd: ({ context }, ended: Ended) =>
      context.activeRunId === ended.runId &&
      (consequenceOf(ended.end) === 'cancel' || (context.cancelRequested && consequenceOf(ended.end) !== 'complete')),
    endMeans: ({ context }, ended: { readonly event: Ended; readonly consequence: TaskConsequence }) =>
      context.activeRunId === ended.event.runId && consequenceOf(ended.event.end) === ended.consequence,
    endMayRetry: ({ context }, ended: Ended) =>
      context.activeRunId === ended.runId &&
      ['retry', 'retry_review'].includes(consequenceOf(ended.end)) &&
      context.attempts < context.retry.maxAttempts,
    endWantsReview: ({ context }, ended: Ended) =>
      context.activeRunId === ended.runId && ['review', 'retry_review'].includes(consequenceOf(ended.end)),
    isReview: ({ context }, answer: { readonly event: Resolved; readonly decision: Resolved['decision'] }) =>
      context.reviewGateId === answer.event.gateId && answer.event.decision === answer.decision,
    isReviewWithdrawn: ({ context }, event: Resolved) =>
      context.reviewGateId === event.gateId && (event.decision === 'canceled' || event.decision === 'expired'),
  },
});

function isStartable(context: TaskContext, start: { readonly at: EpochMs }): boolean {
  return (
    context.waitingOn === 0 &&
    context.failedDependencies === 0 &&
    (context.notBefore === null || start.at >= context.notBefore)
  );
}
