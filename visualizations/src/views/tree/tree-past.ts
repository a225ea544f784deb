/**
 * The supervision tree of a moment that is over: the services as the supervisor's machine remembers them, the runners as the journal
 * has their runs. What only a living process can tell is not known of then. Pure.
 */
import type { SupervisorContext } from '../../../../src/machines/supervisor/model.ts';
import type { OverviewRun } from '../../../../src/operations/read-models/overview.ts';
import { supervisionFacts } from '../../../../src/operations/read-models/supervision-facts.ts';
import type { Services } from '../../../../src/operations/read-models/supervision-view.ts';
import type { SupervisorMoment } from '../../../../src/operations/read-models/supervisor-moment.ts';

/** `at`: ms since 1970. */
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
export const servicesAt = (now: Services, then: SupervisorMoment, { at, runs }: PastMoment): Services => ({
  supervisor: now.supervisor === null ? null : { ...now.supervisor, memoryBytes: null, cpuPercent: null },
  ...supervisionFacts(then.snapshot.context as unknown as SupervisorContext, at),
  runners: runnersAt(runs),
  reports: now.reports.filter((report) => report.at <= at),
});
