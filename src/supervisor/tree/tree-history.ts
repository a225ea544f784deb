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
  #steps: readonly Noted[] = [];
  #ids: ReadonlyMap<AnyTransitionDefinition, TransitionId> | null = null;

  /** For the actor: XState tells here alone which transitions it selected. */
  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    const { _transitions: taken } = event;
    this.#taken.push(...taken);
  };

  /** What is entered at first is nobody's transition. */
  begin(): void {
    this.#taken = [];
  }

  /** @param step the event, and what the machine was before and after it. */
  note(step: Pick<TreeStep, 'event' | 'before' | 'after'>): void {
    const taken = this.#taken;
    this.#taken = [];
    if (taken.length === 0) return;
    const seq = (this.#steps.at(-1)?.seq ?? 0) + 1;
    this.#steps = [...this.#steps, { ...step, seq, taken }].slice(-STEPS_MAX);
  }

  /** Oldest first. */
  steps(machine: AnyStateMachine): readonly TreeStep[] {
    const ids = (this.#ids ??= listTransitions(machine));
    return this.#steps.map((step) => ({ ...step, taken: step.taken.flatMap((one) => ids.get(one) ?? []) }));
  }
}
