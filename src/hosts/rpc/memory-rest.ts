/**
 * Gives memory back when a supervisor has worked and then rests: V8 collects when it allocates, and one that does nothing keeps what its
 * last work left for days.
 *
 * Once after each time of work, in about 30 ms. Without `--expose-gc` (an embedding program) nothing is done.
 */

/** How often it looks, in ms. */
const LOOK_MS = 15_000;
/** Less processor time than this between two looks is rest, in ms. */
const REST_CPU_MS = 150;
/** More since the last time is work, in ms. */
const WORK_CPU_MS = 200;

type Collect = (options: {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}) => void;

export type MemoryRestParts = {
  readonly collect?: Collect | undefined;
  /** Processor time that this process has used, in ms. */
  readonly cpuMs?: () => number;
  readonly lookMs?: number;
};

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** @returns stops it. */
export const startMemoryRest = (parts: MemoryRestParts = {}): (() => void) => {
  const { collect = globalThis.gc as Collect | undefined, cpuMs = ownCpuMs, lookMs = LOOK_MS } = parts;
  if (collect === undefined) return () => undefined;
  let before = cpuMs();
  let collectedAt = 0;
  const look = (): void => {
    const now = cpuMs();
    const rests = now - before < REST_CPU_MS;
    before = now;
    if (!rests || now - collectedAt < WORK_CPU_MS) return;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    before = collectedAt = cpuMs();
  };
  const timer = setInterval(look, lookMs).unref();
  return () => clearInterval(timer);
};
