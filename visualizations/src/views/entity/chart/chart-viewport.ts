/**
 * What part of a chart is seen, how large, and in which form. Pure: a point of the chart lies at `point * scale + offset` on the screen.
 *
 * V1. At rest names can be read: what does not fit so is shown around what is active.
 * V2. Whoever comes nearer to an outline gets the details of what was there, and back.
 */
import type { ChartForm, ChartLayout } from '../../../../../src/operations/charts/chart-layout.ts';
import type { Box, Point } from '../machine-answers.ts';

export type Size = { readonly width: number; readonly height: number };
export type Viewport = { readonly x: number; readonly y: number; readonly scale: number };
/** The same machine in both forms. */
export type Charts = Readonly<Record<ChartForm, ChartLayout>>;
export type ChartSight = { readonly form: ChartForm; readonly view: Viewport };

/** Beyond these nothing can be read, or nothing is seen beside one state. */
const SCALE_MIN = 0.08;
const SCALE_MAX = 3;
/** Fitting never magnifies more than this: a small chart need not fill a wall. */
const FIT_SCALE_MAX = 1.25;
/**
 * Names are 13 px high at scale 1, other texts 11. `whole`: below this scale a chart is not shown whole at rest; `part`: the scale at
 * which a part of it is shown then; `enter`: the scale at which somebody arrives who comes from the other form.
 */
const READ: Readonly<Record<ChartForm, { readonly whole: number; readonly part: number; readonly enter: number }>> = {
  outline: { whole: 0.66, part: 0.75, enter: 1 },
  details: { whole: 0.8, part: 1, enter: 0.8 },
};
/** Nearer than this an outline has room for its details; from farther than that details cannot be read. */
const OUTLINE_SCALE_MAX = 1.6;
const DETAILS_SCALE_MIN = 0.5;
/** Room around a fitted chart, in px of the screen. */
const MARGIN = 12;
/** Part of the chart that stays seen however far it is dragged, in px of the screen. */
const KEPT = 48;

export const clampScale = (scale: number): number => Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));

/** The whole chart in the middle of the screen. */
export function fitViewport(chart: Size, screen: Size): Viewport {
  const wide = (screen.width - 2 * MARGIN) / Math.max(1, chart.width);
  const high = (screen.height - 2 * MARGIN) / Math.max(1, chart.height);
  const scale = clampScale(Math.min(FIT_SCALE_MAX, wide, high));
  return { x: (screen.width - chart.width * scale) / 2, y: (screen.height - chart.height * scale) / 2, scale };
}

/** Details when they can be read as a whole. */
export const formAtRest = ({ details }: Charts, screen: Size): ChartForm =>
  fitViewport(details, screen).scale >= READ.details.whole ? 'details' : 'outline';

/** V1. @param at what is to be seen when not all is */
export function restViewport(
  charts: Charts,
  form: ChartForm,
  given: { readonly screen: Size; readonly at: Box },
): Viewport {
  const { screen, at } = given;
  const whole = fitViewport(charts[form], screen);
  if (whole.scale >= READ[form].whole) return whole;
  return keepFilled(centerOn(at, screen, READ[form].part), charts[form], screen);
}

/** No room is left empty that the chart could fill. */
function keepFilled(view: Viewport, chart: Size, screen: Size): Viewport {
  const { scale } = view;
  return {
    x: filled(view.x, chart.width * scale, screen.width),
    y: filled(view.y, chart.height * scale, screen.height),
    scale,
  };
}

const filled = (offset: number, length: number, room: number): number =>
  length + 2 * MARGIN <= room ? (room - length) / 2 : Math.min(MARGIN, Math.max(room - length - MARGIN, offset));

/** V2. The point under `at` stays there as nearly as two pictures allow: the state that is nearest to it does. */
export function zoomSight(
  charts: Charts,
  { form, view }: ChartSight,
  { at, factor }: { readonly at: Point; readonly factor: number },
): ChartSight {
  const next = zoomAt(view, at, factor);
  const isNear = form === 'outline' && next.scale > OUTLINE_SCALE_MAX;
  const isFar = form === 'details' && next.scale < DETAILS_SCALE_MIN;
  if (!isNear && !isFar) return { form, view: next };
  const other: ChartForm = isNear ? 'details' : 'outline';
  const nearest = nearestLeaf(charts[form], { x: (at.x - next.x) / next.scale, y: (at.y - next.y) / next.scale });
  const same = charts[other].states.find(({ id }) => id === nearest?.id);
  if (nearest === undefined || same === undefined) return { form, view: next };
  const scale = READ[other].enter;
  const [from, to] = [middleOf(nearest), middleOf(same)];
  return {
    form: other,
    view: { x: from.x * next.scale + next.x - to.x * scale, y: from.y * next.scale + next.y - to.y * scale, scale },
  };
}

const middleOf = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });

const nearestLeaf = ({ states }: ChartLayout, to: Point): ChartLayout['states'][number] | undefined => {
  const outer = new Set(states.map(({ parent }) => parent));
  const away = (box: Box): number => Math.hypot(middleOf(box).x - to.x, middleOf(box).y - to.y);
  return states.filter(({ id }) => !outer.has(id)).toSorted((a, b) => away(a) - away(b))[0];
};

/** The point of the chart under `at` stays there. */
export function zoomAt(view: Viewport, at: Point, factor: number): Viewport {
  const scale = clampScale(view.scale * factor);
  const ratio = scale / view.scale;
  return { x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio, scale };
}

export const panBy = (view: Viewport, by: Point): Viewport => ({ ...view, x: view.x + by.x, y: view.y + by.y });

/** The middle of a box in the middle of the screen, at a scale at which its text is read. */
export function centerOn(box: Box, screen: Size, scale = 1): Viewport {
  const at = clampScale(scale);
  return {
    x: screen.width / 2 - (box.x + box.width / 2) * at,
    y: screen.height / 2 - (box.y + box.height / 2) * at,
    scale: at,
  };
}

/** Never quite out of sight. */
export function keepInSight(view: Viewport, chart: Size, screen: Size): Viewport {
  const between = (value: number, length: number, room: number): number =>
    Math.min(room - KEPT, Math.max(KEPT - length * view.scale, value));
  return { ...view, x: between(view.x, chart.width, screen.width), y: between(view.y, chart.height, screen.height) };
}

/** A box around several. */
export function boundsOf(boxes: readonly Box[]): Box | null {
  if (boxes.length === 0) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
