/** Why an event would be taken or not: chosen from all events of the machine, answered in words and on the chart. */
import type { ReactNode } from 'react';
import { setQuery } from '../../app/use-route.ts';
import type { CallResult } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { LOOK_SIGNS, whyMarksOf, type MachineEvents, type WhyMark } from './chart/chart-light.ts';
import type { ExplainAnswer, ExplainedBranch, Verdict } from './machine-answers.ts';

const WORDS: Readonly<Record<Verdict, string>> = {
  taken: 'would be taken',
  depends: 'depends on what the event carries',
  otherwise: 'would be taken if none before it is',
  earlier: 'not asked: one before it is taken',
  guard: 'its guard does not hold',
  state: 'its state is not active',
  ended: 'the machine has ended',
};

const Branch = ({ branch, mark }: { readonly branch: ExplainedBranch; readonly mark: WhyMark }) => (
  <li className={`why-branch why-${mark}`}>
    <span className="why-sign" aria-hidden="true">
      {LOOK_SIGNS[`why-${mark}`]}
    </span>
    <span>
      <code>{branch.transition}</code>
      <br />
      {branch.guard === null ? null : <code>[{branch.guard}] </code>}
      {WORDS[branch.verdict]}
    </span>
  </li>
);

const Answer = ({ answer }: { readonly answer: ExplainAnswer }) => {
  const marks = whyMarksOf(answer.branches);
  return (
    <div role="status">
      <p>
        <strong>{answer.enabled === null ? 'It depends.' : answer.enabled ? 'Yes.' : 'No.'}</strong> {answer.text}
      </p>
      <ul className="why-branches">
        {answer.branches.map((branch) => (
          <Branch key={branch.transition} branch={branch} mark={marks.get(branch.transition) ?? 'state'} />
        ))}
      </ul>
    </div>
  );
};

const answerOf = ({ state, details, error, reload }: CallResult<ExplainAnswer>): ReactNode => {
  if (state === 'failed') return <ErrorNote title="This cannot be explained" error={error} onRetry={reload} />;
  return details === null ? <Loading what="the answer" /> : <Answer answer={details} />;
};

const Options = ({ label, events }: { readonly label: string; readonly events: readonly string[] }) =>
  events.length === 0 ? null : (
    <optgroup label={label}>
      {events.map((event) => (
        <option key={event} value={event}>
          {event}
        </option>
      ))}
    </optgroup>
  );

type WhyPanelProps = {
  readonly events: MachineEvents;
  readonly chosen: string | null;
  readonly answer: CallResult<ExplainAnswer>;
};

export const WhyPanel = ({ events, chosen, answer }: WhyPanelProps) => (
  <Panel title="Why, or why not?">
    <div className="why-form">
      <select
        aria-label="Event"
        value={chosen ?? ''}
        onChange={({ target }) => {
          setQuery('why', target.value === '' ? null : target.value);
        }}
      >
        <option value="">Choose an event…</option>
        <Options label="May be taken now" events={events.enabled} />
        <Options label="Not taken now" events={events.others} />
      </select>
      {chosen === null ? null : (
        <Button
          onPress={() => {
            setQuery('why', null);
          }}
        >
          Clear
        </Button>
      )}
    </div>
    {chosen === null ? (
      <p className="small muted">The chart and this place then say which state or guard stands in the way.</p>
    ) : (
      answerOf(answer)
    )}
  </Panel>
);
