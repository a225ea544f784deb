/** What a gate is told, what it remembers. The chart is in machine.ts. */
import { Type, type Static } from 'typebox';
import {
  closed,
  EpochMsSchema,
  eventSchema,
  GateIdSchema,
  LineSchema,
  nullable,
  ObjectiveIdSchema,
  PrincipalSchema,
  RunIdSchema,
  TaskIdSchema,
  TextSchema,
  WorkerIdSchema,
} from '../schema.ts';

export const GATE_TYPES = [
  'needs_input',
  'needs_review',
  'approval_required',
  'ready_for_pr',
  'destructive_cleanup',
] as const;
export type GateType = (typeof GATE_TYPES)[number];
/** Types that only a human may approve. */
export const HIGH_RISK_GATE_TYPES: readonly GateType[] = ['approval_required', 'ready_for_pr', 'destructive_cleanup'];

/** What an approval allows, once. `accept_task` completes the task whose review it is. */
export const GATE_OPERATIONS = [
  'accept_task',
  'resolve_blocker',
  'create_worker_pr',
  'destructive_cleanup',
  'generic',
] as const;
export type GateOperation = (typeof GATE_OPERATIONS)[number];
export const GateOperationSchema = Type.Unsafe<GateOperation>(Type.String({ enum: [...GATE_OPERATIONS] }));

const fields = {
  gateId: GateIdSchema,
  gateType: Type.Unsafe<GateType>(Type.String({ enum: [...GATE_TYPES] })),
  operation: GateOperationSchema,
  /** The revision of its subject that an approval is good for; null: any. */
  targetRevision: nullable(Type.Integer({ minimum: 0 })),
  taskId: nullable(TaskIdSchema),
  runId: nullable(RunIdSchema),
  workerId: nullable(WorkerIdSchema),
  objectiveId: nullable(ObjectiveIdSchema),
  /** Whether the run is told of the answer (a child asked) or the task (the system asked for a review). */
  subject: Type.Union([Type.Literal('run'), Type.Literal('task'), Type.Literal('worker'), Type.Literal('none')]),
  ask: TextSchema,
  askedBy: PrincipalSchema,
  /** Only a human may approve: a high-risk type, or the review of a red verification. */
  humanOnly: Type.Boolean(),
  expiresAt: nullable(EpochMsSchema),
};

export const GateInputSchema = closed({ ...fields, at: EpochMsSchema });
export type GateInput = Static<typeof GateInputSchema>;

export const GateContextSchema = closed({
  ...fields,
  answer: nullable(TextSchema),
  reason: nullable(LineSchema),
  resolvedBy: nullable(PrincipalSchema),
  createdAt: EpochMsSchema,
  resolvedAt: nullable(EpochMsSchema),
  usedAt: nullable(EpochMsSchema),
});
export type GateContext = Static<typeof GateContextSchema>;

const resolution = { principal: PrincipalSchema, reason: LineSchema };

export const GateEventSchema = Type.Union([
  /** The same question again: answered at once when there is an answer. */
  eventSchema('gate.ask', {}),
  eventSchema('gate.approve', { ...resolution, answer: TextSchema }),
  eventSchema('gate.reject', resolution),
  eventSchema('gate.cancel', resolution),
  eventSchema('gate.use', { operation: GateOperationSchema, revision: nullable(Type.Integer({ minimum: 0 })) }),
  /** The run that asked is final: nobody waits for an answer any more. */
  eventSchema('gate.runEnded', {}),
  eventSchema('timer.expire', {}),
]);
export type GateEvent = Static<typeof GateEventSchema>;
