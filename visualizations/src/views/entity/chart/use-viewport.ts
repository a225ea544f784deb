/** Moving a chart about: pointers, wheel, keys, and a size that changes. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import type { ChartForm } from '../../../../../src/operations/charts/chart-layout.ts';
import type { Box, Point } from '../machine-answers.ts';
import {
  fitViewport,
  formAtRest,
  keepInSight,
  panBy,
  restViewport,
  zoomSight,
  type Charts,
  type ChartSight,
  type Size,
  type Viewport,
} from './chart-viewport.ts';

/** Px of the screen that one press of an arrow key moves. */
const KEY_STEP = 60;
const KEY_ZOOM = 1.25;
/** Zoom of one px of the wheel. */
const WHEEL_ZOOM = 0.0015;

export type Moves = {
  /** The whole machine, as far as its names can be read then. */
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  /** All texts, around what is active; follows it until somebody moves the chart. */
  readonly near: () => void;
};
export type ChartViewport = ChartSight & {
  readonly box: RefObject<HTMLDivElement | null>;
  /** All of it is seen, and nobody has moved it. */
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

type Shift = {
  readonly pan: (by: Point) => void;
  readonly zoom: (at: Point, factor: number) => void;
};

/** One pointer drags, two pinch. */
const usePointers = ({ pan, zoom }: Shift) => {
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
      pan({ x: now.x - before.x, y: now.y - before.y });
      return;
    }
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const spread = (point: Point): number => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    const middle = { x: (now.x + other.x) / 2 - left, y: (now.y + other.y) / 2 - top };
    zoom(middle, spread(now) / spread(before));
  };
  const release = (event: PointerEvent<HTMLDivElement>): void => {
    pointers.current.delete(event.pointerId);
  };
  return { onPointerDown, onPointerMove, onPointerUp: release, onPointerCancel: release };
};

/** React listens to the wheel passively; stopping the page from scrolling needs a listener of our own. */
const useWheel = (box: RefObject<HTMLDivElement | null>, zoom: Shift['zoom']): void => {
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      zoom(at, Math.exp(-event.deltaY * WHEEL_ZOOM));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element.removeEventListener('wheel', onWheel);
    };
  }, [box, zoom]);
};

const PANS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: KEY_STEP, y: 0 },
  ArrowRight: { x: -KEY_STEP, y: 0 },
  ArrowUp: { x: 0, y: KEY_STEP },
  ArrowDown: { x: 0, y: -KEY_STEP },
};
const ZOOMS: Readonly<Record<string, number>> = { '+': KEY_ZOOM, '=': KEY_ZOOM, '-': 1 / KEY_ZOOM };

/** `form` null: as it suits the screen. `view` null: at rest, wherever that is by now. */
type Chosen = { readonly form: ChartForm | null; readonly view: Viewport | null };
const AT_REST: Chosen = { form: null, view: null };

/** @param at what is to be seen when not all is; for each form the same between two steps */
export const useViewport = (charts: Charts, at: Readonly<Record<ChartForm, Box>>): ChartViewport => {
  const box = useRef<HTMLDivElement>(null);
  const screen = useScreen(box);
  const [chosen, setChosen] = useState<Chosen>(AT_REST);
  const sightOf = useCallback(
    ({ form, view }: Chosen): ChartSight => {
      const shown = form ?? formAtRest(charts, screen);
      return { form: shown, view: view ?? restViewport(charts, shown, { screen, at: at[shown] }) };
    },
    [charts, screen, at],
  );
  const change = useCallback(
    (next: (sight: ChartSight) => ChartSight): void => {
      setChosen((known) => {
        const { form, view } = next(sightOf(known));
        return { form, view: keepInSight(view, charts[form], screen) };
      });
    },
    [charts, screen, sightOf],
  );
  const pan = useCallback(
    (by: Point): void => {
      change(({ form, view }) => ({ form, view: panBy(view, by) }));
    },
    [change],
  );
  const zoom = useCallback(
    (from: Point, factor: number): void => {
      change((sight) => zoomSight(charts, sight, { at: from, factor }));
    },
    [change, charts],
  );
  useWheel(box, zoom);
  const pointers = usePointers({ pan, zoom });
  const moves: Moves = {
    fit: () => {
      setChosen(AT_REST);
    },
    zoom: (factor) => {
      zoom({ x: screen.width / 2, y: screen.height / 2 }, factor);
    },
    near: () => {
      setChosen({ form: 'details', view: null });
    },
  };
  const sight = sightOf(chosen);
  const isFitted = chosen.view === null && sight.view.scale === fitViewport(charts[sight.form], screen).scale;
  return { box, ...sight, isFitted, moves, handlers: { ...pointers, onKeyDown: keyHandler(moves, pan) } };
};

const keyHandler =
  (moves: Moves, pan: Shift['pan']) =>
  (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const by = PANS[event.key];
    const factor = ZOOMS[event.key];
    if (by !== undefined) pan(by);
    else if (factor !== undefined) moves.zoom(factor);
    else if (event.key === '0') moves.fit();
    else if (event.key === '1') moves.near();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
