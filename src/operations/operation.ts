/** What an operation is: a named thing a host can ask for, with everything that hosts derive from it. */
import type { Static, TSchema } from 'typebox';
import type { Principal } from '../machines/schema.ts';
import type { HandlerContext } from './operation-context.ts';

/** What every operation answers: a text for people and models, and the same as data. */
export type OperationResult<Details> = {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly details: Details;
};

export type Operation<
  Name extends string = string,
  Params extends TSchema = TSchema,
  Details extends TSchema = TSchema,
> = {
  /** `conductor_…`: the same in every host. */
  readonly name: Name;
  readonly title: string;
  /** For a model that chooses among them: what it does, and what it needs to know before. */
  readonly description: string;
  /** Bounded, without unknown keys. */
  readonly params: Params;
  /** Of `details`. */
  readonly result: Details;
  readonly principals: readonly Principal[];
  /** Whether it can change anything: it then needs a supervisor, and repeats of its request are recognised. */
  readonly mutates: boolean;
  /** What it changes is a file of the project, not its store: it needs no supervisor. */
  readonly withoutStore?: boolean;
  /** @throws ConductorError only */
  handler(context: HandlerContext, params: Static<Params>): Promise<OperationResult<Static<Details>>>;
  /** Goes on with a result that is stored, also for a repeat of its request: waiting is not part of what is remembered. */
  finish?(
    context: HandlerContext,
    result: OperationResult<Static<Details>>,
    params: Static<Params>,
  ): Promise<OperationResult<Static<Details>>>;
};

/** Keeps the name and the schemas as types, so that callers by name are typed. */
export const defineOperation = <const Name extends string, Params extends TSchema, Details extends TSchema>(
  operation: Operation<Name, Params, Details>,
): Operation<Name, Params, Details> => operation;

export const said = <Details>(text: string, details: Details): OperationResult<Details> => ({
  content: [{ type: 'text', text }],
  details,
});

/** Reading is open to everybody: a run may look at what it is part of. */
export const READERS: readonly Principal[] = ['human', 'parent_agent', 'child_run', 'system'];
/** Deciding and changing is not for runs: their way is the four child operations. */
export const DECIDERS: readonly Principal[] = ['human', 'parent_agent', 'system'];
