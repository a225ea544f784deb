/** What is said of a task in one place of a list or a chart: how long, how far, why not. */
import { memo } from 'react';
import type { OverviewRun, OverviewTask } from '../../../../src/operations/read-models/overview.ts';
import { Elapsed } from '../../design/age.tsx';
import { Said } from '../../design/said.tsx';
import { WhyText } from '../../design/why-text.tsx';

/** The last attempt's time; nothing when it never began. */
export const TaskTime = ({ run }: { readonly run: OverviewRun | null }) =>
  run?.startedAt == null ? null : (
    <Elapsed from={run.startedAt} to={run.settled ? (run.endedAt ?? run.updatedAt) : null} />
  );

type TaskNoteProps = { readonly task: OverviewTask };

/** Why it does not run, else what the agent said last. */
export const TaskNote = memo(({ task }: TaskNoteProps) => {
  if (task.reason !== null) return <WhyText reason={task.reason} said={task.said} />;
  return task.progress === null ? null : <Said text={task.progress} />;
});
TaskNote.displayName = 'TaskNote';

/** `attempt 2 of 3`, from the second on. */
export const Attempt = ({ task }: { readonly task: OverviewTask }) =>
  task.attempts < 2 ? null : (
    <span className="muted nowrap">
      attempt {task.attempts} of {task.maxAttempts}
    </span>
  );
