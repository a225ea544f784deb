/**
 * One step of a machine, pure and observed: the next snapshot, the actions it names, the transitions it took.
 *
 * One inert scope is reused for all steps: nothing is started, no actor is made, and XState reports each microstep to it.
 */
import type { AnyMachineSnapshot, AnyStateMachine, StateValue } from 'xstate';
import { listTransitions, type TransitionId } from '../../../src/machines/transition-graph.ts';

export type MachineEvent = { readonly type: string; readonly at: number } & Readonly<Record<string, unknown>>;
/** An action that is not a recording: a command or an effect with its computed parameters. */
export type NamedAction = { readonly type: string; readonly params: unknown };
export type Snapshot = {
  readonly value: StateValue;
  readonly status: string;
  readonly context: Readonly<Record<string, unknown>>;
};
export type Outcome = {
  readonly snapshot: Snapshot;
  readonly actions: readonly NamedAction[];
  /** Empty: the event was ignored. */
  readonly taken: readonly TransitionId[];
};
export type Stepper = {
  readonly ids: ReadonlyMap<unknown, TransitionId>;
  init(input: object): Outcome;
  /** A snapshot that is not active takes nothing. */
  step(snapshot: Snapshot, event: MachineEvent): Outcome;
  /** The same snapshot as one of this machine: what another machine made stands in states of that one. */
  own(snapshot: Snapshot): Snapshot;
};

type Microstep = { readonly type: string; readonly _transitions: readonly unknown[] };

/** Everything below is frozen, so that a machine which writes into its context throws instead of leaking. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
};

const noop = (): void => {};

export function createStepper(machine: AnyStateMachine): Stepper {
  const ids = listTransitions(machine);
  let actions: NamedAction[] = [];
  let taken: TransitionId[] = [];
  const scope = {
    self: { id: 'step', sessionId: 'step', send: noop },
    id: 'step',
    sessionId: 'step',
    logger: noop,
    defer: noop,
    emit: noop,
    stopChild: noop,
    system: {
      _sendInspectionEvent({ type, _transitions: transitions }: Microstep): void {
        if (type !== '@xstate.microstep') return;
        for (const transition of transitions) taken.push(ids.get(transition as never) ?? '(initial)');
      },
    },
    actionExecutor({ type, params }: NamedAction): void {
      actions.push({ type, params });
    },
  };
  const observed = (compute: () => AnyMachineSnapshot): Outcome => {
    actions = [];
    taken = [];
    const snapshot = compute();
    if (snapshot.status === 'error') throw snapshot.error;
    deepFreeze(snapshot.context);
    return {
      snapshot: snapshot as unknown as Snapshot,
      actions: actions.filter(({ type }) => type !== 'xstate.assign'),
      taken: taken.filter((id) => id !== '(initial)'),
    };
  };
  return {
    ids: ids as ReadonlyMap<unknown, TransitionId>,
    own: ({ value, context, status }) =>
      status === 'active'
        ? (machine.resolveState({ value, context } as never) as unknown as Snapshot)
        : { value, context, status },
    init: (input) => observed(() => machine.getInitialSnapshot(scope as never, input)),
    step: (snapshot, event) =>
      snapshot.status === 'active'
        ? observed(() => machine.transition(snapshot as never, event, scope as never))
        : { snapshot, actions: [], taken: [] },
  };
}
