/**
 * Few long paths that take every reachable transition and try every event where it must be ignored.
 *
 * Greedy: from where it stands to the nearest edge with an open goal. Each path is replayed with concrete snapshots, and a
 * replay that differs from the graph means that the key calls two different snapshots the same.
 */
import type { TransitionId } from '../../../src/machines/transition-graph.ts';
import type { Edge, Exploration, Start } from './explore.ts';
import type { MachineEvent, NamedAction, Snapshot } from './stepper.ts';

export type PathStep = {
  readonly case: string;
  readonly event: MachineEvent;
  readonly taken: readonly TransitionId[];
  readonly actions: readonly NamedAction[];
  /** After the step. */
  readonly snapshot: Snapshot;
  readonly ignored: boolean;
};
export type Path = {
  /** Name of the input it begins with. */
  readonly input: string;
  readonly start: Start['outcome'];
  readonly steps: readonly PathStep[];
};
export type CoverOptions = {
  /** Steps of one path, default 500. */
  readonly stepsMax?: number;
  /**
   * `node` (default): every edge of the graph. `state`: every case once in every state, for suites in which a step is dear.
   * `transition`: every transition once, nothing that is ignored.
   */
  readonly depth?: 'node' | 'state' | 'transition';
};

const stepsMaxDefault = 500;

/** Every path begins at a start, so that it can be driven against a kernel from an empty store. */
export function coverPaths(graph: Exploration, options: CoverOptions = {}): Path[] {
  const { stepsMax = stepsMaxDefault, depth = 'node' } = options;
  const goalsOf = (from: string, edge: Edge): readonly string[] => goalsAt({ graph, depth, from }, edge);
  const ledger = openLedger(graph, goalsOf);
  const { open } = ledger;
  for (const { outcome } of graph.starts) for (const id of outcome.taken) open.add(id);

  const paths: Path[] = [];
  const hasGoal = ({ key, outcome }: Start): boolean =>
    outcome.taken.some((id) => open.has(id)) || nearest(ledger, key) !== null;
  for (let start = graph.starts.find(hasGoal); start !== undefined; start = graph.starts.find(hasGoal)) {
    for (const id of start.outcome.taken) open.delete(id);
    paths.push({ input: start.input, start: start.outcome, steps: walk({ graph, ledger, start, stepsMax }) });
  }
  return paths;
}

/** A shortest path to a node that satisfies `isGoal`, replayed; null when there is none. */
export function pathTo(graph: Exploration, isGoal: (snapshot: Snapshot) => boolean): Path | null {
  const toGoal = openLedger(graph, (_, edge) => (!edge.ignored && isGoal(edge.outcome.snapshot) ? ['goal'] : []));
  for (const start of graph.starts) {
    const route = nearest(toGoal, start.key);
    if (route === null) continue;
    const steps: PathStep[] = [];
    let { snapshot } = start.outcome;
    for (const edge of route) {
      const step = replay(graph, snapshot, edge);
      steps.push(step);
      ({ snapshot } = step);
    }
    return { input: start.input, start: start.outcome, steps };
  }
  return null;
}

type Walk = { readonly graph: Exploration; readonly ledger: Ledger; readonly start: Start; readonly stepsMax: number };

/** From a start to one open goal after the other, until there is none in reach or the path is long enough. */
function walk({ graph, ledger, start, stepsMax }: Walk): PathStep[] {
  const steps: PathStep[] = [];
  let key = start.key;
  let { snapshot } = start.outcome;
  for (let route = nearest(ledger, key); route !== null && steps.length < stepsMax; route = nearest(ledger, key))
    for (const edge of route) {
      const step = replay(graph, snapshot, edge);
      for (const goal of ledger.goals.get(edge) ?? []) ledger.open.delete(goal);
      steps.push(step);
      ({ snapshot } = step);
      key = edge.to;
    }
  return steps;
}

type GoalPlace = {
  readonly graph: Exploration;
  readonly depth: NonNullable<CoverOptions['depth']>;
  readonly from: string;
};
function goalsAt({ graph, depth, from }: GoalPlace, edge: Edge): readonly string[] {
  const { taken } = edge.outcome;
  if (depth === 'transition') return taken;
  const place = depth === 'node' ? from : stateOf(graph, from);
  return [...taken, `${place} ${edge.case} ${taken.join()}`];
}

const stateOf = ({ nodes }: Exploration, key: string): string => {
  const snapshot = nodes.get(key)?.snapshot;
  return `${JSON.stringify(snapshot?.value)} ${snapshot?.status ?? ''}`;
};

/** What is still to be done, and where: built once, because a search looks at every node and there are many searches. */
type Ledger = {
  readonly open: Set<string>;
  readonly goals: ReadonlyMap<Edge, readonly string[]>;
  /** One edge to each other node. */
  readonly ways: ReadonlyMap<string, readonly Edge[]>;
  /** Edges of a node, those without an open goal taken off the end as they are found. */
  readonly pending: ReadonlyMap<string, Edge[]>;
};

function openLedger({ nodes }: Exploration, goalsOf: (from: string, edge: Edge) => readonly string[]): Ledger {
  const goals = new Map<Edge, readonly string[]>();
  for (const [key, { edges }] of nodes) for (const edge of edges) goals.set(edge, goalsOf(key, edge));
  const ways = [...nodes].map(([key, { edges }]) => {
    const others = edges.filter(({ to, ignored }) => !ignored && to !== key);
    return [key, [...new Map(others.map((edge) => [edge.to, edge])).values()]] as const;
  });
  return {
    open: new Set([...goals.values()].flat()),
    goals,
    ways: new Map(ways),
    pending: new Map([...nodes].map(([key, { edges }]) => [key, edges.toReversed()])),
  };
}

function wantedAt({ open, goals, pending }: Ledger, key: string): Edge | null {
  const edges = pending.get(key) ?? [];
  for (let edge = edges.at(-1); edge !== undefined; edge = edges.at(-1)) {
    if (goals.get(edge)?.some((goal) => open.has(goal)) === true) return edge;
    edges.pop();
  }
  return null;
}

/** The shortest way that ends with an edge that has an open goal; null when there is none. */
function nearest(ledger: Ledger, start: string): Edge[] | null {
  const cameBy = new Map<string, { readonly from: string; readonly edge: Edge } | null>([[start, null]]);
  for (const key of cameBy.keys()) {
    const wanted = wantedAt(ledger, key);
    if (wanted !== null) return [...wayTo(key, cameBy), wanted];
    for (const edge of ledger.ways.get(key) ?? []) if (!cameBy.has(edge.to)) cameBy.set(edge.to, { from: key, edge });
  }
  return null;
}

function wayTo(
  key: string,
  cameBy: ReadonlyMap<string, { readonly from: string; readonly edge: Edge } | null>,
): Edge[] {
  const way: Edge[] = [];
  for (let step = cameBy.get(key); step !== null && step !== undefined; step = cameBy.get(step.from))
    way.unshift(step.edge);
  return way;
}

function replay({ subject, stepper }: Exploration, snapshot: Snapshot, edge: Edge): PathStep {
  const make = subject.cases[edge.case];
  if (make === undefined) throw new Error(`no case «${edge.case}»`);
  const event = make(snapshot);
  const outcome = stepper.step(snapshot, event);
  if (outcome.taken.join() !== edge.outcome.taken.join())
    throw new Error(
      `${subject.name}: the key is too coarse: ${JSON.stringify(snapshot.value)} --${edge.case}--> took [${outcome.taken.join()}], the graph says [${edge.outcome.taken.join()}]`,
    );
  return { case: edge.case, event, ...outcome, ignored: edge.ignored };
}
