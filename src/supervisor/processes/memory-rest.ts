/**
 * Gives memory back when a process has worked and then rests: V8 collects when it allocates, and one that does nothing keeps what its
 * last work left for days. Fifty runners that wait for their agents would keep 80 MB, a supervisor 6.
 *
 * Once after each time of work, in 10 to 30 ms. Without `--expose-gc` (an embedding program) nothing is done.
 */

/** What is rest and what is work, in ms. */
export type RestPace = {
  /** How often it looks. */
  readonly lookMs: number;
  /** Less processor time than this between two looks is rest. */
  readonly restCpuMs: number;
  /** More since the last time is work. */
  readonly workCpuMs: number;
};
export const SUPERVISOR_PACE: RestPace = { lookMs: 15_000, restCpuMs: 150, workCpuMs: 200 };
/** What begins and ends within seconds does not pay for it. */
export const RUNNER_PACE: RestPace = { lookMs: 5_000, restCpuMs: 25, workCpuMs: 40 };

type Collect = (options: {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}) => void;

export type MemoryRestParts = {
  readonly collect?: Collect | undefined;
  /** Processor time that this process has used, in ms. */
  readonly cpuMs?: () => number;
};

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** @returns stops it. */
export const startMemoryRest = (
  { lookMs, restCpuMs, workCpuMs }: RestPace,
  { collect = globalThis.gc as Collect | undefined, cpuMs = ownCpuMs }: MemoryRestParts = {},
): (() => void) => {
  if (collect === undefined) return () => undefined;
  let before = cpuMs();
  let collectedAt = 0;
  const look = (): void => {
    const now = cpuMs();
    const rests = now - before < restCpuMs;
    before = now;
    if (!rests || now - collectedAt < workCpuMs) return;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    before = collectedAt = cpuMs();
  };
  const timer = setInterval(look, lookMs).unref();
  return () => clearInterval(timer);
};
