/**
 * Whether what a machine asks for can be carried out: known names, valid parameters, and messages that their receivers know.
 * A tell is checked against the schema of the machine it goes to, which no machine's own test can do.
 */
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import type { Relation, Tell } from '../../../src/machines/commands.ts';
import { kindOfId, type ActorId, type ActorKind } from '../../../src/machines/ids.ts';
import { MACHINES } from '../../../src/machines/registry.ts';
import type { MachineCases } from './machine-cases.ts';
import type { NamedAction } from './stepper.ts';

const relationLeadsTo: Record<Relation, ActorKind> = { dependent: 'task', member: 'task', gate: 'gate' };

/** What does not fit the schema, as text; empty: it fits. Checks are compiled once per schema. */
const compiled = new Map<TSchema, ReturnType<typeof Compile>>();
export function misfits(schema: TSchema, value: unknown): string[] {
  const check = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, check);
  if (check.Check(value)) return [];
  const [first] = check.Errors(value);
  return [`${JSON.stringify(value)} (${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'})`];
}

export function problemsOfAction({ actionSchemas, name, eventSchema }: MachineCases, action: NamedAction): string[] {
  const schema = actionSchemas[action.type];
  if (schema === undefined) return [`${action.type} is no known command or effect`];
  const own = misfits(schema, action.params).map((misfit) => `${action.type}: ${misfit}`);
  if (own.length > 0 || name === 'supervisor') return own;
  const params = action.params as Readonly<Record<string, unknown>>;
  if (action.type === 'tell') return problemsOfTell(params as unknown as Tell);
  if (action.type === 'createActor') {
    const kind = kindOfId(params['id'] as string);
    return kind === null
      ? ['no kind']
      : misfits(MACHINES[kind].inputSchema, params['input']).map((m) => `createActor ${m}`);
  }
  if (action.type !== 'setTimer' || params['dueAt'] === null) return [];
  return misfits(eventSchema, { type: params['event'], at: params['dueAt'] }).map((m) => `setTimer event ${m}`);
}

function problemsOfTell({ to, event }: Tell): string[] {
  if (to === null) return [];
  const kind = typeof to === 'object' ? relationLeadsTo[to.relation] : kindOfId(to satisfies ActorId);
  if (kind === null) return [`tell to ${JSON.stringify(to)}: no kind`];
  return misfits(MACHINES[kind].eventSchema, event).map((misfit) => `tell to ${kind}: ${misfit}`);
}
