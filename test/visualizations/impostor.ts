/** Another program that took the inspector's port: it takes every request and socket, answers as a test says, and remembers every word. */
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';

export type Heard = { readonly path: string; readonly body: string };
/** Null: nothing, for ever. */
export type ImpostorAnswer = (heard: Heard) => { readonly status: number; readonly body: string } | null;

export type Impostor = {
  readonly requests: readonly Heard[];
  /** Everything: lines of requests, headers, bodies, messages of sockets. */
  readonly words: () => string;
  readonly close: () => Promise<void>;
};

export const startImpostor = async (port: number, answer: ImpostorAnswer): Promise<Impostor> => {
  const requests: Heard[] = [];
  const words: string[] = [];
  const note = ({ method = '', url = '', rawHeaders }: IncomingMessage): void => {
    words.push(`${method} ${url}`, ...rawHeaders);
  };
  const server = createServer((request, response) => {
    note(request);
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const heard = { path: request.url ?? '', body };
      words.push(body);
      requests.push(heard);
      const said = answer(heard);
      if (said !== null) response.writeHead(said.status, { 'content-type': 'application/json' }).end(said.body);
    });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  const upgrades = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    note(request);
    upgrades.handleUpgrade(request, socket, head, (opened) => {
      opened.on('message', (data: Buffer) => {
        words.push(String(data));
        opened.send(JSON.stringify({ type: 'welcome', proof: 'trust me' }));
        opened.send(JSON.stringify({ type: 'stopping' }));
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, resolve);
  });
  return {
    requests,
    words: () => words.join('\n'),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
