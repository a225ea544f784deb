/**
 * Takes what runners say: asks for a grant, reports, heartbeats.
 *
 * I1. A runner is answered `granted` only after the commit that grants it; any other instance of the epoch is denied.
 * I2. A report gets exactly one of applied, repeat, rejected, and `rejected` names why.
 * I3. A report is taken only after the one before it: the highest sequence number stands for all below it, so that one which is
 *     stored over a gap would make the missing one a repeat.
 * I4. A message with a wrong token changes nothing and is not journalled: anybody could send it.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { RunId } from '../../machines/ids.ts';
import type { StoredActor } from '../../persistence/store.ts';
import type { Outcome } from '../kernel/kernel.ts';
import {
  PROTOCOL,
  PROTOCOL_OLDEST,
  type GateAnswer,
  type Heartbeat,
  type ReadyAnswer,
  type ReportResult,
  type RunnerAddress,
  type RunnerReady,
  type SpoolEntry,
} from '../runners/protocol.ts';
import { isRunnerToken, isSameToken } from '../runners/token.ts';
import { createFollowup } from './followup.ts';
import { gateIdOf, isMachineReport, principalOf, reportMessage } from './report-messages.ts';
import { runContext, type RunParts } from './run-parts.ts';
import type { RunnerIntake, RunnerLink } from './runner-link.ts';

export function createRunnerIntake(parts: RunParts): RunnerIntake & {
  /** Reports read from a dead runner's spool: the same way, without a token to check. */
  deliver(runId: string, epoch: number, entries: readonly SpoolEntry[]): Promise<readonly ReportResult[]>;
} {
  const deliver = async (
    runId: string,
    epoch: number,
    entries: readonly SpoolEntry[],
  ): Promise<readonly ReportResult[]> => {
    const results: ReportResult[] = [];
    for (const entry of entries) results.push(await takeReport(parts, { runId: runId as RunId, epoch }, entry));
    return results;
  };
  return {
    ready: (message, link) => grant(parts, message, link),
    report: (message) => {
      checkToken(parts, message);
      const run = parts.live.get(message.runId);
      if (run !== null && run.epoch === message.epoch) renew(parts, message.runId);
      return deliver(message.runId, message.epoch, message.entries);
    },
    heartbeat: (message) => noteHeartbeat(parts, message),
    closed: (link) => {
      const run = parts.live.byLink(link);
      if (run !== null) run.link = null;
    },
    deliver,
  };
}

async function grant(parts: RunParts, message: RunnerReady, link: RunnerLink): Promise<ReadyAnswer> {
  checkToken(parts, message);
  if (message.protocol < PROTOCOL_OLDEST || message.protocol > PROTOCOL) {
    return {
      kind: 'denied',
      reason: `protocol ${String(message.protocol)}, this supervisor speaks ${String(PROTOCOL)}`,
    };
  }
  const outcome = await parts.kernel().post({
    messages: [
      {
        kind: 'event',
        to: message.runId as RunId,
        event: { type: 'runner.ready', epoch: message.epoch, instance: message.instance },
      },
    ],
    principal: 'system',
  });
  if (outcome.kind !== 'applied') return { kind: 'denied', reason: reasonOf(outcome, parts, message) };
  const run = parts.live.of(message.runId, message.epoch);
  run.runner = message.identity;
  parts.platform.recordRunner(message.runId, message.epoch, message.identity);
  parts.live.link(run, link);
  renew(parts, message.runId);
  const actor = await parts.kernel().read(message.runId);
  if (actor === null) return { kind: 'granted', appliedSeq: 0 };
  const { taskId, spoolSeq } = runContext(actor);
  if (message.secrets !== undefined) parts.granted.hide({ ...message, taskId }, message.secrets);
  return { kind: 'granted', appliedSeq: spoolSeq };
}

function noteHeartbeat(parts: RunParts, message: Heartbeat): void {
  checkToken(parts, message);
  const run = parts.live.get(message.runId);
  if (run === null || run.epoch !== message.epoch) return;
  run.runner = message.identity;
  run.agent = message.agent ?? run.agent;
  run.phase = message.phase;
  run.idleMs = message.idleMs;
  run.outputBytes = message.outputBytes;
  renew(parts, message.runId);
}

type From = { readonly runId: RunId; readonly epoch: number };

async function takeReport(parts: RunParts, from: From, entry: SpoolEntry): Promise<ReportResult> {
  const { body, seq } = entry;
  if (body.kind === 'agent.started') {
    await noteAgent(parts, from, body);
    return { result: 'applied', seq };
  }
  if (body.kind === 'child.followup') return createFollowup(parts, { ...from, seq }, body);
  if (!isMachineReport(entry)) throw new ConductorError('internal', `report kind ${body.kind} has no way in`);
  const said = async (result: 'applied' | 'repeat'): Promise<ReportResult> => ({
    result,
    seq,
    gate: await gateAnswer(parts, from.runId, entry),
  });
  if (isRepeat(parts.kernel().peek(from.runId), from.epoch, seq)) return said('repeat');
  const outcome = await parts.kernel().post({
    messages: [reportMessage(from.runId, from.epoch, entry)],
    principal: principalOf(body),
  });
  if (outcome.kind === 'applied' || outcome.kind === 'repeated') return said('applied');
  const run = await parts.kernel().read(from.runId);
  if (isRepeat(run, from.epoch, seq)) return said('repeat');
  // The question is answered for good: a final gate refuses to be asked again, and its answer is the reply.
  const isAnswered = outcome.kind === 'refused' && (await gateAnswer(parts, from.runId, entry)) !== null;
  if (isAnswered) return said('applied');
  return { result: 'rejected', seq, reason: lateness(run, from.epoch), state: run?.facts.state ?? null };
}

const isRepeat = (run: StoredActor | null, epoch: number, seq: number): boolean =>
  run !== null && runContext(run).epoch === epoch && seq <= runContext(run).spoolSeq;

/** Why a report came too late, in a word that programs may match. */
function lateness(run: StoredActor | null, epoch: number): string {
  if (run === null) return 'run_unknown';
  if (run.facts.settled) return 'run_final';
  if (runContext(run).epoch !== epoch) return 'old_epoch';
  return `run_${run.facts.state}`;
}

function reasonOf(outcome: Exclude<Outcome, { kind: 'applied' }>, parts: RunParts, message: RunnerAddress): string {
  const run = parts.kernel().peek(message.runId);
  if (run !== null && !run.facts.settled && runContext(run).epoch === message.epoch)
    return 'another runner was granted';
  return outcome.kind === 'repeated' ? 'repeated' : lateness(run, message.epoch);
}

async function noteAgent(
  parts: RunParts,
  from: { readonly runId: string; readonly epoch: number },
  body: Extract<SpoolEntry['body'], { kind: 'agent.started' }>,
): Promise<void> {
  const run = parts.live.get(from.runId);
  if (run !== null && run.epoch === from.epoch) run.agent = { identity: body.identity, pgid: body.pgid, sid: body.sid };
  const actor = await parts.kernel().read(from.runId);
  if (actor !== null) await parts.setupFinished(runContext(actor));
}

async function gateAnswer(parts: RunParts, runId: string, entry: SpoolEntry): Promise<GateAnswer | null> {
  if (entry.body.kind !== 'child.gate') return null;
  const gateId = gateIdOf(runId, entry.body.gateType, entry.body.ask);
  const gate = await parts.kernel().read(gateId);
  if (gate === null) return null;
  const { answer, reason } = gate.snapshot.context as {
    readonly answer: string | null;
    readonly reason: string | null;
  };
  const { state } = gate.facts;
  const decision = state === 'open' ? null : state === 'used' ? 'approved' : state;
  return { gateId, state, decision, answer: answer ?? reason };
}

function renew(parts: RunParts, runId: string): void {
  parts.live.leases.renew(runId, parts.clock.monotonic());
}

/** @throws ConductorError `not_permitted` (I4) */
function checkToken(parts: RunParts, { runId, epoch, token }: RunnerAddress): void {
  const run = parts.live.get(runId);
  const known = run?.epoch === epoch ? run : null;
  if (known !== null && known.token !== null && isSameToken(known.token, token)) return;
  if (!isRunnerToken(parts.project.secret, { runId, epoch }, token)) {
    throw new ConductorError('not_permitted', `the token does not belong to epoch ${String(epoch)} of ${runId}`);
  }
  if (known !== null) known.token = token;
}
