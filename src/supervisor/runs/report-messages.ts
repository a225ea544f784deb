/** Turns what a runner reports into messages for the run's machine. Pure but for the hash that names a gate. */
import { createHash } from 'node:crypto';
import { ID_ALPHABET, type GateId, type RunId } from '../../machines/ids.ts';
import { LINE_MAX } from '../../machines/schema.ts';
import type { Message } from '../kernel/kernel.ts';
import type { ReportBody, SpoolEntry } from '../runners/protocol.ts';

/** Reports that are facts for the supervisor's memory or another door, not for the run's machine. */
export type MachineReport = Exclude<ReportBody, { kind: 'agent.started' | 'child.followup' }>;

/**
 * The id of a question: the same run asking the same thing gets the same gate, whatever its epoch.
 * Ten characters of the run's time, so that it sorts beside its run, and fifty bits of the question's hash.
 */
export function gateIdOf(runId: string, gateType: string, ask: string): GateId {
  const digest = createHash('sha256')
    .update(JSON.stringify([runId, gateType, ask]))
    .digest();
  const random = [...digest.subarray(0, 10)].map((byte) => ID_ALPHABET[byte & 31]).join('');
  return `gate-${runId.slice('run-'.length, 'run-'.length + 10)}${random}` as GateId;
}

/** @param seq The entry's place in its spool, or the next one for what an exit record adds. */
export function reportMessage(
  runId: RunId,
  epoch: number,
  entry: { readonly seq: number; readonly body: MachineReport },
): Message {
  return { kind: 'event', to: runId, event: { epoch, seq: entry.seq, ...fieldsOf(runId, entry.body) } };
}

type Fields = { readonly type: string; readonly [field: string]: unknown };

function fieldsOf(runId: RunId, body: MachineReport): Fields {
  const { kind: type, ...fields } = body;
  switch (body.kind) {
    case 'child.progress':
      return { type, text: line(body.text) };
    case 'child.gate':
      return { type, ...fields, gateId: gateIdOf(runId, body.gateType, body.ask) };
    case 'child.complete':
      return { type, status: body.status, summary: body.summary };
    case 'verification.finished':
      return { type, ok: body.ok, message: line(body.message) };
    case 'setup.failed':
      return { type, message: line(body.message) };
    case 'limit.warned':
    case 'limit.exceeded':
    case 'agent.exited':
    default:
      return { type, ...fields };
  }
}

const line = (text: string): string => text.slice(0, LINE_MAX);

/** Whose word it is. */
export const principalOf = (body: ReportBody): 'child_run' | 'system' =>
  body.kind.startsWith('child.') ? 'child_run' : 'system';

export const isMachineReport = (entry: SpoolEntry): entry is SpoolEntry & { readonly body: MachineReport } =>
  entry.body.kind !== 'agent.started' && entry.body.kind !== 'child.followup';
