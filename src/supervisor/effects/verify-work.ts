/** Asks the runner to verify exactly one commit. The outcome is the runner's own report, which outlives both sides. */
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import { INSTRUCTIONS, type Verify } from '../runners/protocol.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { SETUP_MS_MAX } from '../specs/task-spec.ts';
import { innerState, readRunFacts } from './run-facts.ts';
import { instruct } from './runner-calls.ts';

/** Answered when the runner has taken the instruction, in ms. */
const TAKE_MS = 10_000;

export async function verifyWork(parts: RunParts, call: EffectCall<'verifyWork'>): Promise<EffectResult> {
  const { runId, epoch, commit } = call.params;
  const { actor, run, spec } = await readRunFacts(parts, runId);
  if (run.epoch !== epoch || innerState(actor, 'verifying') !== 'checking') return { messages: [] };
  const instruction: Verify = {
    key: call.key,
    commit,
    commands: spec.verify,
    timeoutMs: spec.timeoutMs || SETUP_MS_MAX,
  };
  const live = parts.live.of(runId, epoch);
  live.emptied = false;
  // Nobody to instruct: the monitor finds the runner gone, and a new epoch goes on at the verification.
  await instruct(parts, live, {
    method: INSTRUCTIONS.verify,
    params: instruction,
    timeoutMs: TAKE_MS,
    signal: call.signal,
  });
  return { messages: [] };
}
