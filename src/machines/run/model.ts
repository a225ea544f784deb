/** What a run is told, what it remembers. The chart is in machine.ts, the table of ends in ends.ts. */
import { Type, type Static } from 'typebox';
import { EffectFailedSchema } from '../effects.ts';
import {
  closed,
  CommitSchema,
  CountSchema,
  EpochMsSchema,
  eventSchema,
  GateIdSchema,
  LeaseEpochSchema,
  LineSchema,
  nullable,
  ObjectiveIdSchema,
  RunIdSchema,
  TaskIdSchema,
  TextSchema,
  WorkerIdSchema,
} from '../schema.ts';
import { RestartPolicySchema } from '../task/model.ts';
import { END_REASONS, type EndReason } from './ends.ts';

/** Restarts in a row without a start record before a runner counts as unstartable. One bad binary must not spin for ever. */
export const LAUNCHES_MAX = 5;

export const RunInputSchema = closed({
  runId: RunIdSchema,
  taskId: TaskIdSchema,
  objectiveId: nullable(ObjectiveIdSchema),
  workerId: WorkerIdSchema,
  taskRevision: Type.Integer({ minimum: 1 }),
  /** 1 for a task's first run. */
  attempt: Type.Integer({ minimum: 1 }),
  /** False: waits in `dispatch_pending` for a slot. */
  dispatch: Type.Boolean(),
  completion: Type.Union([Type.Literal('explicit'), Type.Literal('exit-code')]),
  verifies: Type.Boolean(),
  restart: RestartPolicySchema,
  at: EpochMsSchema,
});
export type RunInput = Static<typeof RunInputSchema>;

const EndReasonSchema = Type.Unsafe<EndReason>(Type.String({ enum: [...END_REASONS] }));
export const CompletionStatusSchema = Type.Union([
  Type.Literal('succeeded'),
  Type.Literal('partial'),
  Type.Literal('blocked'),
  Type.Literal('failed'),
  Type.Literal('aborted'),
]);
export type CompletionStatus = Static<typeof CompletionStatusSchema>;

export const RunContextSchema = closed({
  runId: RunIdSchema,
  taskId: TaskIdSchema,
  objectiveId: nullable(ObjectiveIdSchema),
  workerId: WorkerIdSchema,
  taskRevision: Type.Integer(),
  attempt: Type.Integer(),
  /** False while it waits for a slot. */
  dispatched: Type.Boolean(),
  completionMode: Type.Union([Type.Literal('explicit'), Type.Literal('exit-code')]),
  verifies: Type.Boolean(),
  restart: RestartPolicySchema,
  epoch: LeaseEpochSchema,
  /** The granted runner of this epoch; null until one has asked. */
  instance: nullable(Type.String({ maxLength: 64 })),
  /** Highest spool sequence seen under this epoch: what is not above it is a repeat. */
  spoolSeq: CountSchema,
  /** Times of restarts within the period, oldest first; at most `restart.intensity`. */
  restarts: Type.Array(EpochMsSchema, { maxItems: 100 }),
  /** Launches in a row that left no start record. */
  launches: CountSchema,
  /** Where a new epoch goes on: the agent is not run again once its completion is known. */
  resume: Type.Union([Type.Literal('agent'), Type.Literal('verify')]),
  completion: nullable(closed({ status: CompletionStatusSchema, summary: TextSchema })),
  /** How it ends after its work is sealed, without a verification; null: the verification decides. */
  pendingEnd: nullable(EndReasonSchema),
  /** When the next epoch may start, while it backs off; null: at once. */
  restartAt: nullable(EpochMsSchema),
  /** How it will end once its processes are gone; set in `completing`, kept in the final states. */
  end: nullable(EndReasonSchema),
  message: nullable(LineSchema),
  branch: nullable(Type.String({ maxLength: 255 })),
  worktreePath: nullable(Type.String({ maxLength: 4_096 })),
  /** The commit the agent started from. */
  baseCommit: nullable(CommitSchema),
  /** The commit the system made of what the agent left. */
  commit: nullable(CommitSchema),
  changedFiles: CountSchema,
  outsideScope: CountSchema,
  /** The verification ran what the run itself had changed. */
  verificationTouched: Type.Boolean(),
  exitCode: nullable(Type.Integer()),
  signal: nullable(Type.String({ maxLength: 16 })),
  progress: nullable(LineSchema),
  progressAt: nullable(EpochMsSchema),
  /** The gate whose answer the agent waits for, in `waiting_input`. */
  waitingGateId: nullable(GateIdSchema),
  createdAt: EpochMsSchema,
  startedAt: nullable(EpochMsSchema),
  endedAt: nullable(EpochMsSchema),
});
export type RunContext = Static<typeof RunContextSchema>;

/** What every report from a spool carries: the epoch it was written under and its place in that epoch's spool. */
const report = { epoch: LeaseEpochSchema, seq: Type.Integer({ minimum: 1 }) };
const ofEpoch = { epoch: LeaseEpochSchema };

export const RunEventSchema = Type.Union([
  eventSchema('run.dispatch', {}),
  eventSchema('workspace.prepared', {
    branch: Type.String({ maxLength: 255 }),
    worktreePath: Type.String({ maxLength: 4_096 }),
    baseCommit: CommitSchema,
    fresh: Type.Boolean(),
  }),
  eventSchema('workspace.conflicted', { message: LineSchema }),
  eventSchema('workspace.refused', {
    end: Type.Union([
      Type.Literal('worktree_refused'),
      Type.Literal('credentials_missing'),
      Type.Literal('program_not_found'),
    ]),
    message: LineSchema,
  }),
  eventSchema('runner.ready', { ...ofEpoch, instance: Type.String({ minLength: 1, maxLength: 64 }) }),
  /** The runner's process is gone and its spool and exit record have been read. */
  eventSchema('runner.lost', {
    ...ofEpoch,
    agentRecord: Type.Union([Type.Literal('missing'), Type.Literal('present'), Type.Literal('unreadable')]),
    rebooted: Type.Boolean(),
    rand: Type.Number({ minimum: 0, exclusiveMaximum: 1 }),
  }),
  /** The runner's process is there but has been silent for too long. */
  eventSchema('lease.expired', { ...ofEpoch, rand: Type.Number({ minimum: 0, exclusiveMaximum: 1 }) }),
  eventSchema('epoch.swept', { ...ofEpoch, leftover: CountSchema }),
  eventSchema('timer.restart', {}),
  eventSchema('child.progress', { ...report, text: LineSchema }),
  eventSchema('child.gate', {
    ...report,
    gateId: GateIdSchema,
    gateType: Type.Union([Type.Literal('needs_input'), Type.Literal('needs_review')]),
    ask: TextSchema,
    wait: Type.Boolean(),
  }),
  eventSchema('child.complete', { ...report, status: CompletionStatusSchema, summary: TextSchema }),
  eventSchema('limit.warned', { ...report, limit: Type.Union([Type.Literal('idle'), Type.Literal('time')]) }),
  eventSchema('limit.exceeded', { ...report, limit: Type.Union([Type.Literal('idle'), Type.Literal('time')]) }),
  eventSchema('setup.failed', { ...report, message: LineSchema }),
  eventSchema('agent.exited', {
    ...report,
    code: nullable(Type.Integer()),
    signal: nullable(Type.String({ maxLength: 16 })),
    /** The program could not be started at all; a word like `not_found`. */
    spawnError: nullable(Type.String({ maxLength: 200 })),
  }),
  eventSchema('work.sealed', {
    ...ofEpoch,
    commit: CommitSchema,
    changedFiles: CountSchema,
    outsideScope: CountSchema,
    verificationTouched: Type.Boolean(),
  }),
  eventSchema('verification.finished', { ...report, ok: Type.Boolean(), message: LineSchema }),
  eventSchema('gate.resolved', {
    gateId: GateIdSchema,
    decision: Type.Union([
      Type.Literal('approved'),
      Type.Literal('rejected'),
      Type.Literal('canceled'),
      Type.Literal('expired'),
    ]),
    principal: Type.String({ maxLength: 16 }),
    answer: TextSchema,
  }),
  eventSchema('answer.delivered', { gateId: GateIdSchema }),
  eventSchema('run.cancel', { reason: LineSchema }),
  eventSchema('run.interrupt', { reason: LineSchema }),
  eventSchema('runner.ended', {
    ...ofEpoch,
    leftover: CountSchema,
    exitCode: nullable(Type.Integer()),
    signal: nullable(Type.String({ maxLength: 16 })),
    rand: Type.Number({ minimum: 0, exclusiveMaximum: 1 }),
  }),
  EffectFailedSchema,
]);
export type RunEvent = Static<typeof RunEventSchema>;
