/**
 * The address of the inspector: a listener on this machine alone that judges every request and every upgrade before anything behind
 * it sees them. What is behind it is loaded when the first one is let in.
 *
 * D1. It listens on 127.0.0.1 and nowhere else; at the port it had before when that is free, else at another.
 * D2. What the guard refuses costs nothing but a short answer; every answer carries the security headers.
 * D3. Sizes and times of what comes in are bounded: headers, connections, how long a request may take.
 * D4. Whoever has said nothing is told nothing: browsers connect before they have anything to ask, and would take the word for the
 *     answer to what they ask in that moment. A closed connection they ask again on another.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConductorError } from '../../machines/errors.ts';
import type { ApiError } from './protocol.ts';
import { refusalOf, securityHeaders } from './request-guard.ts';

const HOST = '127.0.0.1';
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 256;
/** How long a client may take to send its headers, and all of a request, and how often that is looked at, in ms. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_MS = 30_000;
/** How long a refused client may take to read why, in ms. */
const LINGER_MS = 1_000;

/** What is behind the door. */
export type Behind = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
};

export type FrontDoorOptions = {
  /** Tried first; 0: any. */
  readonly port: number;
  /** Called for every request that is let in. */
  readonly behind: () => Promise<Behind>;
  readonly log: (error: unknown) => void;
  /** It listens no more. */
  readonly onFail: (error: unknown) => void;
  /** Default HEADERS_MS, LOOK_MS. */
  readonly headersMs?: number;
  readonly lookMs?: number;
};

export type FrontDoor = {
  readonly port: number;
  /** Listens no more and ends every connection. */
  close(): Promise<void>;
};

/** @throws what keeps this machine from listening at any port. */
export const openFrontDoor = async (options: FrontDoorOptions): Promise<FrontDoor> => {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: options.headersMs ?? HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: options.lookMs ?? LOOK_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listen(server, options.port);
  const sockets = new Set<Duplex>();
  server.on('error', options.onFail);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => void serve(request, response, { ...options, port }));
  server.on('upgrade', (request, socket, head) => {
    // Node has taken its own listener away; without one a reset connection would end the process.
    socket.on('error', () => socket.destroy());
    void serveUpgrade(request, socket, { ...options, port, head });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if ((socket as Socket).bytesRead === 0) socket.destroy();
    else refuseSocket(socket, { ...wrongWith(error), headers: securityHeaders(undefined, port) });
  });
  return {
    port,
    close: async () => {
      server.off('error', options.onFail);
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

const wrongWith = ({ code }: NodeJS.ErrnoException): { readonly status: number; readonly text: string } => {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, text: 'The headers of the request are too large.' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, text: 'The request took too long.' };
  return { status: 400, text: 'The request is not one.' };
};

/** @returns the port: the wanted one, or another when somebody has it (D1). */
const listen = async (server: Server, wanted: number): Promise<number> => {
  try {
    await listenAt(server, wanted);
  } catch (error) {
    if (wanted === 0 || !['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await listenAt(server, 0);
  }
  return (server.address() as AddressInfo).port;
};

const listenAt = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });

type Served = FrontDoorOptions;

const serve = async (request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> => {
  const { headers, method, url } = request;
  response.setHeaders(new Map(Object.entries(securityHeaders(headers.host, served.port))));
  const refusal = refusalOf({ headers, method, url, isUpgrade: false }, served.port);
  if (refusal !== null) {
    response.writeHead(403, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(refused(refusal)));
    return;
  }
  try {
    (await served.behind()).handle(request, response);
  } catch (error) {
    served.log(error);
    response.destroy();
  }
};

const serveUpgrade = async (
  request: IncomingMessage,
  socket: Duplex,
  served: Served & { readonly head: Buffer },
): Promise<void> => {
  const { headers, method, url } = request;
  const refusal = refusalOf({ headers, method, url, isUpgrade: true }, served.port);
  if (refusal !== null) {
    refuseSocket(socket, { status: 403, text: refusal, headers: securityHeaders(headers.host, served.port) });
    return;
  }
  try {
    (await served.behind()).upgrade(request, socket, served.head);
  } catch (error) {
    served.log(error);
    socket.destroy();
  }
};

const refuseSocket = (
  socket: Duplex,
  answer: { readonly status: number; readonly text: string; readonly headers: Readonly<Record<string, string>> },
): void => {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(refused(answer.text));
  const all = { ...answer.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const status = `${String(answer.status)} ${STATUS_CODES[answer.status] ?? ''}`;
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n${head.join('')}\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
};

const refused = (text: string): ApiError => ({ error: new ConductorError('not_permitted', text).toJSON() });
