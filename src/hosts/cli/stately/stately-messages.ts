/**
 * What happened, in the messages of the Stately inspector (`@statelyai/inspect` 0.7), so that its receivers can attach. Pure.
 *
 * Y1. Every text in a message is redacted; the definition of a machine is its shape alone: names, no functions, no context.
 */
import type { ActorKind } from '../../../machines/ids.ts';
import { MACHINES } from '../../../machines/registry.ts';

/** Of the protocol that is spoken. */
const VERSION = '0.7.2';

type Json = Readonly<Record<string, unknown>>;

type Common = {
  readonly sessionId: string;
  /** The objective it belongs to, else itself. */
  readonly rootId: string;
  /** Ms since 1970, as text. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: string;
};
export type StatelyMessage = Common &
  (
    | {
        readonly type: '@xstate.actor';
        readonly name: string;
        readonly parentId: string | undefined;
        /** The machine's configuration as JSON. */
        readonly definition: string;
        readonly snapshot: unknown;
      }
    | { readonly type: '@xstate.event'; readonly event: unknown; readonly sourceId: undefined }
    | { readonly type: '@xstate.snapshot'; readonly event: unknown; readonly snapshot: unknown }
  );

/** One machine at one moment. */
export type Seen = {
  readonly id: string;
  readonly kind: ActorKind;
  readonly snapshot: { readonly status: string; readonly value: unknown; readonly context: Json };
  /** Ms since 1970. */
  readonly at: number;
};

export type Redact = (text: string) => string;

export const actorMessage = (seen: Seen, redact: Redact): StatelyMessage => ({
  ...commonOf(seen),
  type: '@xstate.actor',
  name: redact(nameOf(seen)),
  parentId: parentOf(seen),
  definition: JSON.stringify(MACHINES[seen.kind].machine.config),
  snapshot: redacted(seen.snapshot, redact),
});

/** The event that led to `seen`, and what it led to. */
export const stepMessages = (seen: Seen, event: unknown, redact: Redact): readonly StatelyMessage[] => {
  const common = commonOf(seen);
  const safe = redacted(event, redact);
  return [
    { ...common, type: '@xstate.event', event: safe, sourceId: undefined },
    { ...common, type: '@xstate.snapshot', event: safe, snapshot: redacted(seen.snapshot, redact) },
  ];
};

const commonOf = ({ id, snapshot, at }: Seen): Common => ({
  sessionId: id,
  rootId: textOf(snapshot.context, 'objectiveId') ?? id,
  createdAt: String(at),
  id: null,
  _version: VERSION,
});

const nameOf = ({ id, kind, snapshot: { context } }: Seen): string =>
  textOf(context, 'title') ?? textOf(context, 'name') ?? `${kind} ${id.slice(-6)}`;

const parentOf = ({ kind, snapshot: { context } }: Seen): string | undefined => {
  if (kind === 'run') return textOf(context, 'taskId') ?? undefined;
  if (kind === 'gate') return textOf(context, 'runId') ?? textOf(context, 'taskId') ?? undefined;
  return textOf(context, 'objectiveId') ?? undefined;
};

const textOf = (context: Json, name: string): string | null => {
  const value = context[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** Names of fields are ours and stay. */
const redacted = (value: unknown, redact: Redact): unknown => {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((each) => redacted(each, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, redacted(each, redact)]));
};
