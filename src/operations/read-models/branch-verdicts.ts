/**
 * Which branches of an event XState would choose among, and why each would be taken or not. Nothing is taken: guards are asked,
 * actions are not computed.
 *
 * B1. With all fields of the event given, exactly the branches that XState selects are `taken`.
 * B2. A guard that asks for a field which nobody gave holds neither way: that is said, never guessed.
 */
import { evaluateGuard } from 'xstate/guards';
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { graphOf, listTransitions, type GraphEdge, type TransitionId } from '../../machines/transition-graph.ts';

/**
 * `taken`: this one. `depends`: this one if its guard holds, which the event's fields decide. `otherwise`: this one if none before it
 * is. `earlier`: another one before it is taken. `guard`: its guard does not hold. `state`: its state is not active. `ended`: the
 * machine takes nothing any more.
 */
export const VERDICTS = ['taken', 'depends', 'otherwise', 'earlier', 'guard', 'state', 'ended'] as const;
export type Verdict = (typeof VERDICTS)[number];
/** With these the branch may be the one. */
export const OPEN_VERDICTS: readonly Verdict[] = ['taken', 'depends', 'otherwise'];

export type BranchVerdict = {
  readonly transition: TransitionId;
  readonly source: string;
  readonly sourceActive: boolean;
  readonly guard: string | null;
  /** Of an active state only; null: not asked, or it depends on fields that nobody gave. True without a guard. */
  readonly guardHolds: boolean | null;
  readonly verdict: Verdict;
};

export type AskedEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Ids of active states, the machine itself first. */
export const activeStates = (snapshot: AnyMachineSnapshot): string[] =>
  nodesOf(snapshot)
    .toSorted((a, b) => a.order - b.order)
    .map(({ id }) => id);

const nodesOf = ({ _nodes: nodes }: AnyMachineSnapshot): readonly AnyStateNode[] => nodes;

/** Every branch of this event in the chart, in the order in which XState asks them where its state is active; others after them. */
export const branchVerdicts = (snapshot: AnyMachineSnapshot, event: AskedEvent): readonly BranchVerdict[] => {
  const machine = snapshot.machine as AnyStateMachine;
  const { edges, ids } = chartOf(machine);
  const judged = new Map<TransitionId, BranchVerdict>();
  if (snapshot.status === 'active') {
    for (const leaf of nodesOf(snapshot).filter(({ type }) => type === 'atomic' || type === 'final')) {
      judge(asked(leaf, event.type), { snapshot, event, ids, edges, judged });
    }
  }
  const active = new Set(nodesOf(snapshot).map(({ id }) => id));
  const others = [...edges.values()]
    .filter((edge) => edge.event === event.type && !judged.has(edge.id))
    .map(({ id, source, guard }): BranchVerdict => {
      const isActive = active.has(source);
      const verdict = snapshot.status === 'active' ? 'state' : 'ended';
      return { transition: id, source, sourceActive: isActive, guard, guardHolds: null, verdict };
    });
  return [...judged.values(), ...others];
};

/** Transitions that some event may take now; those whose guard depends on the event's fields count. */
export const enabledTransitions = (snapshot: AnyMachineSnapshot, given: { readonly at: number }): TransitionId[] => {
  const { edges } = chartOf(snapshot.machine as AnyStateMachine);
  const active = new Set(nodesOf(snapshot).map(({ id }) => id));
  const types = new Set([...edges.values()].filter(({ source }) => active.has(source)).map(({ event }) => event));
  types.delete('always');
  return [...types].flatMap((type) =>
    branchVerdicts(snapshot, { type, ...given })
      .filter(({ verdict }) => OPEN_VERDICTS.includes(verdict))
      .map(({ transition }) => transition),
  );
};

type Chart = {
  readonly edges: ReadonlyMap<TransitionId, GraphEdge>;
  readonly ids: ReadonlyMap<AnyTransitionDefinition, TransitionId>;
};
const charts = new WeakMap<AnyStateMachine, Chart>();

const chartOf = (machine: AnyStateMachine): Chart => {
  let chart = charts.get(machine);
  if (chart === undefined) {
    chart = { edges: new Map(graphOf(machine).edges.map((edge) => [edge.id, edge])), ids: listTransitions(machine) };
    charts.set(machine, chart);
  }
  return chart;
};

/** As XState asks them: those of the innermost state first, each state's in their order. */
const asked = (leaf: AnyStateNode, type: string): AnyTransitionDefinition[] => {
  const found: AnyTransitionDefinition[] = [];
  for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) {
    found.push(...(node.transitions.get(type) ?? []));
  }
  return found;
};

type Judging = Chart & {
  readonly snapshot: AnyMachineSnapshot;
  readonly event: AskedEvent;
  readonly judged: Map<TransitionId, BranchVerdict>;
};

const judge = (
  transitions: readonly AnyTransitionDefinition[],
  { snapshot, event, ids, edges, judged }: Judging,
): void => {
  let before: 'none' | 'perhaps' | 'one' = 'none';
  for (const transition of transitions) {
    const id = ids.get(transition)!;
    const { source, guard } = edges.get(id)!;
    const guardHolds = holds(transition, { snapshot, event });
    const verdict = verdictOf(guardHolds, before);
    if (verdict === 'taken' || verdict === 'otherwise') before = 'one';
    if (verdict === 'depends' && before === 'none') before = 'perhaps';
    // Regions share their ancestors: what one of them takes there, the others take with it.
    if (!judged.has(id)) judged.set(id, { transition: id, source, sourceActive: true, guard, guardHolds, verdict });
  }
};

const verdictOf = (guardHolds: boolean | null, before: 'none' | 'perhaps' | 'one'): Verdict => {
  if (before === 'one') return 'earlier';
  if (guardHolds === false) return 'guard';
  if (guardHolds === null) return 'depends';
  return before === 'perhaps' ? 'otherwise' : 'taken';
};

const holds = (
  { guard }: AnyTransitionDefinition,
  { snapshot, event }: Pick<Judging, 'snapshot' | 'event'>,
): boolean | null => {
  if (guard === undefined) return true;
  try {
    return evaluateGuard(guard, snapshot.context, onlyGiven(event), snapshot);
  } catch {
    return null; // B2: a field that was not given, or one of a shape that no such event has.
  }
};

/** Throws where a field is looked at that nobody gave. */
const onlyGiven = (event: AskedEvent): AskedEvent => {
  const need = (key: string | symbol): void => {
    if (typeof key === 'string' && !Object.hasOwn(event, key)) throw new RangeError(`${key} was not given`);
  };
  return new Proxy(event, {
    get: (target, key) => {
      need(key);
      return target[key as string];
    },
    has: (target, key) => {
      need(key);
      return key in target;
    },
    ownKeys: (target) => {
      // Whoever copies an event wants fields of it; with `type` and `at` alone it has none yet.
      if (Object.keys(target).every((key) => key === 'type' || key === 'at')) need('fields');
      return Reflect.ownKeys(target);
    },
  });
};
