/** What a generated test needs to know about a machine besides the machine: inputs, events worth sending, and when two snapshots count as the same. */
import type { TSchema } from 'typebox';
import type { AnyStateMachine } from 'xstate';
import type { MachineEvent, Snapshot } from './stepper.ts';

/**
 * Makes an event for a snapshot, so that boundary values (a deadline, the last of a budget, an older epoch) come from its
 * context. Pure. It is asked in every state, also where the event must be ignored and in final ones.
 */
export type Case = (snapshot: Snapshot) => MachineEvent;

export type MachineCases = {
  /** Id of the machine. */
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly inputSchema: TSchema;
  readonly eventSchema: TSchema;
  readonly contextSchema: TSchema;
  /** Every command and effect that it may name, with the schema of its parameters. */
  readonly actionSchemas: Readonly<Record<string, TSchema>>;
  readonly inputs: Readonly<Record<string, object>>;
  /** By name; a name begins with the event's type, then says what is special about it. */
  readonly cases: Readonly<Record<string, Case>>;
  /** Equal for snapshots that behave alike. Too coarse: the replay of a path says so. Too fine: the exploration does not end. */
  readonly key: (snapshot: Snapshot) => string;
  /** Transitions that no case can reach, each with its reason. */
  readonly unreachable: Readonly<Record<string, string>>;
  /** Effects whose failure may be ignored where they were asked for, each with its reason. */
  readonly expendableEffects: Readonly<Record<string, string>>;
  /** Mutants that behave like the machine, each with its reason. */
  readonly equivalentMutants: Readonly<Record<string, string>>;
};
