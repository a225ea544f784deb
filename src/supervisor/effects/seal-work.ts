/**
 * The agent said that it is done: it leaves, its strays end, and what it changed becomes one commit.
 *
 * K1. Nothing is committed while a process of the run but its runner is alive.
 * K2. A commit that a repeat of this effect finds by its trailer is not made again.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { ActorId } from '../../machines/ids.ts';
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import type { CommandLine } from '../runners/contract.ts';
import { snapshotProcesses } from '../processes/process-snapshot.ts';
import { INSTRUCTIONS, type EndAgent } from '../runners/protocol.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { learnFromStartRecord } from '../runs/start-record.ts';
import { rememberStrays } from '../runs/stray-memory.ts';
import { changedOutside } from '../workspaces/write-scope.ts';
import { sweepProcesses } from './epoch-sweep.ts';
import { innerState, readRunFacts, type RunFacts } from './run-facts.ts';
import { instruct } from './runner-calls.ts';

export async function sealWork(parts: RunParts, call: EffectCall<'sealWork'>): Promise<EffectResult> {
  const { runId, epoch } = call.params;
  const facts = await readRunFacts(parts, runId);
  if (facts.run.epoch !== epoch || innerState(facts.actor, 'verifying') !== 'sealing') return { messages: [] };
  const live = parts.live.of(runId, epoch);
  await learnFromStartRecord(parts, live);
  // Not a shared listing: one from before the agent's start would call an instant agent's strays nobody.
  const before = snapshotProcesses(parts.table);
  const seenEmpty = rememberStrays(parts, live, before) ? before : null;
  const instruction: EndAgent = { key: call.key, graceMs: parts.limits.leaveMs };
  await instruct(parts, live, {
    method: INSTRUCTIONS.endAgent,
    params: instruction,
    timeoutMs: parts.limits.leaveMs * 2 + 5_000,
    signal: call.signal,
  });
  const { leftover } = await sweepProcesses(parts, live, { spareRunner: true, seenEmpty });
  if (leftover.length > 0) {
    throw new ConductorError('internal', `${String(leftover.length)} processes of ${runId} could not be ended`, {
      details: { pids: leftover.map((member) => member.identity.pid) },
    });
  }
  const sealed = await seal(parts, facts, call.key);
  return { messages: [{ kind: 'event', to: runId as ActorId, event: { type: 'work.sealed', epoch, ...sealed } }] };
}

async function seal(
  parts: RunParts,
  { run, task, worker, spec }: RunFacts,
  effectKey: string,
): Promise<{ commit: string; changedFiles: number; outsideScope: number; verificationTouched: boolean }> {
  const worktreePath = run.worktreePath ?? worker.worktreePath;
  const result = await parts.workspaces.seal({
    worktreePath,
    runId: run.runId,
    effectKey,
    message: `${task.title}\n\n${run.completion?.summary ?? ''}`.trim(),
    ...(run.branch === null ? {} : { branch: run.branch }),
    ...(run.baseCommit === null ? {} : { baseCommit: run.baseCommit }),
  });
  const { commit, changedFiles } = result;
  const asksForFiles = changedFiles > 0 && (spec.writeScope.length > 0 || spec.verify.length > 0);
  if (!asksForFiles || run.baseCommit === null) {
    return { commit, changedFiles, outsideScope: 0, verificationTouched: false };
  }
  const { files } = await parts.workspaces.diff({ worktreePath, from: run.baseCommit, to: commit, bytesMax: 0 });
  return {
    commit,
    changedFiles,
    outsideScope: changedOutside(files, spec.writeScope).length,
    verificationTouched: touchesVerification(files, spec.verify),
  };
}

/** Files that well-known programs read their commands from. */
const RECIPES: readonly (readonly [program: RegExp, file: RegExp])[] = [
  [/^(?:npm|npx|pnpm|yarn|bun|node)$/, /(?:^|\/)package\.json$/],
  [/^(?:make|gmake)$/, /(?:^|\/)(?:GNU)?[Mm]akefile$/],
  [/^just$/, /(?:^|\/)[Jj]ustfile$/],
];

/** Whether the run changed what its verification executes: then green is the run's own word. */
export function touchesVerification(files: readonly string[], verify: readonly CommandLine[]): boolean {
  const words = verify.flatMap((command) => (typeof command === 'string' ? command.split(/[\s;&|()'"]+/) : command));
  const named = new Set(words.map((word) => word.replace(/^\.\//, '')));
  const recipes = RECIPES.filter(([program]) => words.some((word) => program.test(word)));
  return files.some((file) => named.has(file) || recipes.some(([, pattern]) => pattern.test(file)));
}
