/**
 * A task: durable intent. What shall be done, what must hold for it to count as done, and where it stands.
 *
 *     draft ──submit──▶ ready ──assign──▶ assigned
 *                         └────start────────┴──▶ running ──runEnded──▶ completed
 *                         ◀─ retry, interrupt ───────┤ ├─▶ needs_review ──accept / approve──▶ completed
 *        ready ◀─ dependency.recovered ─ blocked ◀───┘ ├─▶ failed          └─ reject ──▶ failed
 *        ready ◀─ retry ─ failed, blocked, canceled,   └─▶ canceled
 *                         needs_review
 *
 * It does not know how a run works, which worker is free, or what time it is. Waiting for dependencies is a count.
 *
 * T1. `activeRunId` is non-null exactly in `running`.
 * T2. It starts only with `waitingOn` 0, no failed dependency, and not before `notBefore`.
 * T3. `completed` is never left. `completed`, `failed` and `canceled` change only by retry, and answer `dependent.added`.
 * T4. Attempts that were interrupted are not counted; a retry by hand begins again at 0.
 * T5. Every dependent hears of each completion, failure and recovery exactly once.
 * T6. The objective hears of every change of bucket, from exactly the bucket it was told last.
 * T7. It waits to be started by name (`queuedAt`) only while it may start and has not.
 */
import { readyBucket } from './decisions.ts';
import {
  addDependent,
  armRetry,
  cancel,
  cancelRun,
  countAs,
  countDependencies,
  disarmRetry,
  ended,
  meaning,
  onDependency,
  openReviewGate,
  retry,
  retryReady,
  startAssigned,
  tellDependents,
  unholdWorker,
  update,
  useReviewGate,
  waitingRoom,
  withTime,
  withdrawReview,
} from './requests.ts';
import { taskSetup } from './setup.ts';

export const taskMachine = taskSetup.createMachine({
  id: 'task',
  version: '3',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    taskId: input.taskId,
    objectiveId: input.objectiveId,
    planId: input.planId,
    title: input.title,
    spec: input.spec,
    workerName: input.workerName,
    retry: input.retry,
    run: input.run,
    bucket: input.draft ? 'draft' : input.dependencies > 0 ? 'waiting' : 'ready',
    revision: 1,
    waitingOn: input.dependencies,
    failedDependencies: 0,
    attempts: 0,
    runs: 0,
    notBefore: null,
    queuedAt: null,
    workerId: null,
    activeRunId: null,
    lastRunId: null,
    reviewGateId: null,
    reason: null,
    said: null,
    blockedBy: null,
    end: null,
    progress: null,
    progressAt: null,
    branch: null,
    commit: null,
    cancelRequested: false,
    acceptedBy: null,
    createdAt: input.at,
    updatedAt: input.at,
  }),
  initial: 'created',
  states: {
    created: { always: [{ guard: 'isDraft', target: 'draft' }, { target: 'ready' }] },
    draft: {
      entry: countAs(() => 'draft'),
      on: {
        'task.submit': [
          {
            guard: 'hasFailedDependency',
            target: 'blocked',
            actions: [withTime, { type: 'recordBlock', params: { by: 'dependency' } }],
          },
          { target: 'ready', actions: withTime },
        ],
        'task.update': update,
        'task.cancel': cancel,
        'dependent.added': addDependent(null),
        ...countDependencies,
      },
    },
    ready: { entry: countAs(readyBucket), on: waitingRoom },
    assigned: { entry: countAs(readyBucket), on: { ...waitingRoom, 'task.start': startAssigned } },
    running: {
      entry: countAs(() => 'running'),
      on: {
        'task.progressed': {
          guard: { type: 'isActiveRun', params: ({ event }) => event.runId },
          actions: { type: 'recordProgress', params: ({ event }) => ({ text: event.text, at: event.at }) },
        },
        'task.cancel': {
          actions: [
            { type: 'recordCancelRequest', params: ({ event }) => ({ reason: event.reason, at: event.at }) },
            cancelRun,
          ],
        },
        'task.runEnded': [
          { guard: meaning('complete'), target: 'completed', actions: ended },
          { guard: { type: 'isCanceledEnd', params: ({ event }) => event }, target: 'canceled', actions: ended },
          { guard: meaning('interrupt'), target: 'ready', actions: [ended, 'recordInterruption'] },
          {
            guard: { type: 'endMayRetry', params: ({ event }) => event },
            target: 'ready',
            actions: [
              ended,
              { type: 'recordBackoff', params: ({ event }) => ({ at: event.at, rand: event.rand }) },
              armRetry,
            ],
          },
          {
            guard: { type: 'endWantsReview', params: ({ event }) => event },
            target: 'needs_review',
            actions: [ended, { type: 'recordReview', params: ({ event }) => ({ runId: event.runId }) }, openReviewGate],
          },
          {
            guard: meaning('block'),
            target: 'blocked',
            actions: [ended, { type: 'recordBlock', params: { by: 'run' } }],
          },
          { guard: meaning('retry'), target: 'failed', actions: ended },
          { guard: meaning('fail'), target: 'failed', actions: ended },
        ],
        'dependent.added': addDependent(null),
      },
    },
    needs_review: {
      entry: countAs(() => 'needs_review'),
      on: {
        'gate.resolved': [
          {
            guard: { type: 'isReview', params: ({ event }) => ({ event, decision: 'approved' }) },
            target: 'completed',
            actions: [
              useReviewGate,
              {
                type: 'recordAcceptance',
                params: ({ event }) => ({ principal: event.principal, reason: event.answer, at: event.at }),
              },
            ],
          },
          {
            guard: { type: 'isReview', params: ({ event }) => ({ event, decision: 'rejected' }) },
            target: 'failed',
            actions: [
              { type: 'recordReviewOver', params: ({ event }) => ({ at: event.at }) },
              { type: 'recordReason', params: ({ event }) => ({ reason: 'its review was rejected', at: event.at }) },
            ],
          },
          {
            guard: { type: 'isReviewWithdrawn', params: ({ event }) => event },
            actions: { type: 'recordReviewOver', params: ({ event }) => ({ at: event.at }) },
          },
        ],
        'task.accept': {
          target: 'completed',
          actions: [
            withdrawReview,
            {
              type: 'recordAcceptance',
              params: ({ event }) => ({ principal: event.principal, reason: event.reason, at: event.at }),
            },
          ],
        },
        'task.retry': retryReady,
        'task.update': update,
        'task.cancel': cancel,
        'dependent.added': addDependent(null),
      },
    },
    blocked: {
      entry: countAs(() => 'blocked'),
      on: {
        'task.retry': retry,
        'task.update': update,
        'task.cancel': cancel,
        'dependent.added': addDependent(null),
        'dependency.completed': { actions: onDependency(-1, 0) },
        'dependency.failed': { actions: onDependency(0, 1) },
        'dependency.recovered': [
          { guard: 'isOnlyFailedDependency', target: 'ready', actions: [onDependency(0, -1), 'recordUnblocked'] },
          { actions: onDependency(0, -1) },
        ],
      },
    },
    completed: {
      tags: 'settled',
      entry: [...countAs(() => 'completed'), tellDependents('dependency.completed'), unholdWorker],
      on: { 'dependent.added': addDependent('dependency.completed') },
    },
    failed: {
      tags: 'settled',
      entry: [...countAs(() => 'failed'), tellDependents('dependency.failed')],
      on: {
        'task.retry': {
          target: 'ready',
          actions: [
            { type: 'recordRetry', params: ({ event }) => ({ at: event.at }) },
            tellDependents('dependency.recovered'),
          ],
        },
        'task.update': update,
        'dependent.added': addDependent('dependency.failed'),
      },
    },
    canceled: {
      tags: 'settled',
      entry: [disarmRetry, ...countAs(() => 'canceled'), tellDependents('dependency.failed')],
      on: {
        'task.retry': [
          {
            guard: 'hasFailedDependency',
            target: 'blocked',
            actions: [
              { type: 'recordRetry', params: ({ event }) => ({ at: event.at }) },
              { type: 'recordBlock', params: { by: 'dependency' } },
              tellDependents('dependency.recovered'),
            ],
          },
          {
            target: 'ready',
            actions: [
              { type: 'recordRetry', params: ({ event }) => ({ at: event.at }) },
              tellDependents('dependency.recovered'),
            ],
          },
        ],
        'dependent.added': addDependent('dependency.failed'),
        ...countDependencies,
      },
    },
  },
});
