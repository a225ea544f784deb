/** What a task says to others: the tells and creations of its chart, and the transitions that several states share. */
import type { Tell } from '../commands.ts';
import { reviewGateIdOf, type RunId } from '../ids.ts';
import { RUN_ENDS, type TaskConsequence } from '../run/ends.ts';
import { readyBucket } from './decisions.ts';
import type { TaskBucket, TaskContext, TaskEvent } from './model.ts';

type InContext = { readonly context: TaskContext };
type At<Type extends TaskEvent['type'] = TaskEvent['type']> = { readonly event: Extract<TaskEvent, { type: Type }> };

export const withTime = { type: 'recordTime', params: ({ event }: At) => ({ at: event.at }) } as const;

/** Entry of a state, and every internal change of what a ready task waits for: the objective's counts follow (T6). */
export const countAs = (bucket: (context: TaskContext) => TaskBucket) =>
  [
    {
      type: 'tell',
      params: ({ context }: InContext): Tell => ({
        to: bucket(context) === context.bucket ? null : context.objectiveId,
        event: {
          type: 'objective.taskChanged',
          at: context.updatedAt,
          from: context.bucket,
          to: bucket(context),
        } as Tell['event'],
        mode: 'report',
      }),
    },
    { type: 'recordBucket', params: ({ context }: InContext) => ({ bucket: bucket(context) }) },
  ] as const;

export const tellDependents = (type: 'dependency.completed' | 'dependency.failed' | 'dependency.recovered') =>
  ({
    type: 'tell',
    params: ({ context }: InContext): Tell => ({
      to: { relation: 'dependent', of: context.taskId },
      event: { type, at: context.updatedAt, on: context.taskId } as Tell['event'],
      mode: 'notify',
    }),
  }) as const;

/** The edge is stored, and the new dependent learns at once what already happened. */
export const addDependent = (answer: 'dependency.completed' | 'dependency.failed' | null) =>
  ({
    actions: [
      {
        type: 'relate',
        params: ({ context, event }: InContext & At<'dependent.added'>) => ({
          relation: 'dependent' as const,
          from: context.taskId,
          to: event.dependent,
        }),
      },
      {
        type: 'tell',
        params: ({ context, event }: InContext & At<'dependent.added'>): Tell => ({
          to: answer === null ? null : event.dependent,
          event: { type: answer ?? 'dependency.completed', at: event.at, on: context.taskId } as Tell['event'],
          mode: 'required',
        }),
      },
    ],
  }) as const;

export const onDependency = (waiting: -1 | 0, failed: -1 | 0 | 1) =>
  ({ type: 'recordDependency', params: ({ event }: At) => ({ waiting, failed, at: event.at }) }) as const;

export const withdrawReview = {
  type: 'tell',
  params: ({ context, event }: InContext & At): Tell => ({
    to: context.reviewGateId,
    event: {
      type: 'gate.cancel',
      at: event.at,
      principal: 'system',
      reason: 'the task was decided otherwise',
    } as Tell['event'],
    mode: 'notify',
  }),
} as const;

export const cancelRun = {
  type: 'tell',
  params: ({ context, event }: InContext & At<'task.cancel'>): Tell => ({
    to: context.activeRunId,
    event: { type: 'run.cancel', at: event.at, reason: event.reason } as Tell['event'],
    mode: 'notify',
  }),
} as const;

export const unholdWorker = {
  type: 'tell',
  params: ({ context }: InContext): Tell => ({
    to: context.workerId,
    event: { type: 'worker.unhold', at: context.updatedAt, taskId: context.taskId } as Tell['event'],
    mode: 'notify',
  }),
} as const;

const createRun = {
  type: 'createActor',
  params: ({ context, event }: InContext & At<'task.start'>) => ({
    id: event.runId,
    input: {
      runId: event.runId,
      taskId: context.taskId,
      objectiveId: context.objectiveId,
      workerId: event.workerId,
      taskRevision: context.revision,
      attempt: context.runs,
      dispatch: event.dispatch,
      completion: context.run.completion,
      verifies: context.run.verifies,
      restart: context.run.restart,
      at: event.at,
    },
  }),
} as const;

const createWorker = {
  type: 'createActor',
  params: ({ context, event }: InContext & At<'task.start'>) => ({
    id: event.workerId,
    input: {
      workerId: event.workerId,
      name: event.newWorker?.name ?? null,
      objectiveId: context.objectiveId,
      branch: event.newWorker?.branch ?? '',
      worktreePath: event.newWorker?.worktreePath ?? '',
      reservedBy: event.runId,
      at: event.at,
    },
  }),
} as const;

const reserveWorker = {
  type: 'tell',
  params: ({ context, event }: InContext & At<'task.start'>): Tell => ({
    to: event.workerId,
    event: { type: 'worker.reserve', at: event.at, runId: event.runId, taskId: context.taskId } as Tell['event'],
    mode: 'required',
  }),
} as const;

/** In our words alone: what the agent said of it is in its run, where it is shown as the agent's. */
const questionOf = ({ title, end, reason }: InContext['context']): string => {
  if (end === null) return `Accept «${title}»?${reason === null ? '' : ` ${reason}`}`;
  const { says } = RUN_ENDS[end];
  return `Accept «${title}»? Its run ${says}${reason === null || reason === says ? '' : `: ${reason}`}`;
};

export const openReviewGate = {
  type: 'createActor',
  params: ({ context, event }: InContext & At) => {
    const runId = context.lastRunId as RunId;
    return {
      id: reviewGateIdOf(runId),
      input: {
        gateId: reviewGateIdOf(runId),
        gateType: 'needs_review',
        operation: 'accept_task',
        targetRevision: context.revision,
        taskId: context.taskId,
        runId,
        workerId: context.workerId,
        objectiveId: context.objectiveId,
        subject: 'task',
        ask: questionOf(context),
        askedBy: 'system',
        humanOnly: context.end === 'verification_red',
        expiresAt: null,
        at: event.at,
      },
    };
  },
} as const;

export const useReviewGate = {
  type: 'tell',
  params: ({ context, event }: InContext & At<'gate.resolved'>): Tell => ({
    to: event.gateId,
    event: { type: 'gate.use', at: event.at, operation: 'accept_task', revision: context.revision } as Tell['event'],
    mode: 'required',
  }),
} as const;

export const armRetry = {
  type: 'setTimer',
  params: ({ context }: InContext) => ({ key: 'retry', dueAt: context.notBefore, event: 'timer.retry' }),
} as const;
export const disarmRetry = { type: 'clearTimer', params: { key: 'retry' } } as const;

const start = [
  {
    guard: { type: 'isStartableWithNewWorker', params: ({ event }: At<'task.start'>) => event },
    target: 'running',
    actions: [{ type: 'recordStart', params: ({ event }: At<'task.start'>) => event }, createWorker, createRun],
  },
  {
    guard: { type: 'isStartable', params: ({ event }: At<'task.start'>) => event },
    target: 'running',
    actions: [{ type: 'recordStart', params: ({ event }: At<'task.start'>) => event }, reserveWorker, createRun],
  },
] as const;

export const cancel = {
  target: 'canceled',
  actions: [
    withdrawReview,
    { type: 'recordReviewOver', params: ({ event }: At) => ({ at: event.at }) },
    { type: 'recordReason', params: ({ event }: At<'task.cancel'>) => ({ reason: event.reason, at: event.at }) },
  ],
} as const;

/** From a state in which every dependency is completed. */
export const retryReady = {
  target: 'ready',
  actions: [withdrawReview, { type: 'recordRetry', params: ({ event }: At) => ({ at: event.at }) }],
} as const;

export const retry = [
  {
    guard: 'hasFailedDependency',
    target: 'blocked',
    actions: [
      withdrawReview,
      { type: 'recordRetry', params: ({ event }: At) => ({ at: event.at }) },
      { type: 'recordBlock', params: { by: 'dependency' as const } },
    ],
  },
  retryReady,
] as const;

export const update = { actions: { type: 'recordUpdate', params: ({ event }: At<'task.update'>) => event } } as const;
export const ended = { type: 'recordEnd', params: ({ event }: At<'task.runEnded'>) => event } as const;
const assignTo = {
  target: 'assigned',
  actions: {
    type: 'recordAssignment',
    params: ({ event }: At<'task.assign'>) => ({ workerId: event.workerId, at: event.at }),
  },
} as const;
export const meaning = (consequence: TaskConsequence) =>
  ({ type: 'endMeans', params: ({ event }: At<'task.runEnded'>) => ({ event, consequence }) }) as const;

/** An assigned task starts in its worker and in no other. */
export const startAssigned = {
  guard: { type: 'isStartableByAssignee', params: ({ event }: At<'task.start'>) => event },
  target: 'running',
  actions: [{ type: 'recordStart', params: ({ event }: At<'task.start'>) => event }, reserveWorker, createRun],
} as const;

/** Ready and assigned differ only in that a worker is named. */
export const waitingRoom = {
  'task.start': start,
  'task.queue': {
    guard: { type: 'mayQueue', params: ({ event }: At) => ({ at: event.at }) },
    actions: { type: 'recordQueue', params: ({ event }: At) => ({ at: event.at }) },
  },
  'task.assign': assignTo,
  'task.update': update,
  'task.cancel': cancel,
  'dependent.added': addDependent(null),
  'dependency.completed': { actions: [onDependency(-1, 0), ...countAs(readyBucket)] },
  'dependency.failed': {
    target: 'blocked',
    actions: [onDependency(0, 1), { type: 'recordBlock', params: { by: 'dependency' as const } }],
  },
  'timer.retry': {
    guard: { type: 'isBackoffOver', params: ({ event }: At) => ({ at: event.at }) },
    actions: [{ type: 'recordBackoffOver', params: ({ event }: At) => ({ at: event.at }) }, ...countAs(readyBucket)],
  },
} as const;

/** States that only count what happens to their dependencies. */
export const countDependencies = {
  'dependency.completed': { actions: onDependency(-1, 0) },
  'dependency.failed': { actions: onDependency(0, 1) },
  'dependency.recovered': { actions: onDependency(0, -1) },
} as const;
