/** The project at a glance: what is being done, what waits for a person, what went wrong. With an id: one objective alone. */
import { useMemo, useState } from 'react';
import { Link } from '../../app/link.tsx';
import { useFeed, useItems } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted } from '../../design/format.ts';
import { Empty, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { RunningPanel, TroublePanel, WaitingPanel } from './live-panels.tsx';
import { ObjectiveSection } from './objective-section.tsx';
import { isDone, orderedObjectives, tasksByObjective } from './overview-order.ts';
import { TaskList } from './task-list.tsx';
import './overview.css';

/** Objectives whose tasks are shown without being asked for. */
const OPEN_MAX = 4;
/** Done objectives that are listed at first. */
const DONE_MAX = 8;

const Omitted = () => {
  const omitted = useFeed((view) => view.omitted);
  if (omitted.objectives + omitted.tasks === 0) return null;
  return (
    <p className="muted small">
      Not shown: {counted(omitted.objectives, 'objective')} and {counted(omitted.tasks, 'task')}. In a terminal:
      conductor objectives
    </p>
  );
};

const Objectives = ({ only }: { readonly only: string | null }) => {
  const items = useItems();
  const [isAllShown, setAllShown] = useState(false);
  const ordered = useMemo(() => orderedObjectives(items), [items]);
  const tasks = useMemo(() => tasksByObjective(items), [items]);
  const wanted = only === null ? ordered : ordered.filter(({ objectiveId }) => objectiveId === only);
  const live = wanted.filter((objective) => !isDone(objective));
  const done = wanted.filter(isDone);
  const shown = [...live, ...(isAllShown ? done : done.slice(0, DONE_MAX))];
  const loose = only === null ? (tasks.get(null) ?? []) : [];
  if (only !== null && wanted.length === 0) {
    return (
      <Empty title="This objective is not here">
        At this moment there is none with the id {only}. <Link to={{ view: 'overview' }}>To the overview</Link>
      </Empty>
    );
  }
  return (
    <>
      {shown.map((objective, index) => (
        <ObjectiveSection
          key={objective.objectiveId}
          objective={objective}
          tasks={tasks.get(objective.objectiveId) ?? []}
          isOpenAtFirst={only !== null || (index < OPEN_MAX && !isDone(objective))}
          isLarge={live.length === 1}
          isAlone={only !== null}
        />
      ))}
      {shown.length < wanted.length ? (
        <Button
          onPress={() => {
            setAllShown(true);
          }}
        >
          Show {counted(wanted.length - shown.length, 'more done objective')}
        </Button>
      ) : null}
      {loose.length === 0 ? null : (
        <Panel title="Tasks without an objective" aside={<span className="count">{loose.length}</span>} isFlush>
          <TaskList tasks={loose} label="Tasks without an objective" />
        </Panel>
      )}
    </>
  );
};

const Nothing = () => (
  <Empty title="Nothing here yet">
    Hand Conductor work from a terminal in this repository: <code>conductor run plan.yaml</code>, or one command:{' '}
    <code>conductor run --title T -- make test</code>
  </Empty>
);

export const OverviewView = ({ objectiveId }: { readonly objectiveId: string | null }) => {
  const isThere = useFeed((view) => view.lastSeq !== null);
  const { objectives, tasks } = useItems();
  if (!isThere) return <Loading what="the project" />;
  const isEmpty = objectives.size === 0 && tasks.size === 0;
  return (
    <div className="overview">
      <h1 className="visually-hidden">{objectiveId === null ? 'Overview' : 'Objective'}</h1>
      <aside className="overview-side stack" aria-label="Now">
        <WaitingPanel />
        <RunningPanel />
        <TroublePanel />
      </aside>
      <div className="overview-main stack">
        {objectiveId === null ? null : <Link to={{ view: 'overview' }}>← All objectives</Link>}
        {isEmpty ? <Nothing /> : <Objectives key={objectiveId} only={objectiveId} />}
        {objectiveId === null ? <Omitted /> : null}
      </div>
    </div>
  );
};
