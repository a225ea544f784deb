/** Fences a lost epoch: nothing of it may be left before the next one begins. */
import type { ActorId } from '../../machines/ids.ts';
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import { runContext, type RunParts } from '../runs/run-parts.ts';
import { sweepProcesses } from './epoch-sweep.ts';
import { innerState } from './run-facts.ts';

export async function sweepEpoch(parts: RunParts, call: EffectCall<'sweepEpoch'>): Promise<EffectResult> {
  const { runId, epoch } = call.params;
  const actor = await parts.kernel().read(runId);
  const isDue = actor !== null && runContext(actor).epoch === epoch && innerState(actor, 'starting') === 'fencing';
  if (!isDue) return { messages: [] };
  const live = parts.live.of(runId, epoch);
  live.link?.close();
  live.link = null;
  const { leftover } = await sweepProcesses(parts, live, { spareRunner: false });
  return {
    messages: [
      { kind: 'event', to: runId as ActorId, event: { type: 'epoch.swept', epoch, leftover: leftover.length } },
    ],
  };
}
