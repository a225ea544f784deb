/**
 * Where everything of a chart stands: the geometry that the page, the SVG files and the command line share.
 *
 * C1. Coordinates are absolute, in px, from the top left corner; nothing reaches out of `width` and `height`.
 * C2. Boxes of states with the same parent do not overlap, and a box lies inside the box of its parent.
 * C3. Every transition stands in exactly one place: on an arrow, or inside a box when its state is not left.
 * C4. `lines` and `ids` of one place have the same order and length: a line is the text of its transition.
 * C5. An outline is states and arrows alone: its labels have no size, nothing stands inside of boxes, and C3 holds for what leaves
 *     a state.
 */
import { Type, type Static } from 'typebox';

const text = Type.String();
const number = Type.Number();
const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

const box = { x: number, y: number, width: number, height: number };
const PointSchema = closed({ x: number, y: number });

export const ChartStateSchema = closed({
  id: text,
  ...box,
  /** null at the top level. */
  parent: Type.Union([text, Type.Null()]),
  /** What happens on entry and exit, below the name. */
  notes: Type.Array(text),
});

export const ChartEdgeSchema = closed({
  source: text,
  target: text,
  /** Transitions with the same ends are one arrow. */
  ids: Type.Array(text),
  points: Type.Array(PointSchema),
  label: closed(box),
  lines: Type.Array(text),
});

export const ChartInternalSchema = closed({
  /** The machine itself: what every state takes; its box is not that of a state. */
  source: text,
  ids: Type.Array(text),
  lines: Type.Array(text),
  /** Of the text. */
  ...box,
});

export const ChartLayoutSchema = closed({
  width: number,
  height: number,
  states: Type.Array(ChartStateSchema),
  /** Where each compound state begins: a dot, and an arrow to the child that is entered first. */
  starts: Type.Array(closed({ target: text, x: number, y: number, points: Type.Array(PointSchema) })),
  edges: Type.Array(ChartEdgeSchema),
  internal: Type.Array(ChartInternalSchema),
});
export type ChartLayout = Static<typeof ChartLayoutSchema>;
/** `details`: with all texts, to be read closely; `outline`: small enough to be seen at once. */
export type ChartForm = 'details' | 'outline';
export type ChartState = Static<typeof ChartStateSchema>;
export type ChartEdge = Static<typeof ChartEdgeSchema>;
export type ChartInternal = Static<typeof ChartInternalSchema>;
export type ChartPoint = Static<typeof PointSchema>;
