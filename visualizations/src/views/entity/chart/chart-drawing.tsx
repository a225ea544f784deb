/** The marks of a chart: states as boxes, transitions as arrows with what they say. Each is drawn again only when its look changed. */
import { memo } from 'react';
import type { GraphState } from '../../../../../src/machines/transition-graph.ts';
import type {
  ChartEdge,
  ChartInternal,
  ChartLayout,
  ChartPoint,
  ChartState,
} from '../../../../../src/operations/charts/chart-layout.ts';
import { CHART_FONT } from '../../../../../src/operations/charts/chart-text.ts';
import { LOOK_SIGNS, type EdgeLook } from './chart-light.ts';
import { headPath, linePath } from './chart-paths.ts';

const { padding, titleHeight, lineHeight } = CHART_FONT;
/** Baselines, from the top of a box and from the bottom of a line, in px. */
const TITLE_BASE = 18;
const LINE_BASE = 4;
/** Between a line's sign and its text, in px. */
const SIGN_GAP = 2;

export type EdgeLine = { readonly text: string; readonly look: EdgeLook };

const Lines = ({ lines, at }: { readonly lines: readonly EdgeLine[]; readonly at: ChartPoint }) =>
  lines.map(({ text, look }, index) => {
    const y = at.y + lineHeight * (index + 1) - LINE_BASE;
    return (
      // Lines of one label have no other name than their place.
      // oxlint-disable-next-line react/no-array-index-key
      <g key={index} className={`chart-line look-${look}`}>
        {LOOK_SIGNS[look] === '' ? null : (
          <text x={at.x - SIGN_GAP} y={y} textAnchor="end" className="chart-sign">
            {LOOK_SIGNS[look]}
          </text>
        )}
        <text x={at.x} y={y}>
          {text}
        </text>
      </g>
    );
  });

const sameLines = (a: readonly EdgeLine[], b: readonly EdgeLine[]): boolean =>
  a.length === b.length && a.every((line, index) => line.look === b[index]?.look && line.text === b[index].text);

type StateBoxProps = {
  readonly state: GraphState;
  readonly box: ChartState;
  readonly isActive: boolean;
};

const isBranch = ({ kind }: GraphState): boolean => kind === 'compound' || kind === 'parallel';

/** Half the height of small letters over the size of the font: what lies so far below the middle looks centred. */
const MIDDLE_RATIO = 0.35;

/** In the middle of its box; where lines stand below it, in the middle of their top. */
const Title = ({ state, box: { x, y, width, height } }: Pick<StateBoxProps, 'state' | 'box'>) => {
  const isAlone = !isBranch(state) && height < titleHeight + lineHeight;
  return (
    <text
      x={x + width / 2}
      y={y + (isAlone ? height / 2 + CHART_FONT.title * MIDDLE_RATIO : TITLE_BASE)}
      textAnchor="middle"
      className="chart-title"
      fontSize={CHART_FONT.title}
    >
      {state.key}
    </text>
  );
};

export const StateBox = memo(({ state, box, isActive }: StateBoxProps) => {
  const { x, y, width, height, notes } = box;
  return (
    <g
      className={`chart-state chart-${state.kind}${isActive ? ' is-active' : ''}`}
      data-state={state.id}
      data-active={isActive ? '' : undefined}
    >
      <rect x={x} y={y} width={width} height={height} rx={8} className="chart-box" />
      {state.kind === 'final' ? (
        <rect x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx={5} className="chart-ring" />
      ) : null}
      <Title state={state} box={box} />
      {notes.map((note, index) => (
        <text
          key={note}
          x={x + padding}
          y={y + titleHeight + lineHeight * (index + 1) - LINE_BASE}
          className="chart-note"
        >
          {note}
        </text>
      ))}
      {isActive ? <circle cx={x + width} cy={y} r={6} className="chart-lamp" /> : null}
    </g>
  );
});
StateBox.displayName = 'StateBox';

type InnerProps = { readonly inner: ChartInternal; readonly isAnywhere: boolean; readonly lines: readonly EdgeLine[] };

/** What a state takes without being left; of the machine itself: what every state takes. */
export const InnerLines = memo(
  ({ inner: { x, y, width, height }, isAnywhere, lines }: InnerProps) => (
    <g className="chart-inner">
      {isAnywhere ? (
        <>
          <rect
            x={x - padding}
            y={y - titleHeight}
            width={width + 2 * padding}
            height={height + titleHeight + padding}
            rx={8}
            className="chart-anywhere"
          />
          <text x={x} y={y - 8} className="chart-note">
            in every state that is not final
          </text>
        </>
      ) : null}
      <Lines lines={lines} at={{ x, y }} />
    </g>
  ),
  (a, b) => a.inner === b.inner && sameLines(a.lines, b.lines),
);
InnerLines.displayName = 'InnerLines';

export const StartMark = memo(({ start }: { readonly start: ChartLayout['starts'][number] }) => (
  <g className="chart-arrow chart-start">
    <circle cx={start.x} cy={start.y} r={5} className="chart-head" />
    <path d={linePath(start.points)} className="chart-path" />
    <path d={headPath(start.points)} className="chart-head" />
  </g>
));
StartMark.displayName = 'StartMark';

type ArrowProps = {
  readonly edge: ChartEdge;
  readonly look: EdgeLook;
  /** Changes when it is to be traced anew; null: no trace. */
  readonly trace: number | null;
};

export const Arrow = memo(({ edge, look, trace }: ArrowProps) => {
  const line = linePath(edge.points);
  return (
    <g className={`chart-arrow look-${look}`} data-edge={edge.ids.join('\n')} data-look={look}>
      <path d={line} className="chart-path" />
      <path d={headPath(edge.points)} className="chart-head" />
      {trace === null ? null : <path key={trace} d={line} pathLength={1} className="chart-trace" />}
    </g>
  );
});
Arrow.displayName = 'Arrow';

/** Above all arrows, so that none runs through a text. */
export const ArrowLabel = memo(
  ({ edge: { label }, lines }: { readonly edge: ChartEdge; readonly lines: readonly EdgeLine[] }) => (
    <g>
      <rect x={label.x} y={label.y} width={label.width} height={label.height} rx={3} className="chart-label" />
      <Lines lines={lines} at={{ x: label.x + 4, y: label.y + 2 }} />
    </g>
  ),
  (a, b) => a.edge === b.edge && sameLines(a.lines, b.lines),
);
ArrowLabel.displayName = 'ArrowLabel';
