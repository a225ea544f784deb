/** A chart as Mermaid's state diagram. What belongs to the machine as a whole has no place in it. */
import type { GraphState, TransitionGraph } from '../../machines/transition-graph.ts';
import { edgeText, visibleActions } from './chart-text.ts';

/** Mermaid ids may not contain dots. */
const mermaidId = (id: string): string => id.replaceAll('.', '_');
/** Mermaid reads these in a label as its own marks. */
const label = (text: string): string => text.replaceAll(/[:;#]/g, ' ');
function stateLines(graph: TransitionGraph, parent: string, indent: string): string[] {
  const children = graph.states.filter((state) => state.parent === parent);
  const initial = graph.states.find(({ id }) => id === parent)?.initial;
  const first = children.find(({ key }) => key === initial);
  return [
    ...(first === undefined ? [] : [`${indent}[*] --> ${mermaidId(first.id)}`]),
    ...children.flatMap((state) => childLines(graph, state, indent)),
  ];
}

function childLines(graph: TransitionGraph, state: GraphState, indent: string): string[] {
  const id = mermaidId(state.id);
  const entered = visibleActions(state.entry);
  const named = `${indent}state "${label(state.key)}${entered === '' ? '' : ` (on entry ${label(entered)})`}" as ${id}`;
  if (state.kind === 'compound') return [`${named} {`, ...stateLines(graph, state.id, `${indent}  `), `${indent}}`];
  return state.kind === 'final' ? [named, `${indent}${id} --> [*]`] : [named];
}

/** Edges with the same ends are one arrow; what leads nowhere else stands in the state as a note. */
function edgeLines({ edges, machine }: TransitionGraph): string[] {
  const leaving = edges.filter(({ targets }) => targets.length > 0);
  const arrows = Map.groupBy(
    leaving,
    ({ source, targets }) => `${mermaidId(source)} --> ${mermaidId(targets[0] ?? '')}`,
  );
  const staying = Map.groupBy(
    edges.filter(({ targets, source }) => targets.length === 0 && source !== machine),
    ({ source }) => source,
  );
  return [
    ...[...arrows].map(([arrow, group]) => `  ${arrow} : ${label(group.map(edgeText).join('<br/>'))}`),
    ...[...staying].map(
      ([source, group]) => `  ${mermaidId(source)} : stays on ${label(group.map(edgeText).join(', '))}`,
    ),
  ];
}

/** A chart as Mermaid text, which many readers of Markdown draw. */
export const chartMermaid = (graph: TransitionGraph, active: readonly string[] = []): string =>
  [
    '---',
    `title: ${graph.machine}, version ${graph.version}`,
    '---',
    'stateDiagram-v2',
    ...stateLines(graph, graph.machine, '  '),
    ...edgeLines(graph),
    ...litLines(graph, active),
    '',
  ].join('\n');

const litLines = ({ machine }: TransitionGraph, active: readonly string[]): string[] => {
  const lit = active.filter((id) => id !== machine);
  if (lit.length === 0) return [];
  return ['  classDef lit stroke:#0b6bcb,stroke-width:3px', ...lit.map((id) => `  class ${mermaidId(id)} lit`)];
};
