/** The whole project on one page: what is there, what runs, what waits for a person, what went wrong. */
import { Type, type Static } from 'typebox';
import { gateFields, objectiveFields, runFields, taskFields, workerFields } from './item-facts.ts';
import { closed, count, maybe, text, time } from './schema-parts.ts';

/** Orders what is said about the same thing: the higher one counts. */
const revision = count;

export const OverviewObjectiveSchema = closed({ ...objectiveFields, revision });
export type OverviewObjective = Static<typeof OverviewObjectiveSchema>;

export const OverviewTaskSchema = closed({
  ...taskFields,
  /** Tasks it waits for, whether or not they are done. */
  dependsOn: Type.Array(text),
  revision,
});
export type OverviewTask = Static<typeof OverviewTaskSchema>;

export const OverviewRunSchema = closed({
  ...runFields,
  settled: Type.Boolean(),
  runtimeMode: text,
  revision,
  updatedAt: time,
});
export type OverviewRun = Static<typeof OverviewRunSchema>;

export const OverviewGateSchema = closed({ ...gateFields, revision });
export type OverviewGate = Static<typeof OverviewGateSchema>;

export const OverviewWorkerSchema = closed({ ...workerFields, revision });
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
