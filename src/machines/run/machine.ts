/**
 * A run: one attempt at a task, in a worker, carried out by a runner process under a lease.
 *
 *     dispatch_pending ──dispatch──▶ queued ──workspace.prepared──▶ starting ──runner.ready──▶ running ⇄ waiting_input
 *                                                                  ▲ launching                    │ complete, exit
 *                                       lost (epoch + 1) ──▶ fencing ─▶ backing_off               ▼
 *                                                                                 verifying: sealing ─▶ checking
 *     every state ──cancel, interrupt, lost too often, red …──▶ completing ──runner.ended──▶ one of eight final states
 *
 * It does not start or watch processes, run git, or read a clock: it names effects and is told facts.
 *
 * R1. At most one instance is granted per epoch; `instance` is null until then.
 * R2. A fact under another epoch changes nothing, and neither does a report that is not above `spoolSeq`.
 * R3. Every end passes through `completing`; only `runner.ended` with nothing left leads to the final state that `end` names.
 * R4. Once a completion is known the agent is not run again: a lost runner is restarted at the verification.
 * R5. A new epoch begins only after the sweep of the one before found nothing left.
 * R6. Restarts within `restart.periodMs` never exceed `restart.intensity`; launches that certainly ran nothing cost none.
 * R7. The task and the worker hear of the end exactly once, in the commit that makes the run final.
 */
import { RUN_ENDS } from './ends.ts';
import {
  agentExited,
  askGate,
  childComplete,
  conclude,
  deliverAnswer,
  endable,
  endAs,
  finishRun,
  fresh,
  openGate,
  prepareWorkspace,
  readopt,
  recordLateExit,
  report,
  runnerLost,
  tellTaskProgress,
  tellWorkerPrepared,
  useGate,
} from './requests.ts';
import { runSetup } from './setup.ts';
import { starting } from './starting.ts';
import { verifying } from './verifying.ts';

export const runMachine = runSetup.createMachine({
  id: 'run',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    runId: input.runId,
    taskId: input.taskId,
    objectiveId: input.objectiveId,
    workerId: input.workerId,
    taskRevision: input.taskRevision,
    attempt: input.attempt,
    dispatched: input.dispatch,
    completionMode: input.completion,
    verifies: input.verifies,
    restart: input.restart,
    epoch: 1 as never,
    instance: null,
    spoolSeq: 0,
    restarts: [],
    launches: 0,
    resume: 'agent',
    completion: null,
    pendingEnd: null,
    restartAt: null,
    end: null,
    message: null,
    branch: null,
    worktreePath: null,
    baseCommit: null,
    commit: null,
    changedFiles: 0,
    outsideScope: 0,
    verificationTouched: false,
    exitCode: null,
    signal: null,
    progress: null,
    progressAt: null,
    waitingGateId: null,
    createdAt: input.at,
    startedAt: null,
    endedAt: null,
  }),
  initial: 'created',
  states: {
    created: { always: [{ guard: 'isDispatched', target: 'queued' }, { target: 'dispatch_pending' }] },
    dispatch_pending: {
      on: { 'run.dispatch': { target: 'queued', actions: 'recordDispatch' }, ...endable },
    },
    queued: {
      entry: prepareWorkspace,
      on: {
        'workspace.prepared': {
          target: 'starting',
          actions: [{ type: 'recordWorkspace', params: ({ event }) => event }, tellWorkerPrepared],
        },
        'workspace.conflicted': endAs('dependency_conflict'),
        'workspace.refused': {
          target: 'completing',
          actions: { type: 'recordEnd', params: ({ event }) => ({ end: event.end, message: event.message }) },
        },
        'effect.failed': {
          ...endAs('worktree_refused'),
          guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'prepareWorkspace' }) },
        },
        ...endable,
      },
    },
    starting,
    running: {
      on: {
        'child.progress': {
          guard: fresh,
          actions: [
            report,
            { type: 'recordProgress', params: ({ event }) => ({ text: event.text, at: event.at }) },
            tellTaskProgress,
          ],
        },
        'child.gate': [
          {
            guard: { type: 'isFreshWait', params: ({ event }) => event },
            target: 'waiting_input',
            actions: [report, { type: 'recordWaiting', params: ({ event }) => event }, openGate, askGate],
          },
          { guard: fresh, actions: [report, openGate, askGate] },
        ],
        'child.complete': childComplete,
        'limit.warned': { guard: fresh, actions: report },
        'limit.exceeded': [
          {
            guard: { type: 'exceeds', params: ({ event }) => ({ event, limit: 'idle' }) },
            target: 'completing',
            actions: [report, endAs('idle_limit').actions],
          },
          {
            guard: { type: 'exceeds', params: ({ event }) => ({ event, limit: 'time' }) },
            target: 'completing',
            actions: [report, endAs('time_limit').actions],
          },
        ],
        'setup.failed': { guard: fresh, target: 'completing', actions: [report, endAs('setup_red').actions] },
        'agent.exited': agentExited,
        'gate.resolved': { actions: deliverAnswer },
        'answer.delivered': { actions: useGate },
        ...readopt,
        ...runnerLost,
        ...endable,
      },
    },
    waiting_input: {
      on: {
        'child.progress': {
          guard: fresh,
          target: 'running',
          actions: [
            report,
            'recordWaitingOver',
            { type: 'recordProgress', params: ({ event }) => ({ text: event.text, at: event.at }) },
            tellTaskProgress,
          ],
        },
        'child.gate': [
          {
            guard: { type: 'isFreshWait', params: ({ event }) => event },
            actions: [report, { type: 'recordWaiting', params: ({ event }) => event }, openGate, askGate],
          },
          { guard: fresh, actions: [report, openGate, askGate] },
        ],
        'child.complete': childComplete,
        'limit.warned': { guard: fresh, actions: report },
        'limit.exceeded': {
          guard: { type: 'exceeds', params: ({ event }) => ({ event, limit: 'time' }) },
          target: 'completing',
          actions: [report, endAs('time_limit').actions],
        },
        'agent.exited': agentExited,
        'gate.resolved': [
          {
            guard: { type: 'isWaitingFor', params: ({ event }) => event },
            target: 'running',
            actions: ['recordWaitingOver', deliverAnswer],
          },
          { actions: deliverAnswer },
        ],
        'answer.delivered': { actions: useGate },
        ...readopt,
        ...runnerLost,
        ...endable,
      },
    },
    verifying,
    completing: {
      entry: finishRun,
      on: {
        'runner.ended': [
          {
            guard: { type: 'hasLeftover', params: ({ event }) => event },
            target: 'stale',
            actions: {
              type: 'recordEnd',
              params: ({ event }) => ({
                end: 'census_leftover',
                message: `${RUN_ENDS.census_leftover.says}: ${String(event.leftover)}`,
              }),
            },
          },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'succeeded' }) }, target: 'succeeded' },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'partial' }) }, target: 'partial' },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'blocked' }) }, target: 'blocked' },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'failed' }) }, target: 'failed' },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'aborted' }) }, target: 'aborted' },
          { guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'stale' }) }, target: 'stale' },
          {
            guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'interrupted' }) },
            target: 'interrupted',
          },
          {
            guard: { type: 'endsAs', params: ({ event }) => ({ event, final: 'unknown_dispatch' }) },
            target: 'unknown_dispatch',
          },
        ],
        'agent.exited': recordLateExit,
        'effect.failed': {
          guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'finishRun' }) },
          target: 'stale',
          actions: { type: 'recordEnd', params: ({ event }) => ({ end: 'effect_failed', message: event.message }) },
        },
        ...readopt,
      },
    },
    succeeded: { type: 'final', entry: conclude },
    partial: { type: 'final', entry: conclude },
    blocked: { type: 'final', entry: conclude },
    failed: { type: 'final', entry: conclude },
    aborted: { type: 'final', entry: conclude },
    stale: { type: 'final', entry: conclude },
    interrupted: { type: 'final', entry: conclude },
    unknown_dispatch: { type: 'final', entry: conclude },
  },
});
