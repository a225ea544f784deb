/** Cases of the worker: the run that has it and another, the task it is held for and another, every effect given up. */
import type { RunId } from '../../../src/machines/ids.ts';
import { workerMachine } from '../../../src/machines/worker/machine.ts';
import {
  WorkerContextSchema,
  WorkerEventSchema,
  WorkerInputSchema,
  type WorkerContext,
  type WorkerInput,
} from '../../../src/machines/worker/model.ts';
import type { MachineCases } from '../graph/machine-cases.ts';
import type { Snapshot } from '../graph/stepper.ts';
import {
  birth,
  commit,
  kernelActionSchemas,
  keyOf,
  sampleGate,
  sampleObjective,
  sampleRun,
  sampleTask,
  sampleWorker,
} from './samples.ts';

const run = sampleRun(1);
const otherRun = sampleRun(2);
const task = sampleTask(1);
const otherTask = sampleTask(2);
const gate = sampleGate(1);
/** Time passes with every event, so that whoever forgets to note it is noticed. */
const now = (snapshot: Snapshot) => (snapshot.context as WorkerContext).updatedAt + 1;

const alone: WorkerInput = {
  workerId: sampleWorker(1),
  name: null,
  objectiveId: sampleObjective(1),
  branch: 'conductor/goal/main',
  worktreePath: '/trees/main',
  reservedBy: null,
  at: birth,
};

const holder = (snapshot: Snapshot): RunId => (snapshot.context as WorkerContext).reservedBy ?? run;
const failed = (effect: string) => (snapshot: Snapshot) => ({
  type: 'effect.failed',
  at: now(snapshot),
  effect,
  code: 'git_failed',
  message: 'gave up',
});

export const workerCases: MachineCases = {
  name: 'worker',
  machine: workerMachine,
  inputSchema: WorkerInputSchema,
  eventSchema: WorkerEventSchema,
  contextSchema: WorkerContextSchema,
  actionSchemas: kernelActionSchemas,
  inputs: { alone, reserved: { ...alone, name: 'main', reservedBy: run } },
  cases: {
    'worker.reserve': (snapshot) => ({ type: 'worker.reserve', at: now(snapshot), runId: run, taskId: task }),
    'worker.reserve for another task': (snapshot) => ({
      type: 'worker.reserve',
      at: now(snapshot),
      runId: otherRun,
      taskId: otherTask,
    }),
    'worker.prepared': (snapshot) => ({
      type: 'worker.prepared',
      at: now(snapshot),
      branch: 'conductor/goal/next',
      worktreePath: '/trees/next',
      baseCommit: commit,
    }),
    'worker.refused': (snapshot) => ({
      type: 'worker.refused',
      at: now(snapshot),
      message: 'a branch stands in the way',
    }),
    'worker.released': (snapshot) => ({
      type: 'worker.released',
      at: now(snapshot),
      runId: holder(snapshot),
      holdFor: null,
    }),
    'worker.released and held': (snapshot) => ({
      type: 'worker.released',
      at: now(snapshot),
      runId: holder(snapshot),
      holdFor: task,
    }),
    'worker.released by another run': (snapshot) => ({
      type: 'worker.released',
      at: now(snapshot),
      runId: sampleRun(9),
      holdFor: null,
    }),
    'worker.broke by its run': (snapshot) => ({
      type: 'worker.broke',
      at: now(snapshot),
      runId: holder(snapshot),
      message: 'strays',
    }),
    'worker.broke by another run': (snapshot) => ({
      type: 'worker.broke',
      at: now(snapshot),
      runId: sampleRun(9),
      message: 'strays',
    }),
    'worker.broke by a reconcile': (snapshot) => ({
      type: 'worker.broke',
      at: now(snapshot),
      runId: null,
      message: 'the worktree is gone',
    }),
    'worker.unhold': (snapshot) => ({ type: 'worker.unhold', at: now(snapshot), taskId: task }),
    'worker.unhold of another task': (snapshot) => ({ type: 'worker.unhold', at: now(snapshot), taskId: otherTask }),
    'worker.recover': (snapshot) => ({ type: 'worker.recover', at: now(snapshot) }),
    'worker.cleanup': (snapshot) => ({ type: 'worker.cleanup', at: now(snapshot), gateId: null }),
    'worker.cleanup under a gate': (snapshot) => ({ type: 'worker.cleanup', at: now(snapshot), gateId: gate }),
    'worker.cleaned': (snapshot) => ({
      type: 'worker.cleaned',
      at: now(snapshot),
      rescueRef: 'refs/conductor/rescue/main/1',
    }),
    'worker.cleaned, nothing left': (snapshot) => ({ type: 'worker.cleaned', at: now(snapshot), rescueRef: null }),
    'effect.failed createWorktree': failed('createWorktree'),
    'effect.failed recoverWorktree': failed('recoverWorktree'),
    'effect.failed cleanupWorktree': failed('cleanupWorktree'),
    'effect.failed of a run': failed('prepareWorkspace'),
  },
  key: ({ value, status, context }) => {
    const { reservedBy, heldFor, cleanupGateId } = context as WorkerContext;
    return keyOf(value, status, reservedBy, heldFor, cleanupGateId);
  },
  unreachable: {},
  expendableEffects: {},
  equivalentMutants: {},
};
