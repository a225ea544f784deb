/** Playing, stepping and jumping through a scope's journal. */
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { useMoment } from '../connection/use-conductor.ts';
import { landmarkOf } from './event-words.ts';
import { findAfter, PAGE_ENTRIES, type ReadPage } from './journal-pages.ts';
import { advance, SHOW_MS, type Speed } from './playback.ts';

export type Playback = {
  readonly isPlaying: boolean;
  readonly speed: Speed;
  readonly setSpeed: (speed: Speed) => void;
  readonly toggle: () => void;
  readonly step: (by: 1 | -1) => void;
  readonly jump: () => void;
  readonly start: () => void;
  /** What a jump has to say: that there is none, or how far it looked. */
  readonly note: string | null;
};

/** The entry before the one that is shown at this number: the scope's newest up to there. That one itself when it is the first. */
const before = async (read: ReadPage, seq: number): Promise<FeedEntry | null> =>
  seq <= 0 ? null : ((await read({ until: seq, limit: 2 }))[0] ?? null);
const after = async (read: ReadPage, seq: number): Promise<FeedEntry | null> =>
  (await read({ after: seq, limit: 1 }))[0] ?? null;

/** Plays while `isPlaying`: pages are read ahead of time, moments are set at most every SHOW_MS. */
type Playing = { readonly isPlaying: boolean; readonly speed: Speed; readonly onEnd: () => void };

const usePlaying = (read: ReadPage, { isPlaying, speed, onEnd }: Playing): void => {
  const { seq, set } = useMoment();
  const begin = useEffectEvent(() => seq ?? 0);
  const show = useEffectEvent(set);
  const rate = useEffectEvent(() => speed);
  const end = useEffectEvent(onEnd);
  useEffect(() => {
    if (!isPlaying) return undefined;
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let entries: readonly FeedEntry[] = [];
    let place = { index: 0, spent: 0 };
    let last = performance.now();
    let shown = begin();
    const tick = async (): Promise<void> => {
      if (place.index >= entries.length - 1) {
        const page = await read({ after: entries.at(-1)?.seq ?? shown, limit: PAGE_ENTRIES });
        if (!isCurrent) return;
        if (page.length === 0) {
          end();
          return;
        }
        // The last one shown stays in front, so that the pause before the first new one counts.
        entries = [...entries.slice(-1), ...page];
        place = { index: 0, spent: place.spent };
        if (entries.length === page.length) show((shown = page[0]!.seq));
      }
      const now = performance.now();
      place = advance(entries, place, (now - last) * rate());
      last = now;
      const entry = entries[place.index];
      if (entry !== undefined && entry.seq !== shown) show((shown = entry.seq));
      timer = setTimeout(() => void run(), SHOW_MS);
    };
    const run = async (): Promise<void> => {
      try {
        await tick();
      } catch {
        // The supervisor is away: playing ends, the moment stays, and the connection says why.
        if (isCurrent) end();
      }
    };
    void run();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [isPlaying, read]);
};

export const usePlayback = (read: ReadPage): Playback => {
  const { seq, lastSeq, set } = useMoment();
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(4);
  const [note, setNote] = useState<string | null>(null);
  const isBusy = useRef(false);
  const stop = useCallback(() => {
    setPlaying(false);
  }, []);
  usePlaying(read, { isPlaying, speed, onEnd: stop });
  /** One read at a time: a key held down does not pile them up. */
  const once = async (work: () => Promise<void>): Promise<void> => {
    if (isBusy.current) return;
    isBusy.current = true;
    setNote(null);
    setPlaying(false);
    try {
      await work();
    } catch (error) {
      setNote(error instanceof Error ? error.message : String(error));
    } finally {
      isBusy.current = false;
    }
  };
  const goTo = (entry: FeedEntry | null): void => {
    if (entry !== null) set(entry.seq);
  };
  const here = seq ?? lastSeq;
  return {
    isPlaying,
    speed,
    setSpeed,
    note,
    toggle: () => {
      setNote(null);
      setPlaying(!isPlaying);
    },
    step: (by) => {
      void once(async () => {
        if (by === -1) goTo(await before(read, here));
        else if (seq !== null) {
          const next = await after(read, here);
          set(next === null ? null : next.seq);
        }
      });
    },
    start: () => {
      void once(async () => {
        goTo(await after(read, 0));
      });
    },
    jump: () => {
      void once(async () => {
        const found = await findAfter(read, seq ?? 0, (entry) => landmarkOf(entry) !== null);
        if (found.kind === 'found') set(found.entry.seq);
        else if (found.kind === 'unfinished') {
          set(found.at);
          setNote('none in the next 5,000 entries; press again to look further');
        } else setNote(seq === null ? 'no failure and no gate' : 'no failure or gate after this');
      });
    },
  };
};
