/**
 * Panning and zooming a chart by pointer, wheel and keys.
 *
 * The wheel zooms with Ctrl or Cmd (and so by pinching on a touchpad); alone it scrolls the page, so that nobody is caught.
 */
import { useEffect, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import { atFullSize, begun, fitted, moved, zoomed, type ChartPlace, type Size } from './chart-view.ts';

/** How far an arrow key moves, in px, and how much a key zooms. */
const STEP = 64;
const ZOOM = 1.25;
/** Pixels that a pointer may tremble during a press before it counts as dragging. */
const TREMBLE = 4;

const MOVES: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [STEP, 0],
  ArrowRight: [-STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};
const ZOOMS: Readonly<Record<string, number>> = { '+': ZOOM, '=': ZOOM, '-': 1 / ZOOM };

export const useBoxSize = (box: RefObject<HTMLElement | null>): Size => {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [box]);
  return size;
};

/** `begun`: nobody has moved it. `whole`: fitted, also when its box changes. */
type Chosen = 'begun' | 'whole' | ChartPlace;

/** A place that was chosen by hand counts until the chart is fitted again. */
export const useChartPlace = (chart: Size, size: Size) => {
  const [chosen, setChosen] = useState<Chosen>('begun');
  const placeOf = (known: Chosen): ChartPlace => {
    if (known === 'begun') return begun(chart, size);
    return known === 'whole' ? fitted(chart, size) : known;
  };
  const middle = { x: size.width / 2, y: size.height / 2 };
  const change = (next: (place: ChartPlace) => ChartPlace): void => {
    setChosen((known) => next(placeOf(known)));
  };
  const zoom = (factor: number, at: { readonly x: number; readonly y: number } = middle): void => {
    change((known) => zoomed(known, { factor, at, least: fitted(chart, size).scale }));
  };
  return {
    place: placeOf(chosen),
    change,
    zoom,
    fit: () => {
      setChosen('whole');
    },
    full: (at: { readonly x: number; readonly y: number } = middle) => {
      change((known) => atFullSize(known, at, size));
    },
    zoomIn: () => {
      zoom(ZOOM);
    },
    zoomOut: () => {
      zoom(1 / ZOOM);
    },
  };
};
export type ChartMoves = ReturnType<typeof useChartPlace>;

/** A pointer that is down, and where it was last. */
type Held = { readonly id: number; readonly x: number; readonly y: number; readonly isDrag: boolean };

/** Handlers for the box: keys while it has the focus, dragging, wheel. `press`: a press without a drag. */
export const useChartHandlers = (
  box: RefObject<HTMLElement | null>,
  moves: ChartMoves,
  press: (at: { readonly x: number; readonly y: number }) => void,
) => {
  const { change, zoom } = moves;
  const [held, setHeld] = useState<Held | null>(null);
  useEffect(() => {
    const element = box.current;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top } = (event.currentTarget as HTMLElement).getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 240), { x: event.clientX - left, y: event.clientY - top });
    };
    // By hand, because React's own listener may not prevent the browser's zoom.
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element?.removeEventListener('wheel', onWheel);
    };
  });
  return {
    isDragging: held?.isDrag ?? false,
    onKeyDown: (event: KeyboardEvent): void => {
      const move = MOVES[event.key];
      const factor = ZOOMS[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (move !== undefined) change((place) => moved(place, ...move));
      else if (factor !== undefined) moves.zoom(factor);
      else if (event.key === '0') moves.fit();
      else if (event.key === '1') moves.full();
      else return;
      event.preventDefault();
    },
    onPointerDown: (event: PointerEvent): void => {
      if (event.button === 0) setHeld({ id: event.pointerId, x: event.clientX, y: event.clientY, isDrag: false });
    },
    onPointerMove: (event: PointerEvent): void => {
      if (held?.id !== event.pointerId) return;
      const [x, y] = [event.clientX - held.x, event.clientY - held.y];
      if (!held.isDrag && Math.hypot(x, y) < TREMBLE) return;
      // From now on the press belongs to the box: what lies under the pointer is not pressed at the end.
      if (!held.isDrag) event.currentTarget.setPointerCapture(event.pointerId);
      setHeld({ id: held.id, x: event.clientX, y: event.clientY, isDrag: true });
      change((place) => moved(place, x, y));
    },
    onPointerUp: (event: PointerEvent): void => {
      setHeld(null);
      if (held === null || held.isDrag) return;
      const { left, top } = event.currentTarget.getBoundingClientRect();
      press({ x: event.clientX - left, y: event.clientY - top });
    },
    onPointerCancel: (): void => {
      setHeld(null);
    },
  };
};
