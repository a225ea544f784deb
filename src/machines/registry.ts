/**
 * The persisted machines in one table: charts, schemas, and what lists and indexes show of a snapshot.
 *
 * It holds no compiled checks (whoever reads untrusted data compiles them) and not the supervisor, which is never stored.
 */
import type { AnyStateMachine, StateValue } from 'xstate';
import type { TSchema } from 'typebox';
import { gateMachine } from './gate/machine.ts';
import { GateContextSchema, GateEventSchema, GateInputSchema, type GateContext } from './gate/model.ts';
import type { ActorKind, ObjectiveId, RunId, TaskId, WorkerId } from './ids.ts';
import { objectiveMachine } from './objective/machine.ts';
import {
  ObjectiveContextSchema,
  ObjectiveEventSchema,
  ObjectiveInputSchema,
  type ObjectiveContext,
} from './objective/model.ts';
import { RUN_FINALS } from './run/ends.ts';
import { runMachine } from './run/machine.ts';
import { RunContextSchema, RunEventSchema, RunInputSchema, type RunContext } from './run/model.ts';
import { taskMachine } from './task/machine.ts';
import {
  TaskContextSchema,
  TaskEventSchema,
  TaskInputSchema,
  type TaskBucket,
  type TaskContext,
} from './task/model.ts';
import { workerMachine } from './worker/machine.ts';
import { WorkerContextSchema, WorkerEventSchema, WorkerInputSchema, type WorkerContext } from './worker/model.ts';

export type RegisteredMachine = {
  readonly machine: AnyStateMachine;
  readonly inputSchema: TSchema;
  readonly eventSchema: TSchema;
  readonly contextSchema: TSchema;
  /** Stored with every snapshot; a change of meaning raises it and brings a migration. */
  readonly version: string;
};

export const MACHINES: { readonly [Kind in ActorKind]: RegisteredMachine } = {
  objective: {
    machine: objectiveMachine,
    inputSchema: ObjectiveInputSchema,
    eventSchema: ObjectiveEventSchema,
    contextSchema: ObjectiveContextSchema,
    version: '1',
  },
  task: {
    machine: taskMachine,
    inputSchema: TaskInputSchema,
    eventSchema: TaskEventSchema,
    contextSchema: TaskContextSchema,
    version: '3',
  },
  worker: {
    machine: workerMachine,
    inputSchema: WorkerInputSchema,
    eventSchema: WorkerEventSchema,
    contextSchema: WorkerContextSchema,
    version: '1',
  },
  run: {
    machine: runMachine,
    inputSchema: RunInputSchema,
    eventSchema: RunEventSchema,
    contextSchema: RunContextSchema,
    version: '1',
  },
  gate: {
    machine: gateMachine,
    inputSchema: GateInputSchema,
    eventSchema: GateEventSchema,
    contextSchema: GateContextSchema,
    version: '1',
  },
};

/** States that take no event any more. A task has none: even a completed one answers a new dependent. */
export const FINAL_STATES: { readonly [Kind in ActorKind]: readonly string[] } = {
  objective: ['canceled'],
  task: [],
  worker: ['archived'],
  run: RUN_FINALS,
  gate: ['used', 'rejected', 'canceled', 'expired'],
};

/** States with a known outcome, in which no work is expected: not kept in memory, moved to the archive when old. */
export const SETTLED_STATES: { readonly [Kind in ActorKind]: readonly string[] } = {
  objective: ['completed', 'canceled'],
  task: ['completed', 'failed', 'canceled'],
  worker: FINAL_STATES.worker,
  run: FINAL_STATES.run,
  /** An approval still waits to be used. */
  gate: FINAL_STATES.gate,
};

/** The columns by which an actor is found. */
export type ActorDescription = {
  /** The public status: the top-level state's name. */
  readonly state: string;
  /** Where its objective counts a task; null for the others. */
  readonly bucket: TaskBucket | null;
  readonly settled: boolean;
  readonly final: boolean;
  readonly objectiveId: ObjectiveId | null;
  readonly taskId: TaskId | null;
  readonly runId: RunId | null;
  readonly workerId: WorkerId | null;
  /** Title of an objective or task, type of a gate; null for the others. */
  readonly title: string | null;
  /** By which it is found: of a worker its name, of a task `QUEUED_TASK` while it waits to be started by name; null for the others. */
  readonly name: string | null;
};

/** Name under which tasks that wait to be started by name are found, however many others there are. */
export const QUEUED_TASK = 'queued';

type Columns = Omit<ActorDescription, 'state' | 'settled' | 'final'>;

const columnsOf: { readonly [Kind in ActorKind]: (context: unknown) => Columns } = {
  objective: (context) => {
    const { objectiveId, title } = context as ObjectiveContext;
    return { bucket: null, objectiveId, taskId: null, runId: null, workerId: null, title, name: null };
  },
  task: (context) => {
    const { bucket, objectiveId, taskId, activeRunId, lastRunId, workerId, title, queuedAt } = context as TaskContext;
    const name = queuedAt === null ? null : QUEUED_TASK;
    return { bucket, objectiveId, taskId, runId: activeRunId ?? lastRunId, workerId, title, name };
  },
  worker: (context) => {
    const { objectiveId, heldFor, reservedBy, lastRunId, workerId, name } = context as WorkerContext;
    return { bucket: null, objectiveId, taskId: heldFor, runId: reservedBy ?? lastRunId, workerId, title: null, name };
  },
  run: (context) => {
    const { objectiveId, taskId, runId, workerId } = context as RunContext;
    return { bucket: null, objectiveId, taskId, runId, workerId, title: null, name: null };
  },
  gate: (context) => {
    const { objectiveId, taskId, runId, workerId, gateType } = context as GateContext;
    return { bucket: null, objectiveId, taskId, runId, workerId, title: gateType, name: null };
  },
};

/** The public status of a state value: `{starting: 'fencing'}` is `starting`. */
export const stateOf = (value: StateValue): string =>
  typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');

/** What the index columns say of a snapshot. `context` is a committed one of this kind. */
export function describeActor(kind: ActorKind, value: StateValue, context: unknown): ActorDescription {
  const state = stateOf(value);
  return {
    state,
    ...columnsOf[kind](context),
    settled: SETTLED_STATES[kind].includes(state),
    final: FINAL_STATES[kind].includes(state),
  };
}
