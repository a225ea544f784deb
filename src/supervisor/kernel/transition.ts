/**
 * One step of one machine: snapshot and event in, snapshot, transitions taken, commands and effects out. The only place that
 * calls XState. Nothing happens here: actions are listed, never executed.
 *
 * X1. One inert scope is reused for every step: no actor, timer, log or child can come out of a machine.
 * X2. A snapshot that is not active takes no event; XState's pure functions would let it.
 * X3. Every command and effect is checked against its schema, so that what is committed can be carried out.
 */
import {
  getNextTransitions,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
} from 'xstate';
import { COMMAND_SCHEMAS, type CommandName } from '../../machines/commands.ts';
import { EFFECT_SCHEMAS, type EffectName } from '../../machines/effects.ts';
import { ConductorError } from '../../machines/errors.ts';
import { listTransitions, type TransitionId } from '../../machines/transition-graph.ts';
import type { PersistedSnapshot } from '../../persistence/store.ts';
import { checkOf, issuesOf } from './machine-set.ts';

export type Command = { readonly name: CommandName; readonly params: unknown };
export type EffectRequest = { readonly name: EffectName; readonly params: Readonly<Record<string, unknown>> };

export type Step = {
  readonly snapshot: AnyMachineSnapshot;
  /** Names of the transitions taken; empty: the event was not handled. */
  readonly taken: readonly TransitionId[];
  /** In the order in which the machine named them. */
  readonly commands: readonly Command[];
  readonly effects: readonly EffectRequest[];
};

/** What XState tells of a step; the only word of the transitions it selected. */
type Inspected = { readonly type: string; readonly _transitions?: readonly AnyTransitionDefinition[] };
type Action = { readonly type: string; readonly params: unknown };

const nothing: readonly never[] = [];

let actions: Action[] = [];
let transitions: AnyTransitionDefinition[] = [];

/** XState's own actions that are done when they are listed. */
const harmless = new Set(['xstate.raise', 'xstate.assign']);

const scope = {
  self: { id: 'kernel', sessionId: 'kernel' },
  id: 'kernel',
  sessionId: 'kernel',
  logger: () => {},
  defer: () => {},
  emit: () => {},
  stopChild: () => {},
  system: {
    _sendInspectionEvent: ({ type, _transitions: selected }: Inspected) => {
      if (type === '@xstate.microstep') transitions.push(...(selected ?? []));
    },
  },
  actionExecutor: (action: { type: string; params: unknown }) => {
    const delayed = (action.params as { delay?: unknown } | undefined)?.delay !== undefined;
    if (harmless.has(action.type) && !delayed) return;
    actions.push({ type: action.type, params: action.params });
  },
} as unknown as AnyActorScope;

/** The first step of a machine. @throws what the machine throws, and ConductorError `internal` for an action nobody may ask for. */
export function firstStep(machine: AnyStateMachine, input: unknown): Step {
  begin();
  const snapshot = machine.getInitialSnapshot(scope, input) as AnyMachineSnapshot;
  if (snapshot.status === 'error') throw snapshot.error as Error;
  return sorted(machine, Object.assign(snapshot, { context: compact(snapshot.context as object) }));
}

/** @throws as `firstStep` does; the snapshot given is untouched. */
export function nextStep(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: { readonly type: string },
): Step {
  if (snapshot.status !== 'active') return { snapshot, taken: nothing, commands: nothing, effects: nothing };
  begin();
  const next = machine.transition(snapshot, event, scope) as AnyMachineSnapshot;
  return sorted(machine, next);
}

/**
 * A copy that V8 keeps as a record. XState's `Object.assign({}, context, …)` turns an object literal of many fields into a hash
 * table, and every context after it: then a step takes three times as long. A spread is a record again, and stays one.
 */
const compact = (context: object): object => ({ ...context });

/** Whether some active state knows the event at all: tells «not now» from «not under these conditions». */
export const isKnownEvent = (snapshot: AnyMachineSnapshot, type: string): boolean =>
  getNextTransitions(snapshot).some(({ eventType }) => eventType === type);

/** @throws when the state does not exist in this version of the machine. */
export function restore(machine: AnyStateMachine, persisted: PersistedSnapshot): AnyMachineSnapshot {
  return machine.resolveState({
    value: persisted.value,
    context: persisted.context,
    status: persisted.status,
  } as Parameters<AnyStateMachine['resolveState']>[0]) as AnyMachineSnapshot;
}

export const persist = (snapshot: AnyMachineSnapshot): PersistedSnapshot => ({
  status: snapshot.status,
  value: snapshot.value as PersistedSnapshot['value'],
  context: snapshot.context as PersistedSnapshot['context'],
});

/** One list per machine object: a mutant has transitions of its own. */
const idsOf = new WeakMap<AnyStateMachine, ReadonlyMap<AnyTransitionDefinition, TransitionId>>();

function transitionIdsOf(machine: AnyStateMachine): ReadonlyMap<AnyTransitionDefinition, TransitionId> {
  let ids = idsOf.get(machine);
  if (ids === undefined) {
    ids = listTransitions(machine);
    idsOf.set(machine, ids);
  }
  return ids;
}

function begin(): void {
  actions = [];
  transitions = [];
}

function sorted(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): Step {
  const ids = transitionIdsOf(machine);
  // Entering the initial state is reported as a step too; it is nobody's transition and has no name.
  const taken = transitions.flatMap((transition) => ids.get(transition) ?? []);
  if (actions.length === 0) return { snapshot, taken, commands: nothing, effects: nothing };
  const commands: Command[] = [];
  const effects: EffectRequest[] = [];
  for (const action of actions) {
    if (Object.hasOwn(COMMAND_SCHEMAS, action.type)) {
      if (isVoid(action)) continue;
      checkParams(COMMAND_SCHEMAS[action.type as CommandName], machine.id, action);
      commands.push({ name: action.type as CommandName, params: action.params });
    } else if (Object.hasOwn(EFFECT_SCHEMAS, action.type)) {
      checkParams(EFFECT_SCHEMAS[action.type as EffectName], machine.id, action);
      effects.push({ name: action.type as EffectName, params: action.params as Readonly<Record<string, unknown>> });
    } else {
      throw new ConductorError(
        'internal',
        `${machine.id} asks for ${action.type}, which is neither a command nor an effect.`,
        {
          details: { machine: machine.id, action: action.type },
        },
      );
    }
  }
  return { snapshot, taken, commands, effects };
}

/** A tell to nobody and a timer without a time ask for nothing: charts need no second branch for an absent id or deadline. */
function isVoid(action: Action): boolean {
  const params = action.params as { readonly to?: unknown; readonly dueAt?: unknown } | undefined;
  return (action.type === 'tell' && params?.to === null) || (action.type === 'setTimer' && params?.dueAt === null);
}

function checkParams(schema: Parameters<typeof checkOf>[0], machine: string, action: Action): void {
  if (checkOf(schema).Check(action.params)) return;
  const issues = issuesOf(schema, action.params);
  throw new ConductorError(
    'internal',
    `${machine} asks for ${action.type} with malformed parameters: ${issues.join('; ')}`,
    {
      details: { machine, action: action.type, issues },
    },
  );
}
