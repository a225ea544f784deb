/**
 * Calls of operations by pages: as the human that opened them, with a typed confirmation where something is approved.
 *
 * C1. A gate is approved only with the answer to a challenge that was made for exactly this gate and this session, used once.
 *     The answer to a question is typed anyway, and counts as its own confirmation.
 * C2. What changes something carries a request id: a repeat of it is answered, not done again.
 * C3. At most CALLS_MAX calls wait at a time.
 */
import { randomBytes } from 'node:crypto';
import { ConductorError } from '../../machines/errors.ts';
import { createApprovalChallenges, type ApprovalChallenges } from '../rpc/approval-challenge.ts';
import { fieldsOf, invalid, textField, type Fields } from '../rpc/client-params.ts';
import type { OperationAnswer, SupervisorFace } from '../rpc/rpc-face.ts';
import { requireForPage } from './operation-list.ts';
import type { ApprovalChallenge } from './protocol.ts';

/** Calls of all pages together that are not answered yet. */
const CALLS_MAX = 64;
/** Sessions with challenges in memory; the one that asked least recently forgets its own. */
const SESSIONS_MAX = 256;

type Call = { readonly sessionId: string; readonly body: unknown; readonly signal: AbortSignal };

export type PageCalls = {
  /** @throws ConductorError what the operation throws; `not_permitted` without a confirmation that counts. */
  call(call: Call): Promise<OperationAnswer>;
  /** Begins an approval. */
  challenge(sessionId: string, body: unknown): ApprovalChallenge;
};

/** `now` in ms since 1970. */
export const createPageCalls = (face: SupervisorFace, now: () => number): PageCalls => {
  const bySession = new Map<string, ApprovalChallenges>();
  let waiting = 0;

  const challengesOf = (sessionId: string): ApprovalChallenges => {
    const made =
      bySession.get(sessionId) ?? createApprovalChallenges({ now, nonce: () => randomBytes(16).toString('base64url') });
    bySession.delete(sessionId);
    bySession.set(sessionId, made);
    const oldest = bySession.keys().next().value;
    if (bySession.size > SESSIONS_MAX && oldest !== undefined) bySession.delete(oldest);
    return made;
  };
  const invoke = async ({ sessionId, body, signal }: Call): Promise<OperationAnswer> => {
    const fields = fieldsOf(body);
    const operation = textField(fields, 'operation');
    const { mutates } = requireForPage(operation);
    const params = fields['params'] ?? {};
    const given = fields['requestId'] == null ? null : textField(fields, 'requestId');
    if (mutates && given === null) throw invalid(`${operation} changes something: requestId is needed`);
    const approved = approvedGate(operation, params);
    const confirmedGate =
      approved === null || (await isAnsweredQuestion(face, { gateId: approved, params, signal }))
        ? null
        : challengesOf(sessionId).redeem({ ...confirmation(fields), gateId: approved });
    const requestId = mutates ? given : null;
    return face.invoke({ operation, params, requestId, principal: 'human', clientEnv: {}, confirmedGate, signal });
  };
  return {
    call: async (call) => {
      if (waiting >= CALLS_MAX) {
        throw new ConductorError('overloaded', `${String(CALLS_MAX)} calls are waiting already.`, { retryable: true });
      }
      waiting += 1;
      face.idle.touch();
      try {
        return await invoke(call);
      } finally {
        waiting -= 1;
        face.idle.touch();
      }
    },
    challenge: (sessionId, body) => challengesOf(sessionId).open(textField(fieldsOf(body), 'gateId')),
  };
};

/** The gate that this call would approve. */
const approvedGate = (operation: string, params: unknown): string | null => {
  if (operation !== 'conductor_resolve_gate') return null;
  const fields = fieldsOf(params);
  // Anything that is not one of the other two words is treated as an approval; what it really is, the operation judges.
  if (fields['status'] === 'rejected' || fields['status'] === 'canceled') return null;
  return textField(fields, 'gateId');
};

/** @throws ConductorError `not_permitted` when there is none. */
const confirmation = (fields: Fields): { readonly nonce: string; readonly typed: string } => {
  if (fields['confirm'] == null) {
    throw new ConductorError('not_permitted', 'To approve, the last six characters of the gate’s id are typed.', {
      details: { reason: 'unconfirmed' },
    });
  }
  const given = fieldsOf(fields['confirm']);
  return { nonce: textField(given, 'nonce'), typed: textField(given, 'typed') };
};

/** C1. A question is one whose gate says so; an empty answer answers nothing. */
const isAnsweredQuestion = async (
  face: SupervisorFace,
  { gateId, params, signal }: { readonly gateId: string; readonly params: unknown; readonly signal: AbortSignal },
): Promise<boolean> => {
  const { answer } = fieldsOf(params);
  if (typeof answer !== 'string' || answer.trim() === '') return false;
  const shown = await face.invoke({
    operation: 'conductor_get_gate',
    params: { gateId },
    requestId: null,
    principal: 'human',
    clientEnv: {},
    confirmedGate: null,
    signal,
  });
  const { gate } = shown.details as { readonly gate?: { readonly type?: unknown } };
  return gate?.type === 'needs_input';
};
