/**
 * The machine of the supervision tree at one of its last steps. It lives in memory: steps are those of the supervisor that runs, counted
 * from its start, and nothing of them is stored.
 */
import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { AnyMachineSnapshot } from 'xstate';
import { ConductorError } from '../../machines/errors.ts';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import type { PersistedSnapshot } from '../../persistence/store.ts';
import type { TreeState, TreeStep } from '../../supervisor/tree/tree-history.ts';
import { activeStates, enabledTransitions } from './branch-verdicts.ts';
import { explain, ExplanationSchema } from './explain-event.ts';
import { EventItemSchema, type EventItem } from './item-schemas.ts';
import { shownFields } from './moment.ts';
import { closed, count, maybe } from './schema-parts.ts';

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
 * @throws ConductorError `not_found` for a moment before the first step that is remembered; `invalid_params` for an event it never knows
 */
export const supervisorMoment = (
  steps: readonly TreeStep[],
  question: SupervisorQuestion,
  now: number,
): SupervisorMoment => {
  const step = stepAt(steps, question);
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

const stepAt = (steps: readonly TreeStep[], { step, at }: SupervisorQuestion): TreeStep => {
  const found = steps.findLast(
    ({ seq, event }) => (step === undefined || seq <= step) && (at === undefined || event.at <= at),
  );
  if (found !== undefined) return found;
  const first = steps[0]!;
  throw new ConductorError(
    'not_found',
    `the supervisor that runs remembers nothing of then: its first step is ${String(first.seq)}, of ${new Date(first.event.at).toISOString()}`,
    { details: { ...(step === undefined ? {} : { step }), firstStep: first.seq, firstAt: first.event.at } },
  );
};

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
