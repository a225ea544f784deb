/**
 * The project as it was: one moment read at a time, the latest wanted one next.
 *
 * P1. At most one request is on its way; of those wanted meanwhile only the last is made.
 * P2. What was shown stays until the next moment is there.
 */
import type { Overview } from '../../../src/operations/read-models/overview.ts';
import { itemsOf, type Items } from './feed-state.ts';

export type PastMoment = {
  readonly seq: number;
  readonly at: number | null;
  readonly items: Items;
};
export type PastView = {
  /** The moment that is shown; null before the first is read. */
  readonly moment: PastMoment | null;
  readonly isPending: boolean;
  readonly error: Error | null;
};

/** Moments that are kept, so that a step back and forth costs nothing. */
const KEPT_MAX = 24;

const NOTHING: PastView = { moment: null, isPending: false, error: null };

export type Past = {
  readonly want: (seq: number | null) => void;
  readonly view: () => PastView;
  readonly subscribe: (listener: () => void) => () => void;
};

export const createPast = (read: (seq: number) => Promise<Overview>): Past => {
  const kept = new Map<number, PastMoment>();
  const listeners = new Set<() => void>();
  let view = NOTHING;
  let wanted: number | null = null;
  let isReading = false;

  const show = (next: PastView): void => {
    view = next;
    for (const listener of listeners) listener();
  };
  const keep = (seq: number, overview: Overview): PastMoment => {
    const moment = { seq, at: overview.at, items: itemsOf(overview.items) };
    kept.set(seq, moment);
    const oldest = kept.keys().next().value;
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return moment;
  };
  /** The moment to read next; null when the wanted one is shown. */
  const missing = (): number | null => (view.moment?.seq === wanted ? null : wanted);
  const readOne = async (seq: number): Promise<void> => {
    try {
      const moment = kept.get(seq) ?? keep(seq, await read(seq));
      if (wanted !== null) show({ moment, isPending: wanted !== seq, error: null });
    } catch (error) {
      if (wanted !== seq) return;
      // Wanted no more, so that the same moment can be asked for again.
      wanted = null;
      show({ ...view, isPending: false, error: error as Error });
    }
  };
  const readWanted = async (): Promise<void> => {
    isReading = true;
    for (let seq = missing(); seq !== null; seq = missing()) await readOne(seq);
    isReading = false;
  };

  return {
    want: (seq) => {
      if (seq === wanted) return;
      wanted = seq;
      if (seq === null) {
        show(NOTHING);
        return;
      }
      const ready = kept.get(seq);
      if (ready !== undefined && !isReading) {
        show({ moment: ready, isPending: false, error: null });
        return;
      }
      show({ ...view, isPending: true });
      if (!isReading) void readWanted();
    },
    view: () => view,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};
