/** Worktrees of workers that no run waits for: made alone, recovered, cleaned up. */
import type { ActorId } from '../../machines/ids.ts';
import type { WorkerContext } from '../../machines/worker/model.ts';
import type { EffectCall, EffectResult, EventBody } from '../kernel/kernel.ts';
import { runContext, type RunParts } from '../runs/run-parts.ts';
import { sweepProcesses } from './epoch-sweep.ts';

/** Ignored files up to this size are copied into the quarantine; above it a person is asked. */
const IGNORED_BYTES_MAX = 256 * 1_048_576;

const tell = (workerId: string, event: EventBody): EffectResult => ({
  messages: [{ kind: 'event', to: workerId as ActorId, event }],
});
const refuse = (workerId: string, message: string): EffectResult =>
  tell(workerId, { type: 'worker.refused', message: message.slice(0, 1_000) });

async function contextOf(parts: RunParts, workerId: string): Promise<{ context: WorkerContext; state: string } | null> {
  const actor = await parts.kernel().read(workerId);
  return actor === null
    ? null
    : { context: actor.snapshot.context as unknown as WorkerContext, state: actor.facts.state };
}

/**
 * A broken worker may still have processes of its last run: what survived one sweep is swept again, and as long as something is
 * left nobody touches the worktree.
 * @returns what to say when something is left.
 */
async function sweepLastRun(parts: RunParts, { lastRunId }: WorkerContext): Promise<string | null> {
  const run = lastRunId === null ? null : await parts.kernel().read(lastRunId);
  if (run === null) return null;
  const { leftover } = await sweepProcesses(parts, parts.live.of(run.id, runContext(run).epoch), {
    spareRunner: false,
  });
  parts.live.drop(run.id);
  if (leftover.length === 0) return null;
  const pids = leftover.map(({ identity }) => String(identity.pid)).join(', ');
  return `processes of ${run.id} are still alive in its worktree: ${pids}`;
}

export async function createWorktree(parts: RunParts, call: EffectCall<'createWorktree'>): Promise<EffectResult> {
  const { workerId } = call.params;
  const worker = await contextOf(parts, workerId);
  if (worker === null || worker.state !== 'creating') return { messages: [] };
  const { branch, worktreePath } = worker.context;
  const result = await parts.workspaces.prepare({
    workerId,
    runId: workerId,
    branch,
    worktreePath,
    existing: false,
    continueWork: false,
    base: { base: await parts.workspaces.resolveBase('HEAD'), merge: [] },
    effectKey: call.key,
  });
  if (result.kind !== 'prepared') {
    return refuse(workerId, result.kind === 'refused' ? result.message : 'its base has conflicts');
  }
  return tell(workerId, {
    type: 'worker.prepared',
    branch,
    worktreePath: result.worktreePath,
    baseCommit: result.baseCommit,
  });
}

export async function recoverWorktree(parts: RunParts, call: EffectCall<'recoverWorktree'>): Promise<EffectResult> {
  const { workerId } = call.params;
  const worker = await contextOf(parts, workerId);
  if (worker === null || worker.state !== 'recovering') return { messages: [] };
  const { branch, worktreePath } = worker.context;
  const leftover = await sweepLastRun(parts, worker.context);
  if (leftover !== null) return refuse(workerId, leftover);
  const result = await parts.workspaces.recover({ workerId, branch, worktreePath, removeStaleLocks: true });
  if (result.kind !== 'recovered') return refuse(workerId, result.message);
  return tell(workerId, {
    type: 'worker.prepared',
    branch: result.branch,
    worktreePath: result.worktreePath,
    baseCommit: result.commit,
  });
}

export async function cleanupWorktree(parts: RunParts, call: EffectCall<'cleanupWorktree'>): Promise<EffectResult> {
  const { workerId } = call.params;
  const worker = await contextOf(parts, workerId);
  if (worker === null || worker.state !== 'cleaning') return { messages: [] };
  const { branch, worktreePath, cleanupGateId } = worker.context;
  const leftover = await sweepLastRun(parts, worker.context);
  if (leftover !== null) return refuse(workerId, leftover);
  const result = await parts.workspaces.cleanup({
    workerId,
    branch,
    worktreePath,
    ignoredBytesMax: IGNORED_BYTES_MAX,
    // The approved gate is a person's answer to the question below.
    ...(cleanupGateId === null ? {} : { ignoredFiles: 'discard' as const }),
  });
  if (result.kind === 'removed') return tell(workerId, { type: 'worker.cleaned', rescueRef: result.rescueRef });
  if (result.kind === 'refused') return refuse(workerId, result.message);
  return refuse(
    workerId,
    `${String(result.ignored.length)} ignored files with ${String(result.bytes)} bytes are too large to keep; approve a destructive_cleanup gate to discard them`,
  );
}
