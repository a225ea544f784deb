/**
 * A statechart that can be moved about. It draws the layout that the supervisor computed, so that it is the same picture as
 * `conductor diagram`, and lights what the view says.
 *
 * C1. What it shows is also said in words: to a screen reader the chart is one picture with a sentence.
 */
import { memo, useMemo, type ReactNode } from 'react';
import type { TransitionGraph, TransitionId } from '../../../../../src/machines/transition-graph.ts';
import type { ChartLayout } from '../../../../../src/operations/charts/chart-layout.ts';
import { Button } from '../../../design/button.tsx';
import { Arrow, ArrowLabel, InnerLines, StartMark, StateBox, type EdgeLine } from './chart-drawing.tsx';
import { arrowLook, chartSentence, lookOf, type ChartLight } from './chart-light.ts';
import { stateName } from '../../../../../src/operations/charts/chart-text.ts';
import { boundsOf } from './chart-viewport.ts';
import { useViewport, type Moves } from './use-viewport.ts';
import './chart.css';

type MachineChartProps = {
  readonly graph: TransitionGraph;
  readonly layout: ChartLayout;
  readonly light: ChartLight;
  /** Lower, for a page with many charts. */
  readonly isSmall?: boolean;
};

const linesOf = (
  { ids, lines }: { readonly ids: readonly TransitionId[]; readonly lines: readonly string[] },
  light: ChartLight,
): readonly EdgeLine[] => lines.map((text, index) => ({ text, look: lookOf(ids[index] ?? '', light) }));

const keyOf = ({ ids }: { readonly ids: readonly TransitionId[] }): string => ids[0] ?? '';

const Tools = ({ moves, onActive }: { readonly moves: Moves; readonly onActive: (() => void) | null }) => (
  <div className="chart-tools" role="group" aria-label="Size of the chart">
    {onActive === null ? null : <Button onPress={onActive}>Active</Button>}
    <Button
      label="Smaller"
      onPress={() => {
        moves.zoom(0.8);
      }}
    >
      −
    </Button>
    <Button
      label="Larger"
      onPress={() => {
        moves.zoom(1.25);
      }}
    >
      +
    </Button>
    <Button onPress={moves.fit}>Fit</Button>
  </div>
);

/** Below this scale the text of arrows cannot be read, and is left out. */
const FAR_SCALE = 0.55;

type DrawingProps = Pick<MachineChartProps, 'graph' | 'layout' | 'light'> & { readonly isFar: boolean };

/** Drawn anew when something is lit, not while it is moved. */
const Drawing = memo(({ graph, layout, light, isFar }: DrawingProps): ReactNode => {
  const states = useMemo(() => new Map(graph.states.map((state) => [state.id, state])), [graph]);
  return (
    <>
      {layout.states.map((box) => {
        const state = states.get(box.id);
        return state === undefined ? null : (
          <StateBox key={box.id} state={state} box={box} isActive={light.active.has(box.id)} isFar={isFar} />
        );
      })}
      {layout.starts.map((start) => (
        <StartMark key={start.target} start={start} />
      ))}
      {layout.edges.map((edge) => {
        const isTaken = edge.ids.some((id) => light.taken.has(id));
        return (
          <Arrow key={keyOf(edge)} edge={edge} look={arrowLook(edge.ids, light)} trace={isTaken ? light.step : null} />
        );
      })}
      {layout.internal.map((inner) => (
        <InnerLines
          key={keyOf(inner)}
          inner={inner}
          isAnywhere={inner.source === graph.machine}
          lines={linesOf(inner, light)}
        />
      ))}
      <g className="chart-labels">
        {layout.edges.map((edge) => (
          <ArrowLabel key={keyOf(edge)} edge={edge} lines={linesOf(edge, light)} />
        ))}
      </g>
    </>
  );
});
Drawing.displayName = 'Drawing';

export const MachineChart = ({ graph, layout, light, isSmall = false }: MachineChartProps) => {
  const { box, view, isFitted, moves, handlers } = useViewport(layout);
  const isFar = view.scale < FAR_SCALE;
  const leaves = useMemo(
    () => layout.states.filter(({ id }) => light.active.has(id) && isLeaf(layout, id)),
    [layout, light.active],
  );
  const active = useMemo(() => boundsOf(leaves), [leaves]);
  const names = ['chart', isSmall ? 'chart-small' : '', isFitted ? 'chart-fitted' : ''];
  return (
    <div className={names.join(' ')}>
      <div
        ref={box}
        className="chart-screen"
        tabIndex={0}
        role="group"
        aria-label="Chart: arrow keys move it, plus and minus change its size, 0 fits it"
        {...handlers}
      >
        <svg className="chart-svg" role="img" aria-label={chartSentence(graph, light)}>
          <g
            className={isFar ? 'is-far' : undefined}
            transform={`translate(${String(view.x)} ${String(view.y)}) scale(${String(view.scale)})`}
          >
            <Drawing graph={graph} layout={layout} light={light} isFar={isFar} />
          </g>
        </svg>
      </div>
      {leaves.length === 0 ? null : (
        <p className="chart-now">
          {/* Beside the chart and not in it: from afar the names in the boxes are small, and whatever lies over arrows hides them. */}
          {leaves.map(({ id }) => (
            <span key={id}>● {stateName(id, graph)}</span>
          ))}
        </p>
      )}
      <Tools
        moves={moves}
        onActive={
          active === null
            ? null
            : () => {
                moves.center(active);
              }
        }
      />
    </div>
  );
};

const isLeaf = (layout: ChartLayout, id: string): boolean => !layout.states.some(({ parent }) => parent === id);
