/**
 * Playing a journal back: which entry is shown after a while. Pure; the clock is the caller's.
 *
 * P1. Time between two entries is as it was, divided by the speed, but no pause is longer than `PAUSE_MAX_MS`.
 */
export const SPEEDS = [1, 2, 4, 8, 16, 32, 64] as const;
export type Speed = (typeof SPEEDS)[number];

/** Longest pause between two entries at speed 1, in ms: nobody watches an hour in which nothing happened. */
export const PAUSE_MAX_MS = 2_000;
/** Shortest time between two moments shown, in ms: a moment is read from the supervisor. */
export const SHOW_MS = 100;

export type Timed = { readonly seq: number; readonly at: number };
export type PlaybackPlace = {
  /** Entry shown. */
  readonly index: number;
  /** Played time since it was shown, in ms at speed 1. */
  readonly spent: number;
};

/** How long an entry is shown, in ms at speed 1. */
export const pauseAfter = (entries: readonly Timed[], index: number): number => {
  const here = entries[index];
  const next = entries[index + 1];
  if (here === undefined || next === undefined) return PAUSE_MAX_MS;
  return Math.min(PAUSE_MAX_MS, Math.max(0, next.at - here.at));
};

/** The place after `ms` more; it stays at the last entry. */
export function advance(entries: readonly Timed[], { index, spent }: PlaybackPlace, ms: number): PlaybackPlace {
  let left = spent + ms;
  let at = index;
  while (at < entries.length - 1) {
    const pause = pauseAfter(entries, at);
    if (left < pause) return { index: at, spent: left };
    left -= pause;
    at += 1;
  }
  return { index: Math.max(0, entries.length - 1), spent: 0 };
}
