/**
 * Who answers at this address: asked before anything is said, because another program may listen here while the supervisor is away.
 *
 * G1. The session's key leaves the page in no form: whoever answers proves that it knows it, for a number that was used never before.
 * G2. Only a proven answer says that a session is over.
 */
import { API, SIGNED, type GreetAnswer, type GreetRequest } from '../../../src/hosts/inspector/protocol.ts';

/** `over`: the session counts no more. `silent`: nobody answers. `stranger`: somebody who does not know this session. */
export type Greeting =
  | { readonly kind: 'known'; readonly pass: string }
  | { readonly kind: 'over' | 'silent' | 'stranger' };

/** Why there is nobody to speak with (any more); `silent` also when somebody has just gone. */
export type Nobody = Exclude<Greeting['kind'], 'known'>;

/** An answer that takes longer is none, in ms: something that only listens must not hold the page for ever. */
export const ANSWER_MS = 5_000;
const NONCE_BYTES = 24;

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

export const newNonce = (): string => base64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));

/** `<name>.<key>`, the name of two parts. */
const partsOf = (session: string): { readonly name: string; readonly key: string } => {
  const cut = session.lastIndexOf('.');
  return { name: session.slice(0, cut), key: session.slice(cut + 1) };
};

/** HMAC-SHA-256 with the key of the session. */
export const signed = async (session: string, text: string): Promise<string> => {
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(partsOf(session).key), algorithm, false, ['sign']);
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text))));
};

const isAnswer = (value: unknown): value is GreetAnswer =>
  typeof value === 'object' &&
  value !== null &&
  'instance' in value &&
  typeof value.instance === 'string' &&
  'isOver' in value &&
  typeof value.isOver === 'boolean' &&
  'proof' in value &&
  typeof value.proof === 'string';

const ask = async (request: GreetRequest): Promise<Response | null> => {
  try {
    return await fetch(API.greet, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch {
    // Refused, broken off, or mute for too long: nobody that one could speak with.
    return null;
  }
};

export const greet = async (session: string): Promise<Greeting> => {
  const { name } = partsOf(session);
  const nonce = newNonce();
  const response = await ask({ name, nonce });
  // A supervisor that is going answers with an error of the server.
  if (response === null || response.status >= 500) return { kind: 'silent' };
  const answer: unknown = response.ok ? await response.json().catch(() => null) : null;
  if (!isAnswer(answer)) return { kind: 'stranger' };
  const { instance, isOver, proof } = answer;
  if (proof !== (await signed(session, SIGNED.greeting(nonce, { instance, isOver })))) return { kind: 'stranger' };
  if (isOver) return { kind: 'over' };
  return { kind: 'known', pass: `${name}.${await signed(session, SIGNED.pass(instance))}` };
};
