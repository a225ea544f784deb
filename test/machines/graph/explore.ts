/**
 * The reachable graph of a machine under its cases. `@xstate/graph` walks it breadth first; every edge is then taken once
 * more by the stepper, which alone knows the transitions and actions, ignored events included.
 */
import { getAdjacencyMap } from '@xstate/graph';
import type { TransitionId } from '../../../src/machines/transition-graph.ts';
import type { MachineCases } from './machine-cases.ts';
import { createStepper, type MachineEvent, type Outcome, type Snapshot, type Stepper } from './stepper.ts';

/** More abstract states and events than this mean that a key is too fine. */
const stepsMax = 400_000;

export type Edge = {
  readonly case: string;
  readonly event: MachineEvent;
  /** Key of the node it leads to. */
  readonly to: string;
  readonly outcome: Outcome;
  /** Nothing took the event: it must change nothing. */
  readonly ignored: boolean;
};
export type Node = { readonly key: string; readonly snapshot: Snapshot; readonly edges: readonly Edge[] };
export type Start = { readonly input: string; readonly key: string; readonly outcome: Outcome };
export type Exploration = {
  readonly subject: MachineCases;
  readonly stepper: Stepper;
  readonly starts: readonly Start[];
  readonly nodes: ReadonlyMap<string, Node>;
  readonly all: readonly TransitionId[];
  readonly reached: ReadonlySet<TransitionId>;
};

const eventsAt = ({ cases }: MachineCases, snapshot: Snapshot): [string, MachineEvent][] =>
  Object.entries(cases).map(([name, make]) => [name, make(snapshot)]);

function snapshotsFrom(subject: MachineCases, input: object): Snapshot[] {
  const nameOf = new WeakMap<object, string>();
  const map = getAdjacencyMap(subject.machine, {
    input,
    limit: stepsMax,
    events: (snapshot) =>
      snapshot.status === 'active'
        ? eventsAt(subject, snapshot as unknown as Snapshot).map(([name, event]) => {
            nameOf.set(event, name);
            return event;
          })
        : [],
    serializeState: (snapshot) => subject.key(snapshot as unknown as Snapshot),
    serializeEvent: (event) => nameOf.get(event) ?? event.type,
  });
  return Object.values(map).map(({ state }) => state as unknown as Snapshot);
}

export function explore(subject: MachineCases): Exploration {
  const stepper = createStepper(subject.machine);
  const starts: Start[] = [];
  const nodes = new Map<string, Node>();
  for (const [name, input] of Object.entries(subject.inputs)) {
    const keyOf = (snapshot: Snapshot): string => `${name} ${subject.key(snapshot)}`;
    const outcome = stepper.init(input);
    starts.push({ input: name, key: keyOf(outcome.snapshot), outcome });
    for (const snapshot of snapshotsFrom(subject, input)) {
      const edges = eventsAt(subject, snapshot).map(([caseName, event]): Edge => {
        const step = stepper.step(snapshot, event);
        return { case: caseName, event, to: keyOf(step.snapshot), outcome: step, ignored: step.taken.length === 0 };
      });
      nodes.set(keyOf(snapshot), { key: keyOf(snapshot), snapshot, edges });
    }
  }
  const taken = [
    ...starts.flatMap(({ outcome }) => outcome.taken),
    ...[...nodes.values()].flatMap(({ edges }) => edges.flatMap(({ outcome }) => outcome.taken)),
  ];
  return { subject, stepper, starts, nodes, all: [...stepper.ids.values()], reached: new Set(taken) };
}
