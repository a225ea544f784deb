/**
 * A socket to the supervisor that speaks after both ends have shown who they are.
 *
 * P1. Nothing but the hello is sent, and nothing that comes is passed on, before the other end has proven itself.
 */
import { SIGNED, type SocketHello } from '../../../src/hosts/inspector/protocol.ts';
import { ANSWER_MS, newNonce, signed, type Nobody } from './greeting.ts';
import { forgetPass, greeting, sessionSecret } from './session.ts';

export type SocketUse = {
  /** What the hello says beside who we are. */
  readonly hello: () => Readonly<Record<string, unknown>>;
  /** The other end has proven itself. */
  readonly open: () => void;
  readonly message: (data: string | ArrayBuffer) => void;
  readonly close: (why: Nobody) => void;
};

export type SaidTo = {
  readonly close: () => void;
  /** After `open`, until `close`. */
  readonly say: (text: string) => void;
};

/** Opens it; it ends with `close`, also when there was nobody to open it to. */
export const openPageSocket = (path: string, use: SocketUse): SaidTo => {
  let socket: WebSocket | null = null;
  let isWanted = true;
  const open = async (): Promise<void> => {
    const session = sessionSecret();
    const answer = await greeting();
    if (!isWanted) return;
    if (session === null || answer.kind !== 'known') {
      use.close(answer.kind === 'known' ? 'over' : answer.kind);
      return;
    }
    const nonce = newNonce();
    const welcome = JSON.stringify({ type: 'welcome', proof: await signed(session, SIGNED.welcome(nonce)) });
    socket = connect(path, { ...use, nonce, welcome, pass: answer.pass });
    if (!isWanted) socket.close();
  };
  void open();
  return {
    close: () => {
      isWanted = false;
      socket?.close();
    },
    say: (text) => {
      socket?.send(text);
    },
  };
};

type Proven = SocketUse & { readonly nonce: string; readonly welcome: string; readonly pass: string };

const connect = (path: string, { nonce, welcome, pass, ...use }: Proven): WebSocket => {
  const address = new URL(path, globalThis.location.href);
  address.protocol = 'ws:';
  address.hash = '';
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  let why: Nobody = 'silent';
  let isProven = false;
  const timer = setTimeout(() => {
    socket.close();
  }, ANSWER_MS);
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ ...use.hello(), type: 'hello', pass, nonce } satisfies SocketHello));
  });
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (isProven) {
      use.message(data);
      return;
    }
    clearTimeout(timer);
    isProven = data === welcome;
    if (isProven) {
      use.open();
      return;
    }
    why = 'stranger';
    socket.close();
  });
  socket.addEventListener('close', () => {
    clearTimeout(timer);
    if (!isProven) forgetPass();
    use.close(why);
  });
  return socket;
};
