/** What a run is: whose, where, from which commit, how it stands, and whether its runner is heard of. */
import type { ReactNode } from 'react';
import { RUN_ENDS, type EndReason } from '../../../../src/machines/run/ends.ts';
import type { RunItem } from '../../../../src/operations/read-models/item-schemas.ts';
import type { OverviewRun } from '../../../../src/operations/read-models/overview.ts';
import { Link } from '../../app/link.tsx';
import { useItems, usePulse } from '../../connection/use-conductor.ts';
import type { Pulse } from '../../connection/feed-state.ts';
import { Age, Elapsed } from '../../design/age.tsx';
import { useNow } from '../../design/clock.ts';
import { CopyId } from '../../design/copy-id.tsx';
import { formatBytes, formatDuration, formatRate } from '../../design/format.ts';
import { ModelText, SafeText } from '../../design/model-text.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { Usage } from '../../design/usage.tsx';

const COMMIT_SHOWN = 10;

const Fact = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => (
  <div className="run-fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

const Commit = ({ id }: { readonly id: string }) => <code title={id}>{id.slice(0, COMMIT_SHOWN)}</code>;

const Lease = ({ pulse, run }: { readonly pulse: Pulse | null; readonly run: OverviewRun | null }) => {
  const now = useNow();
  if (run?.settled === true) return null;
  if (pulse === null) {
    return (
      <p className="run-lease muted">
        <span>Lease: no runner is heard of at this moment.</span>
        <Usage of={null} />
      </p>
    );
  }
  return (
    <p className={pulse.connected ? 'run-lease' : 'run-lease run-away'}>
      <strong>{pulse.connected ? '● connected' : '○ not connected'}</strong>
      <span>{pulse.phase ?? 'no phase'}</span>
      <span>idle {formatDuration(now - pulse.heardAt)}</span>
      <span>
        {formatBytes(pulse.outputBytes)} printed
        {pulse.bytesPerSecond === null ? '' : `, ${formatRate(pulse.bytesPerSecond)}`}
      </span>
      <Usage of={pulse} />
      {run?.progressAt == null ? null : (
        <span>
          last progress <Age at={run.progressAt} />
        </span>
      )}
    </p>
  );
};

const Facts = ({ run, item }: { readonly run: OverviewRun | null; readonly item: RunItem | null }) => (
  <dl className="run-facts">
    {item === null ? null : (
      <>
        <Fact name="Worker">
          <Link to={{ view: 'entity', id: item.workerId }}>{item.workerId.slice(0, 17)}…</Link>
        </Fact>
        <Fact name="Branch">
          <code>{item.branch === null ? '–' : <SafeText text={item.branch} />}</code>
        </Fact>
        <Fact name="Base">{item.baseCommit === null ? '–' : <Commit id={item.baseCommit} />}</Fact>
        <Fact name="Commit">{item.commit === null ? '–' : <Commit id={item.commit} />}</Fact>
        <Fact name="Files">
          {item.changedFiles}
          {item.outsideScope > 0 ? `, ${String(item.outsideScope)} outside its scope` : ''}
          {item.verificationTouched ? ', what verifies it among them' : ''}
        </Fact>
        <Fact name="Exit">{item.exitCode === null ? (item.signal ?? '–') : String(item.exitCode)}</Fact>
      </>
    )}
    {run === null ? null : (
      <>
        <Fact name="Attempt">{run.attempt}</Fact>
        <Fact name="Epoch">{run.epoch}</Fact>
        <Fact name="Mode">{run.runtimeMode}</Fact>
        {run.startedAt === null ? null : (
          <Fact name="Took">
            <Elapsed from={run.startedAt} to={run.endedAt} />
          </Fact>
        )}
      </>
    )}
  </dl>
);

type RunHeadProps = { readonly runId: string; readonly item: RunItem | null };

type Told = { readonly run: OverviewRun | null; readonly item: RunItem | null };

const isKnown = (end: string | null): end is EndReason => end !== null && end in RUN_ENDS;

/** How it ended, as the system says it. */
const End = ({ end, reason }: { readonly end: string | null; readonly reason: string | null }) => {
  const says = isKnown(end) ? RUN_ENDS[end].says : end;
  const more = reason === says ? null : reason;
  if (says === null && more === null) return null;
  return (
    <p>
      {says === null ? 'Reason' : `It ${says}`}
      {more === null ? null : (
        <>
          : <SafeText text={more} />
        </>
      )}
    </p>
  );
};

const Word = ({ label, text }: { readonly label: string; readonly text: string | null }) =>
  text === null || text === '' ? null : (
    <div>
      <p className="small muted">{label}:</p>
      <ModelText text={text} />
    </div>
  );

/** The status stands above when it has ended. */
const wordLabel = (completion: RunItem['completion'], end: string | null): string =>
  completion === null || end !== null ? 'In its own words' : `It reported ${completion.status}`;

/** What was said about it: how it ended, its progress, its own word. */
const Words = ({ run, item }: Told) => {
  const { end, reason, said } = run ?? item ?? { end: null, reason: null, said: null };
  const completion = item?.completion ?? null;
  return (
    <>
      <End end={end} reason={reason} />
      <Word label="Last progress" text={run?.progress ?? null} />
      <Word label={wordLabel(completion, end)} text={completion?.summary ?? said} />
    </>
  );
};

const Title = ({ runId, run, item }: Told & { readonly runId: string }) => {
  const { tasks } = useItems();
  const { taskId } = run ?? item ?? { taskId: null };
  const task = taskId === null ? undefined : tasks.get(taskId);
  const status = run?.status ?? item?.status;
  return (
    <div className="entity-head">
      <h1>{task === undefined ? 'Run' : <SafeText text={task.title} />}</h1>
      {status === undefined ? null : <StateBadge state={status} />}
      <CopyId id={runId} />
      <Link to={{ view: 'entity', id: runId }}>Statechart</Link>
      {taskId === null ? null : <Link to={{ view: 'entity', id: taskId }}>Task</Link>}
    </div>
  );
};

export const RunHead = ({ runId, item }: RunHeadProps) => {
  const run = useItems().runs.get(runId) ?? null;
  const pulse = usePulse(runId);
  return (
    <header className="run-head">
      <Title runId={runId} run={run} item={item} />
      <Lease pulse={pulse} run={run} />
      <Facts run={run} item={item} />
      <Words run={run} item={item} />
    </header>
  );
};
