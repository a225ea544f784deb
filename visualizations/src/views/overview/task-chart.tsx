/**
 * The tasks of an objective as a chart of what waits for what. Only what is seen exists, so that 1,000 tasks move smoothly.
 */
import { memo, useMemo, useRef, type CSSProperties } from 'react';
import type { TaskLayout } from '../../../../src/operations/charts/task-layout.ts';
import type { OverviewRun, OverviewTask } from '../../../../src/operations/read-models/overview.ts';
import { Link } from '../../app/link.tsx';
import { useItems } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { SafeText } from '../../design/model-text.tsx';
import { ErrorNote, Loading } from '../../design/notes.tsx';
import { StateIcon } from '../../design/state-icon.tsx';
import { stateLook } from '../../design/state-looks.ts';
import { shownState, waitingTasks } from './overview-order.ts';
import { isSeen, revealed, wantedHeight, type ChartPlace } from './chart-view.ts';
import { ShapesLegend, TaskShapes } from './task-shapes.tsx';
import { useTaskLayout } from './task-layout.ts';
import { TaskNote, TaskTime } from './task-line.tsx';
import { useBoxSize, useChartHandlers, useChartPlace, type ChartMoves } from './use-chart-moves.ts';

/** Below this scale a task is a coloured box with a sign: its text could not be read. */
const TEXT_FROM = 0.42;
/** Below this scale, or with more of them in sight than that and no text, it is a coloured bar: no sign has room. */
const SIGNS_FROM = 0.2;
const SIGNS_MAX = 300;
/** What the buttons take of the box at its foot, in px: at rest no task lies below them. */
const TOOLS_HEIGHT = 36;

type Node = TaskLayout['nodes'][number];

type TaskNodeProps = {
  readonly node: Node;
  readonly task: OverviewTask;
  readonly run: OverviewRun | null;
  /** The open gate of the task or its run. */
  readonly gateId: string | null;
};

const TaskNode = memo(({ node, task, run, gateId }: TaskNodeProps) => {
  const state = shownState(task, gateId);
  const { tone, shape, label } = stateLook(state);
  return (
    <Link
      to={state === task.state || gateId === null ? { view: 'entity', id: task.taskId } : { view: 'gate', id: gateId }}
      row
      className={`task-node tone-${tone}`}
      style={{ left: node.x, top: node.y, width: node.width, height: node.height }}
      draggable={false}
      data-task={task.taskId}
    >
      <span className="task-node-title">
        <StateIcon shape={shape} />
        <span className="ellipsis">
          <SafeText text={task.title} />
        </span>
      </span>
      <span className="task-node-note">
        <span className="task-node-state">{label}</span> <TaskTime run={run} />
        <span className="ellipsis">
          <TaskNote task={task} />
        </span>
      </span>
    </Link>
  );
});
TaskNode.displayName = 'TaskNode';

/** Half the width of an arrow's head, and its length, in px of the chart. */
const HEAD = { half: 3.5, length: 7 };

const headOf = (points: TaskLayout['edges'][number]['points']): string => {
  const end = points.at(-1);
  const before = points.at(-2);
  if (end === undefined || before === undefined) return '';
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const [ux, uy] = [(end.x - before.x) / length, (end.y - before.y) / length];
  const [bx, by] = [end.x - ux * HEAD.length, end.y - uy * HEAD.length];
  const corner = (side: number): string =>
    `${String(bx - uy * HEAD.half * side)} ${String(by + ux * HEAD.half * side)}`;
  return `M${String(end.x)} ${String(end.y)}L${corner(1)}L${corner(-1)}z`;
};

/** All arrows are two paths: thousands of elements would cost more than everything else in the chart. */
const Arrows = memo(({ layout }: { readonly layout: TaskLayout }) => {
  const lines = layout.edges
    .map(({ points }) =>
      points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${String(x)} ${String(y)}`).join(''),
    )
    .join('');
  return (
    <svg className="task-arrows" width={layout.width} height={layout.height} aria-hidden="true">
      <path d={lines} fill="none" stroke="currentColor" strokeWidth="1.25" />
      <path d={layout.edges.map(({ points }) => headOf(points)).join('')} fill="currentColor" />
    </svg>
  );
});
Arrows.displayName = 'Arrows';

const Tools = ({ moves }: { readonly moves: ChartMoves }) => (
  <div className="task-chart-tools" role="group" aria-label="Size of the chart">
    <Button onPress={moves.zoomOut} label="Zoom out">
      −
    </Button>
    <Button onPress={moves.zoomIn} label="Zoom in">
      +
    </Button>
    <Button
      onPress={() => {
        moves.full();
      }}
    >
      100 %
    </Button>
    <Button onPress={moves.fit}>Fit</Button>
  </div>
);

type ChartProps = {
  readonly layout: TaskLayout;
  readonly tasks: readonly OverviewTask[];
  readonly label: string;
  readonly heightMax: number;
};

/** `--scale`: for what shall be as thick on the screen whatever the scale. */
const planeStyle = ({ x, y, scale }: ChartPlace): CSSProperties => ({
  transform: `translate(${String(x)}px, ${String(y)}px) scale(${String(scale)})`,
  ['--scale' as string]: scale,
});

const NONE: ReadonlyMap<string, string> = new Map();

const Chart = ({ layout, tasks, label, heightMax }: ChartProps) => {
  const box = useRef<HTMLDivElement>(null);
  const size = useBoxSize(box);
  const moves = useChartPlace(layout, { ...size, height: Math.max(0, size.height - TOOLS_HEIGHT) });
  const { runs, gates } = useItems();
  const waiting = useMemo(() => waitingTasks({ runs, gates }), [runs, gates]);
  const byId = useMemo(() => new Map(tasks.map((task) => [task.taskId, task])), [tasks]);
  const { place } = moves;
  const seen = layout.nodes.filter((node) => byId.has(node.taskId) && isSeen(node, place, size));
  const isFar = place.scale < TEXT_FROM;
  const areBars = isFar && (place.scale < SIGNS_FROM || seen.length > SIGNS_MAX);
  const { isDragging, ...handlers } = useChartHandlers(box, moves, areBars ? moves.full : () => undefined);
  const states = useMemo(
    () =>
      areBars ? new Map(tasks.map((task) => [task.taskId, shownState(task, waiting.get(task.taskId) ?? null)])) : NONE,
    [areBars, tasks, waiting],
  );
  const height = wantedHeight(layout, size.width, heightMax - TOOLS_HEIGHT) + TOOLS_HEIGHT;
  const reveal = (target: EventTarget): void => {
    const id = target instanceof HTMLElement ? target.dataset['task'] : undefined;
    const node = layout.nodes.find(({ taskId }) => taskId === id);
    if (box.current !== null) Object.assign(box.current, { scrollLeft: 0, scrollTop: 0 });
    if (node !== undefined) moves.change((known) => revealed(node, known, size));
  };
  return (
    <div className="task-chart">
      <div className="task-chart-frame">
        <div
          ref={box}
          className={`task-chart-box${isDragging ? ' is-dragging' : ''}${isFar ? ' is-far' : ''}${areBars ? ' are-bars' : ''}`}
          style={{ height }}
          role="group"
          aria-label={`${label}. Arrow keys move, plus and minus zoom, 0 shows all of it, 1 its full size.`}
          tabIndex={0}
          onFocus={(event) => {
            reveal(event.target);
          }}
          {...handlers}
        >
          <div className="task-chart-plane" style={planeStyle(place)}>
            <Arrows layout={layout} />
            {areBars ? <TaskShapes layout={layout} stateOf={states} /> : null}
            {(areBars ? [] : seen).map((node) => {
              const task = byId.get(node.taskId);
              return task === undefined ? null : (
                <TaskNode
                  key={node.taskId}
                  node={node}
                  task={task}
                  run={runs.get(task.runId ?? '') ?? null}
                  gateId={waiting.get(node.taskId) ?? null}
                />
              );
            })}
          </div>
        </div>
        <Tools moves={moves} />
      </div>
      {areBars ? <ShapesLegend stateOf={states} /> : null}
    </div>
  );
};

type TaskChartProps = Omit<ChartProps, 'layout'> & { readonly objectiveId: string; readonly layoutKey: string };

export const TaskChart = ({ objectiveId, layoutKey, ...rest }: TaskChartProps) => {
  const { details, error, reload } = useTaskLayout(objectiveId, layoutKey);
  if (details !== null) return <Chart layout={details} {...rest} />;
  if (error !== null) {
    return (
      <ErrorNote title="The chart cannot be laid out; the list shows the same tasks" error={error} onRetry={reload} />
    );
  }
  return <Loading what="the chart" />;
};
