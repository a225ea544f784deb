/** The supervision tree as it is now: who holds whom, what was restarted, and how much is left to bear. */
import { useMemo } from 'react';
import type { Services } from '../../../../src/operations/read-models/supervision-view.ts';
import type { SupervisorPast } from '../../../../src/operations/read-models/supervisor-moment.ts';
import { Link } from '../../app/link.tsx';
import { useCall, useItems, useMoment, usePast, usePolled } from '../../connection/use-conductor.ts';
import { Age, Elapsed } from '../../design/age.tsx';
import { useNow } from '../../design/clock.ts';
import { counted, formatDuration } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { Usage } from '../../design/usage.tsx';
import { runnersAt, servicesAt } from './tree-past.ts';
import './tree.css';

type ServiceFacts = Services['services'][number];
type RunnerFacts = Services['runners'][number];
type RestartReport = Services['reports'][number];

/** Counts down to the next start. */
const Backoff = ({ until }: { readonly until: number }) => {
  const now = useNow();
  return <span className="note-warn">starts in {formatDuration(until - now)}</span>;
};

const ServiceRow = ({ service }: { readonly service: ServiceFacts }) => {
  const restarts = Math.max(0, service.starts - 1);
  return (
    <li className="tree-row">
      <StateBadge state={service.state} />
      <span className="tree-name">{service.id}</span>
      <span className="tree-facts small muted">
        <span>{service.restart}</span>
        {restarts === 0 ? null : <span className="note-warn">{counted(restarts, 'restart')}</span>}
        {service.failures === 0 ? null : (
          <span className="note-warn">{counted(service.failures, 'failure')} in a row</span>
        )}
        {service.notBefore === null ? null : <Backoff until={service.notBefore} />}
        {service.upAt === null ? null : (
          <span>
            up <Elapsed from={service.upAt} />
          </span>
        )}
      </span>
    </li>
  );
};

const RunnerFactsLine = ({ runner }: { readonly runner: RunnerFacts }) => (
  <span className="tree-facts small muted">
    {runner.pid === null ? null : <span>pid {runner.pid}</span>}
    {runner.epoch > 1 ? <span className="note-warn">epoch {runner.epoch}</span> : null}
    {runner.phase === null ? null : <span>{runner.phase.replaceAll('_', ' ')}</span>}
    {runner.connected ? null : <span className="note-warn">not connected</span>}
  </span>
);

const RunnerRow = ({ runner }: { readonly runner: RunnerFacts }) => {
  const { tasks, runs } = useItems();
  const run = runs.get(runner.runId);
  const title = tasks.get(runner.taskId ?? run?.taskId ?? '')?.title ?? runner.runId;
  return (
    <li className="tree-row">
      <StateBadge state={run?.status ?? 'running'} />
      <Link to={{ view: 'run', id: runner.runId }} row className="tree-name row-title ellipsis">
        <SafeText text={title} />
      </Link>
      <RunnerFactsLine runner={runner} />
      <Usage of={runner} />
    </li>
  );
};

const Budget = ({ budget }: { readonly budget: NonNullable<Services['budget']> }) => {
  const { intensity, restarts, periodMs, strategy, backoff } = budget;
  const pause = `${String(backoff.minMs)} ms to ${formatDuration(backoff.maxMs)} before each`;
  const isSpent = restarts >= intensity;
  const text = `${String(restarts)} of ${counted(intensity, 'restart')} within ${formatDuration(periodMs)}`;
  return (
    <span
      className="budget small"
      title={`${strategy.replaceAll('_', ' ')}, ${pause}; one more than that, and the supervisor gives up`}
    >
      <span className="budget-marks" aria-hidden="true">
        {Array.from({ length: Math.min(intensity, 20) }, (_, at) => (
          <span key={`mark-${String(at)}`} className={at < restarts ? 'budget-mark is-used' : 'budget-mark'} />
        ))}
      </span>
      <span className={isSpent ? 'note-warn' : 'muted'}>{text}</span>
    </span>
  );
};

const Reports = ({ reports }: { readonly reports: readonly RestartReport[] }) => {
  const latest = useMemo(() => reports.toReversed(), [reports]);
  if (latest.length === 0) {
    return <Empty title="Nothing was restarted">What fails, is started again or gives up is listed here.</Empty>;
  }
  return (
    <ol>
      {latest.map(({ at, service, what, reason }) => (
        <li key={`${String(at)} ${service} ${what}`} className="report">
          <span className="report-what">
            <strong>{service}</strong> {what}
          </span>
          <span className="report-reason">
            <SafeText text={reason} />
          </span>
          <span className="small muted">
            <Age at={at} />
          </span>
        </li>
      ))}
    </ol>
  );
};

const Tree = ({
  services,
}: {
  readonly services: Services & { readonly supervisor: NonNullable<Services['supervisor']> };
}) => {
  const { supervisor, budget, runners } = services;
  return (
    <ul className="tree">
      <li>
        <div className="tree-row tree-root">
          <StateBadge state="live" />
          <Link to={{ view: 'machine', id: 'supervisor' }} row className="tree-name row-title">
            supervisor
          </Link>
          <span className="tree-facts small muted">
            <span>pid {supervisor.pid}</span>
            <span>version {supervisor.version}</span>
            <span>
              up <Elapsed from={supervisor.startedAt} />
            </span>
            {budget === null ? null : <Budget budget={budget} />}
          </span>
          <Usage of={supervisor} />
        </div>
        <ul>
          {services.services.map((service) => (
            <ServiceRow key={service.id} service={service} />
          ))}
          <li>
            <div className="tree-row">
              <StateBadge state={runners.length === 0 ? 'idle' : 'running'} />
              <span className="tree-name">runners</span>
              <span className="tree-facts small muted">
                <span>{counted(runners.length, 'runner')}</span>
              </span>
            </div>
            <ul>
              {runners.map((runner) => (
                <RunnerRow key={runner.runId} runner={runner} />
              ))}
            </ul>
          </li>
        </ul>
      </li>
    </ul>
  );
};

const isLive = (services: Services): services is Services & { supervisor: NonNullable<Services['supervisor']> } =>
  services.supervisor !== null;

const Runners = ({ runners }: { readonly runners: Services['runners'] }) => (
  <ul className="tree">
    {runners.map((runner) => (
      <RunnerRow key={runner.runId} runner={runner} />
    ))}
  </ul>
);

const Shown = ({ services }: { readonly services: Services }) => (
  <>
    <Panel title="Supervision tree" isFlush>
      {isLive(services) ? (
        <Tree services={services} />
      ) : (
        <Empty title="No supervisor runs">Start one in a terminal: conductor start</Empty>
      )}
    </Panel>
    <Panel title="What was restarted, and why" isFlush>
      <Reports reports={services.reports} />
    </Panel>
  </>
);

/** The tree at the moment that is shown, as far as somebody remembers it. */
const Past = ({ now }: { readonly now: Services }) => {
  const { moment } = usePast();
  const at = moment?.at ?? null;
  const { details, error, reload } = useCall<SupervisorPast>('conductor_get_supervisor', at === null ? null : { at });
  const runs = useMemo(() => [...(moment?.items.runs.values() ?? [])], [moment]);
  if (error !== null) {
    return <ErrorNote title="The supervision tree of then cannot be read" error={error} onRetry={reload} />;
  }
  if (details === null || at === null) return <Loading what="the supervision tree of then" />;
  if (details.moment === null) {
    return (
      <Panel title="What ran then">
        <p className="muted">The supervisor of then has ended, and what it held in memory went with it.</p>
        <Runners runners={runnersAt(runs)} />
      </Panel>
    );
  }
  return <Shown services={servicesAt(now, details.moment, { at, runs })} />;
};

export const TreeView = () => {
  const { seq } = useMoment();
  const { details, error, reload } = useCall<Services>('conductor_get_services', {});
  usePolled(seq === null ? reload : null);
  if (details === null) {
    return error === null ? (
      <Loading what="the supervision tree" />
    ) : (
      <ErrorNote title="The supervision tree cannot be read" error={error} onRetry={reload} />
    );
  }
  return (
    <div className="stack">
      <h1 className="visually-hidden">Supervision</h1>
      {error === null ? null : <ErrorNote title="This is what was known last" error={error} onRetry={reload} />}
      {seq === null ? <Shown services={details} /> : <Past now={details} />}
    </div>
  );
};
