/** What only the process of the supervisor can tell of itself: its services and runners, and the worktrees it has handed out. */
import type { OperationContext } from '../../operations/operation-context.ts';
import type { Services } from '../../operations/read-models/supervision-view.ts';
import { readRunFacts } from '../../supervisor/effects/run-facts.ts';
import type { Supervisor } from '../../supervisor/open-supervisor.ts';
import { UsageMeter } from '../../supervisor/processes/usage-meter.ts';
import { SECRET_ALLOWED_NAMES } from '../../supervisor/runners/environment.ts';
import { SecretSet } from '../../supervisor/runners/redaction.ts';

/** @returns looks at the tree, the runners and their processes. */
export const servicesView = (supervisor: Supervisor, version: string): (() => Services) => {
  const meter = new UsageMeter(supervisor.table, () => supervisor.clock.monotonic());
  return () => {
    const { context, reports } = supervisor.services();
    const runs = [...supervisor.live.all()];
    const pids = runs.flatMap(({ runner }) => (runner === null ? [] : [runner.pid]));
    const used = meter.look([process.pid, ...pids]);
    const usageOf = (pid: number | null) => {
      const usage = pid === null ? undefined : used.get(pid);
      return { memoryBytes: usage?.memoryBytes ?? null, cpuPercent: usage?.cpuPercent ?? null };
    };
    const { strategy, intensity, periodMs, backoff } = context;
    const from = supervisor.clock.now() - periodMs;
    return {
      supervisor: { pid: process.pid, version, startedAt: supervisor.startedAt, ...usageOf(process.pid) },
      budget: {
        strategy,
        intensity,
        periodMs,
        restarts: context.restarts.filter((at) => at > from).length,
        backoff: { ...backoff },
      },
      services: context.children.map(({ id, state, restart, gen, fails, upAt, notBefore }) => ({
        id,
        state,
        restart,
        starts: gen,
        failures: fails,
        upAt,
        notBefore,
      })),
      runners: runs.map(({ runId, epoch, runner, phase, link }) => ({
        runId,
        taskId: supervisor.kernel.peek(runId)?.facts.taskId ?? null,
        epoch,
        pid: runner?.pid ?? null,
        phase,
        connected: link !== null,
        ...usageOf(runner?.pid ?? null),
      })),
      reports: reports.map((report) => ({ ...report })),
    };
  };
};

/** An agent may have written a granted value into a file: the patch is redacted as the evidence of the run is. */
export const liveDiffOf =
  ({ kernel, granted, workspaces }: Supervisor): OperationContext['liveDiff'] =>
  async (runId, bytesMax) => {
    const { run, task, spec } = await readRunFacts({ kernel: () => kernel }, runId);
    if (run.worktreePath === null || run.baseCommit === null) return { patch: '', truncated: false };
    const { worktreePath, baseCommit } = run;
    const { patch, truncated } = await workspaces.liveDiff({ worktreePath, from: baseCommit, bytesMax });
    const secrets = granted.secretsOf(task.taskId, [...spec.envNames, ...SECRET_ALLOWED_NAMES], spec.env);
    return { patch: new SecretSet(secrets).redactText(patch), truncated };
  };
