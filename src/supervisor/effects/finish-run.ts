/**
 * The end of every run: agent, strays and runner are gone, the evidence is kept, and only then is the run final.
 *
 * Z1. The runner leaves last and by itself when it can: it writes its exit record.
 * Z2. Evidence is copied under its content hash before the worker is released; a repeat copies nothing twice.
 * Z3. Evidence that cannot be read is missing evidence, said in the log; it does not keep a run from ending.
 */
import type { ActorId } from '../../machines/ids.ts';
import type { ArtifactRow } from '../../persistence/store.ts';
import type { EffectCall, EffectResult } from '../kernel/kernel.ts';
import { INSTRUCTIONS, type EndAgent, type Finish } from '../runners/protocol.ts';
import type { LiveRun } from '../runs/live-runs.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { learnFromStartRecord } from '../runs/start-record.ts';
import { rememberStrays } from '../runs/stray-memory.ts';
import { collectEvidence } from './collect-evidence.ts';
import { sweepProcesses } from './epoch-sweep.ts';
import { learnHiddenValues } from './hidden-values.ts';
import { readRunFacts, type RunFacts } from './run-facts.ts';
import { instruct } from './runner-calls.ts';

export async function finishRun(parts: RunParts, call: EffectCall<'finishRun'>): Promise<EffectResult> {
  const { runId, epoch } = call.params;
  const facts = await readRunFacts(parts, runId);
  if (facts.actor.facts.state !== 'completing' || facts.run.epoch !== epoch) return { messages: [] };
  const live = parts.live.of(runId, epoch);
  const leftover = wasLaunched(facts) ? await endProcesses(parts, live, { facts, call }) : 0;
  const exit = await parts.platform.readExit(runId, epoch);
  const artifacts: readonly ArtifactRow[] = await collectEvidence(parts, facts);
  parts.live.drop(runId);
  return {
    messages: [
      {
        kind: 'event',
        to: runId as ActorId,
        event: {
          type: 'runner.ended',
          epoch,
          leftover,
          exitCode: exit?.agent?.code ?? facts.run.exitCode,
          signal: exit?.agent?.signal ?? facts.run.signal,
          rand: parts.clock.random(),
        },
      },
    ],
    artifacts,
  };
}

/** Before its worktree stood nothing could be started. */
const wasLaunched = ({ run }: RunFacts): boolean => run.worktreePath !== null;

type Ending = { readonly facts: RunFacts; readonly call: EffectCall<'finishRun'> };

async function endProcesses(parts: RunParts, live: LiveRun, { facts, call }: Ending): Promise<number> {
  const { signal, key } = call;
  await learnFromStartRecord(parts, live);
  await learnHiddenValues(parts, live, { facts, signal });
  if (!live.emptied) rememberStrays(parts, live, parts.snapshot());
  const instruction: Finish = { graceMs: parts.limits.leaveMs };
  if (live.link !== null) {
    try {
      // Its own last word: an agent that has said it may leave by itself first.
      if (facts.run.end?.startsWith('completion_') === true) {
        const endAgent: EndAgent = { key, graceMs: parts.limits.leaveMs };
        const timeoutMs = parts.limits.leaveMs * 2 + 5_000;
        await instruct(parts, live, { method: INSTRUCTIONS.endAgent, params: endAgent, timeoutMs, signal });
      }
      await instruct(parts, live, {
        method: INSTRUCTIONS.finish,
        params: instruction,
        timeoutMs: parts.limits.leaveMs * 2 + 5_000,
        signal,
      });
      await untilGone(parts, live);
    } catch {
      // A runner that does not answer is ended by the sweep, with everything else.
    }
  }
  const { leftover } = await sweepProcesses(parts, live, { spareRunner: false });
  return leftover.length;
}

/** A runner that has answered `finish` needs a moment to leave. */
const LEAVE_POLL_MS = 5;
const LEAVE_POLLS_MAX = 400;

async function untilGone(parts: RunParts, live: LiveRun): Promise<void> {
  for (let poll = 0; poll < LEAVE_POLLS_MAX; poll += 1) {
    if (live.runner === null || parts.table.liveness(live.runner) !== 'alive') return;
    await parts.clock.sleep(LEAVE_POLL_MS);
  }
}
