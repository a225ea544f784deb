/**
 * What waits for the next commit, in order of arrival. Bounded for callers from outside; the kernel's own posts (results of
 * effects, due timers, continuations) are bounded by what they come from and never refused.
 *
 * B1. Posts leave in the order in which they came; the kernel's own go first, so that ends are never behind a queue of starts.
 * B2. What waits when a commit returns is the next batch, up to the batch's size.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { Continuation, OutboxUpdate, TimerRow } from '../../persistence/store.ts';
import type { Outcome, Post } from './kernel.ts';
import type { KernelLimits } from './limits.ts';

export type Pending = {
  readonly post: Post;
  /** Asked for by a caller, or by the kernel itself. */
  readonly origin: 'caller' | 'kernel';
  /** Messages it counts for, at least 1. */
  readonly count: number;
  readonly bytes: number;
  /** The timer that this post fires; void when it was cleared or moved meanwhile. */
  readonly timer?: TimerRow;
  /** The continuation whose next page this post tells. */
  readonly continuation?: Continuation;
  readonly outboxUpdates?: readonly OutboxUpdate[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
};

/** Messages of some posts. */
export const countOf = (posts: readonly Pending[]): number => posts.reduce((sum, { count }) => sum + count, 0);

/** A queue that gives from its head without moving the rest. */
class Queue {
  #items: Pending[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Pending): void {
    this.#items.push(item);
  }

  peek(): Pending | undefined {
    return this.#items[this.#head];
  }

  shift(): Pending | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length || this.#head >= 1_024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Back to the head, in this order. */
  unshift(items: readonly Pending[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }
}

export class Mailbox {
  readonly #limits: KernelLimits;
  readonly #callers = new Queue();
  readonly #own = new Queue();
  #messages = 0;
  #bytes = 0;
  #arrived: (() => void) | null = null;

  constructor(limits: KernelLimits) {
    this.#limits = limits;
  }

  /** Messages waiting. */
  get depth(): number {
    return this.#messages;
  }

  get isEmpty(): boolean {
    return this.#callers.length === 0 && this.#own.length === 0;
  }

  /** @throws ConductorError `overloaded` (retryable) when it is full and the post is a caller's. */
  add(pending: Pending): void {
    if (pending.origin === 'caller') this.#refuseWhenFull(pending);
    this.#messages += pending.count;
    this.#bytes += pending.bytes;
    (pending.origin === 'caller' ? this.#callers : this.#own).push(pending);
    this.wake();
  }

  /** Posts waiting. */
  get posts(): number {
    return this.#callers.length + this.#own.length;
  }

  /** The next batch, of at most `most` posts (null: as many as a batch may have); empty when nothing waits. */
  take(most: number | null = null): Pending[] {
    const postsMax = Math.min(most ?? Number.POSITIVE_INFINITY, this.#limits.batchPostsMax);
    const batch: Pending[] = [];
    let messages = 0;
    for (const queue of [this.#own, this.#callers]) {
      for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
        const isFull = batch.length >= postsMax || messages + next.count > this.#limits.batchMessagesMax;
        if (isFull && batch.length > 0) return batch;
        queue.shift();
        messages += next.count;
        this.#messages -= next.count;
        this.#bytes -= next.bytes;
        batch.push(next);
      }
    }
    return batch;
  }

  /** What a batch had no room for, back to where it came from. */
  giveBack(batch: readonly Pending[]): void {
    this.#own.unshift(batch.filter((pending) => pending.origin === 'kernel'));
    this.#callers.unshift(batch.filter((pending) => pending.origin === 'caller'));
    for (const pending of batch) {
      this.#messages += pending.count;
      this.#bytes += pending.bytes;
    }
  }

  /** Resolves when something waits, or at `wake`. */
  async arrival(): Promise<void> {
    if (!this.isEmpty) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  wake(): void {
    this.#arrived?.();
    this.#arrived = null;
  }

  #refuseWhenFull(pending: Pending): void {
    const { mailboxMessagesMax, mailboxBytesMax } = this.#limits;
    const messages = this.#messages + pending.count;
    const bytes = this.#bytes + pending.bytes;
    // A single post always fits an empty mailbox: it was measured when it came.
    if (this.#messages === 0 || (messages <= mailboxMessagesMax && bytes <= mailboxBytesMax)) return;
    throw new ConductorError(
      'overloaded',
      `${String(this.#messages)} messages wait to be stored (at most ${String(mailboxMessagesMax)}); try again in a moment.`,
      { retryable: true, details: { messages: this.#messages, bytes: this.#bytes } },
    );
  }
}
