/** Beside the objectives: what waits for a person, what runs, what went wrong. */
import { memo, useMemo } from 'react';
import type { OverviewGate, OverviewRun, OverviewTask } from '../../../../src/operations/read-models/overview.ts';
import { openGates } from '../../app/headline.ts';
import { Link } from '../../app/link.tsx';
import type { Pulse } from '../../connection/feed-state.ts';
import { useItems, usePulse } from '../../connection/use-conductor.ts';
import { Age, Elapsed } from '../../design/age.tsx';
import { useNow } from '../../design/clock.ts';
import { formatDuration, formatRate } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Panel } from '../../design/panel.tsx';
import { Said } from '../../design/said.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { Usage } from '../../design/usage.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { WhyText } from '../../design/why-text.tsx';
import { liveRuns, recentTrouble } from './overview-order.ts';

/** Shown of each; the rest is a press away. */
const GATES_MAX = 8;
const TROUBLE_MAX = 8;
const ROW_HEIGHT = 58;
const RUNS_HEIGHT_MAX = 420;
/** Silence that is worth saying, in ms. */
const IDLE_FROM_MS = 10_000;

const GateRow = memo(({ gate }: { readonly gate: OverviewGate }) => (
  <li className="side-row">
    <StateBadge state={gate.state} iconOnly />
    <div className="side-text">
      <Link to={{ view: 'gate', id: gate.gateId }} row className="row-title clamp">
        <SafeText text={gate.ask} />
      </Link>
      <p className="small muted">
        {gate.type.replaceAll('_', ' ')} · waits <Age at={gate.createdAt} suffix="" />
      </p>
    </div>
  </li>
));
GateRow.displayName = 'GateRow';

export const WaitingPanel = () => {
  const items = useItems();
  const gates = useMemo(() => openGates(items), [items]);
  return (
    <Panel
      title="Waits for you"
      aside={<span className="count">{gates.length}</span>}
      actions={gates.length > GATES_MAX ? <Link to={{ view: 'gates' }}>All {gates.length}</Link> : undefined}
      isFlush
    >
      {gates.length === 0 ? (
        <p className="side-empty muted">Nothing. Questions and reviews appear here.</p>
      ) : (
        <ul>
          {gates.slice(0, GATES_MAX).map((gate) => (
            <GateRow key={gate.gateId} gate={gate} />
          ))}
        </ul>
      )}
    </Panel>
  );
};

/** What the supervisor hears of a run right now. */
const PulseLine = ({ pulse }: { readonly pulse: Pulse | null }) => {
  const now = useNow();
  if (pulse === null) return null;
  const idleMs = now - pulse.heardAt;
  const rate = pulse.bytesPerSecond ?? 0;
  return (
    <>
      {pulse.connected ? null : <span className="note-warn"> · runner away</span>}
      {rate > 0 ? <span> · {formatRate(rate)}</span> : null}
      {idleMs >= IDLE_FROM_MS ? <span> · idle {formatDuration(idleMs)}</span> : null}
    </>
  );
};

type RunRowProps = { readonly run: OverviewRun; readonly task: OverviewTask | null };

const RunRow = memo(({ run, task }: RunRowProps) => {
  const pulse = usePulse(run.runId);
  return (
    <div className="side-row">
      <StateBadge state={run.status} iconOnly />
      <div className="side-text">
        <Link to={{ view: 'run', id: run.runId }} row className="row-title ellipsis">
          <SafeText text={task?.title ?? run.runId} />
        </Link>
        <p className="side-facts small muted">
          <span className="ellipsis">
            {run.startedAt === null ? run.status.replaceAll('_', ' ') : <Elapsed from={run.startedAt} />}
            {run.attempt > 1 ? ` · attempt ${String(run.attempt)}` : null}
            <PulseLine pulse={pulse} />
          </span>
          <Usage of={pulse} />
        </p>
        {run.progress === null ? null : (
          <p className="small ellipsis">
            <Said text={run.progress} />
          </p>
        )}
      </div>
    </div>
  );
});
RunRow.displayName = 'RunRow';

export const RunningPanel = () => {
  const items = useItems();
  const runs = useMemo(() => liveRuns(items), [items]);
  return (
    <Panel title="Running" aside={<span className="count">{runs.length}</span>} isFlush>
      {runs.length === 0 ? (
        <p className="side-empty muted">Nothing. Start something: conductor run plan.yaml</p>
      ) : (
        <VirtualList
          items={runs}
          label="Running"
          keyOf={(run) => run.runId}
          rowHeight={ROW_HEIGHT}
          heightMax={RUNS_HEIGHT_MAX}
          row={(run) => <RunRow run={run} task={items.tasks.get(run.taskId) ?? null} />}
        />
      )}
    </Panel>
  );
};

const TroubleRow = memo(({ run, task }: RunRowProps) => (
  <li className="side-row">
    <StateBadge state={run.status} iconOnly />
    <div className="side-text">
      <Link to={{ view: 'run', id: run.runId }} row className="row-title ellipsis">
        <SafeText text={task?.title ?? run.runId} />
      </Link>
      <p className="small clamp">
        <WhyText reason={run.reason} said={run.said} />
      </p>
      <p className="small muted">
        {run.status.replaceAll('_', ' ')} <Age at={run.endedAt ?? run.updatedAt} />
      </p>
    </div>
  </li>
));
TroubleRow.displayName = 'TroubleRow';

export const TroublePanel = () => {
  const items = useItems();
  const runs = useMemo(() => recentTrouble(items, TROUBLE_MAX), [items]);
  return (
    <Panel title="Went wrong lately" aside={<span className="count">{runs.length}</span>} isFlush>
      {runs.length === 0 ? (
        <p className="side-empty muted">Nothing that still matters.</p>
      ) : (
        <ul>
          {runs.map((run) => (
            <TroubleRow key={run.runId} run={run} task={items.tasks.get(run.taskId) ?? null} />
          ))}
        </ul>
      )}
    </Panel>
  );
};
