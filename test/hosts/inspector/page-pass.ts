/** What a page does to be let in, for tests that are no browser: it greets, looks at the proof, and makes its pass. */
import { createHmac, randomBytes } from 'node:crypto';
import { API, SIGNED, type GreetAnswer, type SocketHello } from '../../../src/hosts/inspector/protocol.ts';

/** With the key of a session. */
export const signedBy = (session: string, text: string): string =>
  createHmac('sha256', session.split('.')[2]!).update(text).digest('base64url');

export const nameOf = (session: string): string => session.split('.').slice(0, 2).join('.');

export const newNonce = (): string => randomBytes(24).toString('base64url');

export const passFor = (session: string, { instance }: Pick<GreetAnswer, 'instance'>): string =>
  `${nameOf(session)}.${signedBy(session, SIGNED.pass(instance))}`;

/** @throws when whoever answers does not know the session, or says that it is over. */
export const passAt = async (origin: string, session: string): Promise<string> => {
  const nonce = newNonce();
  const response = await fetch(`${origin}${API.greet}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: nameOf(session), nonce }),
  });
  const answer = (await response.json()) as GreetAnswer;
  if (answer.proof !== signedBy(session, SIGNED.greeting(nonce, answer))) throw new Error('a stranger answers');
  if (answer.isOver) throw new Error('the session is over');
  return passFor(session, answer);
};

/** A hello of this pass, with what it says beside that. */
export const helloOf = <Fields extends object>(pass: string, fields: Fields): SocketHello & Fields => ({
  type: 'hello',
  pass,
  nonce: newNonce(),
  ...fields,
});
