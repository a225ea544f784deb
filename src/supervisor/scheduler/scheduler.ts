/**
 * Starts what may start: a service of the supervision tree, driven by commits.
 *
 * J1. It decides nothing durable: a start is the message `task.start`, and the machines refuse what does not hold any more.
 * J2. One pass at a time; commits that arrive during a pass cause one more.
 * J3. Every ready task that was not started has a reason that can be asked for.
 * J4. Who was asked for by name comes before the others of its objective, in the order of asking. There is no second way to a slot
 *     or worker: asked for while none is free, a task waits in the same line.
 * J5. Where no slot is free, tasks are not looked at: a pass costs what can be started, not what waits.
 */
import type { ActorId } from '../../machines/ids.ts';
import type { ObjectiveContext } from '../../machines/objective/model.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { StoredActor } from '../../persistence/store.ts';
import type { Message } from '../kernel/kernel.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { decodeSpec } from '../specs/task-spec.ts';
import { hasMemoryFor } from './admission.ts';
import { hasReady, LiveView } from './live-view.ts';
import { fullnessOf, type Lane } from './start-order.ts';
import { planStarts, wishOf, type PlannedStart, type WishingCandidate } from './start-plan.ts';
import { chooseWorker } from './worker-choice.ts';

/** Ready tasks looked at per objective and pass: enough to fill every slot past some that must wait. */
const LOOKAHEAD = 64;
/** A pass without a commit, for what no commit announces (free memory), in ms. */
const BEAT_MS = 5_000;

export type Placement =
  | { readonly kind: 'placed'; readonly workerId: string; readonly newWorker: NewWorker | null }
  | { readonly kind: 'wait'; readonly reason: string };
export type NewWorker = { readonly name: string | null; readonly branch: string; readonly worktreePath: string };

export interface Scheduler {
  poke(): void;
  /** Why a task that could start has not, where the scheduler knows. */
  reasonOf(taskId: string, objectiveId: string | null): string | null;
  /** Where a task would run if it were started now. @param wanted A worker that it is to have; null: any. */
  place(task: StoredActor, wanted: string | null): Promise<Placement>;
  /** 1 for the next one of those that were asked for by name; null for a task that does not wait to be. */
  queuePlace(taskId: string): number | null;
  /** No pass runs and none is due. */
  idle(): Promise<void>;
  /** Nothing is started any more; resolves when the pass that runs is over, so that the next scheduler counts what it started. */
  stop(): Promise<void>;
}

export type SchedulerLimits = {
  /** Runs at one time in the project. */
  readonly projectMax: number;
  /** False: nothing new is started any more (`stop`). */
  readonly isOpen: () => boolean;
};

export async function startScheduler(parts: RunParts, limits: SchedulerLimits): Promise<Scheduler> {
  const scheduler = new SchedulerService(parts, limits);
  await scheduler.begin();
  return scheduler;
}

class SchedulerService implements Scheduler {
  readonly #parts: RunParts;
  readonly #limits: SchedulerLimits;
  readonly #view = new LiveView();
  readonly #scopes = new Map<string, readonly string[]>();
  #reasons = new Map<string, string>();
  #turn = 0;
  #loaded = false;
  #stopped = false;
  #due = false;
  #failed = false;
  #pass: Promise<void> | null = null;
  #unsubscribe: () => void = () => undefined;
  #cancelBeat: () => void = () => undefined;

  constructor(parts: RunParts, limits: SchedulerLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  async begin(): Promise<void> {
    const kernel = this.#parts.kernel();
    this.#unsubscribe = kernel.subscribe((commit) => {
      for (const actor of commit.actors) this.#view.apply(actor);
      if (commit.actors.some((actor) => actor.kind !== 'gate')) this.poke();
    });
    await this.#view.load(kernel.store);
    this.#loaded = true;
    this.#beat();
    this.poke();
  }

  poke(): void {
    // Before everything that runs is known, every slot would look free.
    if (this.#stopped || !this.#loaded) return;
    this.#due = true;
    this.#pass ??= this.#run();
  }

  reasonOf(taskId: string, objectiveId: string | null): string | null {
    return this.#reasons.get(taskId) ?? this.#fullness(objectiveId);
  }

  async idle(): Promise<void> {
    while (this.#pass !== null) await this.#pass;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancelBeat();
    await this.idle();
  }

  async place(task: StoredActor, wanted: string | null): Promise<Placement> {
    const { objectiveId } = task.facts;
    const own = wishOf(task);
    const wish = wanted === null ? own : { ...own, assignedTo: wanted };
    const choice = chooseWorker(wish, this.#view.workers.values(), this.#view.concurrencyOf(objectiveId));
    if (choice.kind === 'wait') return choice;
    // A worker of its own is nobody else's to wait for.
    if (wish.assignedTo !== null || wish.workerName !== null) return this.#placeOf(task, choice);
    const queued = this.#view
      .queuedOf(objectiveId)
      .filter((taskId) => this.#view.queued.get(taskId)?.anyWorker === true);
    const before = queued.find((taskId) => taskId !== task.id);
    if (before !== undefined) return { kind: 'wait', reason: `${before} was asked for before it` };
    return this.#placeOf(task, choice);
  }

  queuePlace(taskId: string): number | null {
    const queued = this.#view.queued.get(taskId);
    return queued === undefined ? null : this.#view.queuedOf(queued.objectiveId).indexOf(taskId) + 1;
  }

  #beat(): void {
    this.#cancelBeat = this.#parts.clock.after(BEAT_MS, () => {
      if (this.#failed || this.#reasons.size > 0) this.poke();
      this.#beat();
    });
  }

  async #run(): Promise<void> {
    // One turn of the loop first: commits of the same batch are seen together.
    await Promise.resolve();
    while (this.#due && !this.#stopped) {
      this.#due = false;
      this.#failed = false;
      try {
        await this.#startReady();
      } catch {
        // A pass that failed (a full mailbox, git away) is made again by the next commit or beat.
        this.#failed = true;
      }
    }
    this.#pass = null;
  }

  async #startReady(): Promise<void> {
    if (!this.#limits.isOpen()) return;
    await this.#dispatchPending();
    const lanes = await this.#lanes();
    const limits = { projectMax: this.#limits.projectMax, running: this.#view.running() };
    const { starts, waits } = planStarts({ lanes, workers: this.#view.workers, limits });
    this.#reasons = new Map(waits);
    const posts: Promise<unknown>[] = [];
    for (const [index, start] of starts.entries()) {
      const { taskId } = start.candidate;
      if (!hasMemoryFor(this.#parts, index + 1, this.#view.running())) {
        this.#reasons.set(taskId, 'not enough free memory for one more run');
        continue;
      }
      const message = await this.#startMessage(start);
      if (!this.#mayStart) break;
      posts.push(this.#postStart(taskId, message));
    }
    if (starts.length > 0) this.#turn += 1;
    await Promise.all(posts);
  }

  async #postStart(taskId: string, message: Message): Promise<void> {
    try {
      const outcome = await this.#parts.kernel().post({ messages: [message], principal: 'system' });
      if (outcome.kind !== 'ignored' && outcome.kind !== 'refused') return;
      this.#reasons.set(taskId, `${outcome.to} is ${outcome.state ?? 'not there'}: ${outcome.reason}`);
    } catch (error) {
      // The pass goes on meanwhile, so nobody else would handle it; the beat tries again what has a reason.
      this.#reasons.set(taskId, `its start could not be stored: ${(error as Error).message}`);
    }
  }

  async #startMessage({ candidate, choice }: PlannedStart): Promise<Message> {
    const task = await this.#parts.kernel().read(candidate.taskId);
    const { workerId, newWorker } = await this.#placeOf(task!, choice);
    const event = { type: 'task.start', runId: this.#parts.newId('run'), workerId, newWorker, dispatch: true };
    return { kind: 'event', to: candidate.taskId as ActorId, event };
  }

  async #placeOf(task: StoredActor, choice: PlannedStart['choice']): Promise<Extract<Placement, { kind: 'placed' }>> {
    if (choice.kind === 'existing') return { kind: 'placed', workerId: choice.workerId, newWorker: null };
    const context = task.snapshot.context as unknown as TaskContext;
    const workerId = this.#parts.newId('worker');
    const objective = context.objectiveId === null ? null : await this.#parts.kernel().read(context.objectiveId);
    const title = (objective?.snapshot.context as ObjectiveContext | undefined)?.title ?? 'tasks';
    const slugs = choice.name === null ? [title, context.planId ?? context.title] : [choice.name];
    const plan = await this.#parts.workspaces.planBranch({ slugs, shortId: workerId.slice(-6) });
    return { kind: 'placed', workerId, newWorker: { name: choice.name, ...plan } };
  }

  /** Runs that were asked for by name come before tasks of the queue. */
  async #dispatchPending(): Promise<void> {
    for (const run of this.#view.runs.values()) {
      if (!this.#mayStart) return;
      if (run.state !== 'dispatch_pending' || this.#fullness(run.objectiveId) !== null) continue;
      const event = { type: 'run.dispatch' };
      await this.#parts
        .kernel()
        .post({ messages: [{ kind: 'event', to: run.runId as ActorId, event }], principal: 'system' });
    }
  }

  /** Why no more runs of this objective may start; null while a slot is free. */
  #fullness(objectiveId: string | null): string | null {
    const limits = { projectMax: this.#limits.projectMax, running: this.#view.running() };
    const [running, maxConcurrency] = [this.#view.runningOf(objectiveId), this.#view.concurrencyOf(objectiveId)];
    return fullnessOf({ running, maxConcurrency }, limits);
  }

  /** J4: first where somebody was asked for by name, then the others in turn. */
  async #lanes(): Promise<readonly WishingLane[]> {
    const wanted = this.#view.lanes(this.#turn).filter((id) => this.#fullness(id) === null);
    return Promise.all(wanted.map(async (id) => this.#lane(id, await this.#tasksOf(id))));
  }

  /** Ready tasks that may start here: of a draft or canceled objective only those that were asked for. */
  async #tasksOf(objectiveId: string | null): Promise<readonly string[]> {
    const asked = this.#view.queuedOf(objectiveId);
    if (objectiveId === null) return unique([...asked, ...[...this.#view.loose].slice(0, LOOKAHEAD)]);
    const objective = this.#view.objectives.get(objectiveId);
    if (objective === undefined || !hasReady(objective)) return asked;
    const query = { kind: 'task', bucket: 'ready', objectiveId, limit: LOOKAHEAD, order: 'oldest' } as const;
    return unique([...asked, ...(await this.#parts.kernel().store.listActorIds(query))]);
  }

  async #lane(objectiveId: string | null, taskIds: readonly string[]): Promise<WishingLane> {
    const active = [...this.#view.runs.values()].filter((run) => run.objectiveId === objectiveId);
    const [runningScopes, candidates] = await Promise.all([
      Promise.all(active.map((run) => this.#scopeOf(run.taskId))),
      Promise.all(taskIds.map((taskId) => this.#candidateOf(taskId))),
    ]);
    const running = this.#view.runningOf(objectiveId);
    const ready = candidates.filter((candidate) => candidate !== null);
    return {
      objectiveId,
      maxConcurrency: this.#view.concurrencyOf(objectiveId),
      running,
      runningScopes,
      candidates: ready,
    };
  }

  /** Null for a task that is not ready any more. */
  async #candidateOf(taskId: string): Promise<WishingCandidate | null> {
    const task = await this.#parts.kernel().read(taskId);
    if (task === null || task.facts.bucket !== 'ready') return null;
    const { objectiveId } = task.facts;
    return { taskId, objectiveId, writeScope: await this.#scopeOf(taskId), wish: wishOf(task) };
  }

  /** Specs never change, so their scopes are remembered by hash. */
  async #scopeOf(taskId: string): Promise<readonly string[]> {
    const task = await this.#parts.kernel().read(taskId);
    const hash = (task?.snapshot.context as TaskContext | undefined)?.spec;
    if (hash === undefined) return [];
    const known = this.#scopes.get(hash);
    if (known !== undefined) return known;
    const bytes = await this.#parts.kernel().store.getBlob(hash);
    const scope = bytes === null ? [] : decodeSpec(bytes).writeScope;
    if (this.#scopes.size > 10_000) this.#scopes.clear();
    this.#scopes.set(hash, scope);
    return scope;
  }

  /** Asked again right before every start: a pass takes as long as git does, and it may have been closed or replaced meanwhile. */
  get #mayStart(): boolean {
    return this.#limits.isOpen() && !this.#stopped;
  }
}

const unique = (ids: readonly string[]): readonly string[] => [...new Set(ids)];

type WishingLane = Lane<WishingCandidate>;
