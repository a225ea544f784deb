/** Gives a gate's answer to the child that waits. Nobody waiting is fine: the child asks again and is answered then. */
import type { ActorId } from '../../machines/ids.ts';
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import { INSTRUCTIONS, type AnswerInstruction, type AnswerResult } from '../runners/protocol.ts';
import { runContext, type RunParts } from '../runs/run-parts.ts';
import { instruct } from './runner-calls.ts';

const TAKE_MS = 10_000;

export async function deliverAnswer(parts: RunParts, call: EffectCall<'deliverAnswer'>): Promise<EffectResult> {
  const { runId, gateId, decision, answer } = call.params;
  const actor = await parts.kernel().read(runId);
  if (actor === null || actor.facts.settled) return { messages: [] };
  const instruction: AnswerInstruction = { gateId, decision, answer };
  const result = (await instruct(parts, parts.live.of(runId, runContext(actor).epoch), {
    method: INSTRUCTIONS.answer,
    params: instruction,
    timeoutMs: TAKE_MS,
    signal: call.signal,
  })) as AnswerResult | null;
  if (result === null || !result.delivered) return { messages: [] };
  return { messages: [{ kind: 'event', to: runId as ActorId, event: { type: 'answer.delivered', gateId } }] };
}
