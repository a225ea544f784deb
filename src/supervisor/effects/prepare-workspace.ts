/**
 * Gives a run its worktree at the right commit: the task's base and the branches of the tasks it depends on.
 *
 * Y1. A task that comes back to its own branch finds its worktree as it was left.
 * Y2. Whatever would stop the agent later and can be known now (credentials, agent, base) is said before anything starts.
 */
import { isConductorError } from '../../machines/errors.ts';
import type { ActorId } from '../../machines/ids.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { EffectCall, EffectResult, EventBody } from '../kernel/kernel.ts';
import type { RunParts } from '../runs/run-parts.ts';
import type { BaseSpec, BranchPlan } from '../workspaces/workspace-port.ts';
import { readRunFacts, type RunFacts } from './run-facts.ts';

export async function prepareWorkspace(parts: RunParts, call: EffectCall<'prepareWorkspace'>): Promise<EffectResult> {
  const facts = await readRunFacts(parts, call.params.runId);
  if (facts.actor.facts.state !== 'queued') return { messages: [] };
  const tell = (event: EventBody): EffectResult => ({
    messages: [{ kind: 'event', to: call.params.runId as ActorId, event }],
  });
  const obstacle = obstacleOf(parts, facts);
  if (obstacle !== null) return tell({ type: 'workspace.refused', ...obstacle });
  const place = await placeOf(parts, facts);
  const result = await parts.workspaces.prepare({
    workerId: facts.worker.workerId,
    runId: facts.run.runId,
    branch: place.branch,
    worktreePath: place.worktreePath,
    existing: facts.worker.prepared,
    continueWork: place.continueWork,
    base: await baseOf(parts, facts),
    effectKey: call.key,
  });
  if (result.kind === 'prepared') {
    const { branch, worktreePath, baseCommit, fresh } = result;
    return tell({ type: 'workspace.prepared', branch, worktreePath, baseCommit, fresh });
  }
  if (result.kind === 'conflict') {
    const message = `conflict in ${list(result.files)} between ${list(result.tasks)}`;
    return tell({ type: 'workspace.conflicted', message: message.slice(0, 1_000) });
  }
  return tell({ type: 'workspace.refused', end: 'worktree_refused', message: result.message.slice(0, 1_000) });
}

const list = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${String(names.length - 5)} more`;

type Obstacle = { readonly end: 'credentials_missing' | 'program_not_found'; readonly message: string };

function obstacleOf(parts: RunParts, { spec, task }: RunFacts): Obstacle | null {
  if (spec.agent !== 'command') {
    return { end: 'program_not_found', message: `agent ${spec.agent} is not available in this version` };
  }
  const sent = parts.granted.sentFor(task.taskId);
  const missing = spec.envNames.filter((name) => sent[name] === undefined && parts.granted.own[name] === undefined);
  if (missing.length === 0) return null;
  return {
    end: 'credentials_missing',
    message: `${missing.join(', ')} granted but not set; set it where you run conductor, then: conductor retry ${task.taskId}`,
  };
}

async function placeOf(parts: RunParts, facts: RunFacts): Promise<BranchPlan & { readonly continueWork: boolean }> {
  const { task, worker, objective } = facts;
  const here = { branch: worker.branch, worktreePath: worker.worktreePath };
  const comesBack = worker.prepared && task.branch !== null && task.branch === worker.branch;
  if (comesBack) return { ...here, continueWork: true };
  // A named worker keeps one branch; a new one was given its branch with its place.
  if (worker.name !== null || !worker.prepared) return { ...here, continueWork: false };
  const plan = await parts.workspaces.planBranch({
    slugs: [objective?.title ?? 'tasks', task.planId ?? task.title],
    shortId: task.taskId.slice(-6),
  });
  return { branch: plan.branch, worktreePath: worker.worktreePath, continueWork: false };
}

async function baseOf(parts: RunParts, facts: RunFacts): Promise<BaseSpec> {
  const merge = await mergesOf(parts, facts);
  const base = facts.spec.base ?? facts.objective?.baseCommit ?? 'HEAD';
  try {
    return { base: await parts.workspaces.resolveBase(base), merge };
  } catch (error) {
    // An unknown commit-ish stays unknown: `prepare` says so in its refusal.
    if (isConductorError(error, 'git_failed')) return { base, merge };
    throw error;
  }
}

/** The branches of the tasks whose code it builds on, in plan order. */
async function mergesOf(parts: RunParts, { spec }: RunFacts): Promise<BaseSpec['merge']> {
  const code = spec.dependsOn.filter(({ needs }) => needs === 'code');
  const tasks = await Promise.all(code.map(({ taskId }) => parts.kernel().read(taskId)));
  return tasks.flatMap((actor) => {
    const context = actor?.snapshot.context as unknown as TaskContext | undefined;
    if (context === undefined || context.commit === null || context.branch === null) return [];
    return { task: context.planId ?? context.taskId, branch: context.branch, commit: context.commit };
  });
}
