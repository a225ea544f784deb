/** One small machine under every kind: each of its events asks for exactly one thing that a kernel can do. */
import { Type } from 'typebox';
import { assign, setup } from 'xstate';
import { commandActions, type Relation, type Tell } from '../../../src/machines/commands.ts';
import { effectActions, EffectFailedSchema } from '../../../src/machines/effects.ts';
import type { ActorId, ActorKind, EpochMs, LeaseEpoch, RunId } from '../../../src/machines/ids.ts';
import { stateOf } from '../../../src/machines/registry.ts';
import { closed, EpochMsSchema, eventSchema } from '../../../src/machines/schema.ts';
import type { MachineEntry, MachineSet } from '../../../src/supervisor/kernel/machine-set.ts';

const any = Type.Unsafe<never>(Type.Unknown());

const ToyInputSchema = closed({ name: Type.String(), at: EpochMsSchema });
const ToyEventSchema = Type.Union([
  eventSchema('toy.poke', { text: Type.String({ maxLength: 100_000 }) }),
  eventSchema('toy.boom', {}),
  eventSchema('toy.bigint', {}),
  eventSchema('toy.report', { epoch: Type.Integer(), seq: Type.Integer() }),
  eventSchema('toy.tell', { to: any, event: any, mode: Type.String() }),
  eventSchema('toy.tells', { tells: any }),
  eventSchema('toy.link', { to: any }),
  eventSchema('toy.spawn', { id: any, name: Type.String() }),
  eventSchema('toy.arm', { key: Type.String(), dueAt: Type.Integer() }),
  eventSchema('toy.disarm', { key: Type.String() }),
  eventSchema('toy.work', { lane: Type.Union([Type.Literal('end'), Type.Literal('start'), Type.Literal('work')]) }),
  eventSchema('toy.guarded', {}),
  eventSchema('toy.rest', {}),
  eventSchema('toy.close', {}),
  eventSchema('toy.done', { text: Type.String() }),
  eventSchema('gate.approve', {}),
  EffectFailedSchema,
]);

export type ToyContext = {
  readonly name: string;
  readonly pokes: number;
  readonly last: string;
  readonly epoch: number;
  readonly spoolSeq: number;
  readonly failed: string | null;
};
type ToyEvent =
  | { readonly type: 'toy.poke' | 'toy.done'; readonly at: EpochMs; readonly text: string }
  | { readonly type: 'toy.report'; readonly at: EpochMs; readonly epoch: number; readonly seq: number }
  | {
      readonly type: 'toy.tell';
      readonly at: EpochMs;
      readonly to: Tell['to'];
      readonly event: Tell['event'];
      readonly mode: Tell['mode'];
    }
  | { readonly type: 'toy.tells'; readonly at: EpochMs; readonly tells: readonly Tell[] }
  | { readonly type: 'toy.link'; readonly at: EpochMs; readonly to: ActorId }
  | { readonly type: 'toy.spawn'; readonly at: EpochMs; readonly id: ActorId; readonly name: string }
  | { readonly type: 'toy.arm'; readonly at: EpochMs; readonly key: string; readonly dueAt: EpochMs }
  | { readonly type: 'toy.disarm'; readonly at: EpochMs; readonly key: string }
  | { readonly type: 'toy.work'; readonly at: EpochMs; readonly lane: 'end' | 'start' | 'work' }
  | { readonly type: 'effect.failed'; readonly at: EpochMs; readonly code: string; readonly message: string }
  | {
      readonly type: 'toy.boom' | 'toy.bigint' | 'toy.rang' | 'toy.guarded' | 'toy.rest' | 'toy.close' | 'gate.approve';
      readonly at: EpochMs;
    };

const runId = `run-${'0'.repeat(20)}` as RunId;
const effectParams = { runId, epoch: 1 as LeaseEpoch };

const nobody: Tell = { to: null, event: { type: 'toy.poke', at: 0 }, mode: 'notify' };
const tellNumber = (index: number) =>
  ({
    type: 'tell',
    params: ({ event }: { readonly event: Extract<ToyEvent, { type: 'toy.tells' }> }) => event.tells[index] ?? nobody,
  }) as const;

export const toyMachine = setup({
  types: {} as { context: ToyContext; events: ToyEvent; input: { readonly name: string; readonly at: EpochMs } },
  actions: {
    ...commandActions,
    ...effectActions,
    recordPoke: assign(({ context }, { text }: { readonly text: string }) => ({
      pokes: context.pokes + 1,
      last: text,
    })),
    recordBoom: assign(() => {
      throw new Error('boom');
    }),
    recordBigint: assign(() => ({ last: 1n as unknown as string })),
    recordReport: assign((_, report: { readonly seq: number }) => ({ spoolSeq: report.seq })),
    recordFailure: assign((_, { code }: { readonly code: string }) => ({ failed: code })),
  },
  guards: {
    never: () => false,
    isNews: ({ context }, report: { readonly epoch: number; readonly seq: number }) =>
      report.epoch === context.epoch && report.seq > context.spoolSeq,
    isLane: (_, { is, lane }: { readonly is: string; readonly lane: string }) => is === lane,
  },
}).createMachine({
  id: 'toy',
  version: '1',
  options: { maxIterations: 100 },
  context: ({ input }) => ({ name: input.name, pokes: 0, last: '', epoch: 1, spoolSeq: 0, failed: null }),
  initial: 'open',
  states: {
    open: {
      on: {
        'toy.poke': { actions: { type: 'recordPoke', params: ({ event }) => event } },
        'toy.done': { actions: { type: 'recordPoke', params: ({ event }) => event } },
        'toy.boom': { actions: 'recordBoom' },
        'toy.bigint': { actions: 'recordBigint' },
        'toy.report': {
          guard: { type: 'isNews', params: ({ event }) => event },
          actions: { type: 'recordReport', params: ({ event }) => event },
        },
        'toy.tell': { actions: { type: 'tell', params: ({ event: { to, event, mode } }) => ({ to, event, mode }) } },
        'toy.tells': { actions: [tellNumber(0), tellNumber(1), tellNumber(2)] },
        'toy.link': {
          actions: {
            type: 'relate',
            params: ({ event }) => ({ relation: 'dependent' as Relation, from: hub, to: event.to }),
          },
        },
        'toy.spawn': {
          actions: {
            type: 'createActor',
            params: ({ event: { id, name, at } }) => ({ id, input: { name, at } }),
          },
        },
        'toy.arm': {
          actions: { type: 'setTimer', params: ({ event: { key, dueAt } }) => ({ key, dueAt, event: 'toy.rang' }) },
        },
        'toy.disarm': { actions: { type: 'clearTimer', params: ({ event: { key } }) => ({ key }) } },
        'toy.work': [
          {
            guard: { type: 'isLane', params: ({ event }) => ({ is: 'end', lane: event.lane }) },
            actions: { type: 'finishRun', params: effectParams },
          },
          {
            guard: { type: 'isLane', params: ({ event }) => ({ is: 'start', lane: event.lane }) },
            actions: { type: 'startRunner', params: effectParams },
          },
          { actions: { type: 'sealWork', params: effectParams } },
        ],
        'toy.rang': { actions: { type: 'recordPoke', params: { text: 'rang' } } },
        'toy.guarded': { guard: 'never', actions: { type: 'recordPoke', params: { text: 'never' } } },
        'effect.failed': { actions: { type: 'recordFailure', params: ({ event }) => event } },
        'toy.rest': 'resting',
        'toy.close': 'closed',
      },
    },
    resting: { on: { 'toy.poke': { target: 'open', actions: { type: 'recordPoke', params: ({ event }) => event } } } },
    closed: { type: 'final' },
  },
});

/** The source of every relation of the toys. */
export const hub = `task-${'h'.repeat(20)}` as ActorId;

const entry: MachineEntry = {
  machine: toyMachine,
  inputSchema: ToyInputSchema,
  eventSchema: ToyEventSchema,
  version: '1',
};

export const toyMachines: MachineSet = {
  machineOf: () => entry,
  describe: ({ kind }, { value, context }) => ({
    state: stateOf(value as Parameters<typeof stateOf>[0]),
    bucket: null,
    settled: value !== 'open',
    name: (context as ToyContext).name,
    objectiveId: null,
    taskId: null,
    runId: kind === 'run' ? (context as ToyContext).name : null,
    workerId: null,
  }),
};

/** The nth actor of a kind. */
export const idOf = (kind: ActorKind, n: number): ActorId => `${kind}-${String(n).padStart(20, '0')}` as ActorId;
