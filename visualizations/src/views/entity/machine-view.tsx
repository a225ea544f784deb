/** A machine without anything that runs it: its chart as it is written. */
import { Link } from '../../app/link.tsx';
import { useCall } from '../../connection/use-conductor.ts';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { NO_LIGHT } from './chart/chart-light.ts';
import { MachineChart } from './chart/machine-chart.tsx';
import type { MachineAnswer } from './machine-answers.ts';
import { SupervisorView } from './supervisor-view.tsx';
import './entity.css';

/** Machines that have a chart, in the order in which a reader meets them. */
export const MACHINE_NAMES = ['objective', 'task', 'worker', 'run', 'gate', 'supervisor'] as const;

/** The supervisor's is shown as it lives: there is one in every project. */
export const MachineView = ({ machine }: { readonly machine: string }) =>
  machine === 'supervisor' ? <SupervisorView /> : <WrittenMachine machine={machine} />;

const WrittenMachine = ({ machine }: { readonly machine: string }) => {
  const isKnown = (MACHINE_NAMES as readonly string[]).includes(machine);
  const { details, state, error, reload } = useCall<MachineAnswer>(
    'conductor_get_machine',
    isKnown ? { machine } : null,
  );
  if (!isKnown) {
    return <Empty title="There is no such machine">There are {MACHINE_NAMES.join(', ')}.</Empty>;
  }
  if (state === 'failed') return <ErrorNote title="The chart cannot be drawn" error={error} onRetry={reload} />;
  if (details === null) return <Loading what="the chart" />;
  const { graph } = details;
  const counts = `${String(graph.states.length - 1)} states, ${String(graph.edges.length)} transitions, version ${graph.version}`;
  return (
    <div className="stack">
      <header className="entity-head">
        <h1>Machine {machine}</h1>
        <span className="muted">{counts}</span>
        <Link to={{ view: 'coverage' }}>All machines</Link>
      </header>
      <Panel title="Statechart" isFlush>
        <MachineChart machine={details} light={NO_LIGHT} />
      </Panel>
    </div>
  );
};
