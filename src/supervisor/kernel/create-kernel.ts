/**
 * Puts the kernel together: mailbox, commit loop, timers, effects and subscribers around one store.
 *
 *     message → mailbox → compute (pure) → commit (one transaction) → acknowledge → execute effects → their results are messages
 *
 * K1–K3 of kernel.ts hold here. Time and chance come from the clock alone.
 */
import { ConductorError } from '../../machines/errors.ts';
import { kindOfId, type ActorKind, type EpochMs } from '../../machines/ids.ts';
import type { Continuation, OutboxRow, Store, StoredActor } from '../../persistence/store.ts';
import { storedOf, type LiveActor } from './actor-cache.ts';
import { CommitLoop } from './commit-loop.ts';
import { CommittedState } from './committed-state.ts';
import type { Draft } from './draft.ts';
import { EffectExecutor, type EffectPost } from './effect-executor.ts';
import { admit } from './intake.ts';
import type { Clock, Commit, EffectHandlers, Kernel, Outcome, Post } from './kernel.ts';
import { KERNEL_LIMITS, type KernelLimits } from './limits.ts';
import { MACHINE_SET, type MachineSet } from './machine-set.ts';
import { Mailbox, type Pending } from './mailbox.ts';
import { migrateEffect, migrateStored, MIGRATIONS, type Migrations } from './migrations.ts';
import { parkedRetry } from './parked-effects.ts';
import { RejectionBudget } from './rejections.ts';
import { Subscriptions } from './subscriptions.ts';
import { TimerLoop, Timers } from './timers.ts';
import { upgradedStore } from './upgraded-store.ts';

export type KernelOptions = {
  readonly store: Store;
  readonly clock: Clock;
  /** null: effects are stored and not carried out. */
  readonly handlers: EffectHandlers | null;
  /** Default: the registry. */
  readonly machines?: MachineSet;
  readonly migrations?: Migrations;
  readonly limits?: Partial<KernelLimits>;
  /** Called once, when nothing may be written any more; the process is to end. */
  readonly onFatal: (reason: string) => void;
};

/** @throws ConductorError `store_too_new` for waiting effects of a newer version; what the store throws when it cannot be read. */
export async function createKernel(options: KernelOptions): Promise<Kernel> {
  const kernel = new DurableKernel(options);
  await kernel.open();
  return kernel;
}

class DurableKernel implements Kernel {
  readonly store: Store;
  /** As it is written. */
  readonly #stored: Store;
  readonly #clock: Clock;
  readonly #set: MachineSet;
  readonly #migrations: Migrations;
  readonly #limits: KernelLimits;
  readonly #onFatal: (reason: string) => void;
  readonly #state: CommittedState;
  readonly #mailbox: Mailbox;
  readonly #loop: CommitLoop;
  readonly #effects: EffectExecutor;
  readonly #timerLoop: TimerLoop;
  readonly #subscriptions = new Subscriptions();
  readonly #idleWaiters = new Set<() => void>();
  #ended: Promise<void> = Promise.resolve();
  /** Why no post is taken any more. */
  #closed: ConductorError | null = null;
  #stopping: Promise<void> | null = null;
  #isPaused = true;
  /** Nothing may be written any more. */
  #isDead = false;
  /** Id of the continuation whose page is waiting or being told. */
  #telling: number | null = null;
  #cancelRetry: (() => void) | null = null;

  constructor(options: KernelOptions) {
    this.#clock = options.clock;
    this.#set = options.machines ?? MACHINE_SET;
    this.#migrations = options.migrations ?? MIGRATIONS;
    this.#stored = options.store;
    this.store = upgradedStore(options.store, { set: this.#set, migrations: this.#migrations });
    this.#limits = { ...KERNEL_LIMITS, ...options.limits };
    this.#onFatal = options.onFatal;
    const timers = new Timers();
    this.#state = new CommittedState(this.#limits, timers);
    this.#mailbox = new Mailbox(this.#limits);
    this.#loop = new CommitLoop({
      store: this.#stored,
      set: this.#set,
      migrations: this.#migrations,
      clock: this.#clock,
      limits: this.#limits,
      state: this.#state,
      mailbox: this.#mailbox,
      rejections: new RejectionBudget(this.#limits.rejectedPerHourMax),
      onCommit: (draft, changed, at) => {
        this.#committed(draft, changed, at);
      },
      onFatal: (reason, error) => {
        this.#die(reason, error);
      },
    });
    this.#effects = new EffectExecutor({
      handlers: options.handlers,
      clock: this.#clock,
      limits: this.#limits,
      commit: async (work) => this.#postEffect(work),
      onChange: () => this.#wakeIdle(),
    });
    this.#timerLoop = new TimerLoop({
      timers,
      clock: this.#clock,
      checkMs: this.#limits.timerCheckMs,
      fire: (now) => this.#fireTimers(now),
    });
  }

  async open(): Promise<void> {
    await this.#state.open(this.#stored);
    const parked = this.#effects.load(await this.#outbox());
    this.#ended = this.#loop.run(() => {
      this.#paused();
    });
    if (parked.length > 0) await this.#postOwn({ post: ownPost, outboxUpdates: parked });
    this.#effects.start();
    this.#timerLoop.start();
    this.#tellOn();
  }

  get depth(): number {
    return this.#mailbox.depth + this.#loop.inFlight;
  }

  async post(post: Post): Promise<Outcome> {
    if (this.#closed !== null) throw this.#closed;
    const admitted = admit(this.#set, this.#limits, { post, now: this.#clock.now() });
    return new Promise<Outcome>((resolve, reject) => {
      this.#add({ ...admitted, origin: 'caller', resolve, reject });
    });
  }

  async read(id: string): Promise<StoredActor | null> {
    const live = this.#state.cache.get(id);
    if (live !== undefined) return storedOf(live);
    const stored = await this.#stored.getActor(id);
    return stored === null ? null : migrateStored(this.#set, this.#migrations, stored);
  }

  peek(id: string): StoredActor | null {
    const live = this.#state.cache.get(id);
    return live === undefined ? null : storedOf(live);
  }

  readonly retryParked = parkedRetry({
    read: () => this.#outbox(),
    commit: (outboxUpdates) => this.#postOwn({ post: ownPost, outboxUpdates }),
    accept: (rows) => this.#effects.accept(rows),
  });

  async #outbox(): Promise<readonly OutboxRow[]> {
    const rows = await this.store.listOutbox();
    return rows.map((row) =>
      migrateEffect(this.#set, this.#migrations, { ...row, kind: kindOfId(row.actor) as ActorKind }),
    );
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) this.#state.cache.forget(id);
  }

  subscribe(listener: (commit: Commit) => void): () => void {
    return this.#subscriptions.add(listener);
  }

  async idle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#idleWaiters.add(resolve);
    });
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#closed ??= new ConductorError('supervisor_away', 'The supervisor is stopping.', { retryable: true });
    this.#cancelRetry?.();
    this.#timerLoop.stop();
    const untried = this.#effects.stop();
    if (untried.length > 0) {
      // The rows say «died in this try» until this is stored; when it cannot be, that is what they go on saying.
      await this.#postOwn({ post: ownPost, outboxUpdates: untried }).catch(() => null);
    }
    this.#loop.end();
    await this.#ended;
    this.#wakeIdle();
  }

  get #isIdle(): boolean {
    const isQuiet = this.#isPaused && this.#mailbox.isEmpty && this.#telling === null;
    return (isQuiet && this.#effects.isIdle) || (this.#closed !== null && isQuiet);
  }

  #wakeIdle(): void {
    if (!this.#isIdle) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }

  #paused(): void {
    this.#isPaused = true;
    this.#wakeIdle();
  }

  #add(pending: Pending): void {
    this.#mailbox.add(pending);
    this.#isPaused = false;
  }

  /** A post of the kernel's own: never refused for want of room. */
  async #postOwn(work: Pick<Pending, 'post' | 'timer' | 'continuation' | 'outboxUpdates'>): Promise<Outcome> {
    if (this.#isDead) throw this.#closed!;
    return new Promise<Outcome>((resolve, reject) => {
      this.#add({
        ...work,
        origin: 'kernel',
        count: Math.max(1, work.post.messages.length),
        bytes: 0,
        resolve,
        reject,
      });
    });
  }

  async #postEffect({ post, outboxUpdates }: EffectPost): Promise<Outcome> {
    const admitted = admit(this.#set, this.#limits, { post, now: this.#clock.now() });
    return this.#postOwn({ post: admitted.post, ...(outboxUpdates === undefined ? {} : { outboxUpdates }) });
  }

  #committed(draft: Draft, changed: readonly LiveActor[], at: EpochMs): void {
    for (const update of draft.outboxUpdates) this.#effects.settled(update);
    this.#effects.accept(draft.outbox);
    this.#timerLoop.rearm();
    this.#tellOn();
    this.#subscriptions.tell(draft, changed, { at, lastSeq: this.#state.lastSeq });
  }

  #fireTimers(now: EpochMs | number): void {
    for (const timer of this.#state.timers.takeDue(now, this.#limits.timersPerTickMax)) {
      const event = { type: timer.event, at: now as EpochMs };
      const post: Post = { messages: [{ kind: 'event', to: timer.actor, event, mode: 'notify' }], principal: 'system' };
      const isOver = () => {
        this.#state.timers.fired(timer);
      };
      this.#postOwn({ post, timer }).then(isOver, isOver);
    }
  }

  /** Posts the next page of the oldest continuation, one at a time. */
  #tellOn(): void {
    const next = this.#state.nextContinuation;
    if (next === null || this.#telling !== null || this.#closed !== null) return;
    this.#telling = next.id;
    void this.#tellPage(next);
  }

  async #tellPage(continuation: Continuation): Promise<void> {
    try {
      await this.#postOwn({ post: ownPost, continuation });
      this.#telling = null;
      this.#tellOn();
    } catch {
      // The disk refused the page: it is told later, from where it stood.
      this.#telling = null;
      this.#cancelRetry = this.#clock.after(this.#limits.storeRetryMs, () => {
        this.#tellOn();
      });
    }
    this.#wakeIdle();
  }

  /** Nothing is written any more: everybody who waits hears why, and the process is told to end. */
  #die(reason: string, error: ConductorError): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#closed = error;
    this.#cancelRetry?.();
    this.#timerLoop.stop();
    this.#effects.stop();
    for (let posts = this.#mailbox.take(); posts.length > 0; posts = this.#mailbox.take()) {
      for (const pending of posts) pending.reject(error);
    }
    this.#loop.end();
    this.#onFatal(reason);
  }
}

const ownPost: Post = { messages: [], principal: 'system' };
