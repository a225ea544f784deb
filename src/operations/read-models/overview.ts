/** The whole project on one page: what is there, what runs, what waits for a person, what went wrong. */
import { Type, type Static } from 'typebox';
import { TASK_BUCKETS } from '../../machines/task/model.ts';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const time = Type.Integer();
const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

/** `revision` orders what is said about the same thing: the higher one counts. Times in ms since 1970. */
export const OverviewObjectiveSchema = closed({
  objectiveId: text,
  title: text,
  state: text,
  reason: maybe(text),
  /** Tasks by where they stand. */
  tasks: Type.Unsafe<Readonly<Record<string, number>>>(
    closed(Object.fromEntries(TASK_BUCKETS.map((bucket) => [bucket, count]))),
  ),
  openGates: count,
  revision: count,
  createdAt: time,
  updatedAt: time,
});
export type OverviewObjective = Static<typeof OverviewObjectiveSchema>;

export const OverviewTaskSchema = closed({
  taskId: text,
  objectiveId: maybe(text),
  title: text,
  planId: maybe(text),
  state: text,
  /** Why it is not running, as the machine knows it; null while it runs and when it is completed. */
  reason: maybe(text),
  /** The run that carries it out, or its last one. */
  runId: maybe(text),
  gateId: maybe(text),
  attempts: count,
  maxAttempts: count,
  progress: maybe(text),
  progressAt: maybe(time),
  notBefore: maybe(time),
  commit: maybe(text),
  branch: maybe(text),
  /** Tasks it waits for, whether or not they are done. */
  dependsOn: Type.Array(text),
  revision: count,
  createdAt: time,
  updatedAt: time,
});
export type OverviewTask = Static<typeof OverviewTaskSchema>;

export const OverviewRunSchema = closed({
  runId: text,
  taskId: text,
  objectiveId: maybe(text),
  workerId: text,
  status: text,
  settled: Type.Boolean(),
  attempt: count,
  epoch: count,
  /** How it ended, as one of the known ends, and in words. */
  end: maybe(text),
  reason: maybe(text),
  progress: maybe(text),
  progressAt: maybe(time),
  runtimeMode: text,
  startedAt: maybe(time),
  endedAt: maybe(time),
  revision: count,
  createdAt: time,
  updatedAt: time,
});
export type OverviewRun = Static<typeof OverviewRunSchema>;

export const OverviewGateSchema = closed({
  gateId: text,
  state: text,
  type: text,
  /** Written by whoever asked: a model's words when that is a `child_run` or `parent_agent`. */
  ask: text,
  askedBy: text,
  humanOnly: Type.Boolean(),
  taskId: maybe(text),
  runId: maybe(text),
  workerId: maybe(text),
  objectiveId: maybe(text),
  expiresAt: maybe(time),
  revision: count,
  createdAt: time,
  resolvedAt: maybe(time),
});
export type OverviewGate = Static<typeof OverviewGateSchema>;

export const OverviewWorkerSchema = closed({
  workerId: text,
  name: maybe(text),
  state: text,
  reason: maybe(text),
  objectiveId: maybe(text),
  runId: maybe(text),
  branch: text,
  worktreePath: text,
  revision: count,
  updatedAt: time,
});
export type OverviewWorker = Static<typeof OverviewWorkerSchema>;

export const OverviewItemsSchema = closed({
  objectives: Type.Array(OverviewObjectiveSchema),
  tasks: Type.Array(OverviewTaskSchema),
  runs: Type.Array(OverviewRunSchema),
  gates: Type.Array(OverviewGateSchema),
  workers: Type.Array(OverviewWorkerSchema),
});
export type OverviewItems = Static<typeof OverviewItemsSchema>;

export const OverviewSchema = closed({
  /** The moment: everything here is as it was after this entry of the journal. */
  seq: count,
  /** When that was; null before the first entry. */
  at: maybe(time),
  /** The newest entry there is; equals `seq` when this is now. */
  lastSeq: count,
  /** Everything in the project by kind and state; null for a moment that is over. */
  counts: maybe(Type.Unsafe<Readonly<Record<string, Readonly<Record<string, number>>>>>(Type.Object({}))),
  items: OverviewItemsSchema,
  /** What was left out because it is too much for one page. */
  omitted: closed({ objectives: count, tasks: count }),
});
export type Overview = Static<typeof OverviewSchema>;
