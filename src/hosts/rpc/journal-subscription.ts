/**
 * The journal as an endless sequence for one reader, over as many connections as it takes.
 *
 * J1. An entry is given once, in order: the cursor moves when the reader takes the entry, and every subscription begins at it.
 * J2. What is received and not yet read is bounded; a reader that is slower ends the subscription and begins a new one when it
 *     has read what it has.
 */
import type { ConductorError } from '../../machines/errors.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { ClientConnection } from './client-connection.ts';
import { CLIENT_CALLS, CLIENT_NEWS, type EntriesNews, type LaggedNews } from './wire.ts';

/** Entries that wait for the reader. */
const WAITING_MAX = 20_000;

/** Unique in the process, so also in a connection that several readers share. */
let lastSubscription = 0;

/** @throws what `connect` throws; ends without an error when the signal is aborted. */
export async function* followJournal(
  connect: () => Promise<ClientConnection>,
  { after, signal }: { readonly after: number; readonly signal?: AbortSignal },
): AsyncGenerator<JournalEntry, void, undefined> {
  let cursor = after;
  const isAborted = (): boolean => signal?.aborted === true;
  while (!isAborted()) {
    const inbox = new Inbox(await connect(), cursor);
    const end = (): void => inbox.end(null);
    signal?.addEventListener('abort', end, { once: true });
    try {
      for (let batch = await inbox.next(); batch !== null; batch = await inbox.next()) {
        for (const entry of batch) {
          if (entry.seq <= cursor) continue;
          if (isAborted()) return;
          cursor = entry.seq;
          yield entry;
        }
      }
    } finally {
      signal?.removeEventListener('abort', end);
      inbox.close();
    }
  }
}

/** One subscription of one connection: what came and was not yet taken. */
class Inbox {
  readonly #connection: ClientConnection;
  readonly #subscription = (lastSubscription += 1);
  readonly #leave: readonly (() => void)[];
  #batches: (readonly JournalEntry[])[] = [];
  #waiting = 0;
  #ended = false;
  #served = true;
  #error: ConductorError | null = null;
  #wake: () => void = () => undefined;

  constructor(connection: ClientConnection, after: number) {
    this.#connection = connection;
    this.#leave = [
      connection.onNews(CLIENT_NEWS.entries, (news) => this.#take(news as EntriesNews)),
      connection.onNews(CLIENT_NEWS.lagged, (news) => this.#lag(news as LaggedNews)),
      connection.watch(),
    ];
    void this.#begin(after);
    void this.#untilClosed();
  }

  /** The next entries; null when this subscription has ended and all of it was taken. */
  async next(): Promise<readonly JournalEntry[] | null> {
    while (this.#batches.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const batch = this.#batches.shift();
    if (batch !== undefined) {
      this.#waiting -= batch.length;
      return batch;
    }
    if (this.#error !== null) throw this.#error;
    return null;
  }

  end(error: ConductorError | null): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake();
  }

  close(): void {
    this.#ended = true;
    for (const leave of this.#leave) leave();
    this.#unsubscribe();
  }

  async #begin(after: number): Promise<void> {
    try {
      const params = { subscription: this.#subscription, after };
      const reply = await this.#connection.request(CLIENT_CALLS.subscribe, params);
      if (reply.kind === 'lost') this.end(null);
    } catch (error) {
      this.end(error as ConductorError);
    }
  }

  async #untilClosed(): Promise<void> {
    await this.#connection.closed;
    this.#served = false;
    this.end(null);
  }

  #take({ subscription, entries }: EntriesNews): void {
    if (subscription !== this.#subscription || this.#ended) return;
    this.#batches.push(entries);
    this.#waiting += entries.length;
    if (this.#waiting > WAITING_MAX) {
      this.#unsubscribe();
      this.end(null);
    } else this.#wake();
  }

  #lag({ subscription }: LaggedNews): void {
    if (subscription !== this.#subscription) return;
    this.#served = false;
    this.end(null);
  }

  #unsubscribe(): void {
    if (!this.#served) return;
    this.#served = false;
    // A connection that has closed has no subscriptions; there is nothing to undo then.
    this.#connection.request(CLIENT_CALLS.unsubscribe, { subscription: this.#subscription }).catch(() => undefined);
  }
}
