/** What a supervisor is told, asks for and remembers. It lives in memory: nothing here is stored. The chart is in machine.ts. */
import { Type, type Static } from 'typebox';
import { ConductorError } from '../errors.ts';
import { closed, CountSchema, EpochMsSchema, eventSchema, LineSchema, nullable } from '../schema.ts';

/** Children of one supervisor: one macrostep may touch each of them once, and a machine makes at most 100 steps in one. */
export const CHILDREN_MAX = 64;

/** `permanent`: always started again. `transient`: only after an abnormal exit. `temporary`: never. */
export const RESTARTS = ['permanent', 'transient', 'temporary'] as const;
export type Restart = (typeof RESTARTS)[number];

/** Who is restarted with the one that exited: nobody, those started after it, everybody. */
export const STRATEGIES = ['one_for_one', 'rest_for_one', 'one_for_all'] as const;
export type Strategy = (typeof STRATEGIES)[number];

const ChildIdSchema = Type.String({ minLength: 1, maxLength: 64 });
const durationMs = (minimum: number) => Type.Integer({ minimum, maximum: 86_400_000 });
const RestartSchema = Type.Unsafe<Restart>(Type.String({ enum: [...RESTARTS] }));

const policy = {
  strategy: Type.Unsafe<Strategy>(Type.String({ enum: [...STRATEGIES] })),
  /** Restarts within `periodMs` that are borne; one more and the supervisor gives up. */
  intensity: Type.Integer({ minimum: 0, maximum: 100 }),
  periodMs: durationMs(1),
  /** Doubles from `minMs` to `maxMs` with every failure in a row; a child that was up for `resetAfterMs` begins at `minMs` again. */
  backoff: closed({ minMs: durationMs(0), maxMs: durationMs(0), resetAfterMs: durationMs(0) }),
};
/** `shutdownMs`: how long a stop may take before it is a hard one; 0: at once. */
const childSpec = { id: ChildIdSchema, restart: RestartSchema, shutdownMs: durationMs(0) };

export const SupervisorSpecSchema = closed({
  ...policy,
  /** In start order. */
  children: Type.Array(closed(childSpec), { maxItems: CHILDREN_MAX }),
});
export type SupervisorSpec = Static<typeof SupervisorSpecSchema>;

/**
 * `down`: not running and not wanted. `waiting`: to be started when its turn comes. `backoff`: the same after `timer.restart`.
 * `leaving`: to be stopped when its turn comes.
 */
export const CHILD_STATES = ['down', 'waiting', 'backoff', 'starting', 'up', 'leaving', 'stopping'] as const;

export const SupervisedChildSchema = closed({
  ...childSpec,
  state: Type.Unsafe<(typeof CHILD_STATES)[number]>(Type.String({ enum: [...CHILD_STATES] })),
  /** Counts its starts. What is said about an older one is ignored. */
  gen: CountSchema,
  /** Failures in a row. */
  fails: CountSchema,
  upAt: nullable(EpochMsSchema),
  /** In `backoff`: when it may start. */
  notBefore: nullable(EpochMsSchema),
  /** What follows a stop: `waiting` when it is restarted with its group. */
  afterStop: Type.Union([Type.Literal('waiting'), Type.Literal('down')]),
});
export type SupervisedChild = Static<typeof SupervisedChildSchema>;

export const SupervisorContextSchema = closed({
  ...policy,
  children: Type.Array(SupervisedChildSchema, { maxItems: CHILDREN_MAX }),
  /** Times of restarts within the period, oldest first. */
  restarts: Type.Array(EpochMsSchema, { maxItems: 101 }),
  /** Whether it stops because it gave up. */
  defeated: Type.Boolean(),
  reason: nullable(LineSchema),
});
export type SupervisorContext = Static<typeof SupervisorContextSchema>;

const ofChild = { id: ChildIdSchema, gen: Type.Integer({ minimum: 1 }) };
/** In [0, 1): jitter of the backoff. */
const rand = Type.Number({ minimum: 0, exclusiveMaximum: 1 });

export const SupervisorEventSchema = Type.Union([
  eventSchema('supervisor.start', {}),
  eventSchema('supervisor.stop', { reason: LineSchema }),
  eventSchema('child.started', ofChild),
  eventSchema('child.startFailed', { ...ofChild, reason: LineSchema, rand }),
  eventSchema('child.exited', { ...ofChild, normal: Type.Boolean(), reason: LineSchema, rand }),
  eventSchema('timer.restart', ofChild),
  eventSchema('timer.kill', ofChild),
]);
export type SupervisorEvent = Static<typeof SupervisorEventSchema>;

/** What it asks of the code that holds the children, which answers with the events above. */
export const SUPERVISOR_EFFECT_SCHEMAS = {
  startChild: closed(ofChild),
  /** `hard: false` asks the child to leave; `hard: true` ends it. */
  stopChild: closed({ ...ofChild, hard: Type.Boolean() }),
  /** Deliver this event at `dueAt`; null: arm nothing. `key` is unique; arming it again replaces it. */
  setTimer: closed({
    key: Type.String(),
    dueAt: nullable(EpochMsSchema),
    event: closed({ type: Type.Union([Type.Literal('timer.restart'), Type.Literal('timer.kill')]), ...ofChild }),
  }),
  clearTimer: closed({ key: Type.String() }),
  /** It gave up and is `failed`: whoever supervises it sees an abnormal exit. */
  escalate: closed({ reason: LineSchema }),
} as const;
type Effects = { [Name in keyof typeof SUPERVISOR_EFFECT_SCHEMAS]: Static<(typeof SUPERVISOR_EFFECT_SCHEMAS)[Name]> };

/** The empty bodies that the machine's `setup` names. */
export const supervisorEffectActions = {
  startChild: (_: unknown, _params: Effects['startChild']): void => {},
  stopChild: (_: unknown, _params: Effects['stopChild']): void => {},
  setTimer: (_: unknown, _params: Effects['setTimer']): void => {},
  clearTimer: (_: unknown, _params: Effects['clearTimer']): void => {},
  escalate: (_: unknown, _params: Effects['escalate']): void => {},
} as const;

const wholeFrom = (minimum: number, value: number): boolean => Number.isInteger(value) && value >= minimum;

/**
 * What is wrong with a spec, before anything starts under it; empty when nothing is.
 * Numbers are checked here rather than by the schema, because this is the only gate in front of an in-memory machine.
 */
export function problemsOfSpec(spec: SupervisorSpec): readonly string[] {
  const duplicates = spec.children.map(({ id }) => id).filter((id, index, ids) => ids.indexOf(id) !== index);
  const checks: readonly (readonly [boolean, string])[] = [
    [STRATEGIES.includes(spec.strategy), `strategy «${spec.strategy}» is none of ${STRATEGIES.join(', ')}`],
    [
      spec.children.length <= CHILDREN_MAX,
      `${String(spec.children.length)} children are more than ${String(CHILDREN_MAX)}`,
    ],
    [duplicates.length === 0, `children share the ids ${duplicates.join(', ')}`],
    [
      wholeFrom(0, spec.intensity) && spec.intensity <= 100,
      `intensity ${String(spec.intensity)} is no whole number of 0..100`,
    ],
    [wholeFrom(1, spec.periodMs), `periodMs ${String(spec.periodMs)} is no whole number from 1`],
    [wholeFrom(0, spec.backoff.minMs), `backoff.minMs ${String(spec.backoff.minMs)} is no whole number from 0`],
    [
      wholeFrom(0, spec.backoff.resetAfterMs),
      `backoff.resetAfterMs ${String(spec.backoff.resetAfterMs)} is no whole number from 0`,
    ],
    [
      wholeFrom(0, spec.backoff.maxMs) && spec.backoff.maxMs >= spec.backoff.minMs,
      `backoff.maxMs ${String(spec.backoff.maxMs)} is below backoff.minMs ${String(spec.backoff.minMs)}`,
    ],
    ...spec.children.flatMap(({ id, restart, shutdownMs }) => [
      [id !== '', 'a child has an empty id'] as const,
      [RESTARTS.includes(restart), `restart «${restart}» of ${id} is none of ${RESTARTS.join(', ')}`] as const,
      [wholeFrom(0, shutdownMs), `shutdownMs ${String(shutdownMs)} of ${id} is no whole number from 0`] as const,
    ]),
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

/** @throws invalid_params with every problem of the spec; correct the spec, nothing has been started. */
export function assertSpec(spec: SupervisorSpec): SupervisorSpec {
  const problems = problemsOfSpec(spec);
  if (problems.length === 0) return spec;
  throw new ConductorError('invalid_params', `A supervisor's spec is wrong: ${problems.join('; ')}.`, {
    details: { problems },
  });
}
