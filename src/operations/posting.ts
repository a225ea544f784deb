/**
 * How operations speak to the kernel: messages in, one of three ends out.
 *
 * P1. `ignored` becomes `invalid_state`, with the state and what is possible in it; `refused` stays `refused`.
 * P2. The answer is stored with what it answers: a repeat gets it back.
 */
import { ConductorError } from '../machines/errors.ts';
import { kindOfId } from '../machines/ids.ts';
import type { Outcome, Post } from '../supervisor/kernel/kernel.ts';
import { needsSupervisor, type HandlerContext } from './operation-context.ts';
import type { OperationResult } from './operation.ts';
import { possibleIn } from './state-advice.ts';

export type Posting<Details> = Pick<Post, 'messages' | 'blobs' | 'notes'> & {
  readonly result: OperationResult<Details>;
};

export type Posted<Details> =
  | { readonly kind: 'done'; readonly result: OperationResult<Details> }
  | { readonly kind: 'ignored'; readonly state: string | null; readonly reason: string };

/** For operations to which «not in this state» is an answer. @throws ConductorError `refused` and what the kernel throws */
export const tryPost = async <Details>(
  context: HandlerContext,
  posting: Posting<Details>,
): Promise<Posted<Details>> => {
  if (context.kernel === null) throw needsSupervisor();
  const { result, ...post } = posting;
  const outcome: Outcome = await context.kernel.post({
    ...post,
    principal: context.principal,
    ...(context.request === null ? {} : { request: { ...context.request, result } }),
  });
  if (outcome.kind === 'applied') return { kind: 'done', result };
  if (outcome.kind === 'repeated') return { kind: 'done', result: outcome.result as OperationResult<Details> };
  if (outcome.kind === 'ignored') return { kind: 'ignored', state: outcome.state, reason: outcome.reason };
  const { to, event, state, reason } = outcome;
  throw new ConductorError(
    'refused',
    `${to} did not take ${event}: it is ${state ?? 'not there'}. ${possibleIn(kindOfId(to), state)}`,
    { details: { id: to, event, state, reason } },
  );
};

/** @throws ConductorError `invalid_state`, `refused` and what the kernel throws */
export const post = async <Details>(
  context: HandlerContext,
  subject: { readonly id: string; readonly wanted: string },
  posting: Posting<Details>,
): Promise<OperationResult<Details>> => {
  const posted = await tryPost(context, posting);
  if (posted.kind === 'done') return posted.result;
  throw invalidState(subject, posted.state, posted.reason);
};

/** `wanted` reads on from «cannot»: `be retried`. */
export const invalidState = (
  subject: { readonly id: string; readonly wanted: string },
  state: string | null,
  reason: string,
): ConductorError =>
  new ConductorError(
    'invalid_state',
    `${subject.id} is ${state ?? 'not there'} and cannot ${subject.wanted}. ${possibleIn(kindOfId(subject.id), state)}`,
    { details: { id: subject.id, state, reason } },
  );
