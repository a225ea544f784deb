/** One gate in full: who asks what, what it is about, what it rests on, and the decision. */
import type { GateItem, RunItem } from '../../../../src/operations/read-models/item-schemas.ts';
import type { OverviewGate } from '../../../../src/operations/read-models/overview.ts';
import { Link } from '../../app/link.tsx';
import { gateName } from '../../connection/thing-names.ts';
import { useCall, useItems, useMoment } from '../../connection/use-conductor.ts';
import { Age } from '../../design/age.tsx';
import { CopyId } from '../../design/copy-id.tsx';
import { ModelText, SafeText } from '../../design/model-text.tsx';
import { ErrorNote } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { DecisionForm } from './decision-form.tsx';
import { GateEvidence } from './gate-evidence.tsx';

/** What is known of a gate: from the overview, or, of an older one, from the store. */
export type ShownGate = OverviewGate | GateItem;

const ASKERS: Readonly<Record<string, string>> = {
  child_run: 'the agent of a run',
  parent_agent: 'the agent that leads',
  system: 'Conductor',
  human: 'a person',
};

/** Who wrote the question. */
export const askerOf = ({ askedBy }: Pick<OverviewGate, 'askedBy'>): string => ASKERS[askedBy] ?? askedBy;

const Facts = ({ gate }: { readonly gate: ShownGate }) => {
  const { tasks, objectives } = useItems();
  const { taskId, runId, objectiveId } = gate;
  return (
    <dl className="facts">
      {taskId === null ? null : (
        <div>
          <dt>Task</dt>
          <dd>
            <Link to={{ view: 'entity', id: taskId }}>
              <SafeText text={tasks.get(taskId)?.title ?? taskId} />
            </Link>
          </dd>
        </div>
      )}
      {runId === null ? null : (
        <div>
          <dt>Run</dt>
          <dd>
            <Link to={{ view: 'run', id: runId }} className="mono">
              {runId}
            </Link>
          </dd>
        </div>
      )}
      {objectiveId === null ? null : (
        <div>
          <dt>Objective</dt>
          <dd>
            <Link to={{ view: 'objective', id: objectiveId }}>
              <SafeText text={objectives.get(objectiveId)?.title ?? objectiveId} />
            </Link>
          </dd>
        </div>
      )}
      <div>
        <dt>Gate</dt>
        <dd>
          <CopyId id={gate.gateId} /> · <Link to={{ view: 'entity', id: gate.gateId }}>its machine</Link>
        </dd>
      </div>
      {gate.expiresAt === null || gate.state !== 'open' ? null : (
        <div>
          <dt>Closes</dt>
          <dd>
            by itself at <time>{new Date(gate.expiresAt).toLocaleString()}</time>
          </dd>
        </div>
      )}
    </dl>
  );
};

/** What the agent reported at the end of its run: what a review decides about. */
const RunWord = ({ runId }: { readonly runId: string }) => {
  const { details, error, reload } = useCall<{ readonly run: RunItem }>('conductor_get_run', { runId });
  if (error !== null) return <ErrorNote title="What its run reported cannot be read" error={error} onRetry={reload} />;
  const completion = details?.run.completion ?? null;
  if (completion === null || completion.summary === '') return null;
  return (
    <div>
      <p className="small muted">Its run reported {completion.status}:</p>
      <ModelText text={completion.summary} />
    </div>
  );
};

const Resolution = ({ gate }: { readonly gate: GateItem }) => (
  <div className="stack-tight">
    <p>
      {gate.state === 'used' ? 'approved' : gate.state} by{' '}
      {gate.resolvedBy === null ? 'nobody' : (ASKERS[gate.resolvedBy] ?? gate.resolvedBy)}{' '}
      {gate.resolvedAt === null ? null : <Age at={gate.resolvedAt} />}
    </p>
    {gate.reason === null ? null : (
      <ModelText text={gate.reason} author={ASKERS[gate.resolvedBy ?? ''] ?? 'the decider'} />
    )}
    {gate.answer === null || gate.answer === gate.reason ? null : (
      <ModelText text={gate.answer} author={ASKERS[gate.resolvedBy ?? ''] ?? 'the decider'} />
    )}
  </div>
);

type GateDetailProps = {
  readonly gate: ShownGate;
  /** The same gate as the store has it; null while it is read. */
  readonly stored: GateItem | null;
};

export const GateDetail = ({ gate, stored }: GateDetailProps) => {
  const { seq } = useMoment();
  return (
    <article className="stack" aria-label={`Gate ${gate.gateId}`}>
      <Panel
        title={gateName(gate.type)}
        aside={<StateBadge state={gate.state} />}
        actions={
          <span className="small muted">
            asked by {askerOf(gate)}, <Age at={gate.createdAt} />
          </span>
        }
      >
        <div className="stack">
          {/* Also what Conductor asks names a title that an agent may have written. */}
          <ModelText text={gate.ask} author={askerOf(gate)} />
          {gate.runId === null ? null : <RunWord key={gate.runId} runId={gate.runId} />}
          <Facts gate={gate} />
        </div>
      </Panel>
      {gate.state === 'open' ? (
        <Panel title="Decide">
          {seq === null ? (
            <DecisionForm key={gate.gateId} gateId={gate.gateId} type={gate.type} />
          ) : (
            <p className="muted">At this moment it was open. Go back to now to decide it.</p>
          )}
        </Panel>
      ) : stored === null ? null : (
        <Panel title="Decided">
          <Resolution gate={stored} />
        </Panel>
      )}
      <GateEvidence key={gate.runId} runId={gate.runId} />
    </article>
  );
};
