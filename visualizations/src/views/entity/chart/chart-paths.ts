/** Lines of a chart as SVG path data. Pure. */
import type { Point } from '../machine-answers.ts';

/** Radius of a bend, in px. */
const BEND = 6;
/** Length and half width of an arrow's head, in px. */
const HEAD_LENGTH = 8;
const HEAD_HALF = 4;

const text = (value: number): string => String(Math.round(value * 100) / 100);
const at = ({ x, y }: Point): string => `${text(x)} ${text(y)}`;

const towards = (from: Point, to: Point, length: number): Point => {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  if (distance === 0) return from;
  const part = length / distance;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
};

/** A line through all points with round bends; empty for fewer than two. */
export function linePath(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined || rest.length === 0) return '';
  const parts = [`M${at(first)}`];
  for (const [index, point] of rest.entries()) {
    const before = points[index]!;
    const after = points[index + 2];
    if (after === undefined) {
      parts.push(`L${at(point)}`);
      continue;
    }
    const radius = Math.min(BEND, distanceOf(before, point) / 2, distanceOf(point, after) / 2);
    parts.push(`L${at(towards(point, before, radius))}Q${at(point)} ${at(towards(point, after, radius))}`);
  }
  return parts.join('');
}

const distanceOf = (a: Point, b: Point): number => Math.hypot(b.x - a.x, b.y - a.y);

/** The head at the end of a line; empty when the line has no direction. */
export function headPath(points: readonly Point[]): string {
  const tip = points.at(-1);
  const from = points.findLast((point) => tip !== undefined && distanceOf(point, tip) > 0);
  if (tip === undefined || from === undefined) return '';
  const base = towards(tip, from, HEAD_LENGTH);
  const across = { x: (tip.y - base.y) / HEAD_LENGTH, y: (base.x - tip.x) / HEAD_LENGTH };
  const left = { x: base.x + across.x * HEAD_HALF, y: base.y + across.y * HEAD_HALF };
  const right = { x: base.x - across.x * HEAD_HALF, y: base.y - across.y * HEAD_HALF };
  return `M${at(tip)}L${at(left)}L${at(right)}Z`;
}
