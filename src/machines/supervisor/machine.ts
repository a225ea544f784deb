/**
 * A supervisor in the shape of Erlang/OTP: it starts its children in order, restarts what falls, and gives up upwards.
 *
 *     idle ──supervisor.start──▶ live.starting ──(all up)──▶ live.running
 *                                    │  child fails to start       │  supervisor.stop, or one restart too many
 *                                    └──────────┬──────────────────┘
 *                                               ▼
 *                                           stopping ──(all down)──▶ stopped
 *                                                    └──────(gave up)──▶ failed
 *
 * It holds no child, no timer and no clock: it asks for them by effects and is told by events, each of which names the start
 * (`gen`) that it is about. It lives in memory; a new owner begins a new one and re-adopts what lives.
 *
 * S1. Nothing starts under a bad spec.
 * S2. Children start one after another, each after the one before is up; a failed first start is the supervisor's failure.
 * S3. Children are stopped one after another in reverse order: asked first, ended by force after `shutdownMs`.
 * S4. Whether an exit leads to a restart depends on `restart` and on how it ended, and on nothing else.
 * S5. More than `intensity` restarts within `periodMs` stop everything; the end is `failed` and is escalated once.
 * S6. What is said about an earlier start of a child changes nothing.
 * S7. With a group strategy nobody is started before the whole group is down.
 */
import { assign, setup } from 'xstate';
import type { EpochMs } from '../ids.ts';
import {
  afterCrash,
  allLeaving,
  childOf,
  isRunning,
  isStartPending,
  newChild,
  nextToStart,
  nextToStop,
  restartsAt,
  wantsRestart,
  withChild,
  type ChildRef,
  type Crash,
} from './children.ts';
import {
  assertSpec,
  supervisorEffectActions,
  type SupervisedChild,
  type SupervisorContext,
  type SupervisorEvent,
  type SupervisorSpec,
} from './model.ts';

/** Parameters are computed only after their guard held, so the child is there. */
const refOf = (child: SupervisedChild | null, more = 0): ChildRef => ({
  id: child?.id ?? '',
  gen: (child?.gen ?? 0) + more,
});
const killKey = ({ id, gen }: ChildRef): string => `kill.${id}.${String(gen)}`;
const restartKey = ({ id }: { readonly id: string }): string => `restart.${id}`;
const backingOff = ({ children }: SupervisorContext): SupervisedChild | null =>
  children.find(({ state }) => state === 'backoff') ?? null;

type InContext = { readonly context: SupervisorContext };
type Gone = Extract<SupervisorEvent, { type: 'child.exited' | 'child.startFailed' }>;
type InGone = InContext & { readonly event: Gone };

const isLeaving = { type: 'isLeaving', params: ({ event }: { readonly event: ChildRef }) => event } as const;

/** A child that was told to go is gone; how it ended does not matter. */
const gone = {
  guard: isLeaving,
  actions: [
    { type: 'clearTimer', params: ({ event }: { readonly event: ChildRef }) => ({ key: killKey(event) }) },
    { type: 'recordGone', params: ({ event }: { readonly event: ChildRef }) => event },
  ],
} as const;

const restartIt = [
  { type: 'recordCrash', params: ({ event }: InGone) => event },
  {
    type: 'setTimer',
    params: ({ context, event: { id, gen } }: InGone) => ({
      key: restartKey({ id }),
      dueAt: childOf(context, { id, gen })?.notBefore ?? null,
      event: { type: 'timer.restart', id, gen } as const,
    }),
  },
] as const;

const giveUp = {
  guard: { type: 'isRunning', params: ({ event }: InGone) => event },
  target: '#supervisor.stopping',
  actions: { type: 'recordDefeat', params: ({ event }: InGone) => event },
} as const;

/** Turn by turn, one microstep each: the kernel of S2 and S3. */
const stopNext = {
  guard: 'mustStopOne',
  description: 'the next in reverse order',
  actions: [
    {
      type: 'stopChild',
      params: ({ context }: InContext) => {
        const child = nextToStop(context);
        return { ...refOf(child), hard: child?.shutdownMs === 0 };
      },
    },
    {
      type: 'setTimer',
      params: ({ context, event }: InContext & { readonly event: SupervisorEvent }) => {
        const child = nextToStop(context);
        const ref = refOf(child);
        const patienceMs = child?.shutdownMs ?? 0;
        return {
          key: killKey(ref),
          dueAt: patienceMs === 0 ? null : ((event.at + patienceMs) as EpochMs),
          event: { type: 'timer.kill', ...ref } as const,
        };
      },
    },
    'recordStopping',
  ],
} as const;

const startNext = {
  guard: 'mayStartOne',
  description: 'the next in order',
  actions: [
    { type: 'startChild', params: ({ context }: InContext) => refOf(nextToStart(context), 1) },
    'recordStarting',
  ],
} as const;

const kill = {
  guard: { type: 'isStopping', params: ({ event }: { readonly event: ChildRef }) => event },
  actions: {
    type: 'stopChild',
    params: ({ event: { id, gen } }: { readonly event: ChildRef }) => ({ id, gen, hard: true }),
  },
} as const;

export const supervisorMachine = setup({
  types: {} as { context: SupervisorContext; events: SupervisorEvent; input: SupervisorSpec },
  actions: {
    ...supervisorEffectActions,
    recordWanted: assign(({ context }) => ({
      children: context.children.map((child) => ({ ...child, state: 'waiting' as const })),
    })),
    recordStarting: assign(({ context }) => {
      const child = nextToStart(context);
      if (child === null) return {};
      return { children: withChild(context.children, child.id, { state: 'starting', gen: child.gen + 1, upAt: null }) };
    }),
    recordUp: assign(({ context }, up: { readonly id: string; readonly at: EpochMs }) => ({
      children: withChild(context.children, up.id, { state: 'up', upAt: up.at }),
    })),
    recordStopping: assign(({ context }) => {
      const child = nextToStop(context);
      return child === null ? {} : { children: withChild(context.children, child.id, { state: 'stopping' }) };
    }),
    recordGone: assign(({ context }, ref: ChildRef) => ({
      children: withChild(context.children, ref.id, { state: childOf(context, ref)?.afterStop ?? 'down', upAt: null }),
    })),
    recordDown: assign(({ context }, { id }: { readonly id: string }) => ({
      children: withChild(context.children, id, { state: 'down', upAt: null, notBefore: null }),
    })),
    recordCrash: assign(({ context }, crash: Crash) => ({
      children: afterCrash(context, crash),
      restarts: restartsAt(context, crash.at),
    })),
    recordWaiting: assign(({ context }, { id }: { readonly id: string }) => ({
      children: withChild(context.children, id, { state: 'waiting', notBefore: null }),
    })),
    recordDefeat: assign(({ context }, crash: Crash) => ({
      children: withChild(context.children, crash.id, { state: 'down', upAt: null }),
      defeated: true,
      reason: `${crash.id}: ${crash.reason}`.slice(0, 1_000),
    })),
    recordStop: assign((_, { reason }: { readonly reason: string }) => ({ reason })),
    recordAllLeaving: assign(({ context }) => ({ children: allLeaving(context.children) })),
  },
  guards: {
    isStarting: ({ context }, ref: ChildRef) => childOf(context, ref)?.state === 'starting',
    isRunning: ({ context }, ref: ChildRef) => {
      const child = childOf(context, ref);
      return child !== null && isRunning(child);
    },
    isLeaving: ({ context }, ref: ChildRef) => ['leaving', 'stopping'].includes(childOf(context, ref)?.state ?? ''),
    isStopping: ({ context }, ref: ChildRef) => childOf(context, ref)?.state === 'stopping',
    isBackingOff: ({ context }, ref: ChildRef) => childOf(context, ref)?.state === 'backoff',
    staysDown: ({ context }, exit: ChildRef & { readonly normal: boolean }) => {
      const child = childOf(context, exit);
      return child !== null && isRunning(child) && !wantsRestart(child, exit.normal);
    },
    hasBudget: ({ context }, exit: ChildRef & { readonly at: EpochMs }) => {
      const child = childOf(context, exit);
      return child !== null && isRunning(child) && restartsAt(context, exit.at).length <= context.intensity;
    },
    hasFailedToStart: ({ context }, ref: ChildRef & { readonly at: EpochMs }) =>
      childOf(context, ref)?.state === 'starting' && restartsAt(context, ref.at).length <= context.intensity,
    isFirstRoundOver: ({ context }) => !isStartPending(context),
    mustStopOne: ({ context }) => nextToStop(context) !== null,
    mayStartOne: ({ context }) => nextToStart(context) !== null,
    hasBackoff: ({ context }) => backingOff(context) !== null,
    isAllDown: ({ context }) => context.children.every(({ state }) => state === 'down'),
    isDefeated: ({ context }) => context.defeated && context.children.every(({ state }) => state === 'down'),
  },
}).createMachine({
  id: 'supervisor',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input }) => {
    const { children, ...policy } = assertSpec(input);
    return { ...policy, children: children.map(newChild), restarts: [], defeated: false, reason: null };
  },
  initial: 'idle',
  states: {
    idle: {
      on: {
        'supervisor.start': { target: 'live', actions: 'recordWanted' },
        'supervisor.stop': { target: 'stopped', actions: { type: 'recordStop', params: ({ event }) => event } },
      },
    },
    live: {
      initial: 'starting',
      always: [stopNext, startNext],
      on: {
        'child.started': {
          guard: { type: 'isStarting', params: ({ event }) => event },
          actions: { type: 'recordUp', params: ({ event }) => event },
        },
        'child.exited': [
          gone,
          {
            guard: { type: 'staysDown', params: ({ event }) => event },
            actions: { type: 'recordDown', params: ({ event }) => event },
          },
          { guard: { type: 'hasBudget', params: ({ event }) => event }, actions: restartIt },
          giveUp,
        ],
        'child.startFailed': [
          gone,
          { guard: { type: 'hasFailedToStart', params: ({ event }) => event }, actions: restartIt },
          { ...giveUp, guard: { type: 'isStarting', params: ({ event }) => event } },
        ],
        'timer.restart': {
          guard: { type: 'isBackingOff', params: ({ event }) => event },
          actions: { type: 'recordWaiting', params: ({ event }) => event },
        },
        'timer.kill': kill,
        'supervisor.stop': { target: 'stopping', actions: { type: 'recordStop', params: ({ event }) => event } },
      },
      states: {
        starting: {
          description: 'The first round: every child has to come up once.',
          always: { guard: 'isFirstRoundOver', target: 'running' },
          on: {
            'child.exited': { ...giveUp, guard: { type: 'isStarting', params: ({ event }) => event } },
            'child.startFailed': { ...giveUp, guard: { type: 'isStarting', params: ({ event }) => event } },
          },
        },
        running: {},
      },
    },
    stopping: {
      entry: 'recordAllLeaving',
      always: [
        {
          guard: 'hasBackoff',
          actions: [
            { type: 'clearTimer', params: ({ context }) => ({ key: restartKey(refOf(backingOff(context))) }) },
            { type: 'recordDown', params: ({ context }) => refOf(backingOff(context)) },
          ],
        },
        stopNext,
        { guard: 'isDefeated', target: 'failed' },
        { guard: 'isAllDown', target: 'stopped' },
      ],
      on: { 'child.exited': gone, 'child.startFailed': gone, 'timer.kill': kill },
    },
    stopped: { type: 'final' },
    failed: {
      type: 'final',
      entry: { type: 'escalate', params: ({ context }) => ({ reason: context.reason ?? '' }) },
    },
  },
});
