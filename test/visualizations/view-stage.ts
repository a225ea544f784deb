/**
 * The built page in a browser over a project in memory: operations are answered by the real catalogue and machines, the feed brings
 * what the kernel committed, and the files of runs are what a test says.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { API, LOG_HEADERS, type CallRequest, type ServerMessage } from '../../src/hosts/inspector/protocol.ts';
import { isConductorError } from '../../src/machines/errors.ts';
import { eventItem } from '../../src/operations/read-models/items.ts';
import type { Overview } from '../../src/operations/read-models/overview.ts';
import { openProject, type Project } from '../operations/operation-fixture.ts';
import { openPage } from './browser.ts';
import { startFixtureServer, type FixtureServer } from './fixture-server.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export type Stage = {
  readonly project: Project;
  /** Output by run id. */
  readonly logs: Map<string, Uint8Array>;
  readonly recordings: Map<string, string>;
  readonly welcome: FixtureServer['welcome'];
  /** Tells open pages what was committed since the last time. */
  readonly publish: () => Promise<void>;
  readonly open: (
    browser: Browser,
    hash: string,
    options?: Parameters<typeof openPage>[1],
  ) => Promise<Awaited<ReturnType<typeof openPage>>>;
  readonly close: () => Promise<void>;
};

const overviewOf = async (project: Project): Promise<Overview> =>
  (await project.call('conductor_get_overview')) as Overview;

const answer = async (
  project: Project,
  { operation, params }: CallRequest,
): Promise<{ status: number; body: unknown }> => {
  try {
    const { content, details } = await project.invoke(operation, params);
    return { status: 200, body: { content, details } };
  } catch (error) {
    if (!isConductorError(error)) throw error;
    const { code, message, retryable, details } = error;
    return { status: 409, body: { error: { code, message, retryable, details } } };
  }
};

const serveBytes = async (
  page: Page,
  path: string,
  bytesOf: (runId: string) => Uint8Array | undefined,
): Promise<void> => {
  await page.route(`**${path}?*`, async (route) => {
    const query = new URL(route.request().url()).searchParams;
    const bytes = bytesOf(query.get('runId') ?? '') ?? new Uint8Array();
    const wanted = Number(query.get('from') ?? 0);
    const from = Math.min(bytes.length, Math.max(0, wanted < 0 ? bytes.length + wanted : wanted));
    const piece = bytes.subarray(from, from + Number(query.get('max') ?? bytes.length));
    const headers = {
      [LOG_HEADERS.from]: String(from),
      [LOG_HEADERS.to]: String(from + piece.length),
      [LOG_HEADERS.size]: String(bytes.length),
    };
    await route.fulfill({ body: Buffer.from(piece), headers, contentType: 'application/octet-stream' });
  });
};

export const openStage = async (folder: string): Promise<Stage> => {
  const project = await openProject();
  const server: FixtureServer = await startFixtureServer({ folder, mode: 'empty' });
  const logs = new Map<string, Uint8Array>();
  const recordings = new Map<string, string>();
  let told = 0;
  const catchUp = async (): Promise<ServerMessage> => {
    const entries = await project.store.listJournal({ after: told, limit: 1_000 });
    const { items } = await overviewOf(project);
    told = await project.store.lastSeq();
    server.project.lastSeq = told;
    server.project.items = items;
    return {
      type: 'changes',
      lastSeq: told,
      lastAt: entries.at(-1)?.at ?? 0,
      watch: null,
      entries: entries.map(eventItem).map(({ patch: _, ...entry }) => entry),
      items,
      progress: [],
      pulse: null,
    };
  };
  return {
    project,
    logs,
    recordings,
    welcome: server.welcome,
    publish: async () => {
      server.send(await catchUp());
    },
    open: async (browser, hash, options) => {
      await catchUp();
      const opened = await openPage(browser, options);
      const { page } = opened;
      await page.route(`**${API.call}`, async (route) => {
        const { status, body } = await answer(project, route.request().postDataJSON() as CallRequest);
        await route.fulfill({ status, json: body });
      });
      await serveBytes(page, API.log, (runId) => logs.get(runId));
      await serveBytes(page, API.recording, (runId) => new TextEncoder().encode(recordings.get(runId)));
      await page.goto(server.link());
      await page.getByText('live', { exact: true }).waitFor();
      await page.goto(`${server.origin}/${hash}`);
      return opened;
    },
    close: async () => {
      await server.close();
      await project.close();
    },
  };
};

type Violation = { readonly id: string; readonly nodes: readonly { readonly html: string }[] };

/** What axe-core finds against WCAG 2.2 AA, one line each, and how far the page is wider than the screen. */
export const flawsOf = async (page: Page): Promise<readonly string[]> => {
  // Evaluated beside the page's own scripts: its content policy stays as it is.
  const client = await page.context().newCDPSession(page);
  await client.send('Runtime.evaluate', { expression: axe });
  await client.detach();
  const { violations, wider } = await page.evaluate<{ violations: readonly Violation[]; wider: number }>(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) => ({
      violations, wider: document.documentElement.scrollWidth - innerWidth }))`,
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  return wider > 0 ? [...found, `${String(wider)} px wider than the screen`] : found;
};
