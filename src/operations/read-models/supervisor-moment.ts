/**
 * The machine of the supervision tree at one of its last steps. It lives in memory: steps are those of the supervisor that runs, counted
 * from its start, and nothing of them is stored.
 */
import { Type, type Static } from 'typebox';
import type { AnyMachineSnapshot } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import type { PersistedSnapshot } from '../../persistence/store.ts';
import type { TreeState, TreeStep } from '../../supervisor/tree/tree-history.ts';
import { activeStates, enabledTransitions } from './branch-verdicts.ts';
import { explain, ExplanationSchema } from './explain-event.ts';
import { EventItemSchema, type EventItem } from './item-schemas.ts';
import { shownFields } from './moment.ts';
import { closed, count, maybe, time } from './schema-parts.ts';

const NAME = 'supervisor';

export const SupervisorMomentSchema = closed({
  ...shownFields,
  /** `seq`: the step that is shown. `lastSeq`: the newest there is. */
  seq: count,
  lastSeq: count,
  /** Those that are remembered, oldest first; numbered by themselves, not as entries of the journal. */
  steps: Type.Array(EventItemSchema),
  /** null: nothing was asked. */
  explanation: maybe(ExplanationSchema),
});
export type SupervisorMoment = Static<typeof SupervisorMomentSchema>;

export const SupervisorPastSchema = closed({
  /** null: the supervisor that runs remembers nothing of then. */
  moment: maybe(SupervisorMomentSchema),
  /** The first that it remembers. */
  first: closed({ step: count, at: time }),
});
export type SupervisorPast = Static<typeof SupervisorPastSchema>;

export type SupervisorQuestion = {
  /** Which step; default the newest, or the newest at `at`. */
  readonly step?: number | undefined;
  /** Ms since 1970. */
  readonly at?: number | undefined;
  /** An event that is asked about. */
  readonly event?: string | undefined;
};

/**
 * @param steps one at least, oldest first
 * @param now ms since 1970: the present of the newest step
 * @throws ConductorError `invalid_params` for an event that it never knows
 */
export const supervisorPast = (
  steps: readonly TreeStep[],
  question: SupervisorQuestion,
  now: number,
): SupervisorPast => {
  const [first] = steps;
  const step = stepAt(steps, question);
  return {
    moment: step === null ? null : momentOf(step, { steps, question, now }),
    first: { step: first!.seq, at: first!.event.at },
  };
};

type Around = {
  readonly steps: readonly TreeStep[];
  readonly question: SupervisorQuestion;
  readonly now: number;
};

const momentOf = (step: TreeStep, { steps, question, now }: Around): SupervisorMoment => {
  const lastSeq = steps.at(-1)!.seq;
  const at = step.seq === lastSeq ? now : step.event.at;
  const snapshot: AnyMachineSnapshot = step.after;
  const { seq } = step;
  const subject = { id: NAME, kind: NAME, seq, snapshot, at };
  return {
    machine: NAME,
    version: supervisorMachine.version ?? '',
    seq,
    lastSeq,
    snapshot: {
      status: step.after.status as PersistedSnapshot['status'],
      value: step.after.value as PersistedSnapshot['value'],
      context: { ...step.after.context },
    },
    active: activeStates(snapshot),
    enabled: snapshot.status === 'active' ? enabledTransitions(snapshot, { at }) : [],
    last: stepItem(step),
    previous: { ...step.before.context },
    steps: steps.map(stepItem),
    explanation: question.event === undefined ? null : explain(subject, { event: question.event, payload: undefined }),
  };
};

const stepAt = (steps: readonly TreeStep[], { step, at }: SupervisorQuestion): TreeStep | null =>
  steps.findLast(({ seq, event }) => (step === undefined || seq <= step) && (at === undefined || event.at <= at)) ??
  null;

const stateOf = (state: TreeState): string =>
  (activeStates(state as AnyMachineSnapshot).at(-1) ?? NAME).slice(NAME.length + 1);

/** In the form of an entry of the journal, which it is not: lists and charts show both. */
const stepItem = ({ seq, event, taken, before, after }: TreeStep): EventItem => ({
  seq,
  at: event.at,
  commit: seq,
  kind: 'transition',
  actor: NAME,
  machine: NAME,
  version: supervisorMachine.version ?? '',
  event: { ...event },
  from: stateOf(before),
  to: stateOf(after),
  taken: [...taken],
  principal: 'system',
  objectiveId: null,
  taskId: null,
  runId: null,
  reason: null,
  patch: null,
});

export const supervisorText = ({ moment, first }: SupervisorPast): string => {
  if (moment === null) {
    const began = new Date(first.at).toISOString();
    return `the supervisor that runs remembers nothing of then: step ${String(first.step)} of ${began} is its first`;
  }
  const why = moment.explanation === null ? '' : `\n${moment.explanation.text}`;
  return `supervisor in ${moment.active.slice(1).join(', ')} after step ${String(moment.seq)}${why}`;
};
