/** The shape of a state, drawn in the current colour. Decorative: the name of the state stands beside it. */
import { memo } from 'react';
import type { Shape } from './state-looks.ts';

/** Filled and stroked parts on a grid of 16; one look per shape that is told apart without colour and at 12 px. */
const STROKES: Readonly<Record<Shape, string>> = {
  circle: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z',
  dashed: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z',
  dots: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11zM5.2 8h.01M8 8h.01M10.8 8h.01',
  clock: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11zM8 5v3.2l2 1.4',
  play: '',
  check: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11zM5.4 8.2l1.9 1.9l3.4-3.9',
  cross: 'M5.4 2.5h5.2l2.9 2.9v5.2l-2.9 2.9H5.4l-2.9-2.9V5.4zM6 6l4 4M10 6l-4 4',
  bang: 'M8 1.9l6.1 6.1L8 14.1L1.9 8zM8 5.2v3.2M8 10.6h.01',
  bar: 'M3 3h10v10H3zM5.5 8h5',
  dash: 'M4.5 8h7',
  half: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z',
  bolt: 'M9 1.8L4 8.8h3.4L6.8 14.2L12 7H8.5z',
  query: 'M6 6.2a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.8h.01',
};
const FILLS: Readonly<Partial<Record<Shape, string>>> = {
  play: 'M4.2 2.6L13.2 8L4.2 13.4z',
  half: 'M8 2.5a5.5 5.5 0 0 1 0 11z',
};

export const StateIcon = memo(({ shape }: { readonly shape: Shape }) => (
  <svg className="state-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
    <path
      d={STROKES[shape]}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...(shape === 'dashed' ? { strokeDasharray: '2 2.3' } : {})}
    />
    {FILLS[shape] === undefined ? null : <path d={FILLS[shape]} fill="currentColor" />}
  </svg>
));
StateIcon.displayName = 'StateIcon';
