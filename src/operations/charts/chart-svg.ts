/**
 * A chart as SVG text: one file that needs nothing else, in light and dark, and that a screen reader can name.
 *
 * S1. Whatever a chart is called, the file is well-formed XML and nothing in it runs or is loaded.
 * S2. Colour says nothing alone: what is active also has a thicker border, a final state a double one.
 */
import type { TransitionGraph } from '../../machines/transition-graph.ts';
import type { ChartEdge, ChartInternal, ChartLayout, ChartPoint, ChartState } from './chart-layout.ts';
import { CHART_FONT, stateName } from './chart-text.ts';

const { line: lineSize, lineHeight, title: titleSize, titleHeight, padding } = CHART_FONT;
/** Radius of the corners of boxes and of bent arrows. */
const CORNER = 6;

const STYLE = `
  svg { --paper: #ffffff; --ink: #1c2430; --soft: #5a6675; --edge: #7d8998; --box: #f5f7fa; --inner: #fcfdfe;
    --border: #b3bdc9; --lit: #0b6bcb; --lit-box: #e3f0fd; }
  @media (prefers-color-scheme: dark) { svg { --paper: #12161c; --ink: #e4e9f0; --soft: #9aa7b6; --edge: #718091; --box: #1c222b; --inner: #171c23; --border: #475364; --lit: #62b0ff; --lit-box: #14304d; } }
  text { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink);
    white-space: pre; }
  .title { font-size: ${String(titleSize)}px; font-weight: 600; text-anchor: middle; }
  .line { font-size: ${String(lineSize)}px; }
  .note { font-size: ${String(lineSize)}px; fill: var(--soft); font-style: italic; }
  .soft { fill: var(--soft); }
  .paper, .under { fill: var(--paper); }
  .under-outer { fill: var(--inner); }
  .under-lit { fill: var(--lit-box); }
  .box { fill: var(--box); stroke: var(--border); }
  .outer { fill: var(--inner); stroke: var(--border); }
  .parallel { stroke-dasharray: 5 4; }
  .ring { fill: none; stroke: var(--border); }
  .anywhere { fill: none; stroke: var(--border); stroke-dasharray: 2 3; }
  .arrow { fill: none; stroke: var(--edge); stroke-width: 1.25; }
  .head, .start { fill: var(--edge); }
  .rule { stroke: var(--border); }
  .lit > .box, .lit > .outer { fill: var(--lit-box); stroke: var(--lit); stroke-width: 2.5; }
  .lit > .ring { stroke: var(--lit); }
`;

export type ChartPicture = {
  readonly graph: TransitionGraph;
  readonly layout: ChartLayout;
  /** Ids of states that are lit; default none. */
  readonly active?: readonly string[];
  /** What the picture is of, when it is one actor and not its machine in general. */
  readonly of?: string;
};

export const chartSvg = ({ graph, layout, active = [], of }: ChartPicture): string => {
  const lit = new Set(active);
  const { width, height } = layout;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" width="${String(width)}" ` +
      `height="${String(height)}" role="img" aria-labelledby="chart-title chart-desc">`,
    `<title id="chart-title">${escaped(titleOf(graph, of))}</title>`,
    `<desc id="chart-desc">${escaped(descriptionOf(graph, active))}</desc>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">' +
      '<path class="head" d="M0 0.8 L7.2 4 L0 7.2 Z"/></marker></defs>',
    `<rect class="paper" width="${String(width)}" height="${String(height)}"/>`,
    ...layout.internal.filter(({ source }) => source === graph.machine).map((inner) => anywhereBox(inner)),
    ...layout.states.map((state) => stateBox(state, graph, lit)),
    ...layout.starts.map(
      ({ x, y, points }) => `<circle class="start" cx="${String(x)}" cy="${String(y)}" r="5"/>${arrow(points)}`,
    ),
    ...layout.edges.map(({ points }) => arrow(points)),
    ...layout.internal.map((inner) => linesAt(inner, inner.lines)),
    ...layout.edges.map((edge) => label(edge, groundOf(edge, layout, lit))),
    '</svg>',
    '',
  ].join('\n');
};

const titleOf = ({ machine, version }: TransitionGraph, of: string | undefined): string =>
  of === undefined ? `The machine ${machine}, version ${version}` : `${of}: the machine ${machine}, version ${version}`;

const descriptionOf = (graph: TransitionGraph, active: readonly string[]): string => {
  const { states, edges } = graph;
  const top = states.filter(({ parent }) => parent === graph.machine).map(({ key }) => key);
  const now = active.filter((id) => id !== graph.machine).map((id) => stateName(id, graph));
  return (
    `Statechart with the states ${top.join(', ')} and ${String(edges.length)} transitions.` +
    (now.length === 0 ? '' : ` Active: ${now.join(', ')}.`)
  );
};

/** Also for what no XML may hold: control characters become visible signs. */
export const escaped = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- control characters are what is taken out
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

const rect = (kind: string, { x, y, width, height }: Box, inset = 0): string =>
  `<rect class="${kind}" x="${num(x + inset)}" y="${num(y + inset)}" width="${num(width - 2 * inset)}" ` +
  `height="${num(height - 2 * inset)}" rx="${num(Math.max(CORNER - inset, 2))}"/>`;

const num = (value: number): string => String(Math.round(value * 10) / 10);

/** The event stands out of its guard and effects. */
const lineAt = (at: ChartPoint, words: string): string => {
  const end = words.indexOf(' ');
  if (end < 0) return textAt('line', at, words);
  const [event, rest] = [escaped(words.slice(0, end)), escaped(words.slice(end))];
  return `<text class="line" x="${num(at.x)}" y="${num(at.y)}">${event}<tspan class="soft">${rest}</tspan></text>`;
};

const textAt = (kind: string, at: ChartPoint, words: string): string =>
  `<text class="${kind}" x="${num(at.x)}" y="${num(at.y)}">${escaped(words)}</text>`;

/** The first baseline is a little above the bottom of the first line. */
const linesAt = ({ x, y }: ChartPoint, lines: readonly string[], put: typeof lineAt = lineAt): string =>
  lines.map((words, index) => put({ x, y: y + lineHeight * (index + 1) - 4 }, words)).join('');

const noteAt = (at: ChartPoint, words: string): string => textAt('note', at, words);

const anywhereBox = ({ x, y, width, height }: ChartInternal): string => {
  const box = {
    x: x - padding,
    y: y - titleHeight,
    width: width + 2 * padding,
    height: height + titleHeight + padding,
  };
  return `<g>${rect('anywhere', box)}${textAt('note', { x, y: y - 8 }, 'in every state that is not final')}</g>`;
};

const stateBox = (state: ChartState, graph: TransitionGraph, lit: ReadonlySet<string>): string => {
  const { kind, key } = graph.states.find(({ id }) => id === state.id) ?? { kind: 'atomic', key: state.id };
  const isOuter = kind === 'compound' || kind === 'parallel';
  const isRegion = graph.states.find(({ id }) => id === state.parent)?.kind === 'parallel';
  const shape = `${isOuter ? 'outer' : 'box'}${isRegion ? ' parallel' : ''}`;
  return [
    `<g class="state${lit.has(state.id) ? ' lit' : ''}">`,
    rect(shape, state),
    kind === 'final' ? rect('ring', state, 3) : '',
    titleAt(state, key, isOuter),
    linesAt({ x: state.x + padding, y: state.y + titleHeight }, state.notes, noteAt),
    '</g>',
  ].join('');
};

/** In the middle of its box; where lines stand below it, in the middle of their top. */
const titleAt = ({ x, y, width, height }: Box, words: string, isOuter: boolean): string => {
  const isAlone = !isOuter && height < titleHeight + lineHeight;
  return textAt('title', { x: x + width / 2, y: y + (isAlone ? height / 2 + titleSize * 0.35 : 18) }, words);
};

/** Round corners: a path is easier to follow where it crosses others. */
const arrow = (points: readonly ChartPoint[]): string => {
  const [first, ...rest] = points;
  if (first === undefined || rest.length === 0) return '';
  const parts = rest.map((point, index) => {
    const next = rest[index + 1];
    return next === undefined ? `L${num(point.x)} ${num(point.y)}` : corner(points[index]!, point, next);
  });
  return `<path class="arrow" d="M${num(first.x)} ${num(first.y)} ${parts.join(' ')}" marker-end="url(#head)"/>`;
};

const corner = (before: ChartPoint, at: ChartPoint, after: ChartPoint): string => {
  const into = towards(at, before);
  const out = towards(at, after);
  return `L${num(into.x)} ${num(into.y)} Q${num(at.x)} ${num(at.y)} ${num(out.x)} ${num(out.y)}`;
};

const towards = (from: ChartPoint, to: ChartPoint): ChartPoint => {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const step = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  return { x: from.x + (to.x - from.x) * step, y: from.y + (to.y - from.y) * step };
};

/** Behind a text the arrow is not seen; what is behind it has the colour of the box that it stands in. */
const groundOf = ({ label: { x, y } }: ChartEdge, { states }: ChartLayout, lit: ReadonlySet<string>): string => {
  const around = states.findLast(
    (state) => x >= state.x && y >= state.y && x <= state.x + state.width && y <= state.y + state.height,
  );
  if (around === undefined) return 'under';
  return lit.has(around.id) ? 'under-lit' : 'under-outer';
};

const label = ({ label: box, lines }: ChartEdge, ground: string): string =>
  `<g>${rect(ground, box)}${linesAt({ x: box.x + 4, y: box.y + 2 }, lines)}</g>`;
