/** What part of a chart is seen, and how large. Pure: a point of the chart lies at `point * scale + offset` on the screen. */
import type { Box, Point } from '../machine-answers.ts';

export type Size = { readonly width: number; readonly height: number };
export type Viewport = { readonly x: number; readonly y: number; readonly scale: number };

/** Beyond these nothing can be read, or nothing is seen beside one state. */
const SCALE_MIN = 0.08;
const SCALE_MAX = 3;
/** Fitting never magnifies more than this: a small chart need not fill a wall. */
const FIT_SCALE_MAX = 1.25;
/** Room around a fitted chart, in px of the screen. */
const MARGIN = 12;
/** Part of the chart that stays seen however far it is dragged, in px of the screen. */
const KEPT = 48;

export const clampScale = (scale: number): number => Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));

/** The whole chart in the middle of the screen; `width`: as wide as the screen, from its top. */
export function fitViewport(chart: Size, screen: Size, by: 'whole' | 'width' = 'whole'): Viewport {
  const wide = (screen.width - 2 * MARGIN) / Math.max(1, chart.width);
  const high = (screen.height - 2 * MARGIN) / Math.max(1, chart.height);
  const scale = clampScale(Math.min(FIT_SCALE_MAX, by === 'whole' ? Math.min(wide, high) : wide));
  const x = (screen.width - chart.width * scale) / 2;
  return { x, y: by === 'whole' ? (screen.height - chart.height * scale) / 2 : MARGIN, scale };
}

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
