/**
 * Goal: a picture of every machine that one can read: nothing overlaps, nothing is cut, nothing is missing.
 * Method: the real charts, and a made-up one with regions, are laid out by the real program; boxes are compared with boxes.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { setup } from 'xstate';
import { graphOf, type TransitionGraph } from '../../../src/machines/transition-graph.ts';
import type { ChartLayout } from '../../../src/operations/charts/chart-layout.ts';
import { CHART_MACHINES } from '../../../src/operations/charts/chart-machines.ts';
import { CHART_FONT, widthOf } from '../../../src/operations/charts/chart-text.ts';
import { chartLayout, endLayouts, taskLayout } from '../../../src/operations/charts/layout-source.ts';

afterAll(endLayouts);

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

const overlaps = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const holds = (outer: Box, inner: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
/** Every two of them that overlap, by name. */
const clashes = <Placed>(placed: readonly Placed[], boxOf: (one: Placed) => Box, nameOf: (one: Placed) => string) =>
  placed.flatMap((one, index) =>
    placed
      .slice(index + 1)
      .filter((other) => overlaps(boxOf(one), boxOf(other)))
      .map((other) => `${nameOf(one)} and ${nameOf(other)}`),
  );

const regions = setup({ types: { events: {} as { type: 'go' | 'back' } } }).createMachine({
  id: 'regions',
  version: '1',
  initial: 'apart',
  states: {
    apart: { on: { go: 'both' } },
    both: {
      type: 'parallel',
      on: { back: 'apart' },
      states: {
        left: { initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } },
        right: { initial: 'c', states: { c: { on: { go: 'd' } }, d: { type: 'final' } } },
      },
    },
  },
});

const graphs = [...Object.values(CHART_MACHINES), regions].map((machine) => graphOf(machine));

const idIn = ({ id }: { readonly id: string }): string => id;
const all = (parts: ChartLayout) => [...parts.edges, ...parts.internal];

const touches = ({ x, y, width, height }: Box, point: { readonly x: number; readonly y: number }): boolean =>
  holds({ x: x - 1, y: y - 1, width: width + 2, height: height + 2 }, { ...point, width: 0, height: 0 });

describe.each(graphs.map((graph) => [graph.machine, graph] as const))('%s', (name, graph) => {
  const layout = (): Promise<ChartLayout> => chartLayout(graph);

  test('C1: everything lies inside of the picture', async () => {
    const parts = await layout();
    const page = { x: 0, y: 0, width: parts.width, height: parts.height };
    const points = [...parts.edges, ...parts.starts].flatMap((edge) => edge.points);
    const boxes: Box[] = [
      ...parts.states,
      ...parts.internal,
      ...parts.edges.map(({ label }) => label),
      ...points.map((point) => ({ ...point, width: 0, height: 0 })),
    ];
    expect(boxes.filter((box) => !holds(page, box))).toEqual([]);
    expect(parts.states.map(({ id }) => id)).toEqual(
      graph.states.filter(({ parent }) => parent !== null).map(({ id }) => id),
    );
  });

  test('C2: states do not overlap their siblings, and lie inside of their parents', async () => {
    const { states } = await layout();
    for (const siblings of Map.groupBy(states, ({ parent }) => parent).values()) {
      expect(
        clashes(
          siblings,
          (state) => state,
          ({ id }) => id,
        ),
      ).toEqual([]);
    }
    for (const state of states) {
      const parent = states.find(({ id }) => id === state.parent);
      if (parent !== undefined) expect(holds(parent, state), `${state.id} in ${parent.id}`).toBe(true);
    }
  });

  test('C3, C4: every transition stands in one place, with a line of its own', async () => {
    const parts = await layout();
    expect(
      all(parts)
        .flatMap(({ ids }) => ids)
        .toSorted(),
    ).toEqual(graph.edges.map(({ id }) => id).toSorted());
    for (const { ids, lines } of all(parts)) {
      expect(lines).toHaveLength(ids.length);
      ids.forEach((id, index) => expect(lines[index]).toContain(graph.edges.find((edge) => edge.id === id)!.event));
    }
  });

  test('texts fit, and cover neither states nor one another', async () => {
    const { states, edges, internal } = await layout();
    const isOuter = (id: string): boolean => states.some(({ parent }) => parent === id);
    const leaves = states.filter(({ id }) => !isOuter(id));
    const labels = edges.filter(({ lines }) => lines.length > 0);
    expect(
      clashes(
        labels,
        ({ label }) => label,
        ({ ids }) => ids[0]!,
      ),
    ).toEqual([]);
    for (const { label, lines, ids } of labels) {
      expect(leaves.filter((state) => overlaps(state, label)).map(({ id }) => `${ids[0]!} over ${id}`)).toEqual([]);
      expect(label.width).toBeGreaterThanOrEqual(Math.max(...lines.map((line) => widthOf(line, CHART_FONT.line))));
      expect(label.height).toBeGreaterThanOrEqual(lines.length * CHART_FONT.lineHeight);
    }
    for (const inner of internal) {
      const state = states.find(({ id }) => id === inner.source);
      if (inner.source !== name) expect(holds(state!, inner), `${inner.source}: ${inner.lines.join('; ')}`).toBe(true);
      else expect(states.filter((one) => overlaps(one, inner))).toEqual([]);
      expect(states.filter(({ parent }) => parent === inner.source).some((child) => overlaps(child, inner))).toBe(
        false,
      );
    }
  });

  test('an arrow begins at its source and ends at its target', async () => {
    const { states, edges, starts } = await layout();
    const boxOf = (id: string): Box => states.find((state) => state.id === id)!;
    for (const { source, target, points } of edges) {
      expect(touches(boxOf(source), points[0]!), `${source} → ${target}`).toBe(true);
      expect(touches(boxOf(target), points.at(-1)!), `${source} → ${target}`).toBe(true);
    }
    for (const { target, points } of starts) expect(touches(boxOf(target), points.at(-1)!)).toBe(true);
    expect(starts.map(({ target }) => target).toSorted()).toEqual(
      graph.states
        .flatMap(({ id, initial }) => graph.states.filter((one) => one.parent === id && one.key === initial))
        .map(({ id }) => id)
        .toSorted(),
    );
  });
});

describe.each(graphs.map((graph) => [graph.machine, graph] as const))('the outline of %s', (_name, graph) => {
  test('C1, C2, C5: names and arrows alone, inside of the picture and of one another, and smaller than all details', async () => {
    const [outline, details] = [await chartLayout(graph, 'outline'), await chartLayout(graph)];
    const { states, edges, internal, starts } = outline;
    expect(states.map(({ id }) => id)).toEqual(details.states.map(({ id }) => id));
    expect(edges.map(({ ids }) => ids)).toEqual(details.edges.map(({ ids }) => ids));
    expect(internal).toEqual([]);
    expect(edges.filter(({ label }) => label.width > 0)).toEqual([]);
    expect(outline.width * outline.height).toBeLessThan(details.width * details.height);
    const page = { x: 0, y: 0, width: outline.width, height: outline.height };
    const points = [...edges, ...starts].flatMap((edge) => edge.points);
    const boxes: Box[] = [...states, ...points.map((point) => ({ ...point, width: 0, height: 0 }))];
    expect(boxes.filter((box) => !holds(page, box))).toEqual([]);
    for (const siblings of Map.groupBy(states, ({ parent }) => parent).values()) {
      expect(clashes(siblings, (state) => state, idIn)).toEqual([]);
    }
    for (const state of states) {
      const { key } = graph.states.find(({ id }) => id === state.id)!;
      expect(state.width).toBeGreaterThanOrEqual(widthOf(key, CHART_FONT.title));
      const parent = states.find(({ id }) => id === state.parent);
      if (parent !== undefined) expect(holds(parent, state), `${state.id} in ${parent.id}`).toBe(true);
    }
  });
});

test('L2: a version of a machine is laid out once, also when many ask at the same time', async () => {
  const graph: TransitionGraph = { ...graphOf(CHART_MACHINES.gate), version: 'another' };
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => chartLayout(graph)));
  for (const other of others) expect(other).toBe(first);
  expect(await chartLayout(graph)).toBe(first);
  expect(await chartLayout(graphOf(CHART_MACHINES.gate))).toEqual(first);
});

const idOf = (n: number): string => `task-${String(n)}`;

/** Each waits for up to two before it. */
const graphOfSize = (size: number) => ({
  tasks: Array.from({ length: size }, (_, n) => idOf(n)),
  edges: Array.from({ length: size }, (_, n) => n)
    .filter((n) => n % 5 !== 0)
    .flatMap((n) => [[idOf(n - 1), idOf(n)] as const, [idOf(Math.floor(n / 2)), idOf(n)] as const])
    .filter(([from, to]) => from !== to),
});

describe('tasks', () => {
  test.each([0, 1, 20, 300, 301, 1_000])(
    'T1: %i of them do not overlap, and arrows lead to the right',
    async (size) => {
      const graph = graphOfSize(size);
      const { nodes, edges, width, height } = await taskLayout(graph);
      expect(nodes.map(({ taskId }) => taskId).toSorted()).toEqual([...graph.tasks].toSorted());
      expect(
        clashes(
          nodes,
          (node) => node,
          ({ taskId }) => taskId,
        ),
      ).toEqual([]);
      expect(nodes.filter((node) => !holds({ x: 0, y: 0, width, height }, node))).toEqual([]);
      expect(edges.map(({ from, to }) => [from, to])).toEqual(graph.edges);
      const places = new Map(nodes.map((node) => [node.taskId, node]));
      for (const { from, to, points } of edges) {
        const [source, target] = [places.get(from)!, places.get(to)!];
        expect(source.x + source.width).toBeLessThan(target.x);
        expect(points[0]!.x).toBeCloseTo(source.x + source.width, 0);
        expect(points.at(-1)!.x).toBeCloseTo(target.x, 0);
      }
    },
  );

  test('a circle, which no plan can make, ends all the same', async () => {
    const tasks = Array.from({ length: 400 }, (_, n) => idOf(n));
    const edges = tasks.map((id, n) => [id, idOf((n + 1) % 400)] as const);
    expect((await taskLayout({ tasks, edges })).nodes).toHaveLength(400);
  });
});
