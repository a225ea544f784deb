/**
 * Batches like the kernel's for benches of the store: a transition is one actor write, one journal entry with a small patch, and
 * for every fourth an outbox row that the next batch marks done.
 */
import type { ActorId, EpochMs } from '../src/machines/ids.ts';
import type { ActorWrite, CommitBatch, JournalEntry, OutboxRow, Owner } from '../src/persistence/store.ts';

export const owner: Owner = { epoch: 1, instance: 'bench' };
/** Objectives and workers that the tasks share. */
export const OBJECTIVES = 10;
const WORKERS = 50;
const OUTBOX_EVERY = 4;
const KEYFRAME_EVERY = 100;
const BEGAN_AT = 1_795_000_000_000;

export type Workload = {
  readonly tasks: number;
  /** Transitions of a batch. */
  readonly batch: number;
  /** After so many transitions a task is completed; null: never. */
  readonly rounds: number | null;
};

export const idOf = (kind: string, n: number): ActorId => `${kind}-${n.toString(36).padStart(20, '0')}` as ActorId;

/** Each task is created by its first transition; then all are changed in turn. */
export const createWorkload = ({ tasks, batch, rounds }: Workload): (() => CommitBatch) => {
  let seq = 0;
  let open: string[] = [];
  return () => {
    const actors: ActorWrite[] = [];
    const journal: JournalEntry[] = [];
    const outbox: OutboxRow[] = [];
    const outboxUpdates = open.map((key) => ({ key, state: 'done' as const, tries: 1, deaths: 0 }));
    open = [];
    for (let index = 0; index < batch; index += 1) {
      const n = seq % tasks;
      const round = Math.floor(seq / tasks);
      seq += 1;
      const actor = write(n, round, rounds !== null && round >= rounds - 1);
      actors.push(actor);
      journal.push(entryOf(seq, actor, round));
      if (seq % OUTBOX_EVERY !== 0) continue;
      open.push(`${idOf('run', n)}/${seq}/0`);
      outbox.push(outboxOf(open.at(-1)!, idOf('run', n)));
    }
    return { ...emptyBatch, actors, journal, outbox, outboxUpdates };
  };
};

const emptyBatch: CommitBatch = {
  owner,
  at: BEGAN_AT as EpochMs,
  actors: [],
  journal: [],
  relations: [],
  outbox: [],
  outboxUpdates: [],
  timers: [],
  timersCleared: [],
  requests: [],
  blobs: [],
  artifacts: [],
  deadLetters: [],
  continuations: [],
  continuationsAdvanced: [],
};

const write = (n: number, round: number, isOver: boolean): ActorWrite => {
  const [state, bucket] = isOver
    ? ['completed', 'completed']
    : round % 4 === 3
      ? ['assigned', 'ready']
      : ['running', 'running'];
  return {
    id: idOf('task', n),
    kind: 'task',
    version: '1',
    revision: round + 1,
    expectedRevision: round,
    snapshot: snapshotOf(n, round),
    facts: {
      state,
      bucket,
      settled: isOver,
      name: null,
      objectiveId: idOf('objective', n % OBJECTIVES),
      taskId: idOf('task', n),
      runId: idOf('run', n),
      workerId: idOf('worker', n % WORKERS),
    },
    createdAt: BEGAN_AT as EpochMs,
    updatedAt: (BEGAN_AT + round) as EpochMs,
  };
};

const textOf = (round: number): string => `Step ${round} of many: wrote the test, it fails as it should`;

const snapshotOf = (n: number, round: number): ActorWrite['snapshot'] => ({
  status: 'active',
  value: 'running',
  context: {
    taskId: `task-${n}`,
    objectiveId: 'objective-01k9abcdefghjkmnpqrs',
    title: 'Make the parser accept trailing commas',
    spec: 'c0ffee'.repeat(10),
    retry: { maxAttempts: 1, backoffMs: 1_000, backoffMaxMs: 60_000 },
    run: { completion: 'explicit', verifies: true, restart: { intensity: 3, periodMs: 600_000 } },
    bucket: 'running',
    waitingOn: 0,
    attempts: 1,
    runs: 1,
    notBefore: null,
    activeRunId: 'run-01k9abcdefghjkmnpqrs',
    reviewGateId: null,
    reason: null,
    progress: textOf(round),
    progressAt: BEGAN_AT + round,
    branch: 'conductor/parser/trailing-commas',
    commit: null,
    createdAt: BEGAN_AT,
  },
});

const entryOf = (seq: number, { id: actor, facts, snapshot }: ActorWrite, round: number): JournalEntry => {
  const text = textOf(round);
  return {
    seq,
    at: (BEGAN_AT + seq) as EpochMs,
    commit: seq,
    kind: 'transition',
    actor,
    machine: 'task',
    version: '1',
    event: { type: 'task.progressed', at: BEGAN_AT + seq, runId: facts.runId, text },
    from: 'running',
    to: 'running',
    taken: ['task.running:task.progressed#0'],
    principal: 'child_run',
    objectiveId: facts.objectiveId,
    taskId: facts.taskId,
    runId: facts.runId,
    reason: null,
    patch:
      round % KEYFRAME_EVERY === 0
        ? { keyframe: snapshot }
        : { merge: { context: { progress: text, progressAt: BEGAN_AT + round } } },
  };
};

const outboxOf = (key: string, actor: ActorId): OutboxRow => ({
  key,
  actor,
  version: '1',
  name: 'startRunner',
  lane: 'start',
  params: { runId: actor, epoch: 1 },
  tries: 0,
  deaths: 0,
  state: 'waiting',
  createdAt: BEGAN_AT as EpochMs,
});
