/**
 * What must hold of the store after every commit, by the entities that the commit touched, and of everything now and then.
 *
 * It keeps a mirror of what was committed, written from the batches themselves, so that a restart cannot hide a difference.
 */
import { createHash, type Hash } from 'node:crypto';
import { FINAL_STATES } from '../../src/machines/registry.ts';
import type { ObjectiveContext } from '../../src/machines/objective/model.ts';
import { RUN_ENDS } from '../../src/machines/run/ends.ts';
import type { RunContext } from '../../src/machines/run/model.ts';
import { TASK_BUCKETS } from '../../src/machines/task/model.ts';
import type { ActorWrite, CommitBatch, JournalEntry } from '../../src/persistence/store.ts';
import { contextOf } from './committed-context.ts';
import { GateInvariants } from './gate-invariants.ts';
import type { World } from './world.ts';

/** Runs at one time that the world allows in the project. */
export type Limits = { readonly projectMax: number };

export class Invariants {
  readonly actors = new Map<string, ActorWrite>();
  readonly hash: Hash = createHash('sha256');
  /** Dependencies by task, as they were asked for. */
  readonly dependencies = new Map<string, readonly string[]>();
  readonly #world: World;
  readonly #limits: Limits;
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #active = new Map<string, ActorWrite>();
  readonly #gates: GateInvariants;
  /** The highest limit of an objective that a person lowered. */
  readonly #lowered = new Map<string, number>();

  constructor(world: World, limits: Limits) {
    this.#world = world;
    this.#limits = limits;
    this.#gates = new GateInvariants(world, this.actors);
  }

  /** A batch that is on the disk now. */
  committed(batch: CommitBatch): void {
    for (const entry of batch.journal) this.#readEntry(entry, batch);
    const changed: [ActorWrite | null, ActorWrite][] = [];
    for (const actor of batch.actors) {
      const before = this.actors.get(actor.id) ?? null;
      changed.push([before, actor]);
      this.actors.set(actor.id, actor);
      this.#count(before, actor);
    }
    for (const [before, actor] of changed) this.#check(before, actor);
    this.#gates.committed(changed, batch);
    if (this.#active.size > this.#limits.projectMax) {
      this.#broken('limits of concurrency', 'project', `${String(this.#active.size)} runs`);
    }
  }

  /** Every entity, as if the last commit had touched it. */
  checkAll(): void {
    for (const actor of this.actors.values()) this.#check(null, actor);
    this.#gates.checkAll();
    for (const timer of this.#world.disk.timers.values()) {
      const actor = this.actors.get(timer.actor);
      if (actor === undefined || this.#isFinal(actor))
        this.#broken('no timer of a final actor', timer.actor, timer.key);
    }
  }

  entries(id: string, last: number): string[] {
    return this.#world.disk.seqs
      .of(`actor ${id}`)
      .slice(-last)
      .map((seq) => this.#world.disk.journal[seq - 1]!.text);
  }

  #broken(invariant: string, entity: string, detail: string): void {
    this.#world.witness.broken(invariant, entity, detail);
  }

  #isFinal({ kind, facts }: ActorWrite): boolean {
    return FINAL_STATES[kind].includes(facts.state);
  }

  #readEntry(entry: JournalEntry, batch: CommitBatch): void {
    this.#world.messages += entry.event.type.startsWith('timer.') ? 1 : 0;
    this.hash.update(JSON.stringify(entry));
    const { epoch, seq } = entry.event as { readonly epoch?: unknown; readonly seq?: unknown };
    if (entry.kind === 'note' || typeof epoch !== 'number') return;
    if (typeof seq === 'number') {
      const key = `${entry.actor}/${String(epoch)}/${String(seq)}`;
      if (this.#world.witness.journalled.get(key) !== 'transition') {
        this.#world.witness.journalled.set(key, entry.kind);
      }
    }
    if (entry.kind !== 'transition') return;
    if (entry.event.type === 'agent.exited') this.#world.witness.exits.add(`${entry.actor}/${String(epoch)}`);
    this.#checkEpoch(entry, epoch, batch);
    this.#checkLoss(entry, epoch);
  }

  /** The epoch before this commit or after it: what an older one says changes nothing. */
  #checkEpoch({ actor, event }: JournalEntry, epoch: number, { actors }: CommitBatch): void {
    const known = [this.actors.get(actor), actors.find(({ id }) => id === actor)];
    const epochs = known.flatMap((run) => (run === undefined ? [] : contextOf('run', run).epoch));
    if (!epochs.some((current) => current === epoch)) {
      this.#broken('a fact under another epoch changes nothing', actor, `${event.type} of epoch ${String(epoch)}`);
    }
  }

  /** Nobody is lost who lives, and nothing it said is skipped. */
  #checkLoss({ actor, event }: JournalEntry, epoch: number): void {
    const { witness, files } = this.#world;
    if (event.type !== 'runner.lost' && event.type !== 'lease.expired') return;
    const runner = witness.missedFor(actor, epoch);
    if (event.type === 'runner.lost' && runner !== null) {
      this.#broken('a living runner is not lost', actor, `pid ${String(runner.identity.pid)} lives`);
    }
    // A dead one may be known by its lease alone: its record cannot be read, and its agent lives.
    if (event.type === 'lease.expired' && runner !== null && !runner.life.stopped) {
      this.#broken('a lease of a runner that speaks does not expire', actor, `epoch ${String(epoch)}`);
    }
    if (event.type !== 'runner.lost') return;
    const skipped = files
      .spool(actor, epoch)
      .find(({ seq, body }) => body.kind !== 'agent.started' && !witness.wasOffered(actor, epoch, seq));
    if (skipped !== undefined) {
      this.#broken(
        'the whole spool is read before a run is lost',
        actor,
        `${skipped.body.kind} ${String(skipped.seq)}`,
      );
    }
  }

  #count(before: ActorWrite | null, actor: ActorWrite): void {
    if (actor.kind === 'run') {
      if (this.#isFinal(actor) || !contextOf('run', actor).dispatched) this.#active.delete(actor.id);
      else this.#active.set(actor.id, actor);
    }
    if (actor.kind === 'objective' && before !== null) this.#noteLowered(before, actor);
    if (actor.kind !== 'task') return;
    const objectiveId = actor.facts.objectiveId ?? '';
    const counts = this.#counts.get(objectiveId) ?? new Map<string, number>();
    this.#counts.set(objectiveId, counts);
    const { bucket } = actor.facts;
    if (before !== null) counts.set(before.facts.bucket!, (counts.get(before.facts.bucket!) ?? 0) - 1);
    counts.set(bucket!, (counts.get(bucket!) ?? 0) + 1);
  }

  #noteLowered(before: ActorWrite, objective: ActorWrite): void {
    const [was, is] = [before, objective].map((actor) => contextOf('objective', actor).maxConcurrency);
    if (was! > is!) this.#lowered.set(objective.id, Math.max(was!, this.#lowered.get(objective.id) ?? 0));
  }

  #check(before: ActorWrite | null, actor: ActorWrite): void {
    if (before !== null && this.#isFinal(before)) {
      this.#broken('final machines never change', actor.id, `${before.facts.state} → ${actor.facts.state}`);
    }
    if (actor.kind === 'task') this.#checkTask(before, actor);
    else if (actor.kind === 'run') this.#checkRun(before, actor);
    else if (actor.kind === 'worker') this.#checkWorker(actor);
    else if (actor.kind === 'objective') this.#checkObjective(actor);
  }

  #checkTask(before: ActorWrite | null, actor: ActorWrite): void {
    const task = contextOf('task', actor);
    const run = task.activeRunId === null ? undefined : this.actors.get(task.activeRunId);
    const isRunning = actor.facts.state === 'running';
    if (isRunning !== (task.activeRunId !== null)) this.#broken('activeRunId ⇔ running', actor.id, actor.facts.state);
    if (isRunning && (run === undefined || this.#isFinal(run))) {
      this.#broken('a running task has a run that is not final', actor.id, run?.facts.state ?? 'no run');
    }
    if (task.attempts > task.retry.maxAttempts) {
      this.#broken('attempts ≤ maxAttempts', actor.id, `${String(task.attempts)} > ${String(task.retry.maxAttempts)}`);
    }
    if (before !== null && before.facts.state !== actor.facts.state) this.#checkTaskMove(before, actor);
  }

  #checkTaskMove(before: ActorWrite, actor: ActorWrite): void {
    const [was, task] = [contextOf('task', before), contextOf('task', actor)];
    if (before.facts.state === 'completed') this.#broken('completed is never left', actor.id, actor.facts.state);
    if (actor.facts.state === 'running') {
      const open = (this.dependencies.get(actor.id) ?? []).filter(
        (id) => this.actors.get(id)?.facts.state !== 'completed',
      );
      if (open.length > 0) this.#broken('a task starts after its dependencies', actor.id, open.join(', '));
    }
    const isInterrupted = task.end !== null && RUN_ENDS[task.end].task === 'interrupt';
    const comesBack = before.facts.state === 'running' && actor.facts.state === 'ready';
    if (comesBack && isInterrupted && task.attempts >= was.attempts && was.attempts > 0) {
      this.#broken(
        'an interrupted end uses no attempt',
        actor.id,
        `${String(was.attempts)} → ${String(task.attempts)}`,
      );
    }
  }

  #checkRun(before: ActorWrite | null, actor: ActorWrite): void {
    const run = contextOf('run', actor);
    this.#checkRestarts(actor.id, run);
    if (before !== null && this.#isFinal(actor)) {
      if (run.end !== null) this.#world.witness.ended(run.end);
      this.#checkEmpty(actor.id, run);
    }
    this.#checkBonds(actor, run);
    const wasPending = before === null || before.facts.state === 'dispatch_pending';
    if (wasPending) this.#checkConcurrency(actor);
  }

  /** A run that is not final is its task's and has its worker; a final one neither. */
  #checkBonds(actor: ActorWrite, run: RunContext): void {
    const isFinal = this.#isFinal(actor);
    const [task, worker] = [this.actors.get(run.taskId), this.actors.get(run.workerId)];
    const isTasks = task !== undefined && contextOf('task', task).activeRunId === actor.id;
    if (isTasks === isFinal) this.#broken('a run is its task’s until it is final', actor.id, actor.facts.state);
    const holder = worker === undefined ? null : contextOf('worker', worker).reservedBy;
    if ((holder === actor.id) === isFinal) {
      this.#broken('a run has its worker until it is final', actor.id, String(holder));
    }
  }

  #checkRestarts(runId: string, { restarts, restart }: RunContext): void {
    const recent = restarts.filter((at) => (restarts.at(-1) ?? 0) - at < restart.periodMs);
    if (recent.length > restart.intensity) this.#broken('restarts ≤ intensity', runId, String(recent.length));
  }

  #checkEmpty(runId: string, { end }: RunContext): void {
    if (end === 'census_leftover' || end === 'effect_failed') return;
    const left = this.#world.witness.processesOf(runId).map(({ process }) => process.command);
    if (left.length > 0) this.#broken('a run is final after its last census is empty', runId, left.join(', '));
  }

  #checkConcurrency(actor: ActorWrite): void {
    const { objectiveId } = actor.facts;
    if (!this.#active.has(actor.id)) return;
    const running = [...this.#active.values()].filter((run) => run.facts.objectiveId === objectiveId);
    const objective = objectiveId === null ? undefined : this.actors.get(objectiveId);
    // A canceled objective is forgotten: tasks of it that are started by name run like those of none.
    const isKnown = objective !== undefined && !this.#isFinal(objective);
    // A start that was on its way when a person lowered the limit still happens.
    const max = isKnown
      ? Math.max(contextOf('objective', objective).maxConcurrency, this.#lowered.get(objective.id) ?? 0)
      : 4;
    const isNew = actor.revision <= 2;
    if (isNew && running.length > max) {
      this.#broken('limits of concurrency', actor.id, `${String(running.length)} runs, ${String(max)} allowed`);
    }
  }

  #checkWorker(actor: ActorWrite): void {
    const { reservedBy } = contextOf('worker', actor);
    const run = reservedBy === null ? undefined : this.actors.get(reservedBy);
    const isBusy = actor.facts.state === 'busy';
    if (isBusy && (run === undefined || this.#isFinal(run))) {
      this.#broken('a busy worker has one run that is not final', actor.id, String(reservedBy));
    }
    if (reservedBy !== null && run !== undefined && run.facts.workerId !== actor.id) {
      this.#broken('a worker is reserved by its own run', actor.id, reservedBy);
    }
  }

  #checkObjective(actor: ActorWrite): void {
    const { counts, openGates } = contextOf('objective', actor);
    const found = this.#counts.get(actor.id) ?? new Map<string, number>();
    const wrong = TASK_BUCKETS.filter((bucket) => counts[bucket] !== (found.get(bucket) ?? 0));
    if (wrong.length > 0 && actor.facts.state !== 'canceled') {
      const shown = wrong.map(
        (bucket) => `${bucket} ${String(counts[bucket])}, really ${String(found.get(bucket) ?? 0)}`,
      );
      this.#broken('objective counts = recount of its tasks', actor.id, shown.join('; '));
    }
    const { state } = actor.facts;
    if (state === 'draft' || state === 'canceled') return;
    const should = rollUp(counts, openGates);
    if (state !== should) this.#broken('roll-up = function of the counts', actor.id, `${state}, should be ${should}`);
  }
}

function rollUp(counts: ObjectiveContext['counts'], openGates: number): string {
  const total = TASK_BUCKETS.reduce((sum, bucket) => sum + counts[bucket], 0);
  if (total > 0 && counts.completed === total) return 'completed';
  if (counts.running + counts.ready + counts.delayed > 0 || counts.draft + counts.completed === total) return 'active';
  return counts.needs_review > 0 || openGates > 0 ? 'needs_review' : 'blocked';
}
