/**
 * Follows an objective's journal until nothing of it can move without a person.
 *
 * O1. The supervisor may die and come back meanwhile: the subscription goes on after the last entry that was seen.
 * O2. It ends only after a quiet moment: entries of one decision may arrive in several commits.
 */
import { isConductorError } from '../../../machines/errors.ts';
import type { CliIo } from '../cli-io.ts';
import type { ConductorPort } from '../conductor-port.ts';
import type { JournalEntry } from '../../../persistence/store.ts';
import { isAtRest, type ObjectiveView } from './objective-view.ts';

/** O2, in ms. */
const QUIET_MS = 250;
/** First and longest pause between two tries to reach a supervisor, in ms. */
const RETRY_MS = 200;
const RETRY_MAX_MS = 5_000;
/** After so many tries in vain it is the supervisor's trouble; every try starts one. */
const TRIES_MAX = 12;

export type FollowOptions = {
  readonly io: Pick<CliIo, 'after'>;
  readonly view: ObjectiveView;
  readonly port: ConductorPort;
  /** A new connection, with a supervisor started when none runs. */
  readonly reopen: () => Promise<ConductorPort>;
  /** Entries of the objective, after the view has them. */
  readonly onEntry: (entry: JournalEntry) => void;
  /** What to tell people about the connection; null: it is back. */
  readonly onNotice: (text: string | null) => void;
  /** Ends the following: detached, or killed. */
  readonly signal: AbortSignal;
};

/** @throws ConductorError the last reason why no supervisor could be reached. */
export const followObjective = async (options: FollowOptions): Promise<'rest' | 'ended'> => {
  const { view, reopen, onNotice, signal } = options;
  let port: ConductorPort | null = options.port;
  let tries = 0;
  while (!signal.aborted) {
    try {
      if (port === null) {
        port = await reopen();
        onNotice(null);
      }
      const before = view.lastSeq;
      const end = await followOnce({ ...options, port });
      if (end !== 'lost') return end;
      if (view.lastSeq > before) tries = 0;
    } catch (error) {
      if (!isConductorError(error) || tries >= TRIES_MAX) throw error;
    }
    port = null;
    if (signal.aborted) break;
    tries += 1;
    onNotice('the supervisor is gone; runs go on; connecting again');
    await pause(options.io, Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(tries, 6)), signal);
  }
  return 'ended';
};

const followOnce = async ({ io, view, port, onEntry, signal }: FollowOptions): Promise<'rest' | 'ended' | 'lost'> => {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  signal.addEventListener('abort', end, { once: true });
  const quiet: { cancel: (() => void) | null } = { cancel: null };
  let isResting = false;
  const armQuiet = (): void => {
    quiet.cancel?.();
    quiet.cancel = io.after(QUIET_MS, () => {
      if (!isAtRest(view)) return;
      isResting = true;
      stop.abort();
    });
  };
  try {
    armQuiet();
    for await (const entry of port.subscribe({ after: view.lastSeq, signal: stop.signal })) {
      if (!view.apply(entry)) continue;
      onEntry(entry);
      armQuiet();
    }
  } catch (error) {
    if (!isConductorError(error) && !stop.signal.aborted) throw error;
    // The connection is gone: the caller opens another one.
  } finally {
    quiet.cancel?.();
    signal.removeEventListener('abort', end);
  }
  if (isResting) return 'rest';
  return signal.aborted ? 'ended' : 'lost';
};

const pause = (io: Pick<CliIo, 'after'>, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = io.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
