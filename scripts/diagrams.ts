/**
 * Writes the pictures of all machines to `visualizations/machines/`: SVG, Mermaid text, the graph as JSON, and an index.
 * With `--check` it writes nothing and exits 1 when a file is not what the machines say.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { graphOf, type TransitionGraph } from '../src/machines/transition-graph.ts';
import { chartMermaid } from '../src/operations/charts/chart-mermaid.ts';
import { chartSvg } from '../src/operations/charts/chart-svg.ts';
import { edgeText, visibleActions } from '../src/operations/charts/chart-text.ts';
import { CHART_MACHINES } from '../src/operations/charts/chart-machines.ts';
import { chartLayout, endLayouts } from '../src/operations/charts/layout-source.ts';

const folder = fileURLToPath(new URL('../visualizations/machines/', import.meta.url));

/** What belongs to the machine as a whole has no place in the picture. */
const everywhere = ({ edges, states, machine }: TransitionGraph): string => {
  const born = visibleActions(states.find(({ id }) => id === machine)?.entry ?? []);
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
    'what only changes the context is left out. What does not leave a state stands inside its box. The `.json` beside each picture is',
    'the whole graph, the `.mmd` is Mermaid text; `conductor diagram MACHINE` prints the same.',
    '',
    ...graphs.flatMap((graph) => {
      const { machine, states, edges } = graph;
      const leaves = states.filter(({ kind }) => kind === 'atomic' || kind === 'final').length;
      return [
        `## ${machine}`,
        '',
        `${String(leaves)} states, ${String(edges.length)} transitions. [chart](../../src/machines/${machine}/machine.ts) · [graph](${machine}.json) · [Mermaid](${machine}.mmd)`,
        everywhere(graph),
        `![The statechart of the machine ${machine}](${machine}.svg)`,
        '',
      ];
    }),
  ].join('\n');

const graphs = Object.values(CHART_MACHINES).map(graphOf);
const pictures = await Promise.all(
  graphs.map(async (graph) => [graph.machine, chartSvg({ graph, layout: await chartLayout(graph) })] as const),
);
await endLayouts();
const wanted = new Map<string, string>([
  ['README.md', indexOf(graphs)],
  ...graphs.flatMap((graph): [string, string][] => [
    [`${graph.machine}.mmd`, chartMermaid(graph)],
    [`${graph.machine}.json`, `${JSON.stringify(graph, null, 2)}\n`],
  ]),
  ...pictures.map(([machine, svg]): [string, string] => [`${machine}.svg`, svg]),
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
