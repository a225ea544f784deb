/**
 * The supervision tree of a moment that is over: the services as the supervisor's machine remembers them, the runners as the journal
 * has their runs. What only a living process can tell is not known of then. Pure.
 */
import type { SupervisorContext } from '../../../../src/machines/supervisor/model.ts';
import type { OverviewRun } from '../../../../src/operations/read-models/overview.ts';
import type { Services } from '../../../../src/operations/read-models/supervision-view.ts';
import type { SupervisorMoment } from '../../../../src/operations/read-models/supervisor-moment.ts';

export type PastMoment = { readonly at: number; readonly runs: Iterable<OverviewRun> };

/** Runs that had begun and not ended. */
export const runnersAt = (runs: Iterable<OverviewRun>): Services['runners'] =>
  Array.from(runs)
    .filter(({ settled, startedAt }) => !settled && startedAt !== null)
    .map(({ runId, taskId, epoch }) => ({
      runId,
      taskId,
      epoch,
      pid: null,
      phase: null,
      connected: true,
      memoryBytes: null,
      cpuPercent: null,
    }));

/** @param now of the supervisor that also ran then. @param then its machine at the moment */
export const servicesAt = (now: Services, then: SupervisorMoment, { at, runs }: PastMoment): Services => {
  const { strategy, intensity, periodMs, backoff, restarts, children } = then.snapshot
    .context as unknown as SupervisorContext;
  const known = restarts.filter((time) => time > at - periodMs).length;
  return {
    supervisor: now.supervisor === null ? null : { ...now.supervisor, memoryBytes: null, cpuPercent: null },
    budget: { strategy, intensity, periodMs, restarts: known, backoff: { ...backoff } },
    services: children.map(({ id, state, restart, gen, fails, upAt, notBefore }) => ({
      id,
      state,
      restart,
      starts: gen,
      failures: fails,
      upAt,
      notBefore,
    })),
    runners: runnersAt(runs),
    reports: now.reports.filter((report) => report.at <= at),
  };
};
