/** Cases of the gate: every principal, both sides of its expiry, every way in which a use can miss. */
import { gateMachine } from '../../../src/machines/gate/machine.ts';
import {
  GateContextSchema,
  GateEventSchema,
  GateInputSchema,
  type GateContext,
} from '../../../src/machines/gate/model.ts';
import { type GateInput } from '../../../src/machines/gate/model.ts';
import type { Principal } from '../../../src/machines/schema.ts';
import type { MachineCases } from '../graph/machine-cases.ts';
import type { Snapshot } from '../graph/stepper.ts';
import {
  birth,
  kernelActionSchemas,
  keyOf,
  later,
  sampleGate,
  sampleObjective,
  sampleRun,
  sampleTask,
  sampleWorker,
} from './samples.ts';

const expiresAt = later(60_000);

const question: GateInput = {
  gateId: sampleGate(1),
  gateType: 'needs_input',
  operation: 'generic',
  targetRevision: null,
  taskId: sampleTask(1),
  runId: sampleRun(1),
  workerId: sampleWorker(1),
  objectiveId: sampleObjective(1),
  subject: 'run',
  ask: 'Which one?',
  askedBy: 'child_run',
  humanOnly: false,
  expiresAt: null,
  at: birth,
};

/** Before the end of the question's time where it has one. */
const inTime = (snapshot: Snapshot) => later(((snapshot.context as GateContext).expiresAt ?? later(10)) - birth - 1);
const atExpiry = (snapshot: Snapshot) => (snapshot.context as GateContext).expiresAt ?? later(10);

const approve =
  (principal: Principal, when = inTime) =>
  (snapshot: Snapshot) => ({
    type: 'gate.approve',
    at: when(snapshot),
    principal,
    reason: 'fine',
    answer: 'the left one',
  });
const decide = (type: 'gate.reject' | 'gate.cancel', principal: Principal) => (snapshot: Snapshot) => ({
  type,
  at: inTime(snapshot),
  principal,
  reason: 'no',
});

const use =
  (change: object = {}) =>
  (snapshot: Snapshot) => {
    const { operation, targetRevision } = snapshot.context as GateContext;
    return { type: 'gate.use', at: inTime(snapshot), operation, revision: targetRevision ?? 7, ...change };
  };

export const gateCases: MachineCases = {
  name: 'gate',
  machine: gateMachine,
  inputSchema: GateInputSchema,
  eventSchema: GateEventSchema,
  contextSchema: GateContextSchema,
  actionSchemas: kernelActionSchemas,
  inputs: {
    question,
    review: {
      ...question,
      gateType: 'needs_review',
      operation: 'accept_task',
      targetRevision: 3,
      subject: 'task',
      askedBy: 'system',
      expiresAt,
    },
    redReview: { ...question, gateType: 'needs_review', operation: 'accept_task', subject: 'task', humanOnly: true },
    approval: {
      ...question,
      gateType: 'approval_required',
      operation: 'create_worker_pr',
      targetRevision: 1,
      expiresAt,
    },
    pr: { ...question, gateType: 'ready_for_pr', operation: 'create_worker_pr', subject: 'none', objectiveId: null },
    cleanup: {
      ...question,
      gateType: 'destructive_cleanup',
      operation: 'destructive_cleanup',
      taskId: null,
      runId: null,
      objectiveId: null,
      subject: 'worker',
    },
  },
  cases: {
    'gate.ask': (snapshot) => ({ type: 'gate.ask', at: inTime(snapshot) }),
    'gate.approve by human': approve('human'),
    'gate.approve by parent': approve('parent_agent'),
    'gate.approve by system': approve('system'),
    'gate.approve by child': approve('child_run'),
    'gate.approve at expiry': approve('human', atExpiry),
    'gate.reject by human': decide('gate.reject', 'human'),
    'gate.reject by parent': decide('gate.reject', 'parent_agent'),
    'gate.reject by child': decide('gate.reject', 'child_run'),
    'gate.cancel by parent': decide('gate.cancel', 'parent_agent'),
    'gate.cancel by system': decide('gate.cancel', 'system'),
    'gate.cancel by child': decide('gate.cancel', 'child_run'),
    'gate.use': use(),
    'gate.use of another operation': use({ operation: 'resolve_blocker' }),
    'gate.use at another revision': (snapshot) =>
      use({ revision: ((snapshot.context as GateContext).targetRevision ?? 7) + 1 })(snapshot),
    'gate.use at no revision': use({ revision: null }),
    'gate.use at expiry': (snapshot) => use({ at: atExpiry(snapshot) })(snapshot),
    'gate.runEnded': (snapshot) => ({ type: 'gate.runEnded', at: inTime(snapshot) }),
    'timer.expire too early': (snapshot) => ({ type: 'timer.expire', at: inTime(snapshot) }),
    'timer.expire': (snapshot) => ({ type: 'timer.expire', at: atExpiry(snapshot) }),
  },
  key: ({ value, status }) => keyOf(value, status),
  unreachable: {},
  expendableEffects: {},
  equivalentMutants: {},
};
