/**
 * One WebSocket of a page: its hello, what it is sent, how much of that it has not read.
 *
 * P1. The first message is a hello with a pass that counts, within HELLO_MS; after it come more of them, and what `onOther` knows.
 *     Anything else ends the socket.
 * P2. The first answer is our proof for the nonce of the hello; nothing goes before it.
 * P3. A socket that cannot be written to any more is an everyday end, never an error of ours.
 */
import type { WebSocket } from 'ws';
import type { PageSession, PageSessions } from './page-sessions.ts';
import type { Welcome } from './protocol.ts';

/** How long a page may take to say hello, in ms. */
export const HELLO_MS = 5_000;
/** Largest message of a page, in bytes. */
export const PAGE_MESSAGE_BYTES_MAX = 65_536;
/** How long a page may take to answer the end of its socket, in ms. */
const LINGER_MS = 5_000;

/** Codes of the end of a socket (RFC 6455, 7.4.2 leaves 4000 to 4999 to applications). */
export const CLOSE = { going: 1001, tooMany: 1013, badMessage: 4400, noSession: 4401, noHello: 4408 } as const;

/** Made by a page for one proof. */
export const NONCE = /^[A-Za-z0-9_-]{22,64}$/;

export type Hello = { readonly session: PageSession; readonly fields: Readonly<Record<string, unknown>> };

export type PageSocket = {
  /** Bytes that were sent and not taken yet. */
  unsent(): number;
  /** Resolves when it is on its way, or the socket is gone. */
  send(data: string | Buffer): Promise<void>;
  close(code: number, reason: string): void;
  readonly closed: Promise<void>;
};

/**
 * @param given.onHello called for every hello with a pass that counts; it may not throw.
 * @param given.onOther called for every other message after the first hello; false: it makes no sense. Default: none does.
 * @param given.helloMs default HELLO_MS.
 */
export const openPageSocket = (
  socket: WebSocket,
  given: {
    readonly sessions: PageSessions;
    readonly onHello: (hello: Hello, page: PageSocket) => void;
    readonly onOther?: (fields: Hello['fields']) => boolean;
    readonly helloMs?: number;
  },
): PageSocket => {
  const page: PageSocket = {
    unsent: () => socket.bufferedAmount,
    send: (data) =>
      new Promise((resolve) => {
        socket.send(data, () => resolve());
      }),
    close: (code, reason) => {
      socket.close(code, reason);
      setTimeout(() => socket.terminate(), LINGER_MS).unref();
    },
    closed: new Promise((resolve) => {
      socket.once('close', () => resolve());
    }),
  };
  let isGreeted = false;
  const timer = setTimeout(() => page.close(CLOSE.noHello, 'no hello'), given.helloMs ?? HELLO_MS);
  socket.once('close', () => clearTimeout(timer));
  // An error is followed by the end, which says all there is to say.
  socket.on('error', () => socket.terminate());
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const fields = isBinary ? null : fieldsIn(data);
    if (isGreeted && isOther(fields) && given.onOther?.(fields) === true) return;
    const nonce = nonceIn(fields);
    if (fields === null || nonce === null) return page.close(CLOSE.badMessage, 'not understood');
    const session = given.sessions.check(fields['pass']);
    if (session === null) return page.close(CLOSE.noSession, 'no session');
    clearTimeout(timer);
    isGreeted = true;
    void page.send(
      JSON.stringify({ type: 'welcome', proof: given.sessions.welcome(session, nonce) } satisfies Welcome),
    );
    given.onHello({ session, fields }, page);
  });
  return page;
};

type Fields = Readonly<Record<string, unknown>>;

const isOther = (fields: Fields | null): fields is Fields => fields !== null && fields['type'] !== 'hello';

/** Null: this is no hello. */
const nonceIn = (fields: Fields | null): string | null => {
  const nonce = fields?.['type'] === 'hello' ? fields['nonce'] : null;
  return typeof nonce === 'string' && NONCE.test(nonce) ? nonce : null;
};

const fieldsIn = (data: Buffer): Fields | null => {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Fields) : null;
  } catch {
    // No JSON is no hello.
    return null;
  }
};
