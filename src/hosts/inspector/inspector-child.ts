/**
 * The inspector as a service of the supervision tree: listens, keeps its port and key, and loads the rest when the first page comes.
 *
 * I1. Nothing that happens here costs the supervisor its other work: what keeps it from starting leaves it off, with the reason, and
 *     so does failing FAILURES_MAX times.
 * I2. The port and the key are those of last time where that is possible, so that open pages go on.
 * I3. Until somebody asks for a link or opens a page, the server's libraries are not loaded.
 */
import type { RunningService, Service } from '../../supervisor/tree/tree-child.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import { pageFolder } from '../rpc/own-package.ts';
import type { InspectorDoor, InspectorLink, SupervisorFace } from '../rpc/rpc-face.ts';
import { openFrontDoor, type FrontDoor } from './front-door.ts';
import type { InspectorApp, InspectorAppParts } from './inspector-app.ts';
import { newInspectorKey, readInspectorFile, writeInspectorFile } from './inspector-file.ts';
import { createLinkFiles } from './link-files.ts';
import { createLinkTokens } from './link-tokens.ts';
import { createPageSessions } from './page-sessions.ts';

export type InspectorParts = {
  readonly face: SupervisorFace;
  readonly paths: ProjectHome;
  readonly log: (where: string, text: string) => void;
  readonly showInspector: (door: InspectorDoor) => void;
  /** Ms since 1970. Default: the clock. */
  readonly now?: () => number;
  /** Folder with the page's `index.html`. Default: this package's. */
  readonly pageFolder?: string | null;
  /** Default HELLO_MS of page-socket.ts, PULSE_MS of protocol.ts. */
  readonly helloMs?: number;
  readonly pulseMs?: number;
};

const SERVICE = 'inspector';
/** How long pages get to hear that the supervisor goes, in ms. */
const FAREWELL_MS = 500;
/** The tree's budget is everybody's: this one gives up long before it is spent. */
const FAILURES_MAX = 2;

export const inspectorService = (parts: InspectorParts): Service => {
  let failures = 0;
  const off = (why: string): void => {
    parts.log(SERVICE, `off: ${why}`);
    parts.showInspector({ kind: 'off', why });
  };
  return {
    id: SERVICE,
    restart: 'permanent',
    shutdownMs: 2_000,
    start: async (fail) => {
      try {
        return await open(parts, (cause) => {
          failures += 1;
          off(textOf(cause));
          if (failures < FAILURES_MAX) fail(cause);
        });
      } catch (cause) {
        off(textOf(cause));
        return { stop: async () => undefined };
      }
    },
  };
};

const open = async (parts: InspectorParts, onFail: (cause: unknown) => void): Promise<RunningService> => {
  const { paths, now = Date.now } = parts;
  const log = (error: unknown): void =>
    parts.log(SERVICE, error instanceof Error ? (error.stack ?? error.message) : String(error));
  const kept = readInspectorFile(paths.root);
  const key = kept?.key ?? newInspectorKey();
  const links = createLinkTokens(now);
  const files = createLinkFiles(paths.root);
  const held: { app: Promise<InspectorApp> | null } = { app: null };
  const app = (port: number): Promise<InspectorApp> => {
    held.app ??= loadApp({
      ...parts,
      log,
      now,
      links,
      sessions: createPageSessions({ key, port, now }),
      pageFolder: parts.pageFolder === undefined ? pageFolder() : parts.pageFolder,
    }).catch((error: unknown) => {
      held.app = null;
      throw error;
    });
    return held.app;
  };
  const door: FrontDoor = await openFrontDoor({
    port: kept?.port ?? 0,
    behind: () => app(door.port),
    log,
    onFail: (cause) => {
      void door.close();
      onFail(cause);
    },
  });
  const { port } = door;
  if (kept?.port !== port) await keep(parts, { kept: kept?.port ?? null, port, key });
  const url = `http://127.0.0.1:${String(port)}/`;
  const link = (onEnd?: () => void): string => {
    // The browser comes next: what it needs loads meanwhile. A failure is told to whoever needs it.
    app(port).catch(() => undefined);
    return `${url}#link=${links.make(onEnd)}`;
  };
  const linkInFile = async (): Promise<InspectorLink> => {
    const written = Promise.withResolvers<string>();
    const made = link(
      () =>
        void written.promise.then(
          (path) => files.remove(path),
          () => undefined,
        ),
    );
    files.write(made).then(written.resolve, written.reject);
    try {
      return { url: made, file: await written.promise };
    } catch (error) {
      log(error);
      return { url: made, file: null };
    }
  };
  parts.showInspector({
    kind: 'open',
    url,
    link: async (inFile) => (inFile ? linkInFile() : { url: link(), file: null }),
  });
  return {
    stop: async (hard) => {
      files.removeAll();
      await close(parts, { door, app: held.app, hard });
    },
  };
};

const loadApp = async (parts: InspectorAppParts): Promise<InspectorApp> => {
  const { createInspectorApp } = await import('./inspector-app.ts');
  return createInspectorApp(parts);
};

const keep = async (
  parts: InspectorParts,
  { kept, port, key }: { readonly kept: number | null; readonly port: number; readonly key: string },
): Promise<void> => {
  if (kept !== null) {
    const text = `port ${String(kept)} is taken; listening at ${String(port)}. Open pages need a new link: conductor inspect`;
    parts.log(SERVICE, text);
  }
  try {
    await writeInspectorFile(parts.paths.root, { port, key });
  } catch (error) {
    // It works all the same; after a restart open pages need a new link.
    parts.log(SERVICE, `the port and the key were not kept: ${textOf(error)}`);
  }
};

const close = async (
  parts: InspectorParts,
  { door, app, hard }: { readonly door: FrontDoor; readonly app: Promise<InspectorApp> | null; readonly hard: boolean },
): Promise<void> => {
  parts.showInspector({ kind: 'off', why: 'the supervisor is stopping it' });
  if (!hard && app !== null) {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), FAREWELL_MS);
    const farewell = app.then((loaded) => loaded.stop());
    // One that could not be loaded has no pages to tell.
    await Promise.race([farewell.catch(() => undefined), late.promise]);
    clearTimeout(timer);
  }
  await door.close();
};

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
