/** Cases of the objective: tasks in every bucket, every kind of move, gates more often closed than opened. */
import { objectiveMachine } from '../../../src/machines/objective/machine.ts';
import {
  ObjectiveContextSchema,
  ObjectiveEventSchema,
  ObjectiveInputSchema,
  type ObjectiveContext,
  type ObjectiveInput,
} from '../../../src/machines/objective/model.ts';
import type { TaskBucket } from '../../../src/machines/task/model.ts';
import type { MachineCases } from '../graph/machine-cases.ts';
import type { MachineEvent, Snapshot } from '../graph/stepper.ts';
import {
  birth,
  commit,
  kernelActionSchemas,
  keyOf,
  later,
  sampleGate,
  sampleObjective,
  sampleTask,
} from './samples.ts';

const at = later(5);
/** So many tasks and gates show every roll-up; more of them show nothing new. */
const tasksMax = 2;
const gatesMax = 1;

const goal: ObjectiveInput = {
  objectiveId: sampleObjective(1),
  title: 'A goal',
  prompt: null,
  maxConcurrency: 4,
  baseCommit: commit,
  draft: true,
  at: birth,
};
const ask: MachineEvent = { type: 'objective.taskChanged', at, from: 'draft', to: 'draft' };

const tasksOf = (snapshot: Snapshot): number =>
  Object.values((snapshot.context as ObjectiveContext).counts).reduce((sum, count) => sum + count, 0);
/** Beyond the bound nothing is added: the graph stays small. */
const added = (bucket: TaskBucket) => (snapshot: Snapshot) =>
  tasksOf(snapshot) < tasksMax ? { type: 'task.added', at, taskId: sampleTask(1), bucket } : ask;
const gate = (type: 'gate.opened' | 'gate.closed') => (snapshot: Snapshot) =>
  type === 'gate.opened' && (snapshot.context as ObjectiveContext).openGates >= gatesMax
    ? ask
    : { type, at, gateId: sampleGate(1) };
const moved = (from: TaskBucket, to: TaskBucket) => (): MachineEvent => ({
  type: 'objective.taskChanged',
  at,
  from,
  to,
});

/** One bucket of each kind that a roll-up tells apart. */
const buckets = ['draft', 'waiting', 'delayed', 'ready', 'needs_review', 'completed'] as const;
const moves = [
  ['ready', 'running'],
  ['running', 'completed'],
  ['running', 'needs_review'],
  ['running', 'failed'],
  ['failed', 'completed'],
  ['needs_review', 'completed'],
  ['needs_review', 'canceled'],
  ['waiting', 'blocked'],
  ['completed', 'completed'],
] as const satisfies readonly (readonly [TaskBucket, TaskBucket])[];

export const objectiveCases: MachineCases = {
  name: 'objective',
  machine: objectiveMachine,
  inputSchema: ObjectiveInputSchema,
  eventSchema: ObjectiveEventSchema,
  contextSchema: ObjectiveContextSchema,
  actionSchemas: kernelActionSchemas,
  inputs: { draft: goal, live: { ...goal, draft: false, prompt: 'Do it.', baseCommit: null } },
  cases: {
    'objective.activate': () => ({ type: 'objective.activate', at }),
    'objective.update': () => ({ type: 'objective.update', at, title: 'Another goal', maxConcurrency: 64 }),
    'objective.cancel': () => ({ type: 'objective.cancel', at, reason: 'not wanted any more' }),
    ...Object.fromEntries(buckets.map((bucket) => [`task.added ${bucket}`, added(bucket)])),
    ...Object.fromEntries(moves.map(([from, to]) => [`objective.taskChanged ${from} to ${to}`, moved(from, to)])),
    'gate.opened': gate('gate.opened'),
    'gate.closed': gate('gate.closed'),
  },
  key: ({ value, status, context }) => {
    const { counts, openGates } = context as ObjectiveContext;
    return keyOf(value, status, Object.values(counts), openGates);
  },
  unreachable: {},
  expendableEffects: {},
  equivalentMutants: {},
};
