/** Moving a chart about: pointers, wheel, keys, and a size that changes. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import type { Box, Point } from '../machine-answers.ts';
import { centerOn, fitViewport, keepInSight, panBy, zoomAt, type Size, type Viewport } from './chart-viewport.ts';

/** Px of the screen that one press of an arrow key moves. */
const KEY_STEP = 60;
const KEY_ZOOM = 1.25;
/** Zoom of one px of the wheel. */
const WHEEL_ZOOM = 0.0015;
/** Below this width the chart is fitted to the width, in px. */
const NARROW = 560;

export type Moves = {
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly center: (box: Box) => void;
};
export type ChartViewport = {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly view: Viewport;
  /** As large as it fits: nobody has moved it. */
  readonly isFitted: boolean;
  readonly moves: Moves;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent<HTMLDivElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLDivElement>) => void;
    readonly onPointerUp: (event: PointerEvent<HTMLDivElement>) => void;
    readonly onPointerCancel: (event: PointerEvent<HTMLDivElement>) => void;
    readonly onKeyDown: (event: KeyboardEvent<HTMLDivElement>) => void;
  };
};

const fitted = (chart: Size, screen: Size): Viewport =>
  fitViewport(chart, screen, screen.width < NARROW ? 'width' : 'whole');

const useScreen = (box: RefObject<HTMLDivElement | null>): Size => {
  const [screen, setScreen] = useState<Size>({ width: 800, height: 480 });
  useEffect(() => {
    if (box.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const { width, height } = entry.contentRect;
      if (width > 0 && height > 0) setScreen({ width, height });
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
    };
  }, [box]);
  return screen;
};

type Move = (change: (view: Viewport) => Viewport) => void;

/** One pointer drags, two pinch. */
const usePointers = (move: Move) => {
  const pointers = useRef(new Map<number, Point>());
  const onPointerDown = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.button !== 0) return;
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>): void => {
    const before = pointers.current.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) event.currentTarget.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, now);
    if (other === undefined) {
      move((view) => panBy(view, { x: now.x - before.x, y: now.y - before.y }));
      return;
    }
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const spread = (point: Point): number => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    const middle = { x: (now.x + other.x) / 2 - left, y: (now.y + other.y) / 2 - top };
    move((view) => zoomAt(view, middle, spread(now) / spread(before)));
  };
  const release = (event: PointerEvent<HTMLDivElement>): void => {
    pointers.current.delete(event.pointerId);
  };
  return { onPointerDown, onPointerMove, onPointerUp: release, onPointerCancel: release };
};

/** React listens to the wheel passively; stopping the page from scrolling needs a listener of our own. */
const useWheel = (box: RefObject<HTMLDivElement | null>, move: Move): void => {
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      move((view) => zoomAt(view, at, Math.exp(-event.deltaY * WHEEL_ZOOM)));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element.removeEventListener('wheel', onWheel);
    };
  }, [box, move]);
};

const PANS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: KEY_STEP, y: 0 },
  ArrowRight: { x: -KEY_STEP, y: 0 },
  ArrowUp: { x: 0, y: KEY_STEP },
  ArrowDown: { x: 0, y: -KEY_STEP },
};
const ZOOMS: Readonly<Record<string, number>> = { '+': KEY_ZOOM, '=': KEY_ZOOM, '-': 1 / KEY_ZOOM };

export const useViewport = (chart: Size): ChartViewport => {
  const box = useRef<HTMLDivElement>(null);
  const screen = useScreen(box);
  const [moved, setMoved] = useState<Viewport | null>(null);
  const { width, height } = chart;
  const move = useCallback<Move>(
    (change) => {
      setMoved((view) => keepInSight(change(view ?? fitted({ width, height }, screen)), { width, height }, screen));
    },
    [width, height, screen],
  );
  useWheel(box, move);
  const pointers = usePointers(move);
  const moves: Moves = {
    fit: () => {
      setMoved(null);
    },
    zoom: (factor) => {
      move((view) => zoomAt(view, { x: screen.width / 2, y: screen.height / 2 }, factor));
    },
    center: (target) => {
      move(() => centerOn(target, screen));
    },
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const pan = PANS[event.key];
    const zoom = ZOOMS[event.key];
    if (pan !== undefined) move((view) => panBy(view, pan));
    else if (zoom !== undefined) moves.zoom(zoom);
    else if (event.key === '0') moves.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const view = moved ?? fitted(chart, screen);
  return { box, view, isFitted: moved === null, moves, handlers: { ...pointers, onKeyDown } };
};
