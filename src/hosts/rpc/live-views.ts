/**
 * What only the process of the supervisor can tell of itself: its services, its runs and what they use, and the worktrees it has
 * handed out.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { LiveRunFacts, OperationContext } from '../../operations/operation-context.ts';
import { supervisionFacts } from '../../operations/read-models/supervision-facts.ts';
import type { Services } from '../../operations/read-models/supervision-view.ts';
import { hiddenValues } from '../../supervisor/effects/hidden-values.ts';
import { readRunFacts } from '../../supervisor/effects/run-facts.ts';
import type { Supervisor } from '../../supervisor/open-supervisor.ts';
import { UsageMeter, type UsageGroups } from '../../supervisor/processes/usage-meter.ts';
import { SecretSet } from '../../supervisor/runners/redaction.ts';
import type { LiveRun } from '../../supervisor/runs/live-runs.ts';

/** Name of the group that is this process alone; every other is called as its run. */
const SUPERVISOR = 'supervisor';

/**
 * One for all who ask: the tree, the lists and every page. Who belongs to a run is what its monitor saw last, within five seconds: no
 * listing of the process table is made for a figure.
 */
export const usageMeterOf = ({ table, live, clock }: Supervisor): UsageMeter => {
  const groups: UsageGroups = () => {
    const found = new Map([[SUPERVISOR, [process.pid]]]);
    for (const { runId, runner, agent, remembered } of live.all()) {
      const known = [runner, agent?.identity ?? null, ...remembered];
      found.set(runId, [...new Set(known.flatMap((identity) => identity?.pid ?? []))]);
    }
    return found;
  };
  return new UsageMeter({ table, groups, now: () => clock.monotonic() });
};

/** @returns looks at a run as it was last heard of. */
export const liveFactsOf =
  (meter: UsageMeter) =>
  ({ runId, phase, idleMs, outputBytes, link }: LiveRun): LiveRunFacts => ({
    phase,
    idleMs,
    outputBytes,
    connected: link !== null,
    ...meter.of(runId),
  });

/** @returns looks at the tree, the runners and their processes. */
export const servicesView = (supervisor: Supervisor, version: string, meter: UsageMeter): (() => Services) => {
  return () => {
    const { context, reports } = supervisor.services();
    const runs = [...supervisor.live.all()];
    return {
      supervisor: { pid: process.pid, version, startedAt: supervisor.startedAt, ...meter.of(SUPERVISOR) },
      ...supervisionFacts(context, supervisor.clock.now()),
      runners: runs.map(({ runId, epoch, runner, phase, link }) => ({
        runId,
        taskId: supervisor.kernel.peek(runId)?.facts.taskId ?? null,
        epoch,
        pid: runner?.pid ?? null,
        phase,
        connected: link !== null,
        ...meter.of(runId),
      })),
      reports: reports.map((report) => ({ ...report })),
    };
  };
};

/** An agent may have written a granted value into a file: the patch is redacted as the evidence of the run is. */
export const liveDiffOf =
  ({ kernel, granted, platform, workspaces }: Supervisor): OperationContext['liveDiff'] =>
  async (runId, bytesMax) => {
    const facts = await readRunFacts({ kernel: () => kernel }, runId);
    const { run } = facts;
    if (run.worktreePath === null || run.baseCommit === null) return { patch: '', truncated: false };
    const { worktreePath, baseCommit } = run;
    const { patch, truncated } = await workspaces.liveDiff({ worktreePath, from: baseCommit, bytesMax });
    const { values, missing } = await hiddenValues({ granted, platform }, facts);
    // Its runner may connect yet and tell.
    if (missing !== null) throw new ConductorError('refused', `not shown: ${missing}`, { retryable: true });
    return { patch: new SecretSet(values).redactText(patch), truncated };
  };
