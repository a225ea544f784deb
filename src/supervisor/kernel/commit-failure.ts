/** What callers are told when a commit failed, and what is kept of a message that no store can write. */
import { ConductorError } from '../../machines/errors.ts';
import type { EpochMs } from '../../machines/ids.ts';
import type { DeadLetter } from '../../persistence/dead-letter.ts';
import type { Pending } from './mailbox.ts';

export const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export const outcomeUnknown = ({ post }: Pending, cause: unknown): ConductorError =>
  new ConductorError(
    'outcome_unknown',
    'The disk failed while this was being stored. Ask again with the same request id: the answer says what happened.',
    { retryable: true, details: { requestId: post.request?.id ?? null }, cause },
  );

export function deadLetterOf(pending: Pending, cause: unknown, at: EpochMs): DeadLetter {
  const [first] = pending.post.messages;
  const to =
    first === undefined ? (pending.continuation?.of ?? 'kernel') : first.kind === 'create' ? first.id : first.to;
  const event =
    first === undefined ? (pending.continuation?.event ?? null) : first.kind === 'create' ? first.input : first.event;
  return { at, to, event: describeSafely(event), code: 'internal', message: wordsOf(cause).slice(0, 1_000), chain: [] };
}

/** The event may be the very thing that no store can write. */
function describeSafely(event: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(event)) as unknown;
  } catch {
    return { type: 'unreadable' };
  }
}

/** What everybody else is told when the process has to end. */
export const endedBecause = (what: 'disk' | 'store'): ConductorError =>
  new ConductorError('supervisor_away', `The supervisor ended because of its ${what}.`, { retryable: true });
