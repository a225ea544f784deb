/**
 * Goal: an SVG file that every reader of XML takes, in which nothing runs, and that says the same without eyes and without colours.
 * Method: the real charts, and charts whose every name is hostile, are drawn and read back by a strict reader.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { graphOf, type TransitionGraph } from '../../../src/machines/transition-graph.ts';
import type { ChartLayout } from '../../../src/operations/charts/chart-layout.ts';
import { CHART_MACHINES } from '../../../src/operations/charts/chart-machines.ts';
import { chartMermaid } from '../../../src/operations/charts/chart-mermaid.ts';
import { chartSvg } from '../../../src/operations/charts/chart-svg.ts';
import { chartLayout, endLayouts } from '../../../src/operations/charts/layout-source.ts';
import { elementsOf } from './xml-check.ts';

afterAll(endLayouts);

const ELEMENTS = ['svg', 'title', 'desc', 'style', 'defs', 'marker', 'path', 'rect', 'g', 'text', 'tspan', 'circle'];

describe.each(Object.entries(CHART_MACHINES))('%s', (name, machine) => {
  const graph = graphOf(machine);

  test('S1: is well-formed, and holds nothing that runs or is loaded', async () => {
    const svg = chartSvg({ graph, layout: await chartLayout(graph) });
    const elements = elementsOf(svg);
    expect(elements.filter((one) => !ELEMENTS.includes(one.name))).toEqual([]);
    expect(
      elements.flatMap(({ attributes }) => Object.keys(attributes)).filter((key) => /^on|href|src/i.test(key)),
    ).toEqual([]);
    expect(svg).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg")/);
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).toContain(`<title id="chart-title">The machine ${name}, version`);
  });

  test('says every state, and every event that leads somewhere', async () => {
    const svg = chartSvg({ graph, layout: await chartLayout(graph) });
    for (const { key, parent } of graph.states) if (parent !== null) expect(svg).toContain(`>${key}</text>`);
    for (const { event } of graph.edges) expect(svg).toContain(`>${event}<`);
  });

  test('S2: lit states are lit, in the picture and in its description', async () => {
    const leaf = graph.states.at(-1)!;
    const active = [graph.machine, leaf.id];
    const svg = chartSvg({ graph, layout: await chartLayout(graph), active, of: 'run-1' });
    expect(svg.match(/class="state lit"/g)).toHaveLength(1);
    expect(svg).toContain(`Active: ${leaf.id.slice(graph.machine.length + 1)}.</desc>`);
    expect(svg).toContain('<title id="chart-title">run-1: the machine');
    expect(chartMermaid(graph, active)).toContain(`class ${leaf.id.replaceAll('.', '_')} lit`);
    expect(chartMermaid(graph)).not.toContain('lit');
  });
});

/** A chart with one state and one arrow, both called what somebody likes. */
const chartOf = (text: string): { graph: TransitionGraph; layout: ChartLayout } => ({
  graph: {
    machine: text,
    version: text,
    states: [
      {
        id: text,
        key: text,
        parent: null,
        kind: 'compound',
        initial: null,
        description: null,
        tags: [],
        entry: [],
        exit: [],
      },
      {
        id: `${text}.a`,
        key: text,
        parent: text,
        kind: 'final',
        initial: null,
        description: null,
        tags: [],
        entry: [],
        exit: [],
      },
    ],
    edges: [],
  },
  layout: {
    width: 100,
    height: 100,
    states: [{ id: `${text}.a`, x: 0, y: 0, width: 50, height: 30, parent: null, notes: [text] }],
    starts: [],
    edges: [
      {
        source: text,
        target: text,
        ids: [text],
        points: [
          { x: 0, y: 0 },
          { x: 9, y: 9 },
        ],
        label: { x: 0, y: 0, width: 9, height: 9 },
        lines: [text],
      },
    ],
    internal: [{ source: text, ids: [text], lines: [text], x: 0, y: 0, width: 9, height: 9 }],
  },
});

// A text with a space is drawn in two tones; how many there are depends on the text alone.
const withoutTones = (names: readonly string[]): string[] => names.filter((name) => name !== 'tspan');

describe('hostile names', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    fc.constantFrom(
      '</text><script>alert(1)</script>',
      '"><image href="https://example.invalid/x"/>',
      '\u202egnp.exe',
      ']]>&lt;!--',
      '\0\u001b[31m',
      '\ud800',
      "' onload='x",
    ),
  );

  test('S1: are text and nothing else', () => {
    const plain = elementsOf(chartSvg({ ...chartOf('plain text'), active: [], of: 'x' })).map((one) => one.name);
    fc.assert(
      fc.property(hostile, (text) => {
        const elements = elementsOf(chartSvg({ ...chartOf(`${text} ${text}`), active: [text], of: text }));
        expect(withoutTones(elements.map((one) => one.name))).toEqual(withoutTones(plain));
      }),
      { numRuns: 300 },
    );
  });
});
