/** What lists and answers show of each kind of thing. Times are ms since the epoch, sizes bytes; ids name what it relates to. */
import { Type, type Static, type TSchema } from 'typebox';
import { gateFields, objectiveFields, runFields, taskFields, workerFields } from './item-facts.ts';
import { closed, count, maybe, text } from './schema-parts.ts';

const maybeText = maybe(text);
const maybeTime = maybe(Type.Integer());

export const TaskItemSchema = closed({
  ...taskFields,
  workerId: maybeText,
  workerName: maybeText,
  activeRunId: maybeText,
  runs: count,
  waitingOn: count,
  acceptedBy: maybeText,
  revision: count,
});
export type TaskItem = Static<typeof TaskItemSchema>;

export const RunItemSchema = closed({
  ...runFields,
  branch: maybeText,
  worktreePath: maybeText,
  baseCommit: maybeText,
  commit: maybeText,
  changedFiles: count,
  outsideScope: count,
  verificationTouched: Type.Boolean(),
  exitCode: maybe(Type.Integer()),
  signal: maybeText,
  /** The agent's own word. */
  completion: maybe(closed({ status: text, summary: text })),
  /** The question whose answer it waits for. */
  gateId: maybeText,
  /** What the supervisor sees now; null without one and after the end. */
  live: maybe(
    closed({
      phase: maybeText,
      idleMs: count,
      outputBytes: count,
      connected: Type.Boolean(),
      /** Of the runner and all that it has started, resident. */
      memoryBytes: maybe(count),
      /** Of one processor, over the last seconds; null until that is known. */
      cpuPercent: maybe(Type.Number({ minimum: 0 })),
    }),
  ),
});
export type RunItem = Static<typeof RunItemSchema>;

export const GateItemSchema = closed({
  ...gateFields,
  operation: text,
  targetRevision: maybe(Type.Integer()),
  answer: maybeText,
  reason: maybeText,
  resolvedBy: maybeText,
  usedAt: maybeTime,
});
export type GateItem = Static<typeof GateItemSchema>;

export const WorkerItemSchema = closed({
  ...workerFields,
  /** The task whose unfinished work lies here. */
  taskId: maybeText,
  prepared: Type.Boolean(),
  baseCommit: maybeText,
  rescueRef: maybeText,
  createdAt: Type.Integer(),
});
export type WorkerItem = Static<typeof WorkerItemSchema>;

export const ObjectiveItemSchema = closed({
  ...objectiveFields,
  maxConcurrency: count,
  baseCommit: maybeText,
  revision: count,
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
  closed({ items: Type.Array(item), nextCursor: maybeText, total: maybe(count) });
export type ItemPage<Item> = { items: Item[]; nextCursor: string | null; total: number | null };
