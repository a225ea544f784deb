/**
 * The routes of `protocol.ts` and the page's own files, over what the front door lets in. Loaded when the first page comes.
 *
 * A1. Everything but the page's files, the exchange of a link and the greeting is answered to a session only.
 * A2. No path comes from a request: files of the page are found below its folder, files of runs by checked ids.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { fastifyStatic } from '@fastify/static';
import { fastifyWebsocket } from '@fastify/websocket';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ConductorError } from '../../machines/errors.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import { fieldsOf, invalid, textField } from '../rpc/client-params.ts';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import { apiAnswer, NoSession } from './api-errors.ts';
import type { LinkTokens } from './link-tokens.ts';
import { createPageCalls } from './page-calls.ts';
import { PageFeeds } from './page-feeds.ts';
import type { PageSession, PageSessions } from './page-sessions.ts';
import { NONCE, PAGE_MESSAGE_BYTES_MAX } from './page-socket.ts';
import { projectFacts } from './project-facts.ts';
import { API, LOG_HEADERS, PASS_HEADER, PIECE_BYTES_MAX, type GreetAnswer, type SessionAnswer } from './protocol.ts';
import { readLogPiece, readRecordingPiece, runDirectory, type Piece } from './run-files.ts';
import { TerminalRelay } from './terminal-relay.ts';

/** Largest body of a request, in bytes. */
const BODY_BYTES_MAX = 1_048_576;
/** Files of the build have names of their content; how long a browser may keep them, in seconds. */
const ASSET_SECONDS = 31_536_000;

export type InspectorAppParts = {
  readonly face: SupervisorFace;
  readonly paths: ProjectHome;
  readonly sessions: PageSessions;
  readonly links: LinkTokens;
  /** Ms since 1970. */
  readonly now: () => number;
  readonly log: (error: unknown) => void;
  /** Folder with `index.html`; null when it was not built. */
  readonly pageFolder: string | null;
  /** Default HELLO_MS. */
  readonly helloMs?: number;
  /** Default PULSE_MS. */
  readonly pulseMs?: number;
};

export type InspectorApp = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every page, and resolves when all have gone. */
  stop(): Promise<void>;
};

export const createInspectorApp = async (parts: InspectorAppParts): Promise<InspectorApp> => {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false, forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = apiAnswer(error, parts.log);
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler(() => {
    throw new ConductorError('not_found', 'There is nothing at this address.');
  });
  await app.register(fastifyWebsocket, { options: { maxPayload: PAGE_MESSAGE_BYTES_MAX } });
  const feeds = new PageFeeds({ ...parts, project: () => projectFacts(parts.face) });
  const terminals = new TerminalRelay(parts);
  app.get(API.feed, { websocket: true }, (socket) => feeds.accept(socket));
  app.get(API.terminal, { websocket: true }, (socket) => terminals.accept(socket));
  addSessionRoutes(app, parts);
  addCallRoutes(app, parts);
  addRunRoutes(app, parts);
  await addPage(app, parts.pageFolder);
  await app.ready();
  return {
    handle: (request, response) => app.routing(request, response),
    upgrade: (request, socket, head) => void app.server.emit('upgrade', request, socket, head),
    stop: async () => {
      await Promise.all([feeds.stop(), terminals.stop()]);
      await app.close();
    },
  };
};

/** @throws NoSession (A1). */
const sessionOf = (request: FastifyRequest, { sessions }: InspectorAppParts): PageSession => {
  const session = sessions.check(request.headers[PASS_HEADER]);
  if (session === null) throw new NoSession('This page has no session, or it is over.');
  return session;
};

const addSessionRoutes = (app: FastifyInstance, parts: InspectorAppParts): void => {
  const { face, links, sessions } = parts;
  app.post(API.session, (request): SessionAnswer => {
    if (!links.redeem(textField(fieldsOf(request.body), 'link'))) {
      throw new NoSession('This link was used, or is older than two minutes.');
    }
    return { session: sessions.begin(), project: projectFacts(face) };
  });
  app.post(API.greet, (request): GreetAnswer => {
    const fields = fieldsOf(request.body);
    const [name, nonce] = [textField(fields, 'name'), textField(fields, 'nonce')];
    const answer = NONCE.test(nonce) ? sessions.greet({ name, nonce }) : null;
    if (answer === null) throw invalid('name must be that of a session, nonce 22 to 64 characters of base64url');
    return answer;
  });
};

const addCallRoutes = (app: FastifyInstance, parts: InspectorAppParts): void => {
  const calls = createPageCalls(parts.face, parts.now);
  app.post(API.call, async (request, reply) => {
    const { id: sessionId } = sessionOf(request, parts);
    return calls.call({ sessionId, body: request.body, signal: goneSignal(reply) });
  });
  app.post(API.challenge, (request) => calls.challenge(sessionOf(request, parts).id, request.body));
};

/** Aborted when nobody waits for this answer any more. */
const goneSignal = (reply: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
};

const addRunRoutes = (app: FastifyInstance, parts: InspectorAppParts): void => {
  type Read = typeof readLogPiece;
  const serve = (type: string, read: Read) => async (request: FastifyRequest, reply: FastifyReply) => {
    sessionOf(request, parts);
    const query = fieldsOf(request.query);
    const directory = runDirectory(parts.paths, query['runId']);
    const piece = await read(directory, {
      from: wholeNumber(query['from'], 0),
      max: wholeNumber(query['max'], PIECE_BYTES_MAX),
    });
    return reply.headers(placeHeaders(piece)).type(type).send(piece.bytes);
  };
  // Never a type that a browser shows by itself.
  app.get(API.log, serve('application/octet-stream', readLogPiece));
  app.get(API.recording, serve('application/octet-stream', readRecordingPiece));
};

/** @throws ConductorError `invalid_params` */
const wholeNumber = (value: unknown, absent: number): number => {
  if (value === undefined) return absent;
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw new ConductorError('invalid_params', 'from and max must be whole numbers');
};

const placeHeaders = ({ from, size, bytes }: Piece): Readonly<Record<string, string>> => ({
  [LOG_HEADERS.from]: String(from),
  [LOG_HEADERS.to]: String(from + bytes.length),
  [LOG_HEADERS.size]: String(size),
});

const addPage = async (app: FastifyInstance, folder: string | null): Promise<void> => {
  if (folder === null) {
    app.get('/', (_request, reply) =>
      reply.code(503).type('text/plain').send('The page of the inspector was not built: npm run build\n'),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    dotfiles: 'ignore',
    decorateReply: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isNamedByContent = path.startsWith(`${folder}/assets/`);
      if (isNamedByContent) void reply.header('cache-control', `private, max-age=${String(ASSET_SECONDS)}, immutable`);
    },
  });
};
