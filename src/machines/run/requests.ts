/** What a run says to others: the tells, creations and effects of its chart, and the transitions that several states share. */
import type { Tell } from '../commands.ts';
import type { EndReason } from './ends.ts';
import { RUN_ENDS } from './ends.ts';
import type { RunContext, RunEvent } from './model.ts';

type InContext = { readonly context: RunContext };
type At<Type extends RunEvent['type'] = RunEvent['type']> = { readonly event: Extract<RunEvent, { type: Type }> };

const ofEpoch = ({ context }: InContext) => ({ runId: context.runId, epoch: context.epoch });

export const prepareWorkspace = {
  type: 'prepareWorkspace',
  params: ({ context }: InContext) => ({ runId: context.runId, workerId: context.workerId }),
} as const;
export const startRunner = { type: 'startRunner', params: ofEpoch } as const;
export const sweepEpoch = { type: 'sweepEpoch', params: ofEpoch } as const;
export const sealWork = { type: 'sealWork', params: ofEpoch } as const;
export const finishRun = { type: 'finishRun', params: ofEpoch } as const;
export const verifyWork = {
  type: 'verifyWork',
  params: ({ context }: InContext) => ({ ...ofEpoch({ context }), commit: context.commit ?? '' }),
} as const;
export const deliverAnswer = {
  type: 'deliverAnswer',
  params: ({ context, event }: InContext & At<'gate.resolved'>) => ({
    runId: context.runId,
    gateId: event.gateId,
    decision: event.decision,
    answer: event.answer,
  }),
} as const;

export const armRestart = {
  type: 'setTimer',
  params: ({ context }: InContext) => ({ key: 'restart', dueAt: context.restartAt, event: 'timer.restart' }),
} as const;
export const disarmRestart = { type: 'clearTimer', params: { key: 'restart' } } as const;

export const tellWorkerPrepared = {
  type: 'tell',
  params: ({ context, event }: InContext & At<'workspace.prepared'>): Tell => ({
    to: context.workerId,
    event: {
      type: 'worker.prepared',
      at: event.at,
      branch: event.branch,
      worktreePath: event.worktreePath,
      baseCommit: event.baseCommit,
    } as Tell['event'],
    mode: 'required',
  }),
} as const;

export const tellTaskProgress = {
  type: 'tell',
  params: ({ context, event }: InContext & At<'child.progress'>): Tell => ({
    to: context.taskId,
    event: { type: 'task.progressed', at: event.at, runId: context.runId, text: event.text } as Tell['event'],
    mode: 'notify',
  }),
} as const;

/** The gate of a question is made once; the same question again is answered by the gate that is there. */
export const openGate = {
  type: 'createActor',
  params: ({ context, event }: InContext & At<'child.gate'>) => ({
    id: event.gateId,
    input: {
      gateId: event.gateId,
      gateType: event.gateType,
      operation: 'resolve_blocker',
      targetRevision: null,
      taskId: context.taskId,
      runId: context.runId,
      workerId: context.workerId,
      objectiveId: context.objectiveId,
      subject: 'run',
      ask: event.ask,
      askedBy: 'child_run',
      humanOnly: false,
      expiresAt: null,
      at: event.at,
    },
  }),
} as const;
export const askGate = {
  type: 'tell',
  params: ({ event }: At<'child.gate'>): Tell => ({
    to: event.gateId,
    event: { type: 'gate.ask', at: event.at } as Tell['event'],
    mode: 'required',
  }),
} as const;
export const useGate = {
  type: 'tell',
  params: ({ event }: At<'answer.delivered'>): Tell => ({
    to: event.gateId,
    event: { type: 'gate.use', at: event.at, operation: 'resolve_blocker', revision: null } as Tell['event'],
    mode: 'notify',
  }),
} as const;

const tellTaskEnded = {
  type: 'tell',
  params: ({ context, event }: InContext & At): Tell => ({
    to: context.taskId,
    event: {
      type: 'task.runEnded',
      at: event.at,
      runId: context.runId,
      end: context.end ?? 'effect_failed',
      message: context.message ?? '',
      branch: context.branch,
      commit: context.commit,
      rand: 'rand' in event ? event.rand : 0.5,
    } as Tell['event'],
    mode: 'required',
  }),
} as const;

/** Ends after which what lies in the worktree cannot be trusted: something may still write there. */
const BREAKING_ENDS: readonly (EndReason | null)[] = ['census_leftover', 'effect_failed'];

/** An unfinished task keeps the worker: what lies in its worktree is that task's work. */
const releaseWorker = {
  type: 'tell',
  params: ({ context, event }: InContext & At): Tell => ({
    to: BREAKING_ENDS.includes(context.end) ? null : context.workerId,
    event: {
      type: 'worker.released',
      at: event.at,
      runId: context.runId,
      holdFor: context.end !== null && RUN_ENDS[context.end].task === 'complete' ? null : context.taskId,
    } as Tell['event'],
    mode: 'required',
  }),
} as const;
const breakWorker = {
  type: 'tell',
  params: ({ context, event }: InContext & At): Tell => ({
    to: BREAKING_ENDS.includes(context.end) ? context.workerId : null,
    event: {
      type: 'worker.broke',
      at: event.at,
      runId: context.runId,
      message: context.message ?? '',
    } as Tell['event'],
    mode: 'required',
  }),
} as const;
/** A blocked run leaves its question open: the answer is what the retry needs. */
const closeQuestions = {
  type: 'tell',
  params: ({ context, event }: InContext & At): Tell => ({
    to: context.end === 'completion_blocked' ? null : { relation: 'gate', of: context.runId },
    event: { type: 'gate.runEnded', at: event.at } as Tell['event'],
    mode: 'notify',
  }),
} as const;

const ended = { type: 'recordEnded', params: ({ event }: At) => ({ at: event.at }) } as const;
/** Entry of every final state. */
export const conclude = [ended, closeQuestions, tellTaskEnded, releaseWorker, breakWorker] as const;

/** To `completing`, with the end decided. */
export const endAs = (end: EndReason) =>
  ({
    target: '#run.completing',
    actions: {
      type: 'recordEnd',
      params: ({ event }: At) => ({ end, message: messageOf(event) }),
    },
  }) as const;

function messageOf(event: RunEvent): string {
  if ('message' in event) return event.message;
  if ('reason' in event) return event.reason;
  if ('summary' in event) return event.summary.slice(0, 1_000);
  if (event.type === 'agent.exited') {
    if (event.spawnError !== null) return `program not started: ${event.spawnError}`;
    return event.signal === null ? `exit code ${String(event.code)}` : `signal ${event.signal}`;
  }
  return '';
}

export const fresh = {
  type: 'isFresh',
  params: ({ event }: { readonly event: { epoch: number; seq: number } }) => event,
} as const;
export const report = {
  type: 'recordReport',
  params: ({ event }: { readonly event: { seq: number } }) => ({ seq: event.seq }),
} as const;
const exit = {
  type: 'recordExit',
  params: ({ event }: At<'agent.exited'>) => ({ code: event.code, signal: event.signal }),
} as const;
export const recordLateExit = { guard: fresh, actions: [report, exit] } as const;

const exitsAs = (end: EndReason) =>
  ({
    guard: { type: 'exitsAs', params: ({ event }: At<'agent.exited'>) => ({ event, end }) },
    target: endAs(end).target,
    actions: [report, exit, endAs(end).actions],
  }) as const;

/** The agent ended before it said anything. */
export const agentExited = [
  {
    guard: { type: 'exitsAs', params: ({ event }: At<'agent.exited'>) => ({ event, end: 'succeeded' as const }) },
    target: '#run.verifying',
    actions: [report, exit, { type: 'recordCompletion', params: { status: 'succeeded' as const, summary: '' } }],
  },
  {
    guard: {
      type: 'exitsAs',
      params: ({ event }: At<'agent.exited'>) => ({ event, end: 'exit_without_completion' as const }),
    },
    target: '#run.verifying',
    actions: [report, exit, { type: 'recordPendingEnd', params: { end: 'exit_without_completion' as const } }],
  },
  exitsAs('exit_nonzero'),
  exitsAs('killed'),
  exitsAs('signalled'),
  exitsAs('program_not_found'),
] as const;

const says = (status: 'succeeded' | 'partial' | 'blocked' | 'failed' | 'aborted') =>
  ({ type: 'saysStatus', params: ({ event }: At<'child.complete'>) => ({ event, status }) }) as const;
const word = {
  type: 'recordCompletion',
  params: ({ event }: At<'child.complete'>) => ({ status: event.status, summary: event.summary }),
} as const;
const saysAndEnds = (status: 'blocked' | 'failed' | 'aborted') =>
  ({
    guard: says(status),
    target: '#run.completing',
    actions: [report, word, endAs(`completion_${status}`).actions],
  }) as const;

export const childComplete = [
  { guard: says('succeeded'), target: '#run.verifying', actions: [report, word] },
  {
    guard: says('partial'),
    target: '#run.verifying',
    actions: [report, word, { type: 'recordPendingEnd', params: { end: 'partial' as const } }],
  },
  saysAndEnds('blocked'),
  saysAndEnds('failed'),
  saysAndEnds('aborted'),
] as const;

const lost = { params: ({ event }: At<'runner.lost'>) => event } as const;
const lostBudgeted = [
  {
    guard: { type: 'mayRestart', params: ({ event }: At<'runner.lost' | 'lease.expired'>) => event },
    target: '#run.starting.fencing',
    actions: { type: 'recordRestart', params: ({ event }: At<'runner.lost' | 'lease.expired'>) => event },
  },
  {
    ...endAs('restart_budget'),
    guard: { type: 'isCurrentEpoch', params: ({ event }: At<'runner.lost' | 'lease.expired'>) => event.epoch },
  },
] as const;

/** In every state that has a runner. Order matters: what certainly never ran costs nothing, what may have run costs budget. */
export const runnerLost = {
  'runner.lost': [
    { ...endAs('dispatch_unknown'), guard: { type: 'isStartRecordUnreadable', ...lost } },
    { ...endAs('rebooted'), guard: { type: 'isReboot', ...lost } },
    { guard: { type: 'mayRelaunch', ...lost }, target: '#run.starting.fencing', actions: 'recordRelaunch' },
    { ...endAs('runner_unstartable'), guard: { type: 'isUnstartable', ...lost } },
    ...lostBudgeted,
  ],
  'lease.expired': lostBudgeted,
} as const;

export const endable = { 'run.cancel': endAs('canceled'), 'run.interrupt': endAs('stopped') } as const;

/** The granted runner asks again, after either side was away: the answer is the same. */
export const readopt = {
  'runner.ready': { guard: { type: 'isGrantedInstance', params: ({ event }: At<'runner.ready'>) => event } },
} as const;
