/**
 * The shape of a chart as data: a stable name for every transition, and the whole graph for diagrams, the inspector and the
 * generated tests. One naming, so that a journal entry, a picture and a coverage figure mean the same transition.
 *
 * It reads a machine and runs nothing.
 *
 * X1. Every transition has exactly one id, and two have never the same: guard branches are numbered in their order.
 * X2. An id changes only when its source, event, place among its branches or target changes.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** `source event[branch] -> targets`; `always` in place of an event, `(internal)` in place of a target. */
export type TransitionId = string;

export type GraphState = {
  readonly id: string;
  /** The state's own name, as public status where it is a top-level one. */
  readonly key: string;
  readonly parent: string | null;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Key of the child that is entered first. */
  readonly initial: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
};
export type GraphEdge = {
  readonly id: TransitionId;
  readonly source: string;
  /** `always` for a transition without an event. */
  readonly event: string;
  readonly guard: string | null;
  /** Empty: the state is not left. */
  readonly targets: readonly string[];
  /** Names of all actions in order, recordings included. */
  readonly actions: readonly string[];
  readonly description: string | null;
};
export type TransitionGraph = {
  readonly machine: string;
  readonly version: string;
  readonly states: readonly GraphState[];
  readonly edges: readonly GraphEdge[];
};

type Found = { readonly transition: AnyTransitionDefinition; readonly node: AnyStateNode; readonly event: string };

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)];

const branchesOf = (node: AnyStateNode): [event: string, branches: readonly AnyTransitionDefinition[]][] => [
  ...node.transitions.entries(),
  ...((node.always?.length ?? 0) > 0 ? [['always', node.always] as [string, readonly AnyTransitionDefinition[]]] : []),
];

const targetsOf = ({ target }: AnyTransitionDefinition): string[] => target?.map(({ id }) => id) ?? [];

function eachTransition(machine: AnyStateMachine): Map<TransitionId, Found> {
  const found = new Map<TransitionId, Found>();
  for (const node of nodesOf(machine.root))
    for (const [event, branches] of branchesOf(node))
      for (const [index, transition] of branches.entries()) {
        const branch = branches.length > 1 ? `[${String(index)}]` : '';
        const target = targetsOf(transition).join(',') || '(internal)';
        found.set(`${node.id} ${event}${branch} -> ${target}`, { transition, node, event });
      }
  return found;
}

/** Every transition of a machine with its id, in the order of the chart; XState reports the same objects as taken. */
export const listTransitions = (machine: AnyStateMachine): ReadonlyMap<AnyTransitionDefinition, TransitionId> =>
  new Map([...eachTransition(machine)].map(([id, { transition }]) => [transition, id]));

const nameOf = (named: unknown): string =>
  typeof named === 'string'
    ? named
    : typeof named === 'object' && named !== null && 'type' in named
      ? String(named.type)
      : '(inline)';

/** The whole chart as JSON. */
export const graphOf = (machine: AnyStateMachine): TransitionGraph => ({
  machine: machine.id,
  version: machine.version ?? '',
  states: nodesOf(machine.root).map((node) => ({
    id: node.id,
    key: node.key,
    parent: node.parent?.id ?? null,
    kind: node.type,
    initial: node.initial?.target?.[0]?.key ?? null,
    description: node.description ?? null,
    tags: node.tags,
    entry: node.entry.map(nameOf),
    exit: node.exit.map(nameOf),
  })),
  edges: [...eachTransition(machine)].map(([id, { transition, node, event }]) => ({
    id,
    source: node.id,
    event,
    guard: transition.guard === undefined ? null : nameOf(transition.guard),
    targets: targetsOf(transition),
    actions: transition.actions.map(nameOf),
    description: transition.description ?? null,
  })),
});
