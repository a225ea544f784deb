/**
 * A small server that speaks to the page as the inspector does, over a made-up project, so that a test decides what happens and when.
 *
 * It answers the operations that the tested views call and `not_found` to every other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket as NodeSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastifyWebsocket from '@fastify/websocket';
import { fastify } from 'fastify';
import { buildPage } from '../../scripts/page.ts';
import {
  API,
  SESSION_HEADER,
  type CallRequest,
  type ClientHello,
  type ProjectFacts,
  type ServerMessage,
} from '../../src/hosts/inspector/protocol.ts';
import type { OverviewItems } from '../../src/operations/read-models/overview.ts';
import { answerOf, FixtureRefusal } from './fixture-answers.ts';
import { fixtureItems, fixtureOverview, type FixtureMode } from './fixture-project.ts';

const SESSION = 'fixture-session';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Builds the page into a folder of its own. `remove` takes it away. */
export const builtPage = async (): Promise<{ readonly folder: string; readonly remove: () => void }> => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-page-'));
  await buildPage(folder);
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** What a test sees and moves. */
export type FixtureProject = {
  now: number;
  items: OverviewItems;
  lastSeq: number;
  /** Operations that were called, oldest first. */
  readonly calls: CallRequest[];
  readonly hellos: ClientHello[];
  /** The link that counts; each once. */
  links: string[];
  hasSession: boolean;
};

export type FixtureServer = {
  readonly origin: string;
  readonly project: FixtureProject;
  /** Address with a link that has not been used. */
  readonly link: () => string;
  /** To every open feed. */
  readonly send: (message: ServerMessage) => void;
  readonly feeds: () => number;
  /** Ends every open feed without a word. */
  readonly drop: () => void;
  readonly close: () => Promise<void>;
};

const factsOf = (now: number): ProjectFacts => ({
  key: 'fixture',
  repoRoot: '/home/ada/src/query-language',
  name: 'query-language',
  version: '0.0.0',
  startedAt: now - 3_600_000,
  epoch: 7,
});

type Socket = {
  readonly send: (text: string) => void;
  readonly terminate: () => void;
  readonly on: (event: string, listener: (data: unknown) => void) => void;
};

const refusal = (code: string, message: string) => ({ error: { code, message, retryable: false, details: {} } });

/** Listens on `port`, or on a free one. */
export const startFixtureServer = async (given: {
  readonly folder: string;
  readonly mode: FixtureMode;
  readonly port?: number;
  readonly now?: number;
}): Promise<FixtureServer> => {
  const now = given.now ?? Date.now();
  const project: FixtureProject = {
    now,
    items: fixtureItems(given.mode, now),
    lastSeq: 500,
    calls: [],
    hellos: [],
    links: [],
    hasSession: true,
  };
  const facts = factsOf(now);
  const sockets = new Set<Socket>();
  const app = fastify({ forceCloseConnections: true });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', `${POLICY}; connect-src 'self' ws://${request.host}`);
    const isOpen = request.url === API.session || request.url === API.feed || !request.url.startsWith('/api/');
    if (isOpen || (project.hasSession && request.headers[SESSION_HEADER] === SESSION)) return;
    await reply.code(401).send(refusal('not_permitted', 'no session'));
  });
  await app.register(fastifyWebsocket);
  await app.register(fastifyStatic, { root: given.folder });
  app.post<{ Body: { link: string } }>(API.session, async (request, reply) => {
    const at = project.links.indexOf(request.body.link);
    if (at === -1) return reply.code(403).send(refusal('not_permitted', 'this link does not count'));
    project.links.splice(at, 1);
    return { session: SESSION, project: facts };
  });
  app.get(API.whoami, () => ({ project: facts }));
  app.post<{ Body: { gateId: string } }>(API.challenge, (request) => ({
    nonce: `nonce-${request.body.gateId}`,
    gateId: request.body.gateId,
    expiresAt: project.now + 120_000,
  }));
  app.post<{ Body: CallRequest }>(API.call, async (request, reply) => {
    project.calls.push(request.body);
    try {
      return { content: [], details: answerOf(project, request.body) };
    } catch (error) {
      if (!(error instanceof FixtureRefusal)) throw error;
      return reply.code(409).send(refusal(error.code, error.message));
    }
  });
  app.get(API.feed, { websocket: true }, (socket: Socket) => {
    socket.on('message', (data) => {
      const hello = JSON.parse(String(data)) as ClientHello;
      project.hellos.push(hello);
      sockets.add(socket);
      if (hello.after !== null) return;
      const overview = fixtureOverview(project.items, { ...project, seq: project.lastSeq });
      socket.send(JSON.stringify({ type: 'snapshot', project: facts, overview } satisfies ServerMessage));
    });
    socket.on('close', () => {
      sockets.delete(socket);
    });
  });
  const connections = new Set<NodeSocket>();
  app.server.on('connection', (connection: NodeSocket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  await app.listen({ host: '127.0.0.1', port: given.port ?? 0 });
  const { port } = app.server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${String(port)}`;
  let made = 0;
  return {
    origin,
    project,
    link: () => {
      made += 1;
      project.links.push(`link-${String(made)}`);
      return `${origin}/#link=link-${String(made)}`;
    },
    send: (message) => {
      for (const socket of sockets) socket.send(JSON.stringify(message));
    },
    feeds: () => sockets.size,
    drop: () => {
      for (const socket of sockets) socket.terminate();
      sockets.clear();
    },
    close: async () => {
      // Also those that asked for a socket which this server has not: closing waits for them for ever.
      for (const connection of connections) connection.destroy();
      await app.close();
    },
  };
};
