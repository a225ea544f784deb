/** What a task is told, what it remembers, and the row that lists show of it. The chart is in machine.ts. */
import { Type, type Static } from 'typebox';
import { END_REASONS, type EndReason } from '../run/ends.ts';
import {
  BlobHashSchema,
  closed,
  CommitSchema,
  CountSchema,
  EpochMsSchema,
  eventSchema,
  GateIdSchema,
  LineSchema,
  nullable,
  ObjectiveIdSchema,
  PrincipalSchema,
  RunIdSchema,
  TaskIdSchema,
  WorkerIdSchema,
} from '../schema.ts';

/** Automatic retries. `maxAttempts` counts the first attempt; 1 = none. Delays double from `backoffMs` up to `backoffMaxMs`. */
export const RetryPolicySchema = closed({
  maxAttempts: Type.Integer({ minimum: 1, maximum: 100 }),
  backoffMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
  backoffMaxMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
});
export type RetryPolicy = Static<typeof RetryPolicySchema>;

/** New epochs of one run after its runner was lost: at most `intensity` within `periodMs`. */
export const RestartPolicySchema = closed({
  intensity: Type.Integer({ minimum: 0, maximum: 100 }),
  periodMs: Type.Integer({ minimum: 1_000, maximum: 86_400_000 }),
  backoffMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
  backoffMaxMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
});
export type RestartPolicy = Static<typeof RestartPolicySchema>;

/** How a run of this task is judged; copied into each run when it starts. */
export const RunPolicySchema = closed({
  completion: Type.Union([Type.Literal('explicit'), Type.Literal('exit-code')]),
  /** Whether there is anything to verify: without it a sealed commit is enough. */
  verifies: Type.Boolean(),
  restart: RestartPolicySchema,
});
export type RunPolicy = Static<typeof RunPolicySchema>;

/**
 * Where an objective counts a task. `waiting`: ready, but dependencies are open; `delayed`: ready, but its retry backoff has
 * not passed; `ready`: may start now (also when assigned). The others are the state's name.
 */
export const TASK_BUCKETS = [
  'draft',
  'waiting',
  'delayed',
  'ready',
  'running',
  'needs_review',
  'blocked',
  'completed',
  'failed',
  'canceled',
] as const;
export type TaskBucket = (typeof TASK_BUCKETS)[number];
export const TaskBucketSchema = Type.Unsafe<TaskBucket>(Type.String({ enum: [...TASK_BUCKETS] }));

export const TaskInputSchema = closed({
  taskId: TaskIdSchema,
  objectiveId: nullable(ObjectiveIdSchema),
  /** The task's id in its plan file, or null. */
  planId: nullable(Type.String({ maxLength: 63 })),
  title: Type.String({ minLength: 1, maxLength: 200 }),
  /** Blob with the full TaskSpec (command, prompt, verify, dependencies …). */
  spec: BlobHashSchema,
  workerName: nullable(Type.String({ maxLength: 63 })),
  retry: RetryPolicySchema,
  run: RunPolicySchema,
  /** Number of tasks this one waits for; each is told `dependent.added` in the same commit. */
  dependencies: CountSchema,
  draft: Type.Boolean(),
  at: EpochMsSchema,
});
export type TaskInput = Static<typeof TaskInputSchema>;

const EndReasonSchema = Type.Unsafe<EndReason>(Type.String({ enum: [...END_REASONS] }));

export const TaskContextSchema = closed({
  taskId: TaskIdSchema,
  objectiveId: nullable(ObjectiveIdSchema),
  planId: nullable(Type.String()),
  title: Type.String(),
  spec: BlobHashSchema,
  workerName: nullable(Type.String()),
  retry: RetryPolicySchema,
  run: RunPolicySchema,
  bucket: TaskBucketSchema,
  /** Grows with every change of title, spec or policy; a run remembers the one it was started with. */
  revision: Type.Integer({ minimum: 1 }),
  waitingOn: CountSchema,
  failedDependencies: CountSchema,
  /** Attempts that count against `retry.maxAttempts` since the task was last made ready by hand. */
  attempts: CountSchema,
  /** Runs ever started. */
  runs: CountSchema,
  /** A retry may not start before this time. */
  notBefore: nullable(EpochMsSchema),
  /** Since when it waits to be started by name; null: nobody asked for it by name. */
  queuedAt: nullable(EpochMsSchema),
  workerId: nullable(WorkerIdSchema),
  activeRunId: nullable(RunIdSchema),
  lastRunId: nullable(RunIdSchema),
  reviewGateId: nullable(GateIdSchema),
  /** Why it is where it is, for people; null while nothing needs explaining. Never what its agent says. */
  reason: nullable(LineSchema),
  /** What the agent itself said of the end that is the reason. */
  said: nullable(LineSchema),
  /** Why it is blocked: `dependency` returns by itself, `run` only by hand. */
  blockedBy: nullable(Type.Union([Type.Literal('dependency'), Type.Literal('run')])),
  end: nullable(EndReasonSchema),
  progress: nullable(LineSchema),
  progressAt: nullable(EpochMsSchema),
  branch: nullable(Type.String({ maxLength: 255 })),
  commit: nullable(CommitSchema),
  cancelRequested: Type.Boolean(),
  acceptedBy: nullable(PrincipalSchema),
  createdAt: EpochMsSchema,
  updatedAt: EpochMsSchema,
});
export type TaskContext = Static<typeof TaskContextSchema>;

export const TaskEventSchema = Type.Union([
  eventSchema('task.submit', {}),
  eventSchema('task.update', {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    spec: BlobHashSchema,
    workerName: nullable(Type.String({ maxLength: 63 })),
    retry: RetryPolicySchema,
    run: RunPolicySchema,
  }),
  eventSchema('task.assign', { workerId: WorkerIdSchema }),
  /** Start an attempt. `newWorker` makes the worker in the same commit; null reserves the one named. */
  eventSchema('task.start', {
    runId: RunIdSchema,
    workerId: WorkerIdSchema,
    newWorker: nullable(
      closed({
        name: nullable(Type.String({ maxLength: 63 })),
        branch: Type.String({ maxLength: 255 }),
        worktreePath: Type.String({ maxLength: 4_096 }),
      }),
    ),
    /** False: no slot is free; the run waits in `dispatch_pending`. */
    dispatch: Type.Boolean(),
  }),
  /** Start it by name as soon as there is a worker for it, before what nobody asked for. Asked again it keeps its place. */
  eventSchema('task.queue', {}),
  eventSchema('task.progressed', { runId: RunIdSchema, text: LineSchema }),
  eventSchema('task.runEnded', {
    runId: RunIdSchema,
    end: EndReasonSchema,
    message: LineSchema,
    branch: nullable(Type.String({ maxLength: 255 })),
    commit: nullable(CommitSchema),
    /** In [0, 1): jitter of the backoff. */
    rand: Type.Number({ minimum: 0, exclusiveMaximum: 1 }),
  }),
  eventSchema('task.cancel', { reason: LineSchema }),
  eventSchema('task.retry', {}),
  eventSchema('task.accept', { principal: PrincipalSchema, reason: LineSchema }),
  eventSchema('gate.resolved', {
    gateId: GateIdSchema,
    decision: Type.Union([
      Type.Literal('approved'),
      Type.Literal('rejected'),
      Type.Literal('canceled'),
      Type.Literal('expired'),
    ]),
    principal: PrincipalSchema,
    answer: Type.String(),
  }),
  eventSchema('dependent.added', { dependent: TaskIdSchema }),
  eventSchema('dependency.completed', { on: TaskIdSchema }),
  eventSchema('dependency.failed', { on: TaskIdSchema }),
  eventSchema('dependency.recovered', { on: TaskIdSchema }),
  eventSchema('timer.retry', {}),
]);
export type TaskEvent = Static<typeof TaskEventSchema>;
