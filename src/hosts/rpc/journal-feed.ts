/**
 * One client's subscription: entries out of the supervisor, notifications into the connection.
 *
 * J1. What was sent is a stretch of the journal without gap or repeat; it ends at the cursor that `lagged` names.
 * J2. A reader that is slow during the backlog slows the backlog down; one that does not keep up with what is live lags.
 */
import type { JournalEntry } from '../../persistence/store.ts';
import { OUTPUT_BYTES_MAX, type GuardedConnection } from './guarded-connection.ts';
import type { SupervisorFace } from './rpc-face.ts';
import { CLIENT_NEWS, type EntriesNews, type LaggedNews, type SubscribeParams } from './wire.ts';

/** Entries in one notification: the unread output is judged between two of them. */
const ENTRIES_MAX = 64;

export type JournalFeed = { readonly begun: Promise<void>; stop(): void };

/** @param onEnd called once when it has ended by lagging. */
export const startJournalFeed = (
  face: SupervisorFace,
  guarded: GuardedConnection,
  options: SubscribeParams & { readonly onEnd: () => void },
): JournalFeed => {
  const { subscription, after } = options;
  let cursor = after;
  let stopped = false;
  let unsubscribe: (() => void) | null = null;

  const stop = (): void => {
    stopped = true;
    unsubscribe?.();
    unsubscribe = null;
  };
  const tell = (method: string, news: EntriesNews | LaggedNews): void => {
    // A connection that has closed in this tick rejects; its end stops this feed anyway.
    guarded.connection.sendNotification(method, news).catch(() => undefined);
  };
  const lag = (): void => {
    tell(CLIENT_NEWS.lagged, { subscription, cursor });
    stop();
    options.onEnd();
  };
  const listener = (entries: readonly JournalEntry[], lastSeq: number): void | Promise<void> => {
    for (let start = 0; start < entries.length; start += ENTRIES_MAX) {
      if (stopped) return;
      if (guarded.unread() > OUTPUT_BYTES_MAX) {
        lag();
        return;
      }
      const part = entries.slice(start, start + ENTRIES_MAX);
      tell(CLIENT_NEWS.entries, { subscription, entries: part, lastSeq });
      cursor = part.at(-1)?.seq ?? cursor;
    }
    if (!stopped && guarded.unread() > OUTPUT_BYTES_MAX / 2) return guarded.drained();
  };
  const begin = async (): Promise<void> => {
    const end = await face.subscribe(after, listener);
    if (stopped) end();
    else unsubscribe = end;
  };
  return { begun: begin(), stop };
};
