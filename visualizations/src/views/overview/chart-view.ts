/** Which part of a chart is seen, and how large. Pure; positions in px of the chart, `scale` in px of the screen per px of it. */

export type ChartPlace = { readonly x: number; readonly y: number; readonly scale: number };
export type Size = { readonly width: number; readonly height: number };

const SCALE_MIN = 0.12;
const SCALE_MAX = 2;
/** A chart does not begin smaller than this: its text could not be read. */
const READ_MIN = 0.72;
const MARGIN = 16;

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

type Point = { readonly x: number; readonly y: number };

export type Zoom = {
  readonly factor: number;
  /** Stays where it is on the screen. */
  readonly at: Point;
  /** How small the chart may become; no less than SCALE_MIN is always allowed. */
  readonly least: number;
};

export const zoomed = (place: ChartPlace, { factor, at, least }: Zoom): ChartPlace => {
  const scale = within(place.scale * factor, Math.min(least, SCALE_MIN), SCALE_MAX);
  const ratio = scale / place.scale;
  return { scale, x: at.x - (at.x - place.x) * ratio, y: at.y - (at.y - place.y) * ratio };
};

export const moved = (place: ChartPlace, x: number, y: number): ChartPlace => ({
  ...place,
  x: place.x + x,
  y: place.y + y,
});

/** As large as it is drawn, with what lies under a point of the screen in the middle of it. */
export const atFullSize = (place: ChartPlace, at: Point, box: Size): ChartPlace => ({
  scale: 1,
  x: box.width / 2 - (at.x - place.x) / place.scale,
  y: box.height / 2 - (at.y - place.y) / place.scale,
});

const scaleOfWhole = (chart: Size, box: Size): number => {
  const wide = (box.width - 2 * MARGIN) / Math.max(1, chart.width);
  const high = (box.height - 2 * MARGIN) / Math.max(1, chart.height);
  return within(Math.min(wide, high), 0, 1);
};

const placed = (chart: Size, box: Size, scale: number): ChartPlace => {
  const x = chart.width * scale + 2 * MARGIN <= box.width ? (box.width - chart.width * scale) / 2 : MARGIN;
  const y = chart.height * scale + 2 * MARGIN <= box.height ? (box.height - chart.height * scale) / 2 : MARGIN;
  return { scale, x, y };
};

/** All of it, however small it becomes. */
export const fitted = (chart: Size, box: Size): ChartPlace => placed(chart, box, scaleOfWhole(chart, box));

/** All of it where that can be read; else its beginning. */
export const begun = (chart: Size, box: Size): ChartPlace =>
  placed(chart, box, Math.max(READ_MIN, scaleOfWhole(chart, box)));

type Box = Size & { readonly x: number; readonly y: number };

/** Whether a part of the chart is seen, or nearly. */
export const isSeen = (part: Box, place: ChartPlace, box: Size): boolean => {
  const left = part.x * place.scale + place.x;
  const top = part.y * place.scale + place.y;
  return (
    left < box.width + MARGIN &&
    top < box.height + MARGIN &&
    left + part.width * place.scale > -MARGIN &&
    top + part.height * place.scale > -MARGIN
  );
};

/** The least movement that brings a part of the chart wholly into its box. */
export const revealed = (part: Box, place: ChartPlace, box: Size): ChartPlace => {
  const left = part.x * place.scale + place.x;
  const top = part.y * place.scale + place.y;
  const right = left + part.width * place.scale;
  const bottom = top + part.height * place.scale;
  const x = left < MARGIN ? MARGIN - left : Math.min(0, box.width - MARGIN - right);
  const y = top < MARGIN ? MARGIN - top : Math.min(0, box.height - MARGIN - bottom);
  return x === 0 && y === 0 ? place : moved(place, x, y);
};

/** How high a box the chart wants, within bounds. */
export const wantedHeight = (chart: Size, width: number, max: number): number => {
  const scale = within((width - 2 * MARGIN) / Math.max(1, chart.width), READ_MIN, 1);
  return within(Math.ceil(chart.height * scale) + 2 * MARGIN, 96, max);
};
