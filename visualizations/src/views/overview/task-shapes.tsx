/**
 * The tasks of a chart from so far that no text has room: a coloured bar each, and what the colours mean with how many there are. What is
 * not begun is hollow, what needs somebody has an edge, so that colour alone says nothing.
 */
import { memo, useMemo } from 'react';
import type { TaskLayout } from '../../../../src/operations/charts/task-layout.ts';
import { formatCount } from '../../design/format.ts';
import { StateIcon } from '../../design/state-icon.tsx';
import { stateLook } from '../../design/state-looks.ts';

/** A thousand elements would cost more than everything else on the page: all bars of a state are one path. */
type ShapesProps = { readonly layout: TaskLayout; readonly stateOf: ReadonlyMap<string, string> };

const barsOf = (nodes: TaskLayout['nodes']): string =>
  nodes
    .map(
      ({ x, y, width, height }) => `M${String(x)} ${String(y)}h${String(width)}v${String(height)}h-${String(width)}z`,
    )
    .join('');

export const TaskShapes = memo(({ layout, stateOf }: ShapesProps) => {
  const groups = useMemo(
    () => [...Map.groupBy(layout.nodes, ({ taskId }) => stateOf.get(taskId) ?? null)],
    [layout, stateOf],
  );
  return (
    <svg className="task-shapes" width={layout.width} height={layout.height} aria-hidden="true">
      {groups.map(([state, nodes]) =>
        state === null ? null : (
          <path
            key={state}
            className={`task-shape tone-${stateLook(state).tone}`}
            data-shape={state}
            d={barsOf(nodes)}
          />
        ),
      )}
    </svg>
  );
});
TaskShapes.displayName = 'TaskShapes';

export const ShapesLegend = ({ stateOf }: Pick<ShapesProps, 'stateOf'>) => {
  const counts = useMemo(
    () => [...Map.groupBy(stateOf.values(), (state) => state)].toSorted(([, a], [, b]) => b.length - a.length),
    [stateOf],
  );
  return (
    <ul className="task-legend small" aria-label="Tasks by state">
      {counts.map(([state, { length }]) => {
        const { tone, shape, label } = stateLook(state);
        return (
          <li key={state} className={`tone-${tone}`}>
            <StateIcon shape={shape} /> {formatCount(length)} {label}
          </li>
        );
      })}
    </ul>
  );
};
