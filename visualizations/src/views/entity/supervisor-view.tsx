/**
 * The machine that holds the services of the supervisor: where it is, what it did, what it may do next; now, or at one of its last steps.
 *
 * It lives in memory. Its steps are numbered by themselves, so the one that is chosen stands beside the moment of the journal.
 */
import { useMemo, type ReactNode } from 'react';
import type { SupervisorMoment, SupervisorPast } from '../../../../src/operations/read-models/supervisor-moment.ts';
import { Link } from '../../app/link.tsx';
import { setQuery, useRoute } from '../../app/use-route.ts';
import { useCall, useMoment, usePast, usePolled, type CallResult } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted } from '../../design/format.ts';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { eventsOf } from './chart/chart-light.ts';
import { MachineChart } from './chart/machine-chart.tsx';
import { MachineLegend } from './chart/machine-legend.tsx';
import { useLight } from './chart/use-light.ts';
import { ContextPanel } from './context-panel.tsx';
import { JournalList } from './journal-list.tsx';
import type { ExplainAnswer, MachineAnswer } from './machine-answers.ts';
import { topState } from './top-state.ts';
import { WhyPanel } from './why-panel.tsx';
import './entity.css';

const OPERATION = 'conductor_get_supervisor';

/** Which of its steps is asked for: the one that the address names, else the newest of the moment; null while the moment is read. */
const useAsked = (): object | null => {
  const { query } = useRoute();
  const { seq } = useMoment();
  const { moment } = usePast();
  const step = /^[1-9]\d{0,14}$/.test(query['step'] ?? '') ? { step: Number(query['step']) } : null;
  if (step !== null) return step;
  if (seq === null) return {};
  return moment?.at == null ? null : { at: moment.at };
};

const chooseStep = (step: number | null): void => {
  setQuery('step', step === null ? null : String(step));
};

const Steps = ({ shown }: { readonly shown: SupervisorMoment }) => {
  const { steps, seq, lastSeq } = shown;
  return (
    <Panel
      title="Steps"
      aside={<span className="small muted">{counted(steps.length, 'step')}, kept in memory</span>}
      actions={seq === lastSeq ? undefined : <Button onPress={() => chooseStep(null)}>Newest step</Button>}
      isFlush
    >
      <JournalList
        entries={steps}
        label="Steps"
        shown={seq}
        until={seq}
        onChoose={(step) => {
          chooseStep(step === lastSeq ? null : step);
        }}
      />
    </Panel>
  );
};

const Shown = ({
  shown,
  machine,
  asked,
}: {
  readonly shown: SupervisorMoment;
  readonly machine: MachineAnswer;
  readonly asked: object;
}) => {
  const chosen = useRoute().query['why'] ?? null;
  const why = useCall<SupervisorPast>(OPERATION, chosen === null ? null : { ...asked, event: chosen }, [shown.seq]);
  const explained = why.details?.moment?.explanation ?? null;
  const light = useLight(shown, explained);
  const events = useMemo(() => eventsOf(machine.graph, shown.enabled), [machine, shown.enabled]);
  const answer = { ...why, details: explained satisfies ExplainAnswer | null };
  return (
    <>
      <div className="entity-grid">
        <Panel title="Machine supervisor" aside={<MachineLegend />} isFlush>
          <MachineChart machine={machine} light={light} />
        </Panel>
        <div className="entity-side">
          <WhyPanel events={events} chosen={chosen} answer={answer} />
          <ContextPanel context={shown.snapshot.context} previous={shown.previous} />
        </div>
      </div>
      <Steps shown={shown} />
    </>
  );
};

const bodyOf = (past: CallResult<SupervisorPast>, machine: CallResult<MachineAnswer>, asked: object): ReactNode => {
  if (past.error !== null) {
    return <ErrorNote title="The machine of the supervisor cannot be read" error={past.error} onRetry={past.reload} />;
  }
  if (machine.error !== null) {
    return <ErrorNote title="The chart cannot be drawn" error={machine.error} onRetry={machine.reload} />;
  }
  if (past.details === null || machine.details === null) return <Loading what="the machine of the supervisor" />;
  const { moment, first } = past.details;
  return moment === null ? (
    <Empty title="Nothing is remembered of then">
      The supervisor that runs remembers its steps since {new Date(first.at).toLocaleString()}.
    </Empty>
  ) : (
    <Shown shown={moment} machine={machine.details} asked={asked} />
  );
};

export const SupervisorView = () => {
  const asked = useAsked();
  const past = useCall<SupervisorPast>(OPERATION, asked);
  const machine = useCall<MachineAnswer>('conductor_get_machine', { machine: 'supervisor' });
  const moment = past.details?.moment ?? null;
  usePolled(useMoment().seq === null ? past.reload : null);
  return (
    <div className="stack">
      <header className="entity-head">
        <h1>supervisor</h1>
        {moment === null ? null : <StateBadge state={topState(moment.snapshot.value)} />}
        <Link to={{ view: 'tree' }}>Its services and runners</Link>
      </header>
      {bodyOf(past, machine, asked ?? {})}
    </div>
  );
};
