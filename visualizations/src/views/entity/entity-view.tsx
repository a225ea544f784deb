/** A thing as the statechart it is: where it is, what it remembers, what it did, what it may do next. Now, or at a moment. */
import { useMemo, useReducer, type ReactNode } from 'react';
import { kindOfId, type ActorKind } from '../../../../src/machines/ids.ts';
import { Link } from '../../app/link.tsx';
import { useRoute } from '../../app/use-route.ts';
import { useCall, useMoment, useName, useNews, type CallResult } from '../../connection/use-conductor.ts';
import { CopyId } from '../../design/copy-id.tsx';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { scopeOfId } from '../../moment/journal-scope.ts';
import { eventsOf, type ChartLight } from './chart/chart-light.ts';
import { MachineChart } from './chart/machine-chart.tsx';
import { MachineLegend } from './chart/machine-legend.tsx';
import { useLight } from './chart/use-light.ts';
import { ContextPanel } from './context-panel.tsx';
import { relatedIds } from './context-tree.ts';
import { JournalPanel } from './journal-panel.tsx';
import type { ExplainAnswer, MachineAnswer, SnapshotAnswer } from './machine-answers.ts';
import { topState } from './top-state.ts';
import { WhyPanel } from './why-panel.tsx';
import './entity.css';

export { MachineView } from './machine-view.tsx';

export const EntityView = ({ id }: { readonly id: string }) => {
  const kind = kindOfId(id);
  return kind === null ? (
    <Empty title="This is no id of this project">
      Open a thing from the overview, or take an id from «conductor status».
    </Empty>
  ) : (
    <KnownEntity id={id} kind={kind} />
  );
};

/** Steps on with every live entry of this thing. */
const useOwnSteps = (id: string): number => {
  const [step, next] = useReducer((_: number, seq: number) => seq, 0);
  useNews(id, ({ entries, lastSeq, isWhole }) => {
    const own = entries.findLast(({ actor }) => actor === id);
    if (own !== undefined || !isWhole) next(isWhole ? own!.seq : lastSeq);
  });
  return step;
};

/** Characters of a name in the list of related things. */
const RELATED_MAX = 60;

const NO_EVENTS = { enabled: [], others: [] };

const KnownEntity = ({ id, kind }: { readonly id: string; readonly kind: ActorKind }) => {
  const { seq } = useMoment();
  const { query } = useRoute();
  const step = useOwnSteps(id);
  const steps = [seq === null ? step : 0];
  const at = seq === null ? {} : { seq };
  const chosen = query['why'] ?? null;
  const snapshot = useCall<SnapshotAnswer>('conductor_get_snapshot', { id, ...at }, steps);
  const machine = useCall<MachineAnswer>('conductor_get_machine', { machine: kind });
  const why = useCall<ExplainAnswer>(
    'conductor_explain_event',
    chosen === null ? null : { id, event: chosen, ...at },
    steps,
  );
  const light = useLight(snapshot.details, why.details);
  const scope = useMemo(() => scopeOfId(id, 'machine'), [id]);
  const graph = machine.details?.graph;
  const events = graph === undefined ? NO_EVENTS : eventsOf(graph, snapshot.details?.enabled ?? []);
  return (
    <div className="stack">
      <Head id={id} kind={kind} snapshot={snapshot.details} />
      {snapshot.state === 'failed' ? (
        <ErrorNote title={`What this ${kind} was cannot be read`} error={snapshot.error} onRetry={snapshot.reload} />
      ) : null}
      <div className="entity-grid">
        <Panel title={`Machine ${kind}`} aside={<MachineLegend />} isFlush>
          {chartOf(machine, light)}
        </Panel>
        <div className="entity-side">
          <WhyPanel events={events} chosen={chosen} answer={why} />
          {snapshot.details === null ? null : (
            <ContextPanel context={snapshot.details.snapshot.context} previous={snapshot.details.previous} />
          )}
        </div>
      </div>
      <JournalPanel scope={scope} />
    </div>
  );
};

const chartOf = ({ details, state, error, reload }: CallResult<MachineAnswer>, light: ChartLight): ReactNode => {
  if (details !== null) return <MachineChart machine={details} light={light} />;
  return state === 'failed' ? (
    <ErrorNote title="The chart cannot be drawn" error={error} onRetry={reload} />
  ) : (
    <Loading what="the chart" />
  );
};

const RelatedLink = ({ id }: { readonly id: string }) => {
  const name = useName(id);
  const to = { view: 'entity', id } as const;
  if (name === null) {
    return (
      <Link to={to} className="mono">
        {id}
      </Link>
    );
  }
  return (
    <Link to={to} title={id}>
      <span className="muted">{kindOfId(id)}</span> <SafeText text={name} max={RELATED_MAX} />
    </Link>
  );
};

/** By its own title where it is too old for the page to know it. */
const nameIn = (snapshot: SnapshotAnswer | null): string | null => {
  const title = snapshot?.snapshot.context['title'];
  return typeof title === 'string' && title !== '' ? title : null;
};

const Heading = ({ kind, name }: { readonly kind: ActorKind; readonly name: string | null }) => {
  if (name === null) return <h1>{kind}</h1>;
  return (
    <h1>
      <span className="entity-kind">{kind}</span> <SafeText text={name} />
    </h1>
  );
};

type HeadProps = { readonly id: string; readonly kind: ActorKind; readonly snapshot: SnapshotAnswer | null };

const Head = ({ id, kind, snapshot }: HeadProps) => {
  const related = snapshot === null ? [] : relatedIds(snapshot.snapshot.context, id);
  const name = useName(id) ?? nameIn(snapshot);
  return (
    <header className="stack">
      <div className="entity-head">
        <Heading kind={kind} name={name} />
        {snapshot === null ? null : <StateBadge state={topState(snapshot.snapshot.value)} />}
        <CopyId id={id} />
        {kind === 'run' ? <Link to={{ view: 'run', id }}>Output and evidence</Link> : null}
        {kind === 'gate' ? <Link to={{ view: 'gate', id }}>Answer it</Link> : null}
        {kind === 'objective' ? <Link to={{ view: 'objective', id }}>Its tasks</Link> : null}
      </div>
      {related.length === 0 ? null : (
        <nav className="related small" aria-label="Related">
          {related.map((other) => (
            <RelatedLink key={other} id={other} />
          ))}
        </nav>
      )}
    </header>
  );
};
