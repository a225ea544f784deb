/** One handler for every effect that a machine can name. */
import type { EffectHandlers } from '../kernel/kernel.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { deliverAnswer } from './deliver-answer.ts';
import { finishRun } from './finish-run.ts';
import { prepareWorkspace } from './prepare-workspace.ts';
import { sealWork } from './seal-work.ts';
import { startRunner } from './start-runner.ts';
import { sweepEpoch } from './sweep-epoch.ts';
import { verifyWork } from './verify-work.ts';
import { cleanupWorktree, createWorktree, recoverWorktree } from './worker-worktrees.ts';

export const createEffectHandlers = (parts: RunParts): EffectHandlers => ({
  prepareWorkspace: (call) => prepareWorkspace(parts, call),
  startRunner: (call) => startRunner(parts, call),
  sealWork: (call) => sealWork(parts, call),
  verifyWork: (call) => verifyWork(parts, call),
  deliverAnswer: (call) => deliverAnswer(parts, call),
  sweepEpoch: (call) => sweepEpoch(parts, call),
  finishRun: (call) => finishRun(parts, call),
  createWorktree: (call) => createWorktree(parts, call),
  recoverWorktree: (call) => recoverWorktree(parts, call),
  cleanupWorktree: (call) => cleanupWorktree(parts, call),
});
