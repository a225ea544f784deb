/**
 * The loop that turns waiting posts into commits, one batch at a time, and answers them.
 *
 * K1. A post is answered only after the commit that holds it, or with a refusal that changed nothing.
 * L1. An error before COMMIT that is not the disk's is some message's fault: the batch is committed post by post, and the
 *     culprit is set aside with its cause. No commit is ever repeated because of the disk.
 * L2. An error of COMMIT leaves the outcome unknown: everybody of the batch hears so, and nothing is written any more.
 * L3. While one batch is being written the next one is computed on top of it; it is written only after the first one is durable,
 *     and computed again when that one failed.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { EpochMs } from '../../machines/ids.ts';
import type { CommitBatch, CommitResult, Store } from '../../persistence/store.ts';
import type { LiveActor } from './actor-cache.ts';
import { computePost, prefetch, seal, type Answer, type BatchContext } from './batch.ts';
import { deadLetterOf, endedBecause, outcomeUnknown, wordsOf } from './commit-failure.ts';
import { BatchGround, flightOf, type CommittedState, type FlightView } from './committed-state.ts';
import { Draft } from './draft.ts';
import type { Clock } from './kernel.ts';
import type { KernelLimits } from './limits.ts';
import type { MachineSet } from './machine-set.ts';
import { countOf, type Mailbox, type Pending } from './mailbox.ts';
import type { Migrations } from './migrations.ts';
import type { RejectionBudget } from './rejections.ts';

/** Microtask turns given to callers that were just answered: what they post next joins the same batch. */
const gatherTurns = 4;

/** From this number on, posts that wait while nothing is written are taken in halves: disk and processor share the work. */
const splitFrom = 32;

export type LoopParts = {
  readonly store: Store;
  readonly set: MachineSet;
  readonly migrations: Migrations;
  readonly clock: Clock;
  readonly limits: KernelLimits;
  readonly state: CommittedState;
  readonly mailbox: Mailbox;
  readonly rejections: RejectionBudget;
  /** Called with everything that was committed, after the state was taken over and before callers are answered. */
  readonly onCommit: (draft: Draft, changed: readonly LiveActor[], at: EpochMs) => void;
  /** Nothing may be written any more. */
  readonly onFatal: (reason: string, error: ConductorError) => void;
};

type Answered = { readonly pending: Pending; readonly answer: Answer };
type Computed = { readonly context: BatchContext; readonly answers: readonly Answered[] };
type Flight = Computed & { readonly result: Promise<CommitResult> };

export class CommitLoop {
  readonly #parts: LoopParts;
  #isOver = false;
  /** What everybody is told once nothing may be written any more. */
  #fatal: ConductorError | null = null;
  #computing = 0;
  /** The batch that is being written. */
  #flight: Flight | null = null;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /** Messages that were taken and are not answered. */
  get inFlight(): number {
    return this.#computing + countOf((this.#flight?.answers ?? []).map(({ pending }) => pending));
  }

  /** Runs until `end`, and then until nothing waits. */
  async run(onPause: () => void): Promise<void> {
    const { mailbox } = this.#parts;
    for (;;) {
      if (mailbox.isEmpty && this.#flight !== null) {
        await Promise.race([this.#flight.result, mailbox.arrival()]);
        if (mailbox.isEmpty) await this.#land();
      } else if (mailbox.isEmpty) {
        onPause();
        if (this.#isOver) return;
        await mailbox.arrival();
      }
      if (!mailbox.isEmpty) await this.#next();
    }
  }

  async #next(): Promise<void> {
    const { mailbox } = this.#parts;
    for (let turn = 0; turn < gatherTurns; turn += 1) await Promise.resolve();
    if (this.#flight !== null && !isPlain(this.#flight)) await this.#land();
    const isSplit = this.#flight === null && mailbox.posts >= splitFrom;
    const posts = mailbox.take(isSplit ? Math.ceil(mailbox.posts / 2) : null);
    this.#computing = countOf(posts);
    if (posts.length > 0) await this.#handle(posts);
    this.#computing = 0;
  }

  /** No more after what waits now. */
  end(): void {
    this.#isOver = true;
    this.#parts.mailbox.wake();
  }

  /** Computes a batch on top of the one that is being written, waits for that one, and begins to write this one. */
  async #handle(posts: readonly Pending[]): Promise<void> {
    let computed: Computed;
    try {
      computed = await this.#compute(posts, this.#flight);
    } catch (error) {
      // Reading the store failed, or an assertion of ours did: nothing of this batch was written.
      const answer = new ConductorError('internal', `The messages could not be computed: ${wordsOf(error)}`, {
        cause: error,
      });
      for (const pending of posts) pending.reject(answer);
      await this.#land();
      return;
    }
    const taken = computed.answers.map(({ pending }) => pending);
    const isBelowDurable = await this.#land();
    if (this.#fatal !== null) for (const pending of taken) pending.reject(this.#fatal);
    else if (!isBelowDurable) this.#parts.mailbox.giveBack(taken);
    else if (computed.context.draft.isEmpty) settle(computed.answers);
    else this.#flight = { ...computed, result: this.#write(seal(computed.context, this.#parts.store.owner)) };
  }

  /** Waits for the batch that is being written and answers it. @returns whether it is durable; true when there was none. */
  async #land(): Promise<boolean> {
    const flight = this.#flight;
    if (flight === null) return true;
    const result = await flight.result;
    this.#flight = null;
    if (result.kind === 'committed') {
      this.#takeOver(flight.context);
      settle(flight.answers);
      return true;
    }
    await this.#recover(result, flight.answers, { retriesLeft: 1 });
    return false;
  }

  async #commit(posts: readonly Pending[], options: { readonly retriesLeft: number }): Promise<void> {
    if (this.#fatal !== null) {
      for (const pending of posts) pending.reject(this.#fatal);
      return;
    }
    const { context, answers } = await this.#compute(posts, null);
    if (context.draft.isEmpty) {
      settle(answers);
      return;
    }
    const result = await this.#write(seal(context, this.#parts.store.owner));
    if (result.kind === 'committed') {
      this.#takeOver(context);
      settle(answers);
      return;
    }
    await this.#recover(result, answers, options);
  }

  async #compute(posts: readonly Pending[], below: Flight | null): Promise<Computed> {
    const { set, limits, state, store, migrations, clock, rejections, mailbox } = this.#parts;
    const flight: FlightView | null = below === null ? null : flightOf(below.context.draft, below.context.at);
    const ground = new BatchGround(state, { store, set, migrations, limits, flight });
    const context: BatchContext = { set, limits, ground, draft: new Draft(ground), at: clock.now(), rejections };
    await prefetch(context, posts);
    const answers: Answered[] = [];
    for (const [index, pending] of posts.entries()) {
      if (index > 0 && context.draft.told >= limits.relationTellsMax) {
        mailbox.giveBack(posts.slice(index));
        break;
      }
      const answer = computePost(context, pending);
      answers.push({ pending, answer: answer instanceof Promise ? await answer : answer });
    }
    return { context, answers };
  }

  async #write(batch: CommitBatch): Promise<CommitResult> {
    try {
      return await this.#parts.store.commit(batch);
    } catch (cause) {
      // An adapter answers with a result; one that throws instead does not know what it did, and neither do we.
      return { kind: 'unknown', cause };
    }
  }

  #die(reason: string, error: ConductorError): void {
    this.#fatal = error;
    this.#parts.onFatal(reason, error);
  }

  /** What was committed stays committed: trouble from here on ends the process, it takes back no answer. */
  #takeOver({ draft, at }: BatchContext): void {
    const { state, onCommit } = this.#parts;
    try {
      const changed = state.apply(draft, at);
      onCommit(draft, changed, at);
    } catch (cause) {
      const error = endedBecause('store');
      this.#die(`A commit could not be taken over: ${wordsOf(cause)}`, error);
    }
  }

  async #recover(
    result: Exclude<CommitResult, { kind: 'committed' }>,
    answers: readonly Answered[],
    options: { readonly retriesLeft: number },
  ): Promise<void> {
    const posts = answers.map(({ pending }) => pending);
    switch (result.kind) {
      case 'unknown': {
        for (const pending of posts) pending.reject(outcomeUnknown(pending, result.cause));
        const error = endedBecause('disk');
        this.#die(`A commit failed with an unknown outcome: ${wordsOf(result.cause)}`, error);
        return;
      }
      case 'lost': {
        const error = new ConductorError(
          'owned_elsewhere',
          'Another supervisor owns this project now; this one ended.',
          {
            retryable: true,
          },
        );
        for (const pending of posts) pending.reject(error);
        this.#die('Another supervisor owns this project now.', error);
        return;
      }
      case 'conflict': {
        if (options.retriesLeft > 0) {
          this.#parts.state.cache.forget(result.actor);
          await this.#commit(posts, { retriesLeft: options.retriesLeft - 1 });
          return;
        }
        const error = new ConductorError('internal', `${result.actor} was changed by somebody else than its owner.`);
        for (const pending of posts) pending.reject(error);
        this.#die(error.message, error);
        return;
      }
      case 'failed': {
        await this.#recoverFailed(result, posts);
      }
    }
  }

  async #recoverFailed(result: Extract<CommitResult, { kind: 'failed' }>, posts: readonly Pending[]): Promise<void> {
    const [only] = posts;
    if (result.io) {
      const error = new ConductorError(result.code, `Nothing was stored: ${wordsOf(result.cause)}`, {
        retryable: true,
        cause: result.cause,
      });
      for (const pending of posts) pending.reject(error);
    } else if (posts.length > 1 || only === undefined) {
      for (const pending of posts) await this.#commit([pending], { retriesLeft: 1 });
    } else {
      await this.#setAside(only, result.cause);
    }
  }

  /** The culprit of a batch: its post is dead-lettered with the cause of the store. */
  async #setAside(pending: Pending, cause: unknown): Promise<void> {
    const { clock, state, store, set, migrations, limits, rejections } = this.#parts;
    const ground = new BatchGround(state, { store, set, migrations, limits, flight: null });
    const at = clock.now();
    const draft = new Draft(ground);
    draft.deadLetters.push(deadLetterOf(pending, cause, at));
    // A timer or continuation that cannot be told would come back for ever; it is set aside with its message.
    if (pending.timer !== undefined) draft.timers.set(`${pending.timer.actor}/${pending.timer.key}`, null);
    if (pending.continuation !== undefined) {
      const { id, untilRow } = pending.continuation;
      draft.continuationsAdvanced.push({ id, afterRow: untilRow });
    }
    const context: BatchContext = { set, limits, ground, draft, at, rejections };
    const result = await this.#write(seal(context, store.owner));
    const error = new ConductorError(
      'internal',
      `The message could not be stored: ${wordsOf(cause)} It was set aside.`,
      {
        cause,
      },
    );
    if (result.kind === 'committed') {
      this.#takeOver(context);
      pending.reject(error);
    } else if (result.kind === 'failed') pending.reject(error);
    else await this.#recover(result, [{ pending, answer: error }], { retriesLeft: 0 });
  }
}

/** Edges and continuations are looked up in the store: what comes after them is computed when they are there. */
const isPlain = ({ context: { draft } }: Flight): boolean =>
  draft.relations.length === 0 && draft.continuations.length === 0 && draft.continuationsAdvanced.length === 0;

function settle(answers: readonly Answered[]): void {
  for (const { pending, answer } of answers) {
    if (answer instanceof Error) pending.reject(answer);
    else pending.resolve(answer);
  }
}
