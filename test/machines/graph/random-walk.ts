/** Random walks over a machine's cases, for properties of whole histories. Seeds and shrinking are fast-check's. */
import fc from 'fast-check';
import type { MachineCases } from './machine-cases.ts';
import { createStepper, type MachineEvent, type NamedAction, type Outcome, type Snapshot } from './stepper.ts';

export type WalkStep = {
  readonly before: Snapshot;
  readonly event: MachineEvent;
  readonly after: Snapshot;
  readonly actions: readonly NamedAction[];
  readonly ignored: boolean;
};
export type Walk = { readonly input: object; readonly start: Outcome; readonly steps: readonly WalkStep[] };

const stepsMax = 50;
/** One event in so many is drawn from all cases; the others from those that the machine takes where it stands. */
const strayEvery = 5;

/** Any history of a machine: most events are taken, some must be ignored. */
export function anyWalk(subject: MachineCases): fc.Arbitrary<Walk> {
  const stepper = createStepper(subject.machine);
  const makers = Object.values(subject.cases);
  const next = (snapshot: Snapshot, pick: number): MachineEvent => {
    const events = makers.map((make) => make(snapshot));
    const taken = events.filter((event) => stepper.step(snapshot, event).taken.length > 0);
    const choice = pick % strayEvery === 0 || taken.length === 0 ? events : taken;
    return choice[Math.floor(pick / strayEvery) % choice.length] as MachineEvent;
  };
  const play = ([input, picks]: readonly [object, readonly number[]]): Walk => {
    const start = stepper.init(input);
    const steps: WalkStep[] = [];
    let before = start.snapshot;
    for (const pick of picks) {
      const event = next(before, pick);
      const { snapshot: after, actions, taken } = stepper.step(before, event);
      steps.push({ before, event, after, actions, ignored: taken.length === 0 });
      before = after;
    }
    return { input, start, steps };
  };
  return fc
    .tuple(fc.constantFrom(...Object.values(subject.inputs)), fc.array(fc.nat(100_000), { maxLength: stepsMax }))
    .map(play);
}

export const endOf = ({ start, steps }: Walk): Snapshot => steps.at(-1)?.after ?? start.snapshot;
export const allActions = ({ start, steps }: Walk): NamedAction[] => [
  ...start.actions,
  ...steps.flatMap(({ actions }) => actions),
];

export type Told = { readonly to: unknown; readonly event: MachineEvent; readonly mode: string };
/** The tells that reach somebody. */
export const tellsIn = (actions: readonly NamedAction[]): Told[] =>
  actions
    .filter(({ type }) => type === 'tell')
    .map(({ params }) => params as Told)
    .filter(({ to }) => to !== null);

/** Holds for every walk. */
export const always = (subject: MachineCases, holds: (walk: Walk) => void): void => {
  fc.assert(fc.property(anyWalk(subject), holds));
};
