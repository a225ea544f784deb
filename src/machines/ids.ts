/**
 * Opaque ids and units: strings and numbers at run time, never assignable to one another in types.
 *
 * An id is `<kind>-` + 10 characters of time + 10 random characters, lower-case base32 (Crockford's alphabet), so that ids of
 * one kind sort by creation. They are made outside the machines and arrive in events.
 */
export type Brand<Base, Name extends string> = Base & { readonly '~brand': Name };

export type ObjectiveId = Brand<string, 'ObjectiveId'>;
export type TaskId = Brand<string, 'TaskId'>;
export type WorkerId = Brand<string, 'WorkerId'>;
export type RunId = Brand<string, 'RunId'>;
export type GateId = Brand<string, 'GateId'>;
export type ArtifactId = Brand<string, 'ArtifactId'>;
/** The id of anything that has a persisted machine. */
export type ActorId = ObjectiveId | TaskId | WorkerId | RunId | GateId;

/** Milliseconds since the Unix epoch. Machines receive it on events and never read a clock. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A length of time in milliseconds, zero or more. */
export type DurationMs = Brand<number, 'DurationMs'>;
/** Counts the granted runners of one run, from 1. A report under an older epoch is from a runner that was given up. */
export type LeaseEpoch = Brand<number, 'LeaseEpoch'>;

/** Kinds of persisted machines; an id begins with its kind. */
export const ACTOR_KINDS = ['objective', 'task', 'worker', 'run', 'gate'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** The 32 characters of an id, in sorting order. */
export const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Time and random part of an id; both are needed in full. */
export const ID_SUFFIX_LENGTH = 20;

/** Pattern source of ids of one kind. */
export const idPattern = (kind: ActorKind | 'artifact'): string =>
  `^${kind}-[0-9abcdefghjkmnpqrstvwxyz]{${String(ID_SUFFIX_LENGTH)}}$`;

/** The kind an id names, or null when it is no id of ours. */
export function kindOfId(id: string): ActorKind | null {
  const kind = id.slice(0, id.lastIndexOf('-'));
  return (ACTOR_KINDS as readonly string[]).includes(kind) && id.length === kind.length + 1 + ID_SUFFIX_LENGTH
    ? (kind as ActorKind)
    : null;
}

/**
 * The review gate of a run. Derived, not drawn: a machine may open it without an id from outside, and a run that is ended
 * twice still has one review gate.
 */
export const reviewGateIdOf = (runId: RunId): GateId => `gate-${runId.slice('run-'.length)}` as GateId;
