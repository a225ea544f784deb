/** The supervision tree as it is in memory, the runners, and what they use. Nothing of it is stored. */
import { Type, type Static } from 'typebox';
import { closed, count, maybe, text, time } from './schema-parts.ts';

/** Of the supervisor alone; of a runner with all that it has started. */
const usage = {
  /** Resident. */
  memoryBytes: maybe(count),
  /** Of one processor over the last seconds; null at the first question. */
  cpuPercent: maybe(Type.Number({ minimum: 0 })),
};

export const ServicesSchema = closed({
  /** null: none runs, and there is nothing else to tell. */
  supervisor: maybe(closed({ pid: Type.Integer(), version: text, startedAt: time, ...usage })),
  /** How many restarts are borne: one more than `intensity` within `periodMs`, and the supervisor gives up. */
  budget: maybe(
    closed({
      strategy: text,
      intensity: count,
      periodMs: count,
      /** Within the period, now. */
      restarts: count,
      /** How long a service waits before it is started again: doubled with every failure in a row. */
      backoff: closed({ minMs: count, maxMs: count, resetAfterMs: count }),
    }),
  ),
  /** In the order in which they are started. */
  services: Type.Array(
    closed({
      id: text,
      /** down, waiting, backoff, starting, up, leaving, stopping. */
      state: text,
      restart: text,
      starts: count,
      /** In a row. */
      failures: count,
      upAt: maybe(time),
      /** When it may start again. */
      notBefore: maybe(time),
    }),
  ),
  runners: Type.Array(
    closed({
      runId: text,
      taskId: maybe(text),
      epoch: count,
      /** null: not started yet, or not known after a restart of the supervisor. */
      pid: maybe(Type.Integer()),
      phase: maybe(text),
      connected: Type.Boolean(),
      ...usage,
    }),
  ),
  /** What failed and was started again, and why; newest last. */
  reports: Type.Array(closed({ at: time, service: text, what: text, reason: text })),
});
export type Services = Static<typeof ServicesSchema>;

export const NO_SERVICES: Services = { supervisor: null, budget: null, services: [], runners: [], reports: [] };

const percent = (value: number | null): string => (value === null ? '' : ` ${String(value)} % CPU`);
const memory = (value: number | null): string => (value === null ? '' : ` ${String(Math.round(value / 2 ** 20))} MiB`);

export const servicesText = ({ supervisor, budget, services, runners, reports }: Services): string => {
  if (supervisor === null || budget === null) return 'no supervisor is running: conductor start';
  return [
    `supervisor ${String(supervisor.pid)} version ${supervisor.version}${memory(supervisor.memoryBytes)}${percent(supervisor.cpuPercent)}`,
    `${String(budget.restarts)} of ${String(budget.intensity)} restarts within ${String(budget.periodMs / 1_000)} s`,
    ...services.map((one) => `${one.id} ${one.state}, started ${String(one.starts)} times, ${one.restart}`),
    ...runners.map(
      (one) =>
        `${one.runId} epoch ${String(one.epoch)} ${one.pid === null ? 'no process' : `pid ${String(one.pid)}`}` +
        `${one.connected ? '' : ' (not connected)'}${memory(one.memoryBytes)}${percent(one.cpuPercent)}`,
    ),
    ...reports.map((one) => `${new Date(one.at).toISOString()} ${one.service} ${one.what}: ${one.reason}`),
  ].join('\n');
};
