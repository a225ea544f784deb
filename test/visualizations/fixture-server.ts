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
  PASS_HEADER,
  type CallRequest,
  type ClientHello,
  type GreetRequest,
  type ProjectFacts,
  type ServerMessage,
} from '../../src/hosts/inspector/protocol.ts';
import type { OverviewItems } from '../../src/operations/read-models/overview.ts';
import { createPageSessions, SESSION_MS, type PageSessions } from '../../src/hosts/inspector/page-sessions.ts';
import { answerOf, FixtureRefusal } from './fixture-answers.ts';
import { fixtureItems, fixtureOverview, type FixtureMode } from './fixture-project.ts';

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
  /** The answer to the hello of a socket that a test serves itself. */
  readonly welcome: (hello: string) => string;
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

/** Addresses that ask for no pass by themselves. */
const OPEN: readonly string[] = [API.session, API.greet, API.feed];

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
  let listening: PageSessions | null = null;
  const welcome = ({ pass, nonce }: ClientHello): string => {
    const session = sessions().check(pass);
    const proof = session === null ? 'no session' : sessions().welcome(session, nonce);
    return JSON.stringify({ type: 'welcome', proof } satisfies ServerMessage);
  };
  const sessions = (): PageSessions => {
    const { port } = app.server.address() as AddressInfo;
    listening ??= createPageSessions({
      key: 'fixture',
      port,
      now: () => Date.now() + (project.hasSession ? 0 : SESSION_MS),
    });
    return listening;
  };
  const sockets = new Set<Socket>();
  const app = fastify({ forceCloseConnections: true });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', `${POLICY}; connect-src 'self' ws://${request.host}`);
    const isOpen = OPEN.includes(request.url) || !request.url.startsWith('/api/');
    if (isOpen || sessions().check(request.headers[PASS_HEADER]) !== null) return;
    await reply.code(401).send(refusal('not_permitted', 'no session'));
  });
  await app.register(fastifyWebsocket);
  await app.register(fastifyStatic, { root: given.folder });
  app.post<{ Body: { link: string } }>(API.session, async (request, reply) => {
    const at = project.links.indexOf(request.body.link);
    if (at === -1) return reply.code(403).send(refusal('not_permitted', 'this link does not count'));
    project.links.splice(at, 1);
    return { session: sessions().begin(), project: facts };
  });
  app.post<{ Body: GreetRequest }>(API.greet, (request) => sessions().greet(request.body));
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
      socket.send(welcome(hello));
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
    welcome: (hello) => welcome(JSON.parse(hello) as ClientHello),
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
