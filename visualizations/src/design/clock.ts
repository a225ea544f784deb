/**
 * One clock for the page: it ticks once a second while somebody looks at it, and stands still when a moment of the past is shown.
 */
import { createContext, use, useSyncExternalStore } from 'react';

const TICK_MS = 1_000;

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

const tick = (): void => {
  now = Date.now();
  for (const listener of listeners) listener();
};

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  if (timer === null) {
    now = Date.now();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
};

const never = (): (() => void) => () => undefined;

/** The time that ages are counted to, ms since 1970; null = the present. */
export const StillTime = createContext<number | null>(null);

/** Ms since 1970, at most a second old. */
export const useNow = (): number => {
  const still = use(StillTime);
  return useSyncExternalStore(still === null ? subscribe : never, () => still ?? now);
};
