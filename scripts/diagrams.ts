/**
 * Writes the pictures of all machines to `visualizations/machines/`: Mermaid text, the graph as JSON, and an index.
 * With `--check` it writes nothing and exits 1 when a file is not what the machines say.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { ACTOR_KINDS } from '../src/machines/ids.ts';
import { MACHINES } from '../src/machines/registry.ts';
import { supervisorMachine } from '../src/machines/supervisor/machine.ts';
import { graphOf, type GraphEdge, type GraphState, type TransitionGraph } from '../src/machines/transition-graph.ts';

const folder = fileURLToPath(new URL('../visualizations/machines/', import.meta.url));
const machines: readonly AnyStateMachine[] = [...ACTOR_KINDS.map((kind) => MACHINES[kind].machine), supervisorMachine];

/** Mermaid ids may not contain dots. */
const mermaidId = (id: string): string => id.replaceAll('.', '_');
/** Mermaid reads these in a label as its own marks. */
const label = (text: string): string => text.replaceAll(/[:;#]/g, ' ');
/** Recordings change the context alone; a picture shows what others notice. */
const visible = (actions: readonly string[]): string => {
  const names = actions.filter((name) => !name.startsWith('record'));
  const counts = Map.groupBy(names, (name) => name);
  return [...counts].map(([name, { length }]) => (length > 1 ? `${name} ×${String(length)}` : name)).join(', ');
};

const edgeText = ({ event, guard, actions }: GraphEdge): string =>
  [event, guard === null ? '' : `[${guard}]`, visible(actions) === '' ? '' : `/ ${visible(actions)}`]
    .filter((part) => part !== '')
    .join(' ');

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
  const entered = visible(state.entry);
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

const mermaidOf = (graph: TransitionGraph): string =>
  [
    '---',
    `title: ${graph.machine}, version ${graph.version}`,
    '---',
    'stateDiagram-v2',
    ...stateLines(graph, graph.machine, '  '),
    ...edgeLines(graph),
    '',
  ].join('\n');

/** What belongs to the machine as a whole has no place in the picture. */
const everywhere = ({ edges, states, machine }: TransitionGraph): string => {
  const born = visible(states.find(({ id }) => id === machine)?.entry ?? []);
  const shared = edges.filter(({ source }) => source === machine).map((edge) => `\`${edgeText(edge)}\``);
  return [
    born === '' ? '' : `\nAt its birth: ${born}.\n`,
    shared.length === 0 ? '' : `\nIn every state but a final one: ${shared.join(', ')}.\n`,
  ].join('');
};

const indexOf = (graphs: readonly TransitionGraph[]): string =>
  [
    '# The machines',
    '',
    'Drawn from the charts in `src/machines/` by `npm run diagrams`; do not edit. An arrow says `event [guard] / effects`;',
    'what only changes the context is left out. The `.json` beside each picture is the whole graph.',
    '',
    ...graphs.flatMap((graph) => {
      const { machine, states, edges } = graph;
      const leaves = states.filter(({ kind }) => kind === 'atomic' || kind === 'final').length;
      return [
        `## ${machine}`,
        '',
        `${String(leaves)} states, ${String(edges.length)} transitions. [chart](../../src/machines/${machine}/machine.ts) · [graph](${machine}.json)`,
        everywhere(graph),
        '```mermaid',
        mermaidOf(graph).trimEnd(),
        '```',
        '',
      ];
    }),
  ].join('\n');

const graphs = machines.map(graphOf);
const wanted = new Map<string, string>([
  ['README.md', indexOf(graphs)],
  ...graphs.flatMap((graph): [string, string][] => [
    [`${graph.machine}.mmd`, mermaidOf(graph)],
    [`${graph.machine}.json`, `${JSON.stringify(graph, null, 2)}\n`],
  ]),
]);

mkdirSync(folder, { recursive: true });
const present = readdirSync(folder);
const stale = [...wanted].filter(
  ([name, text]) => !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== text,
);
const orphans = present.filter((name) => !wanted.has(name));

if (process.argv.includes('--check')) {
  const differing = [...stale.map(([name]) => name), ...orphans];
  if (differing.length > 0) {
    process.stderr.write(`Out of date: ${differing.join(', ')}. Run «npm run diagrams» and commit the result.\n`);
    process.exitCode = 1;
  }
} else {
  for (const [name, text] of stale) writeFileSync(join(folder, name), text);
  for (const name of orphans) rmSync(join(folder, name));
  process.stdout.write(`${String(stale.length)} of ${String(wanted.size)} files written to visualizations/machines/\n`);
}
