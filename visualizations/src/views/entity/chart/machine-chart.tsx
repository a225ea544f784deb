/**
 * A statechart that can be moved about. It draws the layouts that the supervisor computed, so that from near it is the same picture
 * as `conductor diagram`, and lights what the view says. From afar it is an outline: names and arrows, close together.
 *
 * C1. What it shows is also said in words: to a screen reader the chart is one picture with a sentence.
 */
import { memo, useMemo, type ReactNode } from 'react';
import type { TransitionGraph, TransitionId } from '../../../../../src/machines/transition-graph.ts';
import type { ChartLayout } from '../../../../../src/operations/charts/chart-layout.ts';
import type { Box, MachineAnswer } from '../machine-answers.ts';
import { Button } from '../../../design/button.tsx';
import { Arrow, ArrowLabel, InnerLines, StartMark, StateBox, type EdgeLine } from './chart-drawing.tsx';
import { arrowLook, chartSentence, lookOf, type ChartLight } from './chart-light.ts';
import { stateName } from '../../../../../src/operations/charts/chart-text.ts';
import { boundsOf, type Charts } from './chart-viewport.ts';
import { useViewport, type Moves } from './use-viewport.ts';
import './chart.css';

type MachineChartProps = {
  readonly machine: Pick<MachineAnswer, 'graph' | 'layout' | 'outline'>;
  readonly light: ChartLight;
  /** Lower, for a page with many charts. */
  readonly isSmall?: boolean;
};

const linesOf = (
  { ids, lines }: { readonly ids: readonly TransitionId[]; readonly lines: readonly string[] },
  light: ChartLight,
): readonly EdgeLine[] => lines.map((text, index) => ({ text, look: lookOf(ids[index] ?? '', light) }));

const keyOf = ({ ids }: { readonly ids: readonly TransitionId[] }): string => ids[0] ?? '';

const Tools = ({ moves, hasActive }: { readonly moves: Moves; readonly hasActive: boolean }) => (
  <div className="chart-tools" role="group" aria-label="Size of the chart">
    <Button onPress={moves.near}>{hasActive ? 'Active' : 'Details'}</Button>
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

type DrawingProps = {
  readonly graph: TransitionGraph;
  readonly layout: ChartLayout;
  readonly light: ChartLight;
};

/** Drawn anew when something is lit, not while it is moved. */
const Drawing = memo(({ graph, layout, light }: DrawingProps): ReactNode => {
  const states = useMemo(() => new Map(graph.states.map((state) => [state.id, state])), [graph]);
  return (
    <>
      {layout.states.map((box) => {
        const state = states.get(box.id);
        return state === undefined ? null : (
          <StateBox key={box.id} state={state} box={box} isActive={light.active.has(box.id)} />
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
        {layout.edges.map((edge) =>
          edge.label.width === 0 ? null : <ArrowLabel key={keyOf(edge)} edge={edge} lines={linesOf(edge, light)} />,
        )}
      </g>
    </>
  );
});
Drawing.displayName = 'Drawing';

export const MachineChart = ({ machine, light, isSmall = false }: MachineChartProps) => {
  const { graph, layout, outline } = machine;
  const charts = useMemo<Charts>(() => ({ details: layout, outline }), [layout, outline]);
  const leaves = useMemo(
    () => graph.states.filter(({ id }) => light.active.has(id) && isLeaf(graph, id)).map(({ id }) => id),
    [graph, light.active],
  );
  const at = useMemo(
    () => ({ details: placeOf(charts.details, leaves), outline: placeOf(charts.outline, leaves) }),
    [charts, leaves],
  );
  const { box, form, view, isFitted, moves, handlers } = useViewport(charts, at);
  const names = ['chart', isSmall ? 'chart-small' : '', isFitted ? 'chart-fitted' : ''];
  return (
    <div className={names.join(' ')}>
      <div
        ref={box}
        className="chart-screen"
        tabIndex={0}
        role="group"
        aria-label="Chart: arrow keys move it, plus and minus change its size, 0 shows all of it, 1 its details"
        {...handlers}
      >
        <svg className="chart-svg" role="img" aria-label={chartSentence(graph, light)}>
          <g data-form={form} transform={`translate(${String(view.x)} ${String(view.y)}) scale(${String(view.scale)})`}>
            <Drawing graph={graph} layout={charts[form]} light={light} />
          </g>
        </svg>
      </div>
      {leaves.length === 0 ? null : (
        <p className="chart-now">
          {/* Beside the chart and not in it, where whatever lies over arrows hides them. */}
          {leaves.map((id) => (
            <span key={id}>● {stateName(id, graph)}</span>
          ))}
        </p>
      )}
      <Tools moves={moves} hasActive={leaves.length > 0} />
    </div>
  );
};

const isLeaf = ({ states }: TransitionGraph, id: string): boolean => !states.some(({ parent }) => parent === id);

/** Around what is active; without that where the machine begins. */
const placeOf = ({ states }: ChartLayout, active: readonly string[]): Box => {
  const boxes = states.filter(({ id }) => active.includes(id));
  return boundsOf(boxes) ?? states[0] ?? { x: 0, y: 0, width: 0, height: 0 };
};
