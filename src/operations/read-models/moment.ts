/** One actor at one moment: what it was, what it had just done, what it could have done next. */
import { Type, type Static } from 'typebox';
import type { AnyMachineSnapshot } from 'xstate';
import { ConductorError } from '../../machines/errors.ts';
import { ACTOR_KINDS, kindOfId, type ActorId, type ActorKind } from '../../machines/ids.ts';
import { MACHINES } from '../../machines/registry.ts';
import type { ActorMoment } from '../../persistence/snapshot-history.ts';
import type { PersistedSnapshot, StoreReader } from '../../persistence/store.ts';
import { MACHINE_SET } from '../../supervisor/kernel/machine-set.ts';
import { MIGRATIONS, migrateStored } from '../../supervisor/kernel/migrations.ts';
import { restore } from '../../supervisor/kernel/transition.ts';
import { notFound } from '../operation-context.ts';
import { activeStates, enabledTransitions } from './branch-verdicts.ts';
import { EventItemSchema } from './item-schemas.ts';
import { eventItem } from './items.ts';

const anything = Type.Unsafe<Readonly<Record<string, unknown>>>(Type.Object({}));

/** What is shown of a machine at a moment. */
export const shownFields = {
  machine: Type.String(),
  /** Of the machine that wrote it. */
  version: Type.String(),
  snapshot: Type.Object(
    {
      status: Type.Unsafe<PersistedSnapshot['status']>(Type.String()),
      value: Type.Union([Type.String(), anything]),
      context: anything,
    },
    { additionalProperties: false },
  ),
  /** Ids of the states it is in, the machine itself first. */
  active: Type.Array(Type.String()),
  /** Transitions that an event may take; those whose guard depends on the event's fields count. */
  enabled: Type.Array(Type.String()),
  /** Its newest entry at or before the moment. */
  last: Type.Union([EventItemSchema, Type.Null()]),
  /** What it remembered before `last`; null when `last` made it. */
  previous: Type.Union([anything, Type.Null()]),
};

export const MomentSchema = Type.Object(
  {
    ...shownFields,
    id: Type.String(),
    kind: Type.Unsafe<ActorKind>(Type.String({ enum: [...ACTOR_KINDS] })),
    /** The moment, and the newest entry there is. */
    seq: Type.Integer({ minimum: 0 }),
    lastSeq: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type Moment = Static<typeof MomentSchema>;

/** An actor at a moment, as its machine sees it. */
export type Present = {
  readonly id: string;
  readonly kind: ActorKind;
  readonly seq: number;
  readonly lastSeq: number;
  readonly moment: ActorMoment;
  /** Brought to the version of the code: events are judged by the machine there is. */
  readonly snapshot: AnyMachineSnapshot;
};

/** @param seq Default, and beyond the last one: now. @throws ConductorError `not_found` also for who was not there yet. */
export const presentAt = async (reader: StoreReader, id: string, seq?: number): Promise<Present> => {
  const kind = kindOfId(id);
  const lastSeq = await reader.lastSeq();
  const at = Math.min(seq ?? lastSeq, lastSeq);
  const moment = (await reader.momentsAt([id], at)).get(id);
  if (kind === null || moment === undefined) throw await absent(reader, id, at);
  const { snapshot } = migrateStored(MACHINE_SET, MIGRATIONS, { id: id as ActorId, kind, ...moment });
  return { id, kind, seq: at, lastSeq, moment, snapshot: restore(MACHINES[kind].machine, snapshot) };
};

/** @param now For guards that compare with the time: the present of the last moment; a past one has its own. */
export const momentOf = async (reader: StoreReader, present: Present, now: number): Promise<Moment> => {
  const { id, kind, seq, lastSeq, moment, snapshot } = present;
  const [last] = await reader.listJournal({ actor: id, until: seq, order: 'newest', limit: 1 });
  const before = last === undefined ? null : await reader.snapshotAt(id, last.seq - 1);
  return {
    id,
    kind,
    machine: kind,
    version: moment.version,
    seq,
    lastSeq,
    snapshot: { ...moment.snapshot },
    active: activeStates(snapshot),
    enabled: snapshot.status === 'active' ? enabledTransitions(snapshot, { at: timeOf(present, now) }) : [],
    last: last === undefined ? null : eventItem(last),
    previous: before?.context ?? null,
  };
};

/** What an event of this moment would carry as its time. */
export const timeOf = ({ seq, lastSeq, moment }: Present, now: number): number => (seq === lastSeq ? now : moment.at);

const absent = async (reader: StoreReader, id: string, seq: number): Promise<ConductorError> => {
  const [first] = await reader.listJournal({ actor: id, limit: 1 });
  if (first === undefined) return notFound(reader, id);
  return new ConductorError(
    'not_found',
    `${id} was not there after entry ${String(seq)}: it begins with entry ${String(first.seq)}`,
    { details: { id, seq, firstSeq: first.seq } },
  );
};
