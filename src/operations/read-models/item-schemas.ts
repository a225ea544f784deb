/** What lists and answers show of each kind of thing. Times are ms since the epoch, sizes bytes; ids name what it relates to. */
import { Type, type Static, type TSchema } from 'typebox';
import { TASK_BUCKETS } from '../../machines/task/model.ts';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const optional = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const maybeText = optional(text);
const maybeTime = optional(Type.Integer());
const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

export const TaskItemSchema = closed({
  taskId: text,
  title: text,
  planId: maybeText,
  state: text,
  /** Why it is not running; null while it runs and when it is completed. */
  reason: maybeText,
  objectiveId: maybeText,
  workerId: maybeText,
  workerName: maybeText,
  /** The run that carries it out, or its last one. */
  runId: maybeText,
  activeRunId: maybeText,
  /** The open question whether to accept it. */
  gateId: maybeText,
  attempts: count,
  maxAttempts: count,
  runs: count,
  waitingOn: count,
  notBefore: maybeTime,
  progress: maybeText,
  progressAt: maybeTime,
  branch: maybeText,
  commit: maybeText,
  acceptedBy: maybeText,
  revision: count,
  createdAt: Type.Integer(),
  updatedAt: Type.Integer(),
});
export type TaskItem = Static<typeof TaskItemSchema>;

export const RunItemSchema = closed({
  runId: text,
  taskId: text,
  objectiveId: maybeText,
  workerId: text,
  status: text,
  attempt: count,
  epoch: count,
  /** How it ended, as one of the known ends, and in words. */
  end: maybeText,
  reason: maybeText,
  branch: maybeText,
  worktreePath: maybeText,
  baseCommit: maybeText,
  commit: maybeText,
  changedFiles: count,
  outsideScope: count,
  verificationTouched: Type.Boolean(),
  exitCode: optional(Type.Integer()),
  signal: maybeText,
  /** The agent's own word. */
  completion: optional(closed({ status: text, summary: text })),
  progress: maybeText,
  progressAt: maybeTime,
  /** The question whose answer it waits for. */
  gateId: maybeText,
  /** What the supervisor sees now; null without one and after the end. */
  live: optional(
    closed({
      phase: maybeText,
      idleMs: count,
      outputBytes: count,
      connected: Type.Boolean(),
      /** Of the runner and all that it has started, resident. */
      memoryBytes: optional(count),
      /** Of one processor, over the last seconds; null until that is known. */
      cpuPercent: optional(Type.Number({ minimum: 0 })),
    }),
  ),
  createdAt: Type.Integer(),
  startedAt: maybeTime,
  endedAt: maybeTime,
});
export type RunItem = Static<typeof RunItemSchema>;

export const GateItemSchema = closed({
  gateId: text,
  state: text,
  type: text,
  operation: text,
  /** Written by whoever asked: a model's words when that is a `child_run` or `parent_agent`. */
  ask: text,
  askedBy: text,
  humanOnly: Type.Boolean(),
  taskId: maybeText,
  runId: maybeText,
  workerId: maybeText,
  objectiveId: maybeText,
  targetRevision: optional(Type.Integer()),
  answer: maybeText,
  reason: maybeText,
  resolvedBy: maybeText,
  expiresAt: maybeTime,
  createdAt: Type.Integer(),
  resolvedAt: maybeTime,
  usedAt: maybeTime,
});
export type GateItem = Static<typeof GateItemSchema>;

export const WorkerItemSchema = closed({
  workerId: text,
  name: maybeText,
  state: text,
  reason: maybeText,
  objectiveId: maybeText,
  /** The task whose unfinished work lies here. */
  taskId: maybeText,
  /** The run that has it, or had it last. */
  runId: maybeText,
  branch: text,
  worktreePath: text,
  prepared: Type.Boolean(),
  baseCommit: maybeText,
  rescueRef: maybeText,
  createdAt: Type.Integer(),
  updatedAt: Type.Integer(),
});
export type WorkerItem = Static<typeof WorkerItemSchema>;

export const ObjectiveItemSchema = closed({
  objectiveId: text,
  title: text,
  state: text,
  reason: maybeText,
  maxConcurrency: count,
  baseCommit: maybeText,
  /** Tasks by where they stand. */
  tasks: Type.Unsafe<Readonly<Record<string, number>>>(
    closed(Object.fromEntries(TASK_BUCKETS.map((bucket) => [bucket, count]))),
  ),
  openGates: count,
  revision: count,
  createdAt: Type.Integer(),
  updatedAt: Type.Integer(),
});
export type ObjectiveItem = Static<typeof ObjectiveItemSchema>;

export const ArtifactItemSchema = closed({
  artifactId: text,
  type: text,
  name: text,
  bytes: count,
  sha256: text,
  truncated: Type.Boolean(),
  producer: text,
  taskId: maybeText,
  runId: maybeText,
  objectiveId: maybeText,
  workerId: maybeText,
  metadata: Type.Unsafe<Readonly<Record<string, unknown>>>(Type.Object({})),
  createdAt: Type.Integer(),
});
export type ArtifactItem = Static<typeof ArtifactItemSchema>;

/** A journal entry as it is stored. */
export const EventItemSchema = closed({
  seq: Type.Integer({ minimum: 1 }),
  at: Type.Integer(),
  commit: Type.Integer({ minimum: 1 }),
  kind: text,
  actor: text,
  machine: text,
  version: text,
  event: Type.Unsafe<Readonly<Record<string, unknown>> & { readonly type: string }>(Type.Object({ type: text })),
  from: maybeText,
  to: maybeText,
  taken: Type.Array(text),
  principal: text,
  objectiveId: maybeText,
  taskId: maybeText,
  runId: maybeText,
  reason: maybeText,
  patch: Type.Unknown(),
});
export type EventItem = Static<typeof EventItemSchema>;

/** `nextCursor` is given back as `after`; null at the end. `total` where an index knows it. */
export const pageSchema = <Item extends TSchema>(item: Item) =>
  closed({ items: Type.Array(item), nextCursor: maybeText, total: optional(count) });
export type ItemPage<Item> = { items: Item[]; nextCursor: string | null; total: number | null };
