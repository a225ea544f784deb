/** Journal entries of one objective, written as short as a test can be read. */
import { diffSnapshot } from '../../../src/persistence/merge-patch.ts';
import type { JournalEntry, PersistedSnapshot } from '../../../src/persistence/store.ts';
import { NOW } from './surroundings.ts';

export const OBJECTIVE = 'objective-01aaaaaaaaaaaaaaaaaa';

type Kind = 'objective' | 'task' | 'run' | 'gate' | 'worker';
type Fields = Readonly<Record<string, unknown>>;

/** An id of this kind that ends with `name`. */
export const idOf = (kind: Kind, name: string): string =>
  `${kind}-${name
    .replaceAll(/[^0-9abcdefghjkmnpqrstvwxyz]/g, '0')
    .padStart(20, '0')
    .slice(-20)}`;

export class JournalBuilder {
  readonly entries: JournalEntry[] = [];
  readonly #states = new Map<string, string>();
  readonly #snapshots = new Map<string, PersistedSnapshot>();

  objective(state: string, context: Fields = {}): this {
    const base = { objectiveId: OBJECTIVE, title: 'Ship it', createdAt: NOW - 65_000 };
    return this.#set('objective', { id: OBJECTIVE, state, context: { ...base, ...context } });
  }

  /** `name` is the plan id. The bucket follows the state unless it is given. */
  task(name: string, state: string, context: Fields = {}): this {
    const base = {
      planId: name,
      title: name,
      bucket: state,
      workerName: null,
      activeRunId: null,
      lastRunId: null,
      reason: null,
      said: null,
      progress: null,
      notBefore: null,
      branch: null,
      commit: null,
      blockedBy: null,
    };
    return this.#set('task', { id: idOf('task', name), state, context: { ...base, ...context } });
  }

  run(name: string, state: string, context: Fields = {}): this {
    const base = { createdAt: NOW - 5_000, startedAt: NOW - 5_000, endedAt: null, waitingGateId: null };
    return this.#set('run', {
      id: idOf('run', name),
      state,
      context: { ...base, ...context },
      task: idOf('task', name),
    });
  }

  gate(name: string, state: string, context: Fields = {}): this {
    const base = { taskId: idOf('task', name), runId: null, gateType: 'needs_review', ask: `Accept ${name}?` };
    return this.#set('gate', {
      id: idOf('gate', name),
      state,
      context: { ...base, ...context },
      task: idOf('task', name),
    });
  }

  worker(name: string, state: string, context: Fields = {}): this {
    return this.#set('worker', { id: idOf('worker', name), state, context: { name: null, heldFor: null, ...context } });
  }

  #set(
    machine: Kind,
    { id, state, context, task }: { id: string; state: string; context: Fields; task?: string },
  ): this {
    const seq = this.entries.length + 1;
    const before = this.#snapshots.get(id);
    const snapshot: PersistedSnapshot = { status: 'active', value: state, context: { ...before?.context, ...context } };
    this.#snapshots.set(id, snapshot);
    this.entries.push({
      seq,
      at: (NOW - 1_000) as JournalEntry['at'],
      commit: seq,
      kind: 'transition',
      actor: id,
      machine,
      version: '1',
      event: { type: `${machine}.moved` },
      from: this.#states.get(id) ?? null,
      to: state,
      taken: [],
      principal: 'system',
      objectiveId: OBJECTIVE,
      taskId: task ?? (machine === 'task' ? id : null),
      runId: machine === 'run' ? id : null,
      reason: null,
      patch: before === undefined ? { keyframe: snapshot } : { merge: diffSnapshot(before, snapshot) },
    });
    this.#states.set(id, state);
    return this;
  }
}
