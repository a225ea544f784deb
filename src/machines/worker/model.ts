/** What a worker is told, what it remembers. The chart is in machine.ts. */
import { Type, type Static } from 'typebox';
import { EffectFailedSchema } from '../effects.ts';
import {
  closed,
  CommitSchema,
  EpochMsSchema,
  eventSchema,
  GateIdSchema,
  LineSchema,
  nullable,
  ObjectiveIdSchema,
  RunIdSchema,
  TaskIdSchema,
  WorkerIdSchema,
} from '../schema.ts';

const place = {
  workerId: WorkerIdSchema,
  /** Unique among workers that are not archived; null: belongs to its objective and is reused by it. */
  name: nullable(Type.String({ maxLength: 63 })),
  objectiveId: nullable(ObjectiveIdSchema),
  branch: Type.String({ maxLength: 255 }),
  worktreePath: Type.String({ maxLength: 4_096 }),
};

export const WorkerInputSchema = closed({
  ...place,
  /** The run that waits for it, or null when it is made by itself. */
  reservedBy: nullable(RunIdSchema),
  at: EpochMsSchema,
});
export type WorkerInput = Static<typeof WorkerInputSchema>;

export const WorkerContextSchema = closed({
  ...place,
  reservedBy: nullable(RunIdSchema),
  /** The task whose unfinished work lies here: only that task may use it. */
  heldFor: nullable(TaskIdSchema),
  /** Whether a worktree stands at `worktreePath`. */
  prepared: Type.Boolean(),
  baseCommit: nullable(CommitSchema),
  lastRunId: nullable(RunIdSchema),
  /** The approved gate that a cleanup uses. */
  cleanupGateId: nullable(GateIdSchema),
  /** Where its work was rescued to when it was archived: a ref, or null when nothing was left. */
  rescueRef: nullable(Type.String({ maxLength: 255 })),
  reason: nullable(LineSchema),
  createdAt: EpochMsSchema,
  updatedAt: EpochMsSchema,
});
export type WorkerContext = Static<typeof WorkerContextSchema>;

export const WorkerEventSchema = Type.Union([
  eventSchema('worker.reserve', { runId: RunIdSchema, taskId: TaskIdSchema }),
  eventSchema('worker.prepared', {
    branch: Type.String({ maxLength: 255 }),
    worktreePath: Type.String({ maxLength: 4_096 }),
    baseCommit: nullable(CommitSchema),
  }),
  eventSchema('worker.refused', { message: LineSchema }),
  /** The run is final. `holdFor`: its task is not completed and comes back to this work. */
  eventSchema('worker.released', { runId: RunIdSchema, holdFor: nullable(TaskIdSchema) }),
  eventSchema('worker.broke', { runId: nullable(RunIdSchema), message: LineSchema }),
  eventSchema('worker.unhold', { taskId: TaskIdSchema }),
  eventSchema('worker.recover', {}),
  eventSchema('worker.cleanup', { gateId: nullable(GateIdSchema) }),
  eventSchema('worker.cleaned', { rescueRef: nullable(Type.String({ maxLength: 255 })) }),
  EffectFailedSchema,
]);
export type WorkerEvent = Static<typeof WorkerEventSchema>;
