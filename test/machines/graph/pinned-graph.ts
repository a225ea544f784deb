/** A machine's observed behaviour as text that a person can review: per state what is taken, sometimes taken, and never taken. */
import { graphOf, type GraphEdge } from '../../../src/machines/transition-graph.ts';
import { nameOf } from './coverage-file.ts';
import type { Edge, Exploration, Node } from './explore.ts';

const edgeLine = ({ event, guard, targets, actions }: GraphEdge): string =>
  `  ${event}${guard === null ? '' : ` [${guard}]`} -> ${targets.join(', ') || '(internal)'}${actions.length > 0 ? ` / ${actions.join(', ')}` : ''}`;

export function pinnedGraph(graph: Exploration): string {
  const { states, edges, machine, version } = graphOf(graph.subject.machine);
  const chart = states.flatMap((state) => [
    `${state.id} (${state.kind})${state.entry.length > 0 ? ` entry / ${state.entry.join(', ')}` : ''}${state.exit.length > 0 ? ` exit / ${state.exit.join(', ')}` : ''}`,
    ...edges.filter(({ source }) => source === state.id).map(edgeLine),
  ]);
  const byState = Map.groupBy(graph.nodes.values(), ({ snapshot }) => `${nameOf(snapshot.value)} (${snapshot.status})`);
  const behaviour = [...byState].flatMap(([state, nodes]) => [state, ...reactionLines(nodes)]);
  return `${[`${machine} ${version}`, '', 'CHART', '', ...chart, '', 'BEHAVIOUR', '', ...behaviour].join('\n')}\n`;
}

function reactionLines(nodes: readonly Node[]): string[] {
  const cases = Map.groupBy(
    nodes.flatMap(({ edges }) => edges),
    (edge) => edge.case,
  );
  const ignored = [...cases].filter(([, edges]) => edges.every((edge) => edge.ignored)).map(([name]) => name);
  const taken = [...cases]
    .filter(([name]) => !ignored.includes(name))
    .map(([name, edges]) => `  ${name}: ${ends(edges)}`);
  return ignored.length === cases.size ? ['  ignores everything'] : [...taken, `  ignores: ${ignored.join('; ')}`];
}

/** Where a case leads from this state, depending on the context. */
const ends = (edges: readonly Edge[]): string =>
  [
    ...new Set(
      edges.map(({ ignored, outcome: { snapshot, actions } }) =>
        ignored
          ? 'ignored'
          : `${nameOf(snapshot.value)}${actions.length > 0 ? ` + ${actions.map(({ type }) => type).join(' ')}` : ''}`,
      ),
    ),
  ].join(' | ');
