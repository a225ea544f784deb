/**
 * A real supervisor with fifty runs, and a real browser that looks at them.
 *
 * The runs' agents sleep; what they report is said on their sockets by this process, so that the load costs no processes of its own.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { chromium as driver, type Browser, type Page } from 'playwright-core';
import type { SupervisorClient } from '../src/hosts/rpc/rpc-client.ts';
import { CHILD_CALLS, CHILD_FRAME_BYTES_MAX, type ChildReport } from '../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../src/supervisor/runners/rpc-peer.ts';
import { askTerminalLink } from '../test/e2e/inspector/terminal-link.ts';
import { browserProgram } from '../test/visualizations/browser-program.ts';
import { makeProject, until, type ScratchProject } from './scratch-project.ts';

export const RUNS = 50;
/** Reports of each run per second. */
export const REPORTS_PER_SECOND = 1;

export type ReportingRun = {
  readonly runId: string;
  readonly taskId: string;
  readonly cookie: string;
  /** Of its runner, which ends connections that are silent for long: made again when that happened. */
  readonly peer: () => RpcPeer;
};

export type PageStage = {
  readonly client: SupervisorClient;
  readonly browser: Browser;
  readonly objectiveId: string;
  readonly runs: readonly ReportingRun[];
  /** Lets all runs report, one after the other, until the returned function is called. */
  readonly report: () => () => void;
  /** A page with a session of its own. */
  readonly open: (hash: string) => Promise<Page>;
  readonly link: () => Promise<string>;
  readonly close: () => Promise<void>;
};

export const detailsOf = async <Details>(
  client: SupervisorClient,
  operation: string,
  params: object,
): Promise<Details> => (await client.call(operation, params)).details as Details;

export async function openPageStage(): Promise<PageStage> {
  const project = await makeProject({ configuration: `projectMax: ${String(2 * RUNS)}\n` });
  const client = await project.connect();
  const { objectiveId, runs } = await startRuns(project, client);
  const browser = await driver.launch({
    executablePath: await browserProgram(),
    args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info'],
  });
  const link = async (): Promise<string> => askTerminalLink(client.facts.socket);
  return {
    client,
    browser,
    objectiveId,
    runs,
    link,
    report: () => startReports(runs),
    open: async (hash) => {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      await page.goto(await link());
      await page.locator('.connection-live').waitFor();
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      return page;
    },
    close: async () => {
      await browser.close();
      for (const { peer } of runs) peer().end();
      await client.close();
      await project.remove();
    },
  };
}

type Started = Pick<PageStage, 'objectiveId' | 'runs'>;

async function startRuns({ directory }: ScratchProject, client: SupervisorClient): Promise<Started> {
  const doors = join(directory, 'doors');
  mkdirSync(doors);
  const door = `${doors}/$CONDUCTOR_RUN_ID`;
  const run = `printf '%s\\n%s\\n%s' "$CONDUCTOR_SOCKET" "$CONDUCTOR_COOKIE" "$CONDUCTOR_TASK_ID" > ${door}.new && mv ${door}.new ${door}; exec sleep 36000`;
  const tasks = Array.from({ length: RUNS }, (_, index) => ({
    id: `t${String(index)}`,
    title: `Report steadily, number ${String(index + 1)}`,
    run,
    completion: 'exit-code',
  }));
  const plan = { objective: 'Fifty that report', maxConcurrency: RUNS, tasks };
  const { objectiveId } = await detailsOf<{ objectiveId: string }>(client, 'conductor_run_plan', { plan });
  const begun = (): string[] => readdirSync(doors).filter((name) => !name.endsWith('.new'));
  await until(() => begun().length === RUNS, 50);
  const runs = begun().map((runId) => {
    const [socket = '', cookie = '', taskId = ''] = readFileSync(join(doors, runId), 'utf8').split('\n');
    if (!existsSync(socket)) throw new Error(`the runner of ${runId} does not listen at ${socket}`);
    return { runId, taskId, cookie, peer: peerAt(socket) };
  });
  return { objectiveId, runs };
}

function peerAt(socket: string): () => RpcPeer {
  let peer: RpcPeer | null = null;
  return () => {
    if (peer === null || peer.closed) {
      peer = new RpcPeer(connectSocket(socket), { frameBytesMax: CHILD_FRAME_BYTES_MAX, methods: {} });
    }
    return peer;
  };
}

function startReports(runs: readonly ReportingRun[]): () => void {
  let said = 0;
  const say = (): void => {
    const { peer, cookie } = runs[said % runs.length]!;
    said += 1;
    const text = `step ${String(said)}: read src/parser/expression.ts and the tests that cover it`;
    const report: ChildReport = { cookie, body: { kind: 'child.progress', text, key: null, artifacts: [] }, files: [] };
    peer()
      .call(CHILD_CALLS.report, report, 60_000)
      .catch((error: unknown) => {
        console.error('a report was not taken:', error);
      });
  };
  const timer = setInterval(say, 1_000 / (runs.length * REPORTS_PER_SECOND));
  return () => clearInterval(timer);
}
