/**
 * What a client may ask over its connection, once it has said hello.
 *
 * C1. Parameters are judged before anything is done with them; what a caller says of itself beyond `hello` counts nothing.
 * C2. A request that was canceled before its turn is never handled.
 * C3. When the connection closes, its subscriptions end and the signals of its calls are aborted.
 * C4. A link into the inspector acts as a human: only a human at a terminal gets one, by no operation and through no parameter.
 */
import { randomBytes } from 'node:crypto';
import type { CancellationToken } from 'vscode-jsonrpc/node';
import { ConductorError } from '../../machines/errors.ts';
import type { Principal } from '../../machines/schema.ts';
import { createApprovalChallenges } from './approval-challenge.ts';
import { callParams, fieldsOf, invalid, textField, wholeNumber, type Fields } from './client-params.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { startJournalFeed, type JournalFeed } from './journal-feed.ts';
import { STOP_MODES, type InspectorLink, type SupervisorFace } from './rpc-face.ts';
import { CLIENT_CALLS, CLIENT_NEWS } from './wire.ts';

/** Subscriptions of one connection. */
const SUBSCRIPTIONS_MAX = 16;
/** Answers one request; throws ConductorError. */
export type Session = {
  handle(method: string, params: unknown, token: CancellationToken): Promise<unknown>;
  close(): void;
};

export type ClientSessionParts = {
  readonly face: SupervisorFace;
  readonly guarded: GuardedConnection;
  readonly principal: Principal;
};

export const createClientSession = (parts: ClientSessionParts): Session => new ClientSession(parts);

class ClientSession implements Session {
  readonly #parts: ClientSessionParts;
  readonly #closing = new AbortController();
  readonly #feeds = new Map<number, JournalFeed>();
  readonly #challenges = createApprovalChallenges({
    now: Date.now,
    nonce: () => randomBytes(16).toString('base64url'),
  });
  readonly #methods: Readonly<Record<string, (fields: Fields, token: CancellationToken) => unknown>> = {
    [CLIENT_CALLS.call]: (fields, token) => this.#call(fields, token),
    [CLIENT_CALLS.subscribe]: (fields) => this.#subscribe(fields),
    [CLIENT_CALLS.unsubscribe]: (fields) => this.#unsubscribe(fields),
    [CLIENT_CALLS.challenge]: (fields) => this.#challenge(fields),
    [CLIENT_CALLS.stop]: (fields) => this.#stop(fields),
    [CLIENT_CALLS.stay]: () => this.#stay(),
    [CLIENT_CALLS.inspectorLink]: (fields) => this.#inspectorLink(fields),
    [CLIENT_CALLS.ping]: () => ({}),
  };

  constructor(parts: ClientSessionParts) {
    this.#parts = parts;
  }

  async handle(method: string, params: unknown, token: CancellationToken): Promise<unknown> {
    const handler = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    if (handler === undefined) throw notForClients(method);
    return await handler(fieldsOf(params), token);
  }

  close(): void {
    this.#closing.abort();
    for (const feed of this.#feeds.values()) feed.stop();
    this.#feeds.clear();
  }

  async #call(fields: Fields, token: CancellationToken): Promise<unknown> {
    const { face, principal } = this.#parts;
    const { operation, params, requestId, env, challenge } = callParams(fields);
    const confirmedGate = challenge === null ? null : this.#challenges.redeem(challenge);
    const canceling = new AbortController();
    const listening = token.onCancellationRequested(() => canceling.abort());
    const signal = AbortSignal.any([this.#closing.signal, canceling.signal]);
    face.idle.touch();
    try {
      return await face.invoke({ operation, params, requestId, principal, clientEnv: env, confirmedGate, signal });
    } finally {
      listening.dispose();
      face.idle.touch();
    }
  }

  async #subscribe(fields: Fields): Promise<unknown> {
    const { face, guarded } = this.#parts;
    const subscription = wholeNumber(fields, 'subscription');
    const after = wholeNumber(fields, 'after');
    if (this.#feeds.has(subscription)) throw invalid(`subscription ${String(subscription)} exists`);
    if (this.#feeds.size >= SUBSCRIPTIONS_MAX) {
      throw new ConductorError('limit_reached', `a connection may have ${String(SUBSCRIPTIONS_MAX)} subscriptions`);
    }
    const onEnd = (): unknown => this.#feeds.delete(subscription);
    const feed = startJournalFeed(face, guarded, { subscription, after, onEnd });
    this.#feeds.set(subscription, feed);
    try {
      await feed.begun;
    } catch (error) {
      onEnd();
      throw error;
    }
    return {};
  }

  #unsubscribe(fields: Fields): unknown {
    const subscription = wholeNumber(fields, 'subscription');
    this.#feeds.get(subscription)?.stop();
    return { ended: this.#feeds.delete(subscription) };
  }

  #challenge(fields: Fields): unknown {
    const { principal } = this.#parts;
    if (principal === 'human') return this.#challenges.open(textField(fields, 'gateId'));
    const text = `Only a human at a terminal can approve this; this connection speaks for ${principal}`;
    throw new ConductorError('not_permitted', text, { details: { principal } });
  }

  #stay(): unknown {
    const { face, principal } = this.#parts;
    if (principal === 'child_run') throw new ConductorError('not_permitted', 'a run may not keep its own supervisor');
    face.idle.stay?.();
    return {};
  }

  async #inspectorLink(fields: Fields): Promise<InspectorLink> {
    const { face, principal } = this.#parts;
    if (principal !== 'human') {
      const text = `A link into the inspector is for a human; this connection speaks for ${principal}. Run \`conductor inspect\` in a terminal.`;
      throw new ConductorError('not_permitted', text, { details: { principal } });
    }
    const door = face.inspector();
    if (door.kind === 'open') return door.link(fields['file'] === true);
    const text = `The inspector is off: ${door.why}. \`conductor stop --keep-runs\` and \`conductor start\` turn it on.`;
    throw new ConductorError('invalid_state', text, { details: { why: door.why } });
  }

  async #stop(fields: Fields): Promise<unknown> {
    const { face, guarded, principal } = this.#parts;
    if (principal === 'child_run') throw new ConductorError('not_permitted', 'a run may not stop its own supervisor');
    const mode = STOP_MODES.find((name) => name === fields['mode']);
    if (mode === undefined) throw invalid(`mode must be one of ${STOP_MODES.join(', ')}`);
    await face.stop(mode, (line) => {
      // Whoever asked may have left; the stop goes on.
      guarded.connection.sendNotification(CLIENT_NEWS.progress, { line }).catch(() => undefined);
    });
    return {};
  }
}

const notForClients = (method: string): ConductorError =>
  method.startsWith('runner/')
    ? new ConductorError(
        'not_permitted',
        `${method.slice(0, 64)} is for runners; this connection said that it is a client`,
      )
    : new ConductorError('not_found', `unknown method ${method.slice(0, 64)}`);
