/**
 * An actor as an overview sees it: what it is or was, without what no overview shows.
 */
import type { ActorId, ActorKind } from '../../machines/ids.ts';
import { describeActor } from '../../machines/registry.ts';
import type { ActorMoment } from '../../persistence/snapshot-history.ts';
import type { StoredActor } from '../../persistence/store.ts';
import { upgraded } from '../../supervisor/kernel/upgraded-store.ts';
import type { ContextOf } from '../operation-context.ts';

export type Seen = {
  readonly id: string;
  readonly kind: ActorKind;
  readonly state: string;
  readonly settled: boolean;
  readonly context: unknown;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** The fields of each context that overviews use. Of the past only these are kept in memory. */
const SHOWN = {
  objective: ['objectiveId', 'title', 'reason', 'counts', 'openGates', 'createdAt', 'updatedAt'],
  task: [
    'taskId',
    'objectiveId',
    'title',
    'planId',
    'spec',
    'activeRunId',
    'lastRunId',
    'reviewGateId',
    'attempts',
    'retry',
    'waitingOn',
    'progress',
    'progressAt',
    'notBefore',
    'acceptedBy',
    'reason',
    'said',
    'end',
    'commit',
    'branch',
    'createdAt',
    'updatedAt',
  ],
  run: [
    'runId',
    'taskId',
    'objectiveId',
    'workerId',
    'waitingGateId',
    'attempt',
    'epoch',
    'end',
    'message',
    'progress',
    'progressAt',
    'startedAt',
    'endedAt',
    'createdAt',
  ],
  gate: [
    'gateId',
    'gateType',
    'ask',
    'askedBy',
    'humanOnly',
    'taskId',
    'runId',
    'workerId',
    'objectiveId',
    'expiresAt',
    'createdAt',
    'resolvedAt',
  ],
  worker: [
    'workerId',
    'name',
    'reason',
    'objectiveId',
    'reservedBy',
    'lastRunId',
    'branch',
    'worktreePath',
    'updatedAt',
  ],
} as const satisfies { readonly [Kind in ActorKind]: readonly (keyof ContextOf[Kind])[] };

/** What overviews know of the context of each kind. */
export type Shown = {
  readonly [Kind in ActorKind]: Pick<ContextOf[Kind], Extract<(typeof SHOWN)[Kind][number], keyof ContextOf[Kind]>>;
};

export const seenNow = ({ id, kind, facts, snapshot, revision, createdAt, updatedAt }: StoredActor): Seen => ({
  id,
  kind,
  state: facts.state,
  settled: facts.settled,
  context: snapshot.context,
  revision,
  createdAt,
  updatedAt,
});

export const seenAt = (id: ActorId, kind: ActorKind, moment: ActorMoment): Seen => {
  const { snapshot, seq, at } = upgraded({ id, kind, ...moment });
  const { state, settled } = describeActor(kind, snapshot.value as string, snapshot.context);
  const createdAt = snapshot.context['createdAt'];
  return {
    id,
    kind,
    state,
    settled,
    context: Object.fromEntries(SHOWN[kind].map((field) => [field, snapshot.context[field]])),
    revision: seq,
    createdAt: typeof createdAt === 'number' ? createdAt : at,
    updatedAt: at,
  };
};

/** Committed contexts have passed their schema: they are believed. */
export const contextIn = <Kind extends ActorKind>(seen: Seen, _kind: Kind): Shown[Kind] => seen.context as Shown[Kind];
