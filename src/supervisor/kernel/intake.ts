/**
 * What a post must be before it may wait: bounded, for actors that can exist, its events as their schemas say, `at` stamped.
 *
 * What passes here can be stored; whether a machine wants it is the machine's decision.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { EpochMs } from '../../machines/ids.ts';
import { jsonSize } from './json-size.ts';
import type { Message, Post } from './kernel.ts';
import type { KernelLimits } from './limits.ts';
import { checkEvent, checkInput, type MachineSet } from './machine-set.ts';

/** Added to each post for its own fields. */
const postOverheadBytes = 256;

export type Admitted = { readonly post: Post; readonly bytes: number; readonly count: number };

/** @throws ConductorError `invalid_params`, `too_large`, `not_found` (an id of no kind). */
export function admit(
  set: MachineSet,
  limits: KernelLimits,
  received: { readonly post: Post; readonly now: EpochMs },
): Admitted {
  const { post, now } = received;
  if (post.messages.length > limits.postMessagesMax) {
    throw new ConductorError(
      'too_large',
      `A post holds at most ${String(limits.postMessagesMax)} messages, this one ${String(post.messages.length)}; send it in parts.`,
      { details: { messages: post.messages.length } },
    );
  }
  let bytes = postOverheadBytes;
  const messages = post.messages.map((message) => {
    const stamped = stamp(message, now);
    const size = jsonSize(stamped);
    if (size > limits.messageBytesMax) throw tooLarge(stamped, size, limits);
    bytes += size;
    if (stamped.kind === 'create') checkInput(set, stamped.id, stamped.input);
    else checkEvent(set, stamped.to, stamped.event);
    return stamped;
  });
  for (const { data } of post.blobs ?? []) bytes += data.byteLength;
  return { post: { ...post, messages }, bytes, count: Math.max(1, messages.length) };
}

function stamp(message: Message, now: EpochMs): Message {
  if (message.kind === 'create' || message.event.at !== undefined) return message;
  return { ...message, event: { ...message.event, at: now } };
}

function tooLarge(message: Message, size: number, limits: KernelLimits): ConductorError {
  const what = message.kind === 'create' ? `The input of ${message.id}` : `${message.event.type} for ${message.to}`;
  return new ConductorError(
    'too_large',
    `${what} has about ${String(size)} bytes, more than ${String(limits.messageBytesMax)}; store the text as an artifact and name it.`,
    { details: { bytes: size, max: limits.messageBytesMax } },
  );
}
