/** What an objective is told, what it remembers. The chart is in machine.ts. */
import { Type, type Static } from 'typebox';
import {
  closed,
  CommitSchema,
  CountSchema,
  EpochMsSchema,
  eventSchema,
  GateIdSchema,
  LineSchema,
  nullable,
  ObjectiveIdSchema,
  TaskIdSchema,
  TextSchema,
} from '../schema.ts';
import { TASK_BUCKETS, TaskBucketSchema, type TaskBucket } from '../task/model.ts';

export const ObjectiveInputSchema = closed({
  objectiveId: ObjectiveIdSchema,
  title: Type.String({ minLength: 1, maxLength: 200 }),
  prompt: nullable(TextSchema),
  /** Runs of this objective at one time, 1..64. */
  maxConcurrency: Type.Integer({ minimum: 1, maximum: 64 }),
  /** HEAD when the objective was created: where its tasks start unless they say otherwise. */
  baseCommit: nullable(CommitSchema),
  /** True: waits for `objective.activate`. */
  draft: Type.Boolean(),
  at: EpochMsSchema,
});
export type ObjectiveInput = Static<typeof ObjectiveInputSchema>;

export const ObjectiveContextSchema = closed({
  objectiveId: ObjectiveIdSchema,
  title: Type.String(),
  prompt: nullable(TextSchema),
  maxConcurrency: Type.Integer(),
  baseCommit: nullable(CommitSchema),
  /** Where it began; says nothing about now. */
  draft: Type.Boolean(),
  revision: Type.Integer({ minimum: 1 }),
  /** Tasks by bucket. Counters only: the tasks themselves stand in the relation `member`. */
  counts: Type.Unsafe<Readonly<Record<TaskBucket, number>>>(
    closed(Object.fromEntries(TASK_BUCKETS.map((bucket) => [bucket, CountSchema]))),
  ),
  openGates: CountSchema,
  reason: nullable(LineSchema),
  createdAt: EpochMsSchema,
  updatedAt: EpochMsSchema,
});
export type ObjectiveContext = Static<typeof ObjectiveContextSchema>;

export const ObjectiveEventSchema = Type.Union([
  eventSchema('objective.activate', {}),
  eventSchema('objective.update', {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    maxConcurrency: Type.Integer({ minimum: 1, maximum: 64 }),
  }),
  eventSchema('objective.cancel', { reason: LineSchema }),
  eventSchema('task.added', { taskId: TaskIdSchema, bucket: TaskBucketSchema }),
  eventSchema('objective.taskChanged', { from: TaskBucketSchema, to: TaskBucketSchema }),
  eventSchema('gate.opened', { gateId: GateIdSchema }),
  eventSchema('gate.closed', { gateId: GateIdSchema }),
]);
export type ObjectiveEvent = Static<typeof ObjectiveEventSchema>;
