/**
 * What clients and the supervisor say to each other: names of methods, shapes of their parameters.
 *
 * JSON-RPC 2.0 with Content-Length frames over a unix socket. The first request of a connection is `hello`; a runner may
 * begin with `runner/ready`, which carries protocol and version itself. What runners say is in supervisor/runners/protocol.ts.
 */
import type { Principal } from '../../machines/schema.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { StopMode, SupervisorFacts } from './rpc-face.ts';

export const HELLO = 'hello';

/** Requests of a client. */
export const CLIENT_CALLS = {
  call: 'call',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
  challenge: 'challenge',
  stop: 'stop',
  /** It is not to end by itself any more. */
  stay: 'stay',
  /** An address that lets one browser into the inspector; for a human at a terminal only. */
  inspectorLink: 'inspector/link',
  /** Answered at once, whatever else is going on: shows that the owner is not stopped. */
  ping: 'ping',
} as const;

/** Notifications to a client. */
export const CLIENT_NEWS = { entries: 'entries', lagged: 'lagged', progress: 'progress' } as const;

/** Largest frame from the supervisor, in bytes: a page of 1,000 entries of usual size is 1 MB. */
export const ANSWER_BYTES_MAX = 16_777_216;

export type Hello = {
  readonly protocol: number;
  /** The oldest protocol this side still speaks. */
  readonly protocolOldest: number;
  readonly version: string;
  readonly role: 'client' | 'runner';
  readonly pid: number;
  readonly stdinTty: boolean;
  readonly stdoutTty: boolean;
};

/** `protocol` is the one both sides use from now on; `principal` is null for runners. */
export type HelloAnswer = {
  readonly protocol: number;
  readonly facts: SupervisorFacts;
  readonly principal: Principal | null;
};

export type CallParams = {
  readonly operation: string;
  readonly params: unknown;
  readonly requestId: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** The answer to a challenge of this connection, for the approval of a high-risk gate. */
  readonly challenge: ChallengeAnswer | null;
};

/** What a human typed: the last six characters of the gate's id. */
export type ChallengeAnswer = { readonly nonce: string; readonly gateId: string; readonly typed: string };
export type ChallengeParams = { readonly gateId: string };
export type Challenge = { readonly nonce: string; readonly gateId: string; readonly expiresAt: number };

/** `subscription` is the client's number for it, unique in its connection. */
export type SubscribeParams = { readonly subscription: number; readonly after: number };
export type EntriesNews = {
  readonly subscription: number;
  readonly entries: readonly JournalEntry[];
  readonly lastSeq: number;
};
/** The subscription has ended because too much was unread; subscribe again after `cursor`. */
export type LaggedNews = { readonly subscription: number; readonly cursor: number };

export type StopParams = { readonly mode: StopMode };
export type ProgressNews = { readonly line: string };
/** `file`: asked for with a file that leads to the link. Answered with an InspectorLink of rpc-face.ts. */
export type InspectorLinkParams = { readonly file: boolean };
