/** Every machine as a chart, coloured by what the generated tests took. */
import { useMemo, useState, type ReactNode } from 'react';
import { Link } from '../../app/link.tsx';
import { useCall } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted, formatCount } from '../../design/format.ts';
import { ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { coverageLight, NO_LIGHT } from '../entity/chart/chart-light.ts';
import { MachineChart } from '../entity/chart/machine-chart.tsx';
import type { MachineAnswer } from '../entity/machine-answers.ts';
import { MACHINE_NAMES } from '../entity/machine-view.tsx';
import { coverageFigures, type CoverageFigures } from './coverage-figures.ts';
import { isNarrow } from '../../design/window-width.ts';
import './coverage.css';

export const CoverageView = () => (
  <div className="stack">
    <header>
      <h1>Machines</h1>
      <p className="muted">
        What every thing is made of, coloured by what the generated tests took: a whole green arrow was taken, a broken
        red one was not.
      </p>
    </header>
    <div className="coverage-grid">
      {MACHINE_NAMES.map((machine) => (
        <MachineCard key={machine} machine={machine} />
      ))}
    </div>
  </div>
);

const MachineCard = ({ machine }: { readonly machine: string }) => {
  const { details, state, error, reload } = useCall<MachineAnswer>('conductor_get_machine', { machine });
  const figures = useMemo(
    () => (details?.coverage == null ? null : coverageFigures(details.graph, details.coverage)),
    [details],
  );
  return (
    <Panel
      title={<Link to={{ view: 'machine', id: machine }}>{machine}</Link>}
      aside={figures === null ? null : <Figures figures={figures} />}
      isFlush
    >
      {details === null ? (
        emptyOf(machine, state === 'failed' ? error : null, reload)
      ) : (
        <Card details={details} figures={figures} />
      )}
    </Panel>
  );
};

const emptyOf = (machine: string, error: Error | null, reload: () => void): ReactNode =>
  error === null ? (
    <Loading what={`the chart of ${machine}`} />
  ) : (
    <ErrorNote title="The chart cannot be drawn" error={error} onRetry={reload} />
  );

const Figures = ({ figures: { taken, total } }: { readonly figures: CoverageFigures }) => (
  <span className={taken === total ? 'coverage-whole' : 'coverage-part'}>
    {taken === total ? '✓ ' : ''}
    {taken}/{total} transitions
  </span>
);

const Card = ({ details, figures }: { readonly details: MachineAnswer; readonly figures: CoverageFigures | null }) => {
  const { graph, coverage } = details;
  // Six charts one below the other are no list that somebody finds a machine in: on a phone each is a press away.
  const [isFolded] = useState(isNarrow);
  const [isShown, setShown] = useState(false);
  const light = useMemo(() => (coverage === null ? NO_LIGHT : coverageLight(coverage)), [coverage]);
  const chart = <MachineChart machine={details} light={light} isSmall />;
  return (
    <>
      {isFolded ? null : chart}
      <div className="coverage-notes small">
        {figures === null ? (
          <p className="muted">
            No figures: <code>npm test</code> in a clone of Conductor writes them to <code>coverage/machines.json</code>
            .
          </p>
        ) : (
          <Notes figures={figures} />
        )}
        {isFolded ? (
          <Button
            kind="quiet"
            isExpanded={isShown}
            label={`${isShown ? 'Hide' : 'Show'} the chart of ${graph.machine}`}
            onPress={() => {
              setShown(!isShown);
            }}
          >
            {isShown ? 'Hide the chart' : 'Show the chart'}
          </Button>
        ) : null}
      </div>
      {isFolded && isShown ? chart : null}
    </>
  );
};

const Notes = ({ figures: { missed, steps, ignored } }: { readonly figures: CoverageFigures }) => (
  <>
    <p className="muted">
      {formatCount(steps)} steps, {formatCount(ignored)} events rightly ignored.
    </p>
    {missed.length === 0 ? null : (
      <>
        <h3>{counted(missed.length, 'transition')} not exercised</h3>
        <ul className="coverage-missed">
          {missed.map(({ id, reason }) => (
            <li key={id}>
              <code>{id}</code>: {reason}
            </li>
          ))}
        </ul>
      </>
    )}
  </>
);
