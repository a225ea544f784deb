/** The real clock. Timers are unreferenced: what keeps the process alive is its work, never a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EpochMs } from '../../machines/ids.ts';
import type { Clock } from './kernel.ts';

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  sleep: (ms) => sleep(ms),
  random: () => Math.random(),
};
