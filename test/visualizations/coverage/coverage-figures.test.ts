/**
 * Goal: figures count every transition of the chart, also those that a coverage file does not mention.
 * Method: the graph of a real machine with made-up counts.
 */
import { expect, test } from 'vitest';
import { MACHINES } from '../../../src/machines/registry.ts';
import { graphOf } from '../../../src/machines/transition-graph.ts';
import { coverageFigures } from '../../../visualizations/src/views/coverage/coverage-figures.ts';

test('what was not taken is listed with its reason, or that there is none', () => {
  const graph = graphOf(MACHINES.gate.machine);
  const ids = graph.edges.map(({ id }) => id);
  const [first, second, ...rest] = ids;
  const transitions = Object.fromEntries([...rest.map((id) => [id, 2]), [second, 0]]);
  const figures = coverageFigures(graph, {
    transitions,
    ignored: { 'open x': 4 },
    unreachable: { [first!]: 'because' },
  });
  expect(figures).toMatchObject({ taken: ids.length - 2, total: ids.length, steps: 2 * rest.length, ignored: 4 });
  expect(figures.missed).toEqual([
    { id: first, reason: 'because' },
    { id: second, reason: 'no reason is recorded' },
  ]);
});
