/**
 * Starts a runner process. A start is an offer: only the runner that is granted does anything.
 *
 * S1. Repeated while the first runner lives, it starts none.
 * S2. The monitor learns of the run when there is a process to watch: what is still being prepared cannot be lost.
 * S3. The worktree is verified right before: an agent in a directory that is no worktree would work in the user's checkout.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import type { ProcessIdentity } from '../processes/process-identity.ts';
import { composeRunEnvironment } from '../runners/environment.ts';
import type { RunnerContract } from '../runners/contract.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { innerState, readRunFacts, type RunFacts } from './run-facts.ts';
import { runnerContract, setupKeyOf } from './runner-contract.ts';

export async function startRunner(parts: RunParts, call: EffectCall<'startRunner'>): Promise<EffectResult> {
  const { runId, epoch } = call.params;
  const facts = await readRunFacts(parts, runId);
  const isDue = facts.run.epoch === epoch && facts.run.instance === null;
  if (!isDue || innerState(facts.actor, 'starting') !== 'launching') return { messages: [] };
  const known = parts.live.get(runId);
  const isThere = known?.epoch === epoch && known.runner !== null && parts.table.liveness(known.runner) === 'alive';
  if (isThere) return { messages: [] };

  const plain = runnerContract(parts, facts, await isSetUp(parts, facts));
  if (!(await parts.workspaces.verifyRegistered(plain.worktreePath))) {
    throw new ConductorError('refused', `${plain.worktreePath} is not a worktree of this repository any more`, {
      details: { worktreePath: plain.worktreePath },
    });
  }
  const { env, missing } = composeRunEnvironment({
    contract: plain,
    own: parts.granted.own,
    sent: parts.granted.sentFor(facts.run.taskId),
    grantedNames: facts.spec.envNames,
    taskEnv: facts.spec.env,
  });
  if (missing.length > 0) {
    throw new ConductorError('credentials_missing', `${missing.join(', ')} granted but without a value`, {
      details: { names: missing },
    });
  }
  const contract = await hiding(parts, plain, env);
  await parts.platform.install(contract, {
    prompt: await promptOf(parts, facts),
    dependencies: await dependenciesOf(parts, facts),
  });
  const runner = await parts.platform.spawn(contract, env);
  keepRunner(parts, { runId, epoch }, runner);
  return { messages: [] };
}

/** Notes the values that nobody may see. What an earlier try of this epoch had is not taken back: its runner may be granted yet. */
async function hiding(
  { granted, platform }: RunParts,
  contract: RunnerContract,
  env: Readonly<Record<string, string>>,
): Promise<RunnerContract> {
  const values = contract.secretNames.flatMap((name) => env[name] || []);
  const hides = values.length > 0 || (await platform.hides(contract.runId, contract.epoch));
  granted.hide(contract, values);
  return { ...contract, hides };
}

/** It is known from now on, also to the next supervisor: the process table alone does not say whose a warm one is. */
export function keepRunner(
  parts: Pick<RunParts, 'live' | 'table' | 'platform'>,
  { runId, epoch }: { readonly runId: string; readonly epoch: number },
  runner: ProcessIdentity,
): void {
  const live = parts.live.of(runId, epoch);
  // One that an earlier try started may have been granted meanwhile: then this one is denied and leaves.
  if (live.runner !== null && parts.table.liveness(live.runner) === 'alive') return;
  live.runner = runner;
  parts.platform.recordRunner(runId, epoch, runner);
}

const isSetUp = (parts: RunParts, { run, worker, spec }: RunFacts): Promise<boolean> =>
  spec.setup.length === 0
    ? Promise.resolve(true)
    : parts.platform.isSetUp(run.worktreePath ?? worker.worktreePath, setupKeyOf(spec.setup));

async function promptOf(parts: RunParts, { spec }: RunFacts): Promise<string | null> {
  if (spec.promptBlob === null) return spec.prompt;
  const bytes = await parts.kernel().store.getBlob(spec.promptBlob);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** What CONDUCTOR_DEPENDENCIES holds. */
async function dependenciesOf(parts: RunParts, { spec }: RunFacts): Promise<unknown> {
  if (spec.dependsOn.length === 0) return null;
  const rows: { task: string; branch: string | null; commit: string | null; artifacts: string | null }[] = [];
  for (const { taskId } of spec.dependsOn) {
    const actor = await parts.kernel().read(taskId);
    if (actor === null) continue;
    const context = actor.snapshot.context as unknown as TaskContext;
    const artifacts = context.lastRunId === null ? null : parts.artifactsDirectory(context.lastRunId);
    rows.push({ task: context.planId ?? context.taskId, branch: context.branch, commit: context.commit, artifacts });
  }
  return rows;
}
