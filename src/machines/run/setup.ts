/** What the run chart may record and ask: its assignments and guards, with the kernel's commands and the run's effects. */
import { assign, setup } from 'xstate';
import { backoffMs } from '../task/decisions.ts';
import { commandActions } from '../commands.ts';
import { effectActions } from '../effects.ts';
import type { EpochMs } from '../ids.ts';
import { endOfExit, RUN_ENDS, type EndReason, type RunFinal } from './ends.ts';
import { LAUNCHES_MAX, type CompletionStatus, type RunContext, type RunEvent, type RunInput } from './model.ts';

type Of<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;
type Lost = { readonly at: EpochMs; readonly rand: number };

const recentRestarts = (context: RunContext, at: EpochMs): readonly EpochMs[] =>
  context.restarts.filter((earlier) => at - earlier < context.restart.periodMs);
const hasBudget = (context: RunContext, at: EpochMs): boolean =>
  recentRestarts(context, at).length < context.restart.intensity;
const isFresh = (context: RunContext, report: { readonly epoch: number; readonly seq: number }): boolean =>
  report.epoch === context.epoch && report.seq > context.spoolSeq;
const isLost = (context: RunContext, event: Of<'runner.lost'>): boolean => event.epoch === context.epoch;
/** The agent of this epoch certainly never ran: only setup may have. */
const neverRan = (context: RunContext, event: Of<'runner.lost'>): boolean =>
  isLost(context, event) && event.agentRecord === 'missing' && context.resume === 'agent';

export const runSetup = setup({
  types: {} as { context: RunContext; events: RunEvent; input: RunInput },
  actions: {
    ...commandActions,
    ...effectActions,
    recordDispatch: assign({ dispatched: true }),
    recordWorkspace: assign((_, place: Of<'workspace.prepared'>) => ({
      branch: place.branch,
      worktreePath: place.worktreePath,
      baseCommit: place.baseCommit,
    })),
    recordGrant: assign(({ context }, grant: Of<'runner.ready'>) => ({
      instance: grant.instance,
      startedAt: context.startedAt ?? grant.at,
    })),
    recordReport: assign((_, { seq }: { readonly seq: number }) => ({ spoolSeq: seq, launches: 0 })),
    recordProgress: assign((_, { text, at }: { readonly text: string; readonly at: EpochMs }) => ({
      progress: text,
      progressAt: at,
    })),
    recordWaiting: assign((_, { gateId }: Pick<Of<'child.gate'>, 'gateId'>) => ({ waitingGateId: gateId })),
    recordWaitingOver: assign({ waitingGateId: null }),
    recordCompletion: assign((_, word: { readonly status: CompletionStatus; readonly summary: string }) => ({
      completion: { status: word.status, summary: word.summary },
      resume: 'verify' as const,
      waitingGateId: null,
    })),
    recordPendingEnd: assign((_, { end }: { readonly end: EndReason }) => ({
      pendingEnd: end,
      resume: 'verify' as const,
      waitingGateId: null,
    })),
    recordExit: assign((_, exit: { readonly code: number | null; readonly signal: string | null }) => ({
      exitCode: exit.code,
      signal: exit.signal,
    })),
    recordSeal: assign((_, sealed: Of<'work.sealed'>) => ({
      commit: sealed.commit,
      changedFiles: sealed.changedFiles,
      outsideScope: sealed.outsideScope,
      verificationTouched: sealed.verificationTouched,
    })),
    recordEnd: assign((_, { end, message }: { readonly end: EndReason; readonly message: string }) => ({
      end,
      message,
      waitingGateId: null,
    })),
    recordEnded: assign((_, { at }: { readonly at: EpochMs }) => ({ endedAt: at })),
    recordRelaunch: assign(({ context }) => ({ restartAt: null, launches: context.launches + 1, waitingGateId: null })),
    recordRestart: assign(({ context }, lost: Lost) => {
      const recent = recentRestarts(context, lost.at);
      return {
        restarts: [...recent, lost.at],
        restartAt: (lost.at + backoffMs(context.restart, recent.length + 1, lost.rand)) as EpochMs,
        waitingGateId: null,
      };
    }),
    recordNextEpoch: assign(({ context }) => ({
      epoch: (context.epoch + 1) as RunContext['epoch'],
      instance: null,
      spoolSeq: 0,
      restartAt: null,
    })),
  },
  guards: {
    isDispatched: ({ context }) => context.dispatched,
    isCurrentEpoch: ({ context }, epoch: number) => epoch === context.epoch,
    isFirstInstance: ({ context }, ready: Of<'runner.ready'>) =>
      ready.epoch === context.epoch && context.instance === null && context.resume === 'agent',
    isFirstVerifier: ({ context }, ready: Of<'runner.ready'>) =>
      ready.epoch === context.epoch && context.instance === null && context.resume === 'verify',
    isGrantedInstance: ({ context }, ready: Of<'runner.ready'>) =>
      ready.epoch === context.epoch && context.instance === ready.instance,
    isFresh: ({ context }, report: { readonly epoch: number; readonly seq: number }) => isFresh(context, report),
    isFreshWait: ({ context }, ask: Of<'child.gate'>) => isFresh(context, ask) && ask.wait,
    saysStatus: ({ context }, word: { readonly event: Of<'child.complete'>; readonly status: CompletionStatus }) =>
      isFresh(context, word.event) && word.event.status === word.status,
    exceeds: ({ context }, over: { readonly event: Of<'limit.exceeded'>; readonly limit: 'idle' | 'time' }) =>
      isFresh(context, over.event) && over.event.limit === over.limit,
    exitsAs: ({ context }, exit: { readonly event: Of<'agent.exited'>; readonly end: EndReason }) =>
      isFresh(context, exit.event) && endOfExit(exit.event, context.completionMode) === exit.end,
    isStartRecordUnreadable: ({ context }, lost: Of<'runner.lost'>) =>
      isLost(context, lost) && lost.agentRecord === 'unreadable' && context.resume === 'agent',
    isReboot: ({ context }, lost: Of<'runner.lost'>) =>
      isLost(context, lost) && lost.rebooted && lost.agentRecord === 'present' && context.resume === 'agent',
    mayRelaunch: ({ context }, lost: Of<'runner.lost'>) =>
      neverRan(context, lost) && context.launches + 1 < LAUNCHES_MAX,
    isUnstartable: ({ context }, lost: Of<'runner.lost'>) => neverRan(context, lost),
    mayRestart: ({ context }, lost: { readonly epoch: number; readonly at: EpochMs }) =>
      lost.epoch === context.epoch && hasBudget(context, lost.at),
    isSweptClean: ({ context }, swept: Of<'epoch.swept'>) =>
      swept.epoch === context.epoch && swept.leftover === 0 && context.restartAt === null,
    isSweptAndBacksOff: ({ context }, swept: Of<'epoch.swept'>) =>
      swept.epoch === context.epoch && swept.leftover === 0 && context.restartAt !== null,
    isRestartDue: ({ context }, { at }: { readonly at: EpochMs }) =>
      context.restartAt !== null && at >= context.restartAt,
    isWaitingFor: ({ context }, answer: Of<'gate.resolved'>) => context.waitingGateId === answer.gateId,
    isSealedForCheck: ({ context }, sealed: Of<'work.sealed'>) =>
      sealed.epoch === context.epoch && context.pendingEnd === null && context.verifies,
    isSealedInScope: ({ context }, sealed: Of<'work.sealed'>) =>
      sealed.epoch === context.epoch && context.pendingEnd === null && sealed.outsideScope === 0,
    isSealedOutOfScope: ({ context }, sealed: Of<'work.sealed'>) =>
      sealed.epoch === context.epoch && context.pendingEnd === null,
    isSealedWithEnd: ({ context }, sealed: Of<'work.sealed'>) =>
      sealed.epoch === context.epoch && context.pendingEnd !== null,
    isGreen: ({ context }, checked: Of<'verification.finished'>) =>
      isFresh(context, checked) && checked.ok && context.outsideScope === 0,
    isGreenOutOfScope: ({ context }, checked: Of<'verification.finished'>) => isFresh(context, checked) && checked.ok,
    failedOf: (_, failed: { readonly event: Of<'effect.failed'>; readonly effect: string }) =>
      failed.event.effect === failed.effect,
    failedForCredentials: (_, failed: { readonly event: Of<'effect.failed'>; readonly effect: string }) =>
      failed.event.effect === failed.effect && failed.event.code === 'credentials_missing',
    hasLeftover: ({ context }, ended: Of<'runner.ended'>) => ended.epoch === context.epoch && ended.leftover > 0,
    endsAs: ({ context }, ended: { readonly event: Of<'runner.ended'>; readonly final: RunFinal }) =>
      ended.event.epoch === context.epoch && context.end !== null && RUN_ENDS[context.end].run === ended.final,
  },
});
