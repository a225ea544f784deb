/**
 * The live journal for all pages at once: one subscription, one read of changed things per batch, however many pages are open.
 *
 * H1. While nobody listens nothing is subscribed and nothing is read.
 * H2. Whoever joins is told where the next batch begins; from there on batches follow one another without gap or repeat.
 * H3. What waits to be read is bounded: beyond it everybody is told to read anew.
 */
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import { FeedBatch } from './feed-batch.ts';
import { isProgress, type FeedSource } from './feed-source.ts';
import { BATCH_ENTRIES_MAX, BATCH_MS, PROGRESS_MS, type Pulse } from './protocol.ts';

/** Entries that wait for a batch: a few seconds of a very busy project. */
const WAITING_MAX = 10_000;

export type FeedListener = {
  batch(batch: FeedBatch): void;
  /** Nothing comes any more: leave, and read anew. */
  lost(): void;
  /** Ids of what it looks at: the progress of these waits no longer than news does. Said anew by `watchesChanged`. */
  watched(): readonly string[];
};
/** Batches after `cursor` come; what is before has to be read. */
export type Joined = { readonly cursor: number; readonly leave: () => void };

export type FeedParts = {
  readonly face: Pick<SupervisorFace, 'subscribe'>;
  readonly source: FeedSource;
  /** What goes along with the next batch; null: nothing is due. */
  readonly takePulse: () => Pulse | null;
  readonly log: (error: unknown) => void;
};

export class FeedHub {
  readonly #parts: FeedParts;
  readonly #listeners = new Set<FeedListener>();
  /** By any of them. Kept, because it is looked at for every entry of every commit. */
  readonly #watched = new Set<string>();
  /** Listeners, and those that are about to be. */
  #members = 0;
  #stream: LiveStream | null = null;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** @throws what keeps the journal from being read. */
  async join(listener: FeedListener): Promise<Joined> {
    this.#members += 1;
    let isHere = true;
    const leave = (): void => {
      if (!isHere) return;
      isHere = false;
      this.#listeners.delete(listener);
      this.watchesChanged();
      this.#members -= 1;
      if (this.#members > 0) return;
      this.#stream?.end();
      this.#stream = null;
    };
    try {
      for (;;) {
        const stream = (this.#stream ??= this.#open());
        await stream.begun;
        if (stream !== this.#stream) continue;
        // In the same turn as the cursor is read, so that no batch falls between (H2).
        this.#listeners.add(listener);
        this.watchesChanged();
        return { cursor: stream.cursor, leave };
      }
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** A listener looks at something else from now on. */
  watchesChanged(): void {
    this.#watched.clear();
    for (const each of this.#listeners) for (const id of each.watched()) this.#watched.add(id);
  }

  #open(): LiveStream {
    return new LiveStream(this.#parts, {
      batch: (batch) => this.#listeners.forEach((each) => each.batch(batch)),
      lost: () => {
        this.#stream?.end();
        this.#stream = null;
        for (const each of this.#listeners) each.lost();
      },
      watched: this.#watched,
    });
  }
}

type StreamTo = Pick<FeedListener, 'batch' | 'lost'> & { readonly watched: ReadonlySet<string> };

/** One subscription from its beginning to its end; after `end` it says nothing, whatever is still on its way. */
class LiveStream {
  readonly begun: Promise<void>;
  /** The last entry that was told. */
  cursor = 0;
  readonly #parts: FeedParts;
  readonly #to: StreamTo;
  #waiting: JournalEntry[] = [];
  #timer: NodeJS.Timeout | null = null;
  #dueAt = 0;
  /** When the last batch was told. */
  #toldAt = -Infinity;
  #reading = false;
  #ended = false;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: FeedParts, to: StreamTo) {
    this.#parts = parts;
    this.#to = to;
    this.begun = this.#begin();
  }

  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#stopTimer();
    this.#unsubscribe();
  }

  async #begin(): Promise<void> {
    const { face, source } = this.#parts;
    this.cursor = await source.lastSeq();
    const unsubscribe = await face.subscribe(this.cursor, (entries) => this.#take(entries));
    this.#unsubscribe = unsubscribe;
    if (this.#ended) unsubscribe();
  }

  /** Once a commit, while others wait for their answer: whatever can wait for the batch is done there. */
  #take(entries: readonly JournalEntry[]): void {
    if (this.#ended) return;
    const { watched } = this.#to;
    let isNews = false;
    for (const entry of entries) {
      this.#waiting.push(entry);
      isNews ||= !isProgress(entry) || (watched.size > 0 && isIn(watched, entry));
    }
    if (this.#waiting.length > WAITING_MAX) this.#lose();
    else if (this.#waiting.length >= BATCH_ENTRIES_MAX) void this.#flush();
    else if (isNews) this.#schedule(BATCH_MS);
    else if (this.#timer === null) this.#schedule(this.#progressWait());
  }

  /** The first word after a silence is told as soon as news is. */
  #progressWait(): number {
    return Math.max(BATCH_MS, this.#toldAt + PROGRESS_MS - performance.now());
  }

  /** The soonest counts: news takes along the progress that waits. */
  #schedule(waitMs: number): void {
    const dueAt = performance.now() + waitMs;
    if (this.#timer !== null && this.#dueAt <= dueAt) return;
    this.#stopTimer();
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => void this.#flush(), waitMs);
  }

  /** Everything that waits, batch by batch; one flush at a time, so that they arrive in order. */
  async #flush(): Promise<void> {
    this.#stopTimer();
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#waiting.length > 0) await this.#tell(this.#waiting.splice(0, BATCH_ENTRIES_MAX));
    } catch (error) {
      if (!this.#ended) {
        this.#parts.log(error);
        this.#lose();
      }
    } finally {
      this.#reading = false;
    }
  }

  async #tell(entries: readonly JournalEntry[]): Promise<void> {
    const changes = await this.#parts.source.changesOf(entries);
    if (this.#ended) return;
    const batch = new FeedBatch(entries, changes, this.#parts.takePulse());
    this.cursor = batch.lastSeq;
    this.#toldAt = performance.now();
    this.#to.batch(batch);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #lose(): void {
    this.#waiting = [];
    this.#to.lost();
  }
}

const isIn = (watched: ReadonlySet<string>, { actor, objectiveId }: JournalEntry): boolean =>
  watched.has(actor) || (objectiveId !== null && watched.has(objectiveId));
