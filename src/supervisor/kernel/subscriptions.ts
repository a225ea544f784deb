/** Who hears of commits: in order, each after it is durable, in the turn in which its callers are answered. */
import type { EpochMs } from '../../machines/ids.ts';
import { storedOf, type LiveActor } from './actor-cache.ts';
import type { Draft } from './draft.ts';
import type { Commit } from './kernel.ts';

export class Subscriptions {
  readonly #listeners = new Set<(commit: Commit) => void>();

  /** @returns ends the subscription. */
  add(listener: (commit: Commit) => void): () => void {
    // A function of its own: the same listener twice is two subscriptions.
    const entry = (commit: Commit) => {
      listener(commit);
    };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** A commit without news for anybody (a counted try) is not told. */
  tell(
    { journal, artifacts }: Draft,
    changed: readonly LiveActor[],
    { at, lastSeq }: { readonly at: EpochMs; readonly lastSeq: number },
  ): void {
    const isNews = journal.length > 0 || changed.length > 0 || artifacts.length > 0;
    if (!isNews || this.#listeners.size === 0) return;
    const commit = journal[0]?.seq ?? lastSeq;
    this.#notify({ commit, lastSeq, at, entries: journal, actors: changed.map(storedOf), artifacts });
  }

  #notify(commit: Commit): void {
    // A copy: a listener may subscribe another one, which begins with the next commit.
    const listeners = Array.from(this.#listeners);
    for (const listener of listeners) {
      try {
        listener(commit);
      } catch {
        // The commit is durable whatever a listener thinks of it; one that throws must not keep the others from hearing of it.
      }
    }
  }
}
