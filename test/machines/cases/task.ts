/** Cases of the task: every end of a run, both sides of its backoff and of its attempts, its review and somebody else's. */
import type { GateId, RunId, TaskId } from '../../../src/machines/ids.ts';
import { END_REASONS, type EndReason } from '../../../src/machines/run/ends.ts';
import { taskMachine } from '../../../src/machines/task/machine.ts';
import {
  TaskContextSchema,
  TaskEventSchema,
  TaskInputSchema,
  type TaskContext,
  type TaskInput,
} from '../../../src/machines/task/model.ts';
import type { MachineCases } from '../graph/machine-cases.ts';
import type { MachineEvent, Snapshot } from '../graph/stepper.ts';
import {
  birth,
  blob,
  commit,
  kernelActionSchemas,
  keyOf,
  sampleGate,
  sampleObjective,
  sampleRun,
  sampleTask,
  sampleWorker,
} from './samples.ts';

/** More failed dependencies than this show nothing new. */
const failedMax = 2;

const work: TaskInput = {
  taskId: sampleTask(1),
  objectiveId: sampleObjective(1),
  planId: 'main',
  title: 'Do it',
  spec: blob,
  workerName: null,
  retry: { maxAttempts: 2, backoffMs: 1_000, backoffMaxMs: 60_000 },
  run: {
    completion: 'explicit',
    verifies: true,
    restart: { intensity: 3, periodMs: 600_000, backoffMs: 1_000, backoffMaxMs: 30_000 },
  },
  dependencies: 0,
  draft: false,
  at: birth,
};

const of = ({ context }: Snapshot): TaskContext => context as TaskContext;
/** Time passes with every event, and a backoff is over unless a case says otherwise. */
const now = (snapshot: Snapshot): number => Math.max(of(snapshot).updatedAt + 1, of(snapshot).notBefore ?? 0);
const activeRun = (snapshot: Snapshot): RunId => of(snapshot).activeRunId ?? sampleRun(1);
const reviewGate = (snapshot: Snapshot): GateId => of(snapshot).reviewGateId ?? sampleGate(8);

const simple =
  (type: string, fields: object = {}) =>
  (snapshot: Snapshot): MachineEvent => ({
    type,
    at: now(snapshot),
    ...fields,
  });

const newWorker = { name: null, branch: 'conductor/goal/main', worktreePath: '/trees/main' };
const start =
  (worker: number, fields: { newWorker: object | null; dispatch: boolean; early?: number }) =>
  (snapshot: Snapshot): MachineEvent => ({
    type: 'task.start',
    at: (of(snapshot).notBefore ?? now(snapshot)) - (fields.early ?? 0),
    runId: sampleRun(of(snapshot).runs + 1),
    workerId: sampleWorker(worker),
    newWorker: fields.newWorker,
    dispatch: fields.dispatch,
  });

const runEnded =
  (end: EndReason, fields: object = {}) =>
  (snapshot: Snapshot): MachineEvent => ({
    type: 'task.runEnded',
    at: now(snapshot),
    runId: activeRun(snapshot),
    end,
    message: '',
    branch: null,
    commit: null,
    rand: 0.5,
    ...fields,
  });

const resolved =
  (decision: string, gateOf = reviewGate) =>
  (snapshot: Snapshot): MachineEvent => ({
    type: 'gate.resolved',
    at: now(snapshot),
    gateId: gateOf(snapshot),
    decision,
    principal: 'human',
    answer: 'looked at it',
  });

const dependency =
  (type: 'dependency.completed' | 'dependency.failed' | 'dependency.recovered') =>
  (snapshot: Snapshot): MachineEvent => ({
    type: type === 'dependency.failed' && of(snapshot).failedDependencies >= failedMax ? 'dependency.completed' : type,
    at: now(snapshot),
    on: sampleTask(2),
  });

/** Another one in each state: an edge that is there already would hide that it was not written. */
const dependentIn = (state: string): TaskId => sampleTask(10 + state.length + state.charCodeAt(0));

export const taskCases: MachineCases = {
  name: 'task',
  machine: taskMachine,
  inputSchema: TaskInputSchema,
  eventSchema: TaskEventSchema,
  contextSchema: TaskContextSchema,
  actionSchemas: kernelActionSchemas,
  inputs: {
    free: work,
    waiting: { ...work, dependencies: 2, workerName: 'main' },
    draft: { ...work, dependencies: 1, draft: true, planId: null },
    'one attempt, no objective': { ...work, objectiveId: null, retry: { ...work.retry, maxAttempts: 1 } },
    'without backoff': { ...work, retry: { maxAttempts: 3, backoffMs: 0, backoffMaxMs: 0 } },
  },
  cases: {
    'task.submit': simple('task.submit'),
    'task.update': (snapshot) =>
      simple('task.update', {
        title: 'Do it better',
        spec: 'd'.repeat(64),
        workerName: null,
        retry: { ...of(snapshot).retry, backoffMaxMs: 50_000 },
        run: { ...of(snapshot).run, verifies: false },
      })(snapshot),
    'task.queue': simple('task.queue'),
    'task.queue too early': (snapshot) => ({ type: 'task.queue', at: now(snapshot) - 1 }),
    'task.assign': simple('task.assign', { workerId: sampleWorker(1) }),
    'task.assign to another worker': simple('task.assign', { workerId: sampleWorker(2) }),
    'task.start': start(1, { newWorker: null, dispatch: true }),
    'task.start in another worker': start(2, { newWorker: null, dispatch: false }),
    'task.start in a new worker': start(3, { newWorker, dispatch: true }),
    'task.start too early': start(1, { newWorker: null, dispatch: true, early: 1 }),
    'task.start in a new worker too early': start(3, { newWorker, dispatch: true, early: 1 }),
    'task.progressed': (snapshot) => simple('task.progressed', { runId: activeRun(snapshot), text: 'half' })(snapshot),
    'task.progressed of another run': simple('task.progressed', { runId: sampleRun(99), text: 'half' }),
    ...Object.fromEntries(END_REASONS.map((end) => [`task.runEnded ${end}`, runEnded(end)])),
    'task.runEnded with work': runEnded('partial', { message: 'half of it', branch: 'conductor/goal/main', commit }),
    ...Object.fromEntries(
      END_REASONS.map((end) => [`task.runEnded ${end} of another run`, runEnded(end, { runId: sampleRun(99) })]),
    ),
    'task.cancel': simple('task.cancel', { reason: 'not wanted any more' }),
    'task.retry': simple('task.retry'),
    'task.accept by human': simple('task.accept', { principal: 'human', reason: 'good enough' }),
    'task.accept by parent': simple('task.accept', { principal: 'parent_agent', reason: 'good enough' }),
    'gate.resolved approved': resolved('approved'),
    'gate.resolved rejected': resolved('rejected'),
    'gate.resolved canceled': resolved('canceled'),
    'gate.resolved expired': resolved('expired'),
    'gate.resolved approved, another gate': resolved('approved', () => sampleGate(9)),
    'gate.resolved rejected, another gate': resolved('rejected', () => sampleGate(9)),
    'gate.resolved canceled, another gate': resolved('canceled', () => sampleGate(9)),
    'dependent.added': (snapshot) =>
      simple('dependent.added', { dependent: dependentIn(snapshot.value as string) })(snapshot),
    'dependency.completed': dependency('dependency.completed'),
    'dependency.failed': dependency('dependency.failed'),
    'dependency.recovered': dependency('dependency.recovered'),
    'timer.retry': simple('timer.retry'),
    'timer.retry too early': (snapshot) => ({ type: 'timer.retry', at: now(snapshot) - 1 }),
  },
  key: (snapshot) => {
    const {
      bucket,
      waitingOn,
      failedDependencies,
      attempts,
      notBefore,
      workerId,
      reviewGateId,
      blockedBy,
      cancelRequested,
      queuedAt,
    } = of(snapshot);
    return keyOf(
      [snapshot.value, snapshot.status, bucket, waitingOn, failedDependencies, attempts],
      [
        notBefore === null,
        workerId === null || workerId === sampleWorker(1),
        reviewGateId === null,
        blockedBy,
        cancelRequested,
        queuedAt === null,
      ],
    );
  },
  unreachable: {},
  expendableEffects: {},
  equivalentMutants: {
    'task.assigned entry: drops recordBucket#1': 'it comes from ready, counted the same',
    'task.draft entry: drops recordBucket#1': 'a draft begins as one',
    'task.assigned task.cancel: drops recordReviewOver#1': 'no review is open here',
    'task.blocked task.cancel: drops recordReviewOver#1': 'no review is open here',
    'task.draft task.cancel: drops recordReviewOver#1': 'no review is open here',
    'task.ready task.cancel: drops recordReviewOver#1': 'no review is open here',
  },
};
