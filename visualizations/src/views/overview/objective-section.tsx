/** An objective: how far it is, and its tasks as a chart or as a list. */
import { useId, useMemo, useState } from 'react';
import type { OverviewObjective, OverviewTask } from '../../../../src/operations/read-models/overview.ts';
import { Link } from '../../app/link.tsx';
import { Button } from '../../design/button.tsx';
import { counted } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty } from '../../design/notes.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { stateLook } from '../../design/state-looks.ts';
import { layoutKey } from './overview-order.ts';
import { TaskChart } from './task-chart.tsx';
import { TaskList } from './task-list.tsx';
import { isNarrow } from '../../design/window-width.ts';

/** From what is over to what is not begun: the bar fills from the left. */
const BUCKETS = [
  'completed',
  'running',
  'needs_review',
  'blocked',
  'failed',
  'canceled',
  'ready',
  'delayed',
  'waiting',
  'draft',
] as const;

/** Each bucket as a part of a bar, with its count in words for those who do not see it. */
const ProgressBar = ({ tasks }: Pick<OverviewObjective, 'tasks'>) => {
  const parts = BUCKETS.map((bucket) => ({ bucket, count: tasks[bucket] ?? 0 })).filter(({ count }) => count > 0);
  const text = parts.map(({ bucket, count }) => `${String(count)} ${stateLook(bucket).label}`).join(', ');
  return (
    <div className="progress" role="img" aria-label={text} title={text}>
      {parts.map(({ bucket, count }) => (
        <span key={bucket} className={`progress-part tone-${stateLook(bucket).tone}`} style={{ flexGrow: count }} />
      ))}
    </div>
  );
};

const countText = ({ tasks }: OverviewObjective): string => {
  const all = Object.values(tasks).reduce((sum, count) => sum + count, 0);
  return `${String(tasks['completed'] ?? 0)} of ${counted(all, 'task')} done`;
};

type Form = 'chart' | 'list';

const FormSwitch = ({ form, onForm }: { readonly form: Form; readonly onForm: (form: Form) => void }) => (
  <div className="switch" role="group" aria-label="Form">
    {(['chart', 'list'] as const).map((name) => (
      <Button
        key={name}
        kind="quiet"
        isPressed={form === name}
        onPress={() => {
          onForm(name);
        }}
      >
        {name === 'chart' ? 'Chart' : 'List'}
      </Button>
    ))}
  </div>
);

type TasksProps = {
  readonly objective: OverviewObjective;
  readonly tasks: readonly OverviewTask[];
  readonly form: Form;
  readonly heightMax: number;
};

const Tasks = ({ objective, tasks, form, heightMax }: TasksProps) => {
  const key = useMemo(() => layoutKey(objective.objectiveId, tasks), [objective.objectiveId, tasks]);
  const label = `Tasks of ${objective.title}`;
  if (tasks.length === 0) {
    return (
      <Empty title="No tasks here">Add one with conductor_create_task, or run a plan: conductor run plan.yaml</Empty>
    );
  }
  return form === 'chart' ? (
    <TaskChart objectiveId={objective.objectiveId} layoutKey={key} tasks={tasks} label={label} heightMax={heightMax} />
  ) : (
    <TaskList tasks={tasks} label={label} />
  );
};

/** How high a chart among others may be, and one that is alone, in px. */
const HEIGHT_AMONG_OTHERS = 420;
const HEIGHT_ALONE = 680;

type ObjectiveSectionProps = {
  readonly objective: OverviewObjective;
  readonly tasks: readonly OverviewTask[];
  readonly isOpenAtFirst: boolean;
  /** There is room: no other is open beside it. */
  readonly isLarge?: boolean;
  /** It is the only one that is shown. */
  readonly isAlone?: boolean;
};

export const ObjectiveSection = ({ objective, tasks, isOpenAtFirst, ...rest }: ObjectiveSectionProps) => {
  const { isLarge = false, isAlone = false } = rest;
  const id = useId();
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const [form, setForm] = useState<Form>(isNarrow() ? 'list' : 'chart');
  const heightMax = isAlone || isLarge ? HEIGHT_ALONE : HEIGHT_AMONG_OTHERS;
  return (
    <section className="panel objective" aria-labelledby={id}>
      <header className="objective-head">
        <button
          type="button"
          className="fold"
          aria-expanded={isOpen}
          aria-labelledby={id}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          <span className="fold-sign" aria-hidden="true" />
        </button>
        <h2 id={id} className="objective-title">
          <Link
            to={{ view: isAlone ? 'entity' : 'objective', id: objective.objectiveId }}
            row
            className="row-title clamp"
          >
            <SafeText text={objective.title} />
          </Link>
        </h2>
        <StateBadge state={objective.state} />
        <span className="small muted nowrap">{countText(objective)}</span>
        <ProgressBar tasks={objective.tasks} />
        {isOpen ? <FormSwitch form={form} onForm={setForm} /> : null}
      </header>
      {objective.reason === null ? null : (
        <p className="objective-reason small muted">
          <SafeText text={objective.reason} />
        </p>
      )}
      {isOpen ? (
        <div className="panel-flush">
          <Tasks objective={objective} tasks={tasks} form={form} heightMax={heightMax} />
        </div>
      ) : null}
    </section>
  );
};
