/**
 * One objective as its journal tells it: what `run` shows and what decides when it returns. Pure; no clock, no calls.
 *
 * V1. The view is the fold of the objective's entries, from its creation on. Entries may come twice; the second changes nothing.
 * V2. At rest means that no task can move without a person: nothing runs but what waits for an answer, nothing is ready or due.
 */
import type { GateContext } from '../../../machines/gate/model.ts';
import type { ObjectiveContext } from '../../../machines/objective/model.ts';
import type { Why } from '../../../machines/run/ends.ts';
import type { RunContext } from '../../../machines/run/model.ts';
import type { TaskContext } from '../../../machines/task/model.ts';
import type { WorkerContext } from '../../../machines/worker/model.ts';
import { wordsOf } from '../../../operations/read-models/lines.ts';
import { applyPatch } from '../../../persistence/merge-patch.ts';
import type { JournalEntry, PersistedSnapshot } from '../../../persistence/store.ts';
import { oneLine } from '../output/text-width.ts';

type Contexts = {
  readonly objective: ObjectiveContext;
  readonly task: TaskContext;
  readonly run: RunContext;
  readonly gate: GateContext;
  readonly worker: WorkerContext;
};
type Kind = keyof Contexts;

/** What is known of one actor after the newest entry. */
export type Seen<K extends Kind> = {
  readonly id: string;
  readonly state: string;
  readonly context: Contexts[K];
  /** Ms since the epoch: when it came into this state. */
  readonly since: number;
};

type Stored = { readonly state: string; readonly snapshot: PersistedSnapshot; readonly since: number };

export class ObjectiveView {
  readonly objectiveId: string;
  /** Plan id → plan ids that it depends on; empty for an objective without a plan at hand. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  /** Of the newest entry that was looked at, whoever it is about. */
  lastSeq: number;
  /** Plan id → task id. */
  readonly #planned = new Map<string, string>();
  readonly #actors: Readonly<Record<Kind, Map<string, Stored>>> = {
    objective: new Map(),
    task: new Map(),
    run: new Map(),
    gate: new Map(),
    worker: new Map(),
  };

  /** @param after Entries up to here are not looked at. */
  constructor(objectiveId: string, after: number, dependencies: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.objectiveId = objectiveId;
    this.lastSeq = after;
    this.dependencies = dependencies;
  }

  /** @returns whether the entry is about this objective and new. */
  apply(entry: JournalEntry): boolean {
    if (entry.seq <= this.lastSeq) return false;
    this.lastSeq = entry.seq;
    if (entry.objectiveId !== this.objectiveId || !isKind(entry.machine)) return false;
    const actors = this.#actors[entry.machine];
    const before = actors.get(entry.actor);
    const snapshot = snapshotAfter(before?.snapshot ?? null, entry);
    if (snapshot === null) return entry.kind !== 'transition';
    const state = entry.to ?? '';
    actors.set(entry.actor, { state, snapshot, since: before?.state === state ? before.since : entry.at });
    if (entry.machine === 'task') this.#plan(snapshot.context['planId'], entry.actor);
    return true;
  }

  get objective(): Seen<'objective'> | null {
    return this.#all('objective')[0] ?? null;
  }

  /** In the order of creation, which is the plan's. */
  get tasks(): readonly Seen<'task'>[] {
    return this.#all('task');
  }

  get gates(): readonly Seen<'gate'>[] {
    return this.#all('gate');
  }

  get openGates(): readonly Seen<'gate'>[] {
    return this.gates.filter(({ state }) => state === 'open');
  }

  /** Those that still have a worktree, or may have. */
  get workers(): readonly Seen<'worker'>[] {
    return this.#all('worker').filter(({ state }) => state !== 'archived');
  }

  run(id: string | null): Seen<'run'> | null {
    return id === null ? null : this.#one('run', id);
  }

  task(id: string | null): Seen<'task'> | null {
    return id === null ? null : this.#one('task', id);
  }

  /** The state of the task with this plan id; null while there is none. */
  stateOf(planId: string): string | null {
    return this.#actors.task.get(this.#planned.get(planId) ?? '')?.state ?? null;
  }

  /** The run that a task is in, else its last one. */
  runOf({ context }: Seen<'task'>): Seen<'run'> | null {
    return this.run(context.activeRunId ?? context.lastRunId);
  }

  #plan(planId: unknown, taskId: string): void {
    if (typeof planId === 'string') this.#planned.set(planId, taskId);
  }

  #all<K extends Kind>(kind: K): Seen<K>[] {
    return [...this.#actors[kind].keys()].flatMap((id) => this.#one(kind, id) ?? []);
  }

  #one<K extends Kind>(kind: K, id: string): Seen<K> | null {
    const stored = this.#actors[kind].get(id);
    if (stored === undefined) return null;
    const { state, since, snapshot } = stored;
    return { id, state, since, context: snapshot.context as unknown as Contexts[K] };
  }
}

const isKind = (machine: string): machine is Kind => ['objective', 'task', 'run', 'gate', 'worker'].includes(machine);

const snapshotAfter = (before: PersistedSnapshot | null, { patch }: JournalEntry): PersistedSnapshot | null => {
  if (patch === null) return null;
  if ('keyframe' in patch) return patch.keyframe;
  // A full copy that is too large for the journal: its state is in the entry, the rest is as it was.
  if ('blob' in patch) return before;
  return before === null ? null : applyPatch(before, patch.merge);
};

/** What people call a task: its id in the plan, else its title. */
export const nameOf = ({ context }: Seen<'task'>): string => context.planId ?? context.title;

/** Why a task is where it is. An older machine, whose entries may be looked at, did not keep the agent's words apart. */
export const whyOfTask = ({ context }: { readonly context: Partial<Why> }): Why => ({
  reason: context.reason ?? null,
  said: context.said ?? null,
});

/** The same in one line, and how far it is while it runs; empty when there is nothing to say. */
export const wordsOfTask = (task: Seen<'task'>): string => {
  const progress = task.state === 'running' ? task.context.progress : null;
  return oneLine(wordsOf({ ...whyOfTask(task), progress }));
};

/** Plan ids that a task still waits for. */
export const waitsFor = (view: ObjectiveView, task: Seen<'task'>): readonly string[] => {
  const wanted = view.dependencies.get(task.context.planId ?? '') ?? [];
  return wanted.filter((planId) => view.stateOf(planId) !== 'completed');
};

/** Whether the task can come to move without a person. */
const canMove = (view: ObjectiveView, task: Seen<'task'>): boolean => {
  const { bucket, planId } = task.context;
  if (task.state === 'running') return view.runOf(task)?.state !== 'waiting_input';
  if (bucket === 'waiting') {
    // Told in a later commit than the one that completed the last dependency.
    return planId !== null && view.dependencies.has(planId) && waitsFor(view, task).length === 0;
  }
  return (bucket === 'ready' || bucket === 'delayed') && !isWorkerHeld(view, task);
};

/** A worker by name is held for its last task until that one is completed; only a person changes that. */
const isWorkerHeld = (view: ObjectiveView, { id, context }: Seen<'task'>): boolean => {
  if (context.workerName === null) return false;
  const holder = view.workers.find((worker) => worker.context.name === context.workerName)?.context.heldFor ?? null;
  const task = holder === id ? null : view.task(holder);
  return task !== null && ['needs_review', 'blocked', 'failed', 'canceled'].includes(task.state);
};

/** V2. False as long as nothing is known of the objective. */
export const isAtRest = (view: ObjectiveView): boolean => {
  const { objective, tasks } = view;
  if (objective === null || tasks.length === 0) return false;
  // A draft is started by a person; what is ready in it does not move.
  if (objective.state === 'draft') return tasks.every(({ state }) => state !== 'running');
  return !tasks.some((task) => canMove(view, task));
};

/** Exit code of `run` for an objective at rest: 3 a person is asked, 1 something did not work out, 0 all completed. */
export const exitCodeOfView = (view: ObjectiveView): 0 | 1 | 3 => {
  const states = view.tasks.map(({ state }) => state);
  if (view.openGates.length > 0 || states.includes('needs_review')) return 3;
  return states.every((state) => state === 'completed') ? 0 : 1;
};
