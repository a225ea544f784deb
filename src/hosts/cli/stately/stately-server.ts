/**
 * A WebSocket on this machine that says the same to everybody who attaches, and listens to nobody.
 *
 * V1. Only who knows the path gets in: it holds a secret. A foreign name for this machine is refused before that.
 * V2. A receiver that does not read is dropped; nobody waits for it.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { isSameSecret } from '../../../supervisor/runners/token.ts';

const HOST = '127.0.0.1';
const RECEIVERS_MAX = 8;
/** Unsent bytes of one receiver. */
const UNSENT_BYTES_MAX = 16 * 2 ** 20;
/** A receiver has nothing to say. */
const FRAME_BYTES_MAX = 1_024;
const SECRET_BYTES = 18;

export type StatelyServer = {
  /** Where receivers attach. */
  readonly url: string;
  send(text: string): void;
  close(): Promise<void>;
};

/**
 * @param port 0: any.
 * @param greeting What a receiver is told first.
 * @throws what keeps it from listening, as Node says it.
 */
export const openStatelyServer = async (port: number, greeting: () => Iterable<string>): Promise<StatelyServer> => {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const http = createServer((_, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host: HOST, port, exclusive: true }, resolve);
  });
  const { port: own } = http.address() as AddressInfo;
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (sockets.clients.size >= RECEIVERS_MAX || !mayEnter(request, own, secret)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (receiver) => {
      receiver.on('error', () => receiver.terminate());
      for (const text of greeting()) tell(receiver, text);
    });
  });
  return {
    url: `ws://${HOST}:${String(own)}/${secret}`,
    send: (text) => sockets.clients.forEach((receiver) => tell(receiver, text)),
    close: async () => {
      for (const receiver of sockets.clients) receiver.terminate();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
      });
    },
  };
};

const mayEnter = ({ headers, url }: IncomingMessage, port: number, secret: string): boolean =>
  [`${HOST}:${String(port)}`, `localhost:${String(port)}`].includes(headers.host ?? '') &&
  isSameSecret((url ?? '').slice(1), secret);

const tell = (receiver: WebSocket, text: string): void => {
  if (receiver.bufferedAmount > UNSENT_BYTES_MAX) receiver.terminate();
  else if (receiver.readyState === receiver.OPEN) receiver.send(text);
};
