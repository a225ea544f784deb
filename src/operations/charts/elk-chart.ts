/**
 * Lays a chart out with ELK: layers from top to bottom, arrows with right angles, the text of an arrow in a gap of its own.
 * Runs in the process of `layout-program.ts`.
 */
import type { ElkExtendedEdge, ElkLabel, ElkNode, ElkPoint } from 'elkjs/lib/elk-api.js';
import type { GraphEdge, GraphState, TransitionGraph } from '../../machines/transition-graph.ts';
import type { ChartEdge, ChartForm, ChartInternal, ChartLayout, ChartPoint, ChartState } from './chart-layout.ts';
import { CHART_FONT, edgeText, stateName, stateNotes, widthOf } from './chart-text.ts';

export type Elk = { layout(graph: ElkNode): Promise<ElkNode> };

const { padding, titleHeight, lineHeight } = CHART_FONT;
/** Empty room around the whole picture. */
const MARGIN = 16;
/** Diameter of the dot where a compound state begins. */
export const START_SIZE = 10;

const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '6',
  'elk.layered.spacing.nodeNodeBetweenLayers': '34',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.layered.edgeLabels.sideSelection': 'ALWAYS_DOWN',
} as const;

/** Without texts on arrows everything may stand closer together. */
const OUTLINE = {
  'elk.spacing.nodeNode': '12',
  'elk.spacing.edgeNode': '8',
  'elk.spacing.edgeEdge': '6',
  'elk.layered.spacing.nodeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeNodeBetweenLayers': '6',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '5',
} as const;

/** Transitions with the same ends: one arrow. */
type Arrow = { readonly source: string; readonly target: string; readonly edges: readonly GraphEdge[] };

type Parts = {
  readonly graph: TransitionGraph;
  readonly form: ChartForm;
  readonly arrows: readonly Arrow[];
  /** By the state that is not left. */
  readonly staying: ReadonlyMap<string, readonly GraphEdge[]>;
  /** Px that a compound state is wider than its children need. */
  readonly widened: ReadonlyMap<string, number>;
};

export const layoutChart = async (
  elk: Elk,
  { graph, form }: { readonly graph: TransitionGraph; readonly form: ChartForm },
): Promise<ChartLayout> => {
  const parts = partsOf(graph, form);
  const laid = await elk.layout(elkGraph(parts));
  const widened = widen(parts, flatten(laid));
  return readLayout(parts, widened.size === 0 ? laid : await elk.layout(elkGraph({ ...parts, widened })));
};

/** ELK makes a compound state as wide as its children; one whose own text is wider gets the rest as room on both sides. */
const widen = (parts: Parts, laid: ReadonlyMap<string, ElkNode>): ReadonlyMap<string, number> =>
  new Map(
    parts.graph.states
      .filter(({ id, parent, kind }) => parent !== null && kind !== 'atomic' && kind !== 'final' && laid.has(id))
      .map((state): [string, number] => [state.id, headOf(state, parts).width - (laid.get(state.id)!.width ?? 0)])
      .filter(([, lacking]) => lacking > 0),
  );

const isStaying = ({ source, targets }: GraphEdge): boolean =>
  targets.length === 0 || (targets.length === 1 && targets[0] === source);

const partsOf = (graph: TransitionGraph, form: ChartForm): Parts => {
  const fromAnywhere = (edge: GraphEdge): boolean => edge.source === graph.machine;
  const inBoxes = form === 'outline' ? [] : graph.edges.filter((edge) => isStaying(edge) || fromAnywhere(edge));
  const leaving = graph.edges.filter((edge) => !isStaying(edge) && !fromAnywhere(edge));
  const arrows = Map.groupBy(leaving, ({ source, targets }) => `${source} ${targets[0]!}`);
  return {
    graph,
    form,
    arrows: [...arrows.values()].map((edges) => ({ source: edges[0]!.source, target: edges[0]!.targets[0]!, edges })),
    staying: Map.groupBy(inBoxes, ({ source }) => source),
    widened: new Map(),
  };
};

/** A line inside a box says where it leads when it does not stay. */
const innerText = (edge: GraphEdge, graph: TransitionGraph): string => {
  const [target] = edge.targets;
  if (target === undefined) return edgeText(edge);
  return `${edgeText(edge)} ${target === edge.source ? '↺' : `→ ${stateName(target, graph)}`}`;
};

const sizeOfLines = (lines: readonly string[]): { readonly width: number; readonly height: number } => ({
  width: Math.max(0, ...lines.map((line) => widthOf(line, CHART_FONT.line))),
  height: lines.length * lineHeight,
});

const notesOf = (state: GraphState, { form }: Parts): string[] => (form === 'outline' ? [] : stateNotes(state));

/** The part of a box above its children: name, notes, what it takes without being left. */
const headOf = (state: GraphState, parts: Parts) => {
  const inner = (parts.staying.get(state.id) ?? []).map((edge) => innerText(edge, parts.graph));
  const lines = sizeOfLines([...notesOf(state, parts), ...inner]);
  const width = Math.max(widthOf(state.key, CHART_FONT.title), lines.width) + 2 * padding;
  return { width, height: titleHeight + (lines.height === 0 ? 4 : lines.height + padding) };
};

const elkGraph = (parts: Parts): ElkNode => {
  const { graph, arrows, form } = parts;
  return {
    id: graph.machine,
    layoutOptions: {
      ...LAYERED,
      ...(form === 'outline' ? OUTLINE : {}),
      'elk.padding': paddingText(MARGIN, MARGIN),
    },
    children: childrenOf(graph.machine, parts),
    edges: [
      ...startEdges(graph),
      ...arrows.map((arrow, index) => ({ ...elkEdge(arrow, index), labels: form === 'outline' ? [] : labelOf(arrow) })),
    ],
  };
};

const paddingText = (top: number, sides: number): string =>
  `[top=${String(top)},left=${String(sides)},bottom=${String(padding + 4)},right=${String(sides)}]`;

const startId = (parent: string): string => `${parent} start`;

const childrenOf = (parent: string, parts: Parts): ElkNode[] => {
  const { states } = parts.graph;
  const initial = states.find(({ id }) => id === parent)?.initial ?? null;
  const start = initial === null ? [] : [{ id: startId(parent), width: START_SIZE, height: START_SIZE }];
  return [...start, ...states.filter((state) => state.parent === parent).map((state) => elkState(state, parts))];
};

const elkState = (state: GraphState, parts: Parts): ElkNode => {
  const head = headOf(state, parts);
  const children = childrenOf(state.id, parts);
  if (children.length === 0) return { id: state.id, ...head };
  return {
    id: state.id,
    children,
    layoutOptions: {
      ...(state.kind === 'parallel' ? { 'elk.direction': 'RIGHT' } : {}),
      'elk.padding': paddingText(
        head.height + (parts.form === 'outline' ? 0 : padding),
        padding + 4 + (parts.widened.get(state.id) ?? 0) / 2,
      ),
    },
  };
};

const startEdges = ({ states }: TransitionGraph): ElkExtendedEdge[] =>
  states.flatMap((state) => {
    const first = states.find(({ parent, key }) => parent === state.id && key === state.initial);
    return first === undefined ? [] : [{ id: startId(first.id), sources: [startId(state.id)], targets: [first.id] }];
  });

const elkEdge = ({ source, target }: Arrow, index: number): ElkExtendedEdge => ({
  id: `arrow ${String(index)}`,
  sources: [source],
  targets: [target],
});

const labelOf = ({ edges }: Arrow): ElkLabel[] => {
  const size = sizeOfLines(edges.map(edgeText));
  return [
    {
      text: ' ',
      width: size.width + 8,
      height: size.height + 4,
      layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' },
    },
  ];
};

const readLayout = (parts: Parts, laid: ElkNode): ChartLayout => {
  const nodes = flatten(laid);
  const edges = new Map((laid.edges ?? []).map((edge) => [edge.id, edge]));
  const states = parts.graph.states
    .filter(({ parent }) => parent !== null)
    .map((state) => stateOf(state, nodes, parts));
  const layout: ChartLayout = {
    width: Math.ceil(laid.width ?? 0),
    height: Math.ceil(laid.height ?? 0),
    states,
    starts: parts.graph.states.flatMap((state) => startOf(state, parts.graph, { nodes, edges })),
    edges: parts.arrows.map((arrow, index) => edgeOf(arrow, edges.get(`arrow ${String(index)}`)!)),
    internal: states.flatMap((state) => internalOf(state, parts)),
  };
  return withAnywhere(layout, parts);
};

const flatten = (node: ElkNode): Map<string, ElkNode> =>
  new Map([[node.id, node], ...(node.children ?? []).flatMap((child) => [...flatten(child)])]);

const boxOf = ({ x = 0, y = 0, width = 0, height = 0 }: Partial<Pick<ElkNode, 'x' | 'y' | 'width' | 'height'>>) => ({
  x: round(x),
  y: round(y),
  width: round(width),
  height: round(height),
});

const round = (value: number): number => Math.round(value * 10) / 10;
const pointOf = ({ x, y }: ElkPoint): ChartPoint => ({ x: round(x), y: round(y) });

const stateOf = (state: GraphState, nodes: ReadonlyMap<string, ElkNode>, parts: Parts): ChartState => ({
  id: state.id,
  ...boxOf(nodes.get(state.id)!),
  parent: state.parent === parts.graph.machine ? null : state.parent,
  notes: notesOf(state, parts),
});

const startOf = (
  state: GraphState,
  { states }: TransitionGraph,
  {
    nodes,
    edges,
  }: { readonly nodes: ReadonlyMap<string, ElkNode>; readonly edges: ReadonlyMap<string, ElkExtendedEdge> },
): ChartLayout['starts'] => {
  const first = states.find(({ parent, key }) => parent === state.id && key === state.initial);
  const dot = nodes.get(startId(state.id));
  if (first === undefined || dot === undefined) return [];
  const { x, y } = boxOf(dot);
  return [
    { target: first.id, x: x + START_SIZE / 2, y: y + START_SIZE / 2, points: pointsOf(edges.get(startId(first.id))) },
  ];
};

const pointsOf = (edge: ElkExtendedEdge | undefined): ChartPoint[] =>
  (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) =>
    [startPoint, ...bendPoints, endPoint].map(pointOf),
  );

const edgeOf = ({ source, target, edges }: Arrow, laid: ElkExtendedEdge): ChartEdge => ({
  source,
  target,
  ids: edges.map(({ id }) => id),
  points: pointsOf(laid),
  label: boxOf(laid.labels?.[0] ?? {}),
  lines: edges.map(edgeText),
});

const internalOf = ({ id, x, y, notes }: ChartState, { graph, staying }: Parts): ChartInternal[] => {
  const edges = staying.get(id);
  if (edges === undefined) return [];
  const lines = edges.map((edge) => innerText(edge, graph));
  const top = y + titleHeight + notes.length * lineHeight;
  return [{ source: id, ids: edges.map((edge) => edge.id), lines, x: x + padding, y: top, ...sizeOfLines(lines) }];
};

/** What every state takes stands in a box of its own above the chart. */
const withAnywhere = (layout: ChartLayout, { graph, staying }: Parts): ChartLayout => {
  const edges = staying.get(graph.machine);
  if (edges === undefined) return layout;
  const lines = edges.map((edge) => innerText(edge, graph));
  const size = sizeOfLines(lines);
  const shift = titleHeight + size.height + 2 * padding;
  const down = <Placed extends { readonly y: number }>(placed: Placed): Placed => ({ ...placed, y: placed.y + shift });
  return {
    width: Math.max(layout.width, size.width + 2 * (padding + MARGIN)),
    height: layout.height + shift,
    states: layout.states.map(down),
    starts: layout.starts.map((start) => ({ ...down(start), points: start.points.map(down) })),
    edges: layout.edges.map((edge) => ({ ...edge, points: edge.points.map(down), label: down(edge.label) })),
    internal: [
      {
        source: graph.machine,
        ids: edges.map(({ id }) => id),
        lines,
        x: MARGIN + padding,
        y: MARGIN + titleHeight,
        ...size,
      },
      ...layout.internal.map(down),
    ],
  };
};
