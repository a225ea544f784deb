/**
 * The machines a kernel runs, as it wants them: each with its version and the schemas of what comes from outside. Injectable, so
 * that tests run mutants and toys. Checks are compiled once per schema; an event is checked against the branch its `type` names.
 */
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import type { AnyStateMachine } from 'xstate';
import { ConductorError } from '../../machines/errors.ts';
import { kindOfId, type ActorKind } from '../../machines/ids.ts';
import { describeActor, MACHINES } from '../../machines/registry.ts';
import type { ActorFacts, PersistedSnapshot } from '../../persistence/store.ts';

export type MachineEntry = {
  readonly machine: AnyStateMachine;
  /** Union of the events' object schemas. */
  readonly eventSchema: TSchema;
  readonly inputSchema: TSchema;
  readonly version: string;
};

export type MachineSet = {
  /** The machine behind an address; undefined: there is none. Tests put sinks behind some. */
  machineOf(kind: ActorKind, id: string): MachineEntry | undefined;
  /** The columns that lists filter by. Pure. */
  describe(actor: { readonly kind: ActorKind; readonly id: string }, snapshot: PersistedSnapshot): ActorFacts;
};

/** The machines of the registry. */
export const MACHINE_SET: MachineSet = {
  machineOf: (kind) => MACHINES[kind],
  describe({ kind }, snapshot) {
    const facts = describeActor(kind, snapshot.value as Parameters<typeof describeActor>[1], snapshot.context);
    const { state, bucket, settled, name, objectiveId, taskId, runId, workerId } = facts;
    return { state, bucket, settled, name, objectiveId, taskId, runId, workerId };
  },
};

type Check = { Check(value: unknown): boolean; Errors(value: unknown): Iterable<unknown> };
type SchemaIssue = { readonly instancePath?: string; readonly message?: string };

/** One compiled check per schema object, for the life of the process: mutants share the schemas of their machine. */
const compiled = new WeakMap<object, Check>();

/** Errors shown of one refused value; the first few say what is wrong. */
const issuesMax = 8;

export function checkOf(schema: TSchema): Check {
  let check = compiled.get(schema);
  if (check === undefined) {
    check = Compile(schema) as unknown as Check;
    compiled.set(schema, check);
  }
  return check;
}

/** What is wrong with a value, in words. */
export const issuesOf = (schema: TSchema, value: unknown): readonly string[] =>
  [...checkOf(schema).Errors(value)]
    .slice(0, issuesMax)
    .map((issue) => `${(issue as SchemaIssue).instancePath ?? ''} ${(issue as SchemaIssue).message ?? ''}`.trim());

/** The branches of each union by the literal of their `type`. */
const branches = new WeakMap<object, ReadonlyMap<string, TSchema>>();

function branchesOf(schema: TSchema): ReadonlyMap<string, TSchema> {
  let found = branches.get(schema);
  if (found === undefined) {
    const union = (schema as { anyOf?: readonly TSchema[] }).anyOf ?? [schema];
    found = new Map(
      union.map((branch) => {
        const type = (branch as { properties?: { type?: { const?: string } } }).properties?.type?.const;
        return [type ?? '', branch] as const;
      }),
    );
    branches.set(schema, found);
  }
  return found;
}

/** @throws ConductorError `not_found` for an id of no kind that is run here. */
export function entryOf(set: MachineSet, id: string): { readonly kind: ActorKind; readonly entry: MachineEntry } {
  const kind = kindOfId(id);
  const entry = kind === null ? undefined : set.machineOf(kind, id);
  if (kind === null || entry === undefined) {
    throw new ConductorError('not_found', `${JSON.stringify(id)} is no id of an actor here.`, { details: { id } });
  }
  return { kind, entry };
}

/** @throws ConductorError `invalid_params` with what is wrong. */
export function checkEvent(set: MachineSet, to: string, event: { readonly type: string }): void {
  const { kind, entry } = entryOf(set, to);
  const branch = branchesOf(entry.eventSchema).get(event.type);
  if (branch === undefined) {
    throw new ConductorError('invalid_params', `A ${kind} knows no event ${JSON.stringify(event.type)}.`, {
      details: { to, event: event.type },
    });
  }
  if (!checkOf(branch).Check(event)) {
    const issues = issuesOf(branch, event);
    throw new ConductorError('invalid_params', `${event.type} for ${to} is malformed: ${issues.join('; ')}`, {
      details: { to, event: event.type, issues },
    });
  }
}

/** @throws ConductorError `invalid_params` with what is wrong. */
export function checkInput(set: MachineSet, id: string, input: unknown): void {
  const { kind, entry } = entryOf(set, id);
  if (!checkOf(entry.inputSchema).Check(input)) {
    const issues = issuesOf(entry.inputSchema, input);
    throw new ConductorError('invalid_params', `The input of ${kind} ${id} is malformed: ${issues.join('; ')}`, {
      details: { id, issues },
    });
  }
}
