/** Sending a person's decision about a gate: the words first, then the challenge, then the operation, once per intent. */
import { useRef, useState } from 'react';
import type { CallRequest } from '../../../../src/hosts/inspector/protocol.ts';
import { ApiFailure, askChallenge, call, newRequestId } from '../../connection/api.ts';

export type Decision = 'approved' | 'rejected' | 'canceled';

/** What a person decided. `answer`: with `approved`, for a question. `typed`: the confirmation of an approval. */
export type DecisionWords = {
  readonly status: Decision;
  readonly reason: string;
  readonly answer: string | null;
  readonly typed: string | null;
};

export type DecisionState =
  | { readonly kind: 'open' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'done'; readonly status: Decision }
  | { readonly kind: 'failed'; readonly error: Error };

/** Characters that a reason may have; a longer answer goes into `answer` alone. */
const REASON_MAX = 1_000;

type Params = {
  readonly gateId: string;
  readonly status: Decision;
  readonly resolutionReason: string;
  readonly answer?: string;
};

const paramsOf = (gateId: string, { status, reason, answer }: DecisionWords): Params => ({
  gateId,
  status,
  resolutionReason: reason.slice(0, REASON_MAX),
  ...(answer === null ? {} : { answer }),
});

const confirmOf = async (gateId: string, typed: string | null): Promise<Pick<CallRequest, 'confirm'>> => {
  if (typed === null) return {};
  const { nonce } = await askChallenge(gateId);
  return { confirm: { nonce, typed } };
};

/** A try that got no answer may have counted: the same words are sent again under the same request id. */
const mayHaveCounted = (error: unknown): boolean =>
  error instanceof ApiFailure && (error.code === 'supervisor_unreachable' || error.code === 'outcome_unknown');

export const useGateDecision = (gateId: string) => {
  const [state, setState] = useState<DecisionState>({ kind: 'open' });
  const pending = useRef<{ readonly id: string; readonly said: string } | null>(null);
  const send = async (words: DecisionWords): Promise<void> => {
    const params = paramsOf(gateId, words);
    const said = JSON.stringify(params);
    const requestId = pending.current?.said === said ? pending.current.id : newRequestId();
    pending.current = { id: requestId, said };
    setState({ kind: 'sending' });
    try {
      const confirm = await confirmOf(gateId, words.typed);
      await call('conductor_resolve_gate', params, { requestId, ...confirm });
      setState({ kind: 'done', status: words.status });
    } catch (error) {
      if (!mayHaveCounted(error)) pending.current = null;
      setState({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return { state, send };
};
