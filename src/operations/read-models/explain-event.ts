/** Why an event would be taken or not, in plain words for people and branch by branch for programs. Pure. */
import { Type, type Static } from 'typebox';
import type { AnyStateMachine } from 'xstate';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import { checkEvent, MACHINE_SET } from '../../supervisor/kernel/machine-set.ts';
import { nearestName } from '../nearest-name.ts';
import {
  activeStates,
  branchVerdicts,
  OPEN_VERDICTS,
  VERDICTS,
  type AskedEvent,
  type BranchVerdict,
  type Verdict,
} from './branch-verdicts.ts';
import { timeOf, type Present } from './moment.ts';

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);

export const ExplanationSchema = Type.Object(
  {
    id: Type.String(),
    seq: Type.Integer({ minimum: 0 }),
    event: Type.String(),
    /** The innermost states it is in. */
    states: Type.Array(Type.String()),
    /** null: it depends on fields of the event that were not given. */
    enabled: maybe(Type.Boolean()),
    text: Type.String(),
    /** Of active states first, in the order in which they are asked. */
    branches: Type.Array(
      Type.Object(
        {
          transition: Type.String(),
          source: Type.String(),
          sourceActive: Type.Boolean(),
          guard: maybe(Type.String()),
          /** Asked of active states only; null also when it depends on fields that were not given. True without a guard. */
          guardHolds: maybe(Type.Boolean()),
          verdict: Type.Unsafe<Verdict>(Type.String({ enum: [...VERDICTS] })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Explanation = Static<typeof ExplanationSchema>;

/** What is asked: an event, and as many of its fields as are known. */
export type Question = { readonly event: string; readonly payload: Readonly<Record<string, unknown>> | undefined };

/** States named in one sentence. */
const NAMES_MAX = 8;

/** Who is asked: a machine as it was at a moment, and the time that an event of then carries. */
type Asked = Pick<Present, 'id' | 'seq' | 'snapshot'> & { readonly kind: string; readonly at: number };

/** @throws ConductorError `invalid_params` for an event that this machine never knows */
export const explainEvent = (present: Present, question: Question, now: number): Explanation =>
  explain({ ...present, at: timeOf(present, now) }, question);

/** The same of any machine. `payload` is checked for what is stored, which the kernel alone takes events for. @throws as `explainEvent` */
export const explain = (subject: Asked, question: Question): Explanation => {
  const { id, seq, snapshot, kind, at } = subject;
  const event: AskedEvent = { at, ...question.payload, type: question.event };
  const branches = branchVerdicts(snapshot, event);
  // What a state does by itself is no event that anybody sends.
  if (branches.length === 0 || question.event === 'always') throw unknownEvent(subject, question.event);
  const states = activeStates(snapshot);
  const leaves = states.filter((one) => !states.some((other) => other.startsWith(`${one}.`)));
  const enabled = enabledBy(branches);
  const why = reasonOf(branches, enabled, { kind, leaves, isOver: snapshot.status !== 'active' });
  const malformed = question.payload === undefined ? '' : problemOf(id, event);
  const verb = enabled === null ? 'may be enabled' : enabled ? 'is enabled' : 'is not enabled';
  return {
    id,
    seq,
    event: question.event,
    states: leaves,
    enabled,
    text: `${question.event} ${verb}: ${why}${malformed}`,
    branches: branches.map((branch) => ({ ...branch })),
  };
};

const enabledBy = (branches: readonly BranchVerdict[]): boolean | null => {
  if (branches.some(({ verdict }) => verdict === 'taken' || verdict === 'otherwise')) return true;
  return branches.some(({ verdict }) => verdict === 'depends') ? null : false;
};

type Where = { readonly kind: string; readonly leaves: readonly string[]; readonly isOver: boolean };

const reasonOf = (branches: readonly BranchVerdict[], enabled: boolean | null, where: Where): string => {
  const open = branches.filter(({ verdict }) => OPEN_VERDICTS.includes(verdict));
  if (enabled === true) {
    const [first] = open;
    const guards = open.filter(({ verdict }) => verdict === 'depends').map(({ guard }) => guard);
    const unless = guards.length === 0 ? '' : `; which branch is taken depends on its fields (${named(guards)})`;
    return `${targetText(first!, where.kind)}${unless}`;
  }
  if (enabled === null) return `it depends on its fields: guard ${named(open.map(({ guard }) => guard))}`;
  const here = where.leaves.map((id) => shortState(id, where.kind)).join(' and ');
  const refused = branches.filter(({ verdict }) => verdict === 'guard');
  if (refused.length > 0) {
    const guards = named(refused.map(({ guard }) => guard));
    return refused.length === 1
      ? `the ${where.kind} is in ${here}, where guard ${guards} does not hold`
      : `the ${where.kind} is in ${here}, where no guard holds: ${guards}`;
  }
  const sources = [...new Set(branches.map(({ source }) => source))].map((id) => shortState(id, where.kind));
  const elsewhere = sources.includes(where.kind) ? 'every state that is not final' : named(sources);
  const over = where.isOver ? ', which is final' : '';
  return `the ${where.kind} is in ${here}${over}; it is taken in ${elsewhere}`;
};

const targetText = ({ transition, source }: BranchVerdict, kind: string): string => {
  const target = transition.slice(transition.lastIndexOf(' -> ') + 4);
  const from = shortState(source, kind);
  return target === '(internal)' ? `it stays in ${from}` : `${from} → ${shortState(target, kind)}`;
};

/** Without the machine's name, which everybody knows. */
const shortState = (id: string, kind: string): string => (id.startsWith(`${kind}.`) ? id.slice(kind.length + 1) : id);

const named = (names: readonly (string | null)[]): string => {
  const known = [...new Set(names)].filter((name) => name !== null);
  const more = known.length > NAMES_MAX ? ` and ${String(known.length - NAMES_MAX)} more` : '';
  return `${known.slice(0, NAMES_MAX).join(', ')}${more}`;
};

/** With fields that no such event has, the kernel would not take it from anybody. */
const problemOf = (id: string, event: AskedEvent): string => {
  try {
    checkEvent(MACHINE_SET, id, event);
    return '';
  } catch (error) {
    if (!isConductorError(error, 'invalid_params')) throw error;
    return `. As given it would be refused: ${error.message}`;
  }
};

const unknownEvent = ({ kind, id, snapshot }: Asked, event: string): ConductorError => {
  const known = [...new Set((snapshot.machine as AnyStateMachine).events as readonly string[])].toSorted();
  const nearest = nearestName(event, known);
  const hint = nearest === null ? `it knows ${named(known)}` : `did you mean ${nearest}?`;
  return new ConductorError('invalid_params', `a ${kind} knows no event ${event}: ${hint}`, {
    details: { id, event, known },
  });
};
