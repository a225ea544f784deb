/**
 * The feed of one page: the project as it is or the entries since the page last listened, then everything live.
 *
 *     hello ─▶ join the live stream (what comes now waits) ─▶ snapshot, or entries after `after` ─▶ what waited ─▶ live
 *
 * F1. What a page gets after its moment is a stretch of the journal without gap or repeat, until `resync`: every batch of it, with the
 *     entries of what the page watches.
 * F2. A page with more than UNSENT_BYTES_MAX unsent beside its snapshot gets `resync`, and nothing until it says hello again.
 */
import { FeedBatch } from './feed-batch.ts';
import type { FeedHub, Joined } from './feed-hub.ts';
import type { FeedSource } from './feed-source.ts';
import type { PageSocket } from './page-socket.ts';
import {
  BATCH_ENTRIES_MAX,
  UNSENT_BYTES_MAX,
  type ProjectFacts,
  type ServerMessage,
  type Watched,
} from './protocol.ts';

/** Entries that a page is told of after it was away; beyond, the whole project is less to read. */
const CATCH_UP_ENTRIES_MAX = 2_000;

export type PageFeedParts = {
  readonly hub: FeedHub;
  readonly source: FeedSource;
  readonly project: () => ProjectFacts;
  /** What a page is told first of all that is live; null: nothing. */
  readonly pulse: () => string | null;
  readonly log: (error: unknown) => void;
};

export class PageFeed {
  readonly #parts: PageFeedParts;
  readonly #page: PageSocket;
  /** Of the hello that is being served; an older one stops where it is. */
  #turn = 0;
  #joined: Joined | null = null;
  /** What comes while the past is still being read; null when the page is live. */
  #held: FeedBatch[] | null = null;
  #heldBytes = 0;
  #cursor = 0;
  #watch: Watched = null;

  constructor(page: PageSocket, parts: PageFeedParts) {
    this.#page = page;
    this.#parts = parts;
    void page.closed.then(() => this.#leave());
  }

  get isLive(): boolean {
    return this.#joined !== null && this.#held === null;
  }

  /** Counts for what is sent from now on. */
  watch(watched: Watched): void {
    this.#watch = watched;
    this.#parts.hub.watchesChanged();
  }

  /** Begins anew, whatever was going on. @param after null: with a snapshot. */
  async begin(after: number | null): Promise<void> {
    this.#leave();
    const turn = this.#turn;
    this.#held = [];
    this.#heldBytes = 0;
    const isCurrent = (): boolean => this.#turn === turn;
    try {
      const joined = await this.#parts.hub.join({
        batch: (batch) => isCurrent() && this.#receive(batch),
        lost: () => isCurrent() && this.#resync(),
        // Who did not say what it watches gets everything, and waits for progress as others do.
        watched: () => this.#watch ?? [],
      });
      if (!isCurrent()) return joined.leave();
      this.#joined = joined;
      const cursor = after ?? (await this.#sendSnapshot());
      if (!isCurrent()) return;
      this.#cursor = cursor;
      await this.#catchUp(joined.cursor, isCurrent);
      if (isCurrent()) this.#goLive();
    } catch (error) {
      this.#parts.log(error);
      if (isCurrent()) this.#resync();
    }
  }

  /** To a page that is live and keeps up; others need no pulse. */
  sendLive(text: string): void {
    if (this.isLive && this.#page.unsent() <= UNSENT_BYTES_MAX) void this.#page.send(text);
  }

  end(): void {
    this.#leave();
  }

  async #sendSnapshot(): Promise<number> {
    const overview = await this.#parts.source.overview();
    // Waited for: its size says nothing about how fast the page reads (F2).
    await this.#say({ type: 'snapshot', project: this.#parts.project(), overview });
    return overview.seq;
  }

  /** Entries between the page's cursor and where live batches begin. */
  async #catchUp(until: number, isCurrent: () => boolean): Promise<void> {
    const { source } = this.#parts;
    // A page from before the store was put back has seen what is not there any more.
    if (this.#cursor > until && this.#cursor > (await source.lastSeq())) return this.#resync();
    if (until - this.#cursor > CATCH_UP_ENTRIES_MAX) return this.#resync();
    while (this.#cursor < until && isCurrent()) {
      const page = await source.entriesAfter(this.#cursor);
      const entries = page.filter(({ seq }) => seq <= until).slice(0, BATCH_ENTRIES_MAX);
      // Archived meanwhile: what is missing cannot be told one by one.
      if (entries.length === 0) return this.#resync();
      const batch = new FeedBatch(entries, await source.changesOf(entries));
      if (!isCurrent()) return;
      this.#cursor = batch.lastSeq;
      await this.#page.send(batch.textFor(this.#watch));
    }
  }

  #goLive(): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#heldBytes = 0;
    for (const batch of held) if (this.#joined !== null) this.#send(batch);
    const pulse = this.#parts.pulse();
    if (pulse !== null) this.sendLive(pulse);
  }

  #receive(batch: FeedBatch): void {
    if (this.#held === null) return this.#send(batch);
    this.#held.push(batch);
    this.#heldBytes += batch.textFor(this.#watch).length;
    if (this.#heldBytes > UNSENT_BYTES_MAX) this.#resync();
  }

  #send(batch: FeedBatch): void {
    if (batch.lastSeq <= this.#cursor) return;
    if (this.#page.unsent() > UNSENT_BYTES_MAX) return this.#resync();
    const after = this.#cursor;
    this.#cursor = batch.lastSeq;
    void this.#page.send(batch.textFor(this.#watch, after));
  }

  #resync(): void {
    this.#leave();
    void this.#say({ type: 'resync' });
  }

  async #say(message: ServerMessage): Promise<void> {
    await this.#page.send(JSON.stringify(message));
  }

  #leave(): void {
    this.#turn += 1;
    this.#joined?.leave();
    this.#joined = null;
    this.#held = null;
  }
}
