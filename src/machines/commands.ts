/**
 * What a machine may ask the kernel to do inside the same commit. Everything else a machine names is an effect (effects.ts).
 *
 * C1. A command has a name, JSON parameters and an empty body: the kernel interprets it, XState only lists it.
 * C2. A `required` tell that its receiver does not handle takes back the whole message that began the cascade.
 *     A `notify` may be ignored; a `report` too, and it is delivered when all that the message caused is done, to whoever counts.
 * C3. A tell to a relation reaches exactly the rows that stood in it when the tell was made, each once, in row order.
 * C4. `createActor` of an id that exists changes nothing: the first one stays.
 */
import { Type, type Static } from 'typebox';
import { closed, EpochMsSchema, nullable } from './schema.ts';
import { ACTOR_KINDS, type ActorId } from './ids.ts';

/** Indexed edges between actors. `dependent`: a task → the tasks that wait for it; `member`: an objective → its tasks; `gate`: a task or run → its gates. */
export const RELATIONS = ['dependent', 'member', 'gate'] as const;
export type Relation = (typeof RELATIONS)[number];

const ActorIdSchema = Type.Unsafe<ActorId>(Type.String({ pattern: `^(${ACTOR_KINDS.join('|')})-[0-9a-z]{20}$` }));
const RelationSchema = Type.Unsafe<Relation>(Type.String({ enum: [...RELATIONS] }));
const EventSchema = Type.Unsafe<{ readonly type: string; readonly at: number }>(Type.Object({ type: Type.String() }));

export const TellSchema = closed({
  /** `null`: nobody, the command does nothing. Parameters are computed, and a computed tell cannot be left out. */
  to: Type.Union([ActorIdSchema, closed({ relation: RelationSchema, of: ActorIdSchema }), Type.Null()]),
  event: EventSchema,
  mode: Type.Union([Type.Literal('required'), Type.Literal('notify'), Type.Literal('report')]),
});
export type Tell = Static<typeof TellSchema>;

export const CreateActorSchema = closed({ id: ActorIdSchema, input: Type.Unsafe<object>(Type.Object({})) });
export type CreateActor = Static<typeof CreateActorSchema>;

/** `from: null` writes no row. */
export const RelateSchema = closed({ relation: RelationSchema, from: nullable(ActorIdSchema), to: ActorIdSchema });
export type Relate = Static<typeof RelateSchema>;

/** `key` is unique per actor; arming it again replaces it. The event is delivered at or after `dueAt`, with `at` set to the time of delivery. */
export const SetTimerSchema = closed({
  key: Type.String({ maxLength: 64 }),
  /** `null` arms nothing. */
  dueAt: nullable(EpochMsSchema),
  event: Type.String(),
});
export type SetTimer = Static<typeof SetTimerSchema>;

export const ClearTimerSchema = closed({ key: Type.String({ maxLength: 64 }) });
export type ClearTimer = Static<typeof ClearTimerSchema>;

export const COMMAND_SCHEMAS = {
  tell: TellSchema,
  createActor: CreateActorSchema,
  relate: RelateSchema,
  setTimer: SetTimerSchema,
  clearTimer: ClearTimerSchema,
} as const;
export type CommandName = keyof typeof COMMAND_SCHEMAS;

/** The empty bodies that a machine's `setup` names, so that XState type-checks the parameters. */
export const commandActions = {
  tell: (_: unknown, _params: Tell): void => {},
  createActor: (_: unknown, _params: CreateActor): void => {},
  relate: (_: unknown, _params: Relate): void => {},
  setTimer: (_: unknown, _params: SetTimer): void => {},
  clearTimer: (_: unknown, _params: ClearTimer): void => {},
} as const;
