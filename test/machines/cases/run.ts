/** Cases of the run: every report fresh, repeated and of another epoch; every end; both sides of each budget and deadline. */
import { EFFECT_SCHEMAS } from '../../../src/machines/effects.ts';
import { runMachine } from '../../../src/machines/run/machine.ts';
import {
  RunContextSchema,
  RunEventSchema,
  RunInputSchema,
  type RunContext,
  type RunInput,
} from '../../../src/machines/run/model.ts';
import type { Case, MachineCases } from '../graph/machine-cases.ts';
import type { MachineEvent, Snapshot } from '../graph/stepper.ts';
import {
  birth,
  commit,
  kernelActionSchemas,
  keyOf,
  later,
  sampleGate,
  sampleObjective,
  sampleRun,
  sampleTask,
  sampleWorker,
} from './samples.ts';

const at = later(10);

const attempt: RunInput = {
  runId: sampleRun(1),
  taskId: sampleTask(1),
  objectiveId: sampleObjective(1),
  workerId: sampleWorker(1),
  taskRevision: 1,
  attempt: 1,
  dispatch: true,
  completion: 'explicit',
  verifies: true,
  restart: { intensity: 2, periodMs: 600_000, backoffMs: 1_000, backoffMaxMs: 30_000 },
  at: birth,
};

const of = ({ context }: Snapshot): RunContext => context as RunContext;
const simple =
  (type: string, fields: object = {}) =>
  (): MachineEvent => ({ type, at, ...fields });
/** Time does not go back behind the newest restart. */
const now = (snapshot: Snapshot): number => of(snapshot).restarts.at(-1) ?? at;
const another = (epoch: number): number => (epoch > 1 ? epoch - 1 : epoch + 1);

const ofEpoch =
  (type: string, fields: object = {}): Case =>
  (snapshot) => ({ type, at: now(snapshot), epoch: of(snapshot).epoch, ...fields });
const ofAnotherEpoch =
  (type: string, fields: object = {}): Case =>
  (snapshot) => ({ type, at, epoch: another(of(snapshot).epoch), ...fields });
/** A report as the spool has it: the next one, the last one again, and one from another epoch. */
const reports = (name: string, fields: object): Record<string, Case> => {
  const type = name.split(/[ ,]/)[0] ?? name;
  const report =
    (more: number): Case =>
    (snapshot) => ({
      type,
      at,
      epoch: of(snapshot).epoch,
      seq: Math.max(1, of(snapshot).spoolSeq + more),
      ...fields,
    });
  return {
    [name]: report(1),
    [`${name}, repeated`]: report(0),
    [`${name}, another epoch`]: (snapshot) => ({ ...report(1)(snapshot), epoch: another(of(snapshot).epoch) }),
  };
};

const rand = 0.5;
const lost = (agentRecord: string, rebooted = false) => ({ agentRecord, rebooted, rand });
/** Relative to the oldest restart that still counts: the last moment inside the period, the first one outside. */
const afterOldestRestart =
  (type: string, ms: number, fields: object): Case =>
  (snapshot) => ({
    type,
    at: (of(snapshot).restarts[0] ?? at) + ms,
    epoch: of(snapshot).epoch,
    ...fields,
  });
const exited = (fields: object) => ({ code: null, signal: null, spawnError: null, ...fields });
const sealed = (fields: object = {}) => ({
  commit,
  changedFiles: 2,
  outsideScope: 0,
  verificationTouched: false,
  ...fields,
});
const ended = (fields: object = {}) => ({ leftover: 0, exitCode: 0, signal: null, rand, ...fields });
const prepared = { branch: 'conductor/goal/main', worktreePath: '/trees/main', baseCommit: commit, fresh: true };
const refused = (end: string) => simple('workspace.refused', { end, message: 'not there' });
const waitedFor = (snapshot: Snapshot) => of(snapshot).waitingGateId ?? sampleGate(1);
const answered =
  (decision: string): Case =>
  (snapshot) => ({
    type: 'gate.resolved',
    at,
    gateId: waitedFor(snapshot),
    decision,
    principal: 'human',
    answer: 'left',
  });
const question = { gateId: sampleGate(1), gateType: 'needs_input', ask: 'Which one?' };
const statuses = ['succeeded', 'partial', 'blocked', 'failed', 'aborted'] as const;
const { periodMs } = attempt.restart;

export const runCases: MachineCases = {
  name: 'run',
  machine: runMachine,
  inputSchema: RunInputSchema,
  eventSchema: RunEventSchema,
  contextSchema: RunContextSchema,
  actionSchemas: kernelActionSchemas,
  inputs: {
    explicit: attempt,
    'by exit code, unverified': {
      ...attempt,
      dispatch: false,
      completion: 'exit-code',
      verifies: false,
      objectiveId: null,
      restart: { ...attempt.restart, intensity: 0 },
    },
  },
  cases: {
    'run.dispatch': simple('run.dispatch'),
    'workspace.prepared': simple('workspace.prepared', prepared),
    'workspace.conflicted': simple('workspace.conflicted', { message: 'a.ts: tasks a and b' }),
    'workspace.refused worktree': refused('worktree_refused'),
    'workspace.refused credentials': refused('credentials_missing'),
    'workspace.refused program': refused('program_not_found'),
    'runner.ready': (snapshot) => ofEpoch('runner.ready', { instance: of(snapshot).instance ?? 'first' })(snapshot),
    'runner.ready, another instance': (snapshot) =>
      ofEpoch('runner.ready', { instance: of(snapshot).instance === 'second' ? 'third' : 'second' })(snapshot),
    'runner.ready, another epoch': (snapshot) =>
      ofAnotherEpoch('runner.ready', { instance: of(snapshot).instance ?? 'first' })(snapshot),
    'runner.lost, never ran': ofEpoch('runner.lost', lost('missing')),
    'runner.lost, may have run': ofEpoch('runner.lost', lost('present')),
    'runner.lost, record unreadable': ofEpoch('runner.lost', lost('unreadable')),
    'runner.lost by a reboot': ofEpoch('runner.lost', lost('present', true)),
    'runner.lost by a reboot, never ran': ofEpoch('runner.lost', lost('missing', true)),
    'runner.lost, another epoch': ofAnotherEpoch('runner.lost', lost('present')),
    'runner.lost, another epoch, never ran': ofAnotherEpoch('runner.lost', lost('missing')),
    'runner.lost, another epoch, record unreadable': ofAnotherEpoch('runner.lost', lost('unreadable')),
    'runner.lost, another epoch, by a reboot': ofAnotherEpoch('runner.lost', lost('present', true)),
    'runner.lost at the end of the period': afterOldestRestart('runner.lost', periodMs - 1, lost('present')),
    'runner.lost after the period': afterOldestRestart('runner.lost', periodMs, lost('present')),
    'lease.expired': ofEpoch('lease.expired', { rand }),
    'lease.expired, another epoch': ofAnotherEpoch('lease.expired', { rand }),
    'epoch.swept': ofEpoch('epoch.swept', { leftover: 0 }),
    'epoch.swept, something left': ofEpoch('epoch.swept', { leftover: 1 }),
    'epoch.swept, another epoch': ofAnotherEpoch('epoch.swept', { leftover: 0 }),
    'epoch.swept, something left, another epoch': ofAnotherEpoch('epoch.swept', { leftover: 1 }),
    'timer.restart': (snapshot) => ({ type: 'timer.restart', at: of(snapshot).restartAt ?? at }),
    'timer.restart too early': (snapshot) => ({ type: 'timer.restart', at: (of(snapshot).restartAt ?? at) - 1 }),
    ...reports('child.progress', { text: 'half' }),
    ...reports('child.gate', { ...question, wait: false }),
    ...reports('child.gate and wait', { ...question, wait: true }),
    ...reports('child.gate and wait for another', { ...question, gateId: sampleGate(2), wait: true }),
    ...reports('child.gate for review', { ...question, gateType: 'needs_review', wait: false }),
    ...Object.assign({}, ...statuses.map((status) => reports(`child.complete ${status}`, { status, summary: 'so' }))),
    ...reports('limit.warned', { limit: 'idle' }),
    ...reports('limit.exceeded idle', { limit: 'idle' }),
    ...reports('limit.exceeded time', { limit: 'time' }),
    ...reports('setup.failed', { message: 'npm ci: 1' }),
    ...reports('agent.exited 0', exited({ code: 0 })),
    ...reports('agent.exited 3', exited({ code: 3 })),
    ...reports('agent.exited by SIGKILL', exited({ signal: 'SIGKILL' })),
    ...reports('agent.exited by SIGTERM', exited({ signal: 'SIGTERM' })),
    ...reports('agent.exited, never started', exited({ spawnError: 'not_found' })),
    'work.sealed': ofEpoch('work.sealed', sealed()),
    'work.sealed out of scope': ofEpoch('work.sealed', sealed({ outsideScope: 1, verificationTouched: true })),
    'work.sealed, another epoch': ofAnotherEpoch('work.sealed', sealed()),
    'work.sealed out of scope, another epoch': ofAnotherEpoch('work.sealed', sealed({ outsideScope: 1 })),
    ...reports('verification.finished green', { ok: true, message: '' }),
    ...reports('verification.finished red', { ok: false, message: 'npm test: 1' }),
    ...Object.fromEntries(
      ['approved', 'rejected', 'canceled', 'expired'].map((decision) => [
        `gate.resolved ${decision}`,
        answered(decision),
      ]),
    ),
    'gate.resolved, another gate': simple('gate.resolved', {
      gateId: sampleGate(9),
      decision: 'approved',
      principal: 'human',
      answer: 'right',
    }),
    'answer.delivered': (snapshot) => ({ type: 'answer.delivered', at, gateId: waitedFor(snapshot) }),
    'run.cancel': simple('run.cancel', { reason: 'not wanted any more' }),
    'run.interrupt': simple('run.interrupt', { reason: 'the supervisor stops' }),
    'runner.ended': ofEpoch('runner.ended', ended()),
    'runner.ended, something left': ofEpoch('runner.ended', ended({ leftover: 2 })),
    'runner.ended, another epoch': ofAnotherEpoch('runner.ended', ended()),
    'runner.ended, something left, another epoch': ofAnotherEpoch('runner.ended', ended({ leftover: 2 })),
    ...Object.fromEntries(
      Object.keys(EFFECT_SCHEMAS).map((effect) => [
        `effect.failed ${effect}`,
        simple('effect.failed', { effect, code: 'internal', message: 'gave up' }),
      ]),
    ),
    'effect.failed for credentials': simple('effect.failed', {
      effect: 'startRunner',
      code: 'credentials_missing',
      message: 'TOKEN has no value',
    }),
  },
  key: (snapshot) => {
    const { value, status } = snapshot;
    const { end, spoolSeq, instance, restarts, launches, resume, pendingEnd, restartAt, waitingGateId, outsideScope } =
      of(snapshot);
    if (status !== 'active') return keyOf(value, status, end);
    if (value === 'completing') return keyOf(value, end, spoolSeq > 0, instance === null);
    return keyOf(
      [value, spoolSeq > 0, instance === null, restarts.map((time) => time - (restarts[0] ?? 0)), launches, resume],
      [pendingEnd, restartAt === null, waitingGateId, outsideScope > 0],
    );
  },
  unreachable: {
    'run.waiting_input runner.lost[3] -> run.completing':
      'a question is a report, and a report sets the launches in vain back to 0',
    'run.verifying runner.lost[0] -> run.completing': 'whoever verifies does not start the agent any more',
    'run.verifying runner.lost[1] -> run.completing': 'whoever verifies does not start the agent any more',
    'run.verifying runner.lost[2] -> run.starting.fencing': 'whoever verifies does not start the agent any more',
    'run.verifying runner.lost[3] -> run.completing': 'whoever verifies does not start the agent any more',
  },
  expendableEffects: {
    deliverAnswer:
      'the run is running again; a child that never gets its answer falls silent, and the idle limit ends it',
  },
  equivalentMutants: {
    'run isSweptAndBacksOff: restartAt + 1': 'it asks only whether there is one',
    'run isSweptAndBacksOff: restartAt - 1': 'it asks only whether there is one',
    'run isSweptClean: restartAt + 1': 'it asks only whether there is one',
    'run isSweptClean: restartAt - 1': 'it asks only whether there is one',
    'run.running agent.exited[5]: drops recordExit#1': 'what was never started has neither code nor signal',
    'run.waiting_input agent.exited[5]: drops recordExit#1': 'what was never started has neither code nor signal',
  },
};
