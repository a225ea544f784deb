/** Who hears of commits: in order, each after it is durable, in the turn in which its callers are answered. */
import type { Commit } from './kernel.ts';

export class Subscriptions {
  readonly #listeners = new Set<(commit: Commit) => void>();

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

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

  notify(commit: Commit): void {
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
