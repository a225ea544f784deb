/** The tasks of an objective as a list: the form for phones, for search, and for whoever prefers text to charts. */
import { memo, useMemo, useState } from 'react';
import type { OverviewRun, OverviewTask } from '../../../../src/operations/read-models/overview.ts';
import { Link } from '../../app/link.tsx';
import { useItems } from '../../connection/use-conductor.ts';
import { counted } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty } from '../../design/notes.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { matches, shownState, waitingTasks } from './overview-order.ts';
import { Attempt, TaskNote, TaskTime } from './task-line.tsx';

/** Height of a row before it is measured, in px. */
const ROW_HEIGHT = 44;
/** Lists this long can be searched. */
const SEARCH_FROM = 12;

type RowProps = {
  readonly task: OverviewTask;
  readonly run: OverviewRun | null;
  /** The open gate of the task or its run. */
  readonly gateId: string | null;
};

const TaskRow = memo(({ task, run, gateId }: RowProps) => (
  <div className="task-row">
    {gateId === null ? (
      <StateBadge state={task.state} />
    ) : (
      <Link to={{ view: 'gate', id: gateId }} className="task-row-gate" title="Open the gate">
        <StateBadge state={shownState(task, gateId)} />
      </Link>
    )}
    <div className="task-row-text">
      <Link to={{ view: 'entity', id: task.taskId }} row className="row-title clamp">
        <SafeText text={task.title} />
      </Link>
      <div className="task-row-note small muted">
        <TaskNote task={task} />
      </div>
    </div>
    <div className="task-row-end small muted">
      <Attempt task={task} />
      <TaskTime run={run} />
      {task.runId === null ? null : <Link to={{ view: 'run', id: task.runId }}>run</Link>}
    </div>
  </div>
));
TaskRow.displayName = 'TaskRow';

type TaskListProps = { readonly tasks: readonly OverviewTask[]; readonly label: string };

export const TaskList = ({ tasks, label }: TaskListProps) => {
  const { runs, gates } = useItems();
  const [wanted, setWanted] = useState('');
  const waiting = useMemo(() => waitingTasks({ runs, gates }), [runs, gates]);
  const gateOf = ({ taskId }: OverviewTask): string | null => waiting.get(taskId) ?? null;
  const found =
    wanted.trim() === '' ? tasks : tasks.filter((task) => matches(task, wanted.trim(), shownState(task, gateOf(task))));
  return (
    <div>
      {tasks.length < SEARCH_FROM ? null : (
        <div className="task-search">
          <input
            type="search"
            data-search=""
            aria-label={`Search in ${label}`}
            placeholder="Title, state or id"
            value={wanted}
            onChange={(event) => {
              setWanted(event.currentTarget.value);
            }}
          />
          <span className="small muted" role="status">
            {counted(found.length, 'task')}
          </span>
        </div>
      )}
      {found.length === 0 ? (
        <Empty title="No task matches">Search for a part of a title, a state such as «failed», or an id.</Empty>
      ) : (
        <VirtualList
          items={found}
          label={label}
          keyOf={(task) => task.taskId}
          rowHeight={ROW_HEIGHT}
          row={(task) => <TaskRow task={task} run={runs.get(task.runId ?? '') ?? null} gateId={gateOf(task)} />}
        />
      )}
    </div>
  );
};
