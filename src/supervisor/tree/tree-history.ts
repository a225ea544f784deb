/**
 * The last steps of a supervision tree's machine: what it was told, which transitions that took, what it was before and after.
 *
 * T1. In memory and bounded: the oldest are forgotten, and what a step did not change it shares with the one before.
 * T2. What changed nothing, such as word of an earlier start, is no step.
 */
import type { AnyStateMachine, AnyTransitionDefinition, InspectionEvent, SnapshotFrom } from 'xstate';
import type { supervisorMachine } from '../../machines/supervisor/machine.ts';
import type { SupervisorEvent } from '../../machines/supervisor/model.ts';
import { listTransitions, type TransitionId } from '../../machines/transition-graph.ts';

export type TreeState = SnapshotFrom<typeof supervisorMachine>;

export type TreeStep = {
  /** 1 is the first of this process. */
  readonly seq: number;
  readonly event: SupervisorEvent;
  readonly taken: readonly TransitionId[];
  readonly before: TreeState;
  readonly after: TreeState;
};

const STEPS_MAX = 200;

type Noted = Omit<TreeStep, 'taken'> & { readonly taken: readonly AnyTransitionDefinition[] };

export class TreeHistory {
  #taken: AnyTransitionDefinition[] = [];
  #state: TreeState | null = null;
  #steps: readonly Noted[] = [];
  #ids: ReadonlyMap<AnyTransitionDefinition, TransitionId> | null = null;

  /** For the actor: XState tells which transitions it selected here alone, and each event's end, also of one that came within another. */
  readonly inspect = (inspected: InspectionEvent): void => {
    if (inspected.type === '@xstate.microstep') {
      const { _transitions: taken } = inspected;
      this.#taken.push(...taken);
    } else if (inspected.type === '@xstate.snapshot') {
      this.#note(inspected.event as SupervisorEvent, inspected.snapshot as TreeState);
    }
  };

  #note(event: SupervisorEvent, after: TreeState): void {
    const [taken, before] = [this.#taken, this.#state];
    this.#taken = [];
    this.#state = after;
    // What is entered at first is nobody's transition.
    if (taken.length === 0 || before === null) return;
    const seq = (this.#steps.at(-1)?.seq ?? 0) + 1;
    this.#steps = [...this.#steps, { seq, event, taken, before, after }].slice(-STEPS_MAX);
  }

  /** Oldest first. */
  steps(machine: AnyStateMachine): readonly TreeStep[] {
    const ids = (this.#ids ??= listTransitions(machine));
    return this.#steps.map((step) => ({ ...step, taken: step.taken.flatMap((one) => ids.get(one) ?? []) }));
  }
}
