/**
 * Goal: in a real supervisor, as it is built and started, a person sees what runs, a run never gets in, and a killed supervisor costs a
 * page nothing but a moment.
 * Method: daemons from the built programs; links asked for over their sockets as a terminal, a pipe and a run would.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectorFilePath } from '../../../src/hosts/inspector/inspector-file.ts';
import { API, LOG_HEADERS, PASS_HEADER, type SessionAnswer } from '../../../src/hosts/inspector/protocol.ts';
import { ensureSupervisor } from '../../../src/hosts/rpc/daemon-start.ts';
import type { SupervisorClient } from '../../../src/hosts/rpc/rpc-client.ts';
import type { SupervisorFacts } from '../../../src/hosts/rpc/rpc-face.ts';
import { isConductorError } from '../../../src/machines/errors.ts';
import type { RunItem } from '../../../src/operations/read-models/item-schemas.ts';
import type { Services } from '../../../src/operations/read-models/supervision-view.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { askLinkAs, type LinkCaller } from '../../e2e/inspector/terminal-link.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { FeedClient, range } from './inspector-bench.ts';
import { helloOf, passAt } from './page-pass.ts';

const PROGRAMS = new URL('../../../dist/programs', import.meta.url).pathname;
const table = openProcessTable();
let root = '';
let repo = '';
let client: SupervisorClient;
const sockets: FeedClient[] = [];
/** Where supervisors listened, also those that were killed and left theirs behind. */
const doors = new Set<string>();

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-')));
  repo = join(root, 'repo');
  mkdirSync(repo);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args]);
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await client.stop('now').catch(() => undefined);
  await client.close();
  for (const door of doors) rmSync(door, { force: true });
  doors.clear();
  rmSync(root, { recursive: true });
});

const start = async (inspector = true): Promise<SupervisorFacts> => {
  const environment = { ...process.env, XDG_CONFIG_HOME: join(root, 'none') };
  const options = { repo, home: join(root, 'home'), stay: true, inspector, programs: PROGRAMS, inPlace: true };
  ({ client } = await ensureSupervisor({ ...options, environment }));
  doors.add(client.facts.socket);
  return client.facts;
};

/** As a process with this pid at these terminals would ask. */
const linkFor = async ({ socket }: SupervisorFacts, caller: LinkCaller = {}): Promise<string> =>
  (await askLinkAs(socket, caller)).url;
const codeOf = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    return isConductorError(error) ? error.code : String(error);
  }
};

type Opened = { readonly origin: string; readonly session: string };
const openPage = async (facts: SupervisorFacts): Promise<Opened> => {
  const { origin, hash } = new URL(await linkFor(facts));
  const answer = await fetch(`${origin}${API.session}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link: hash.replace('#link=', '') }),
  });
  return { origin, session: ((await answer.json()) as SessionAnswer).session };
};
const get = async (path: string, { origin, session }: Opened): Promise<Response> =>
  fetch(`${origin}${path}`, { headers: { [PASS_HEADER]: await passAt(origin, session) } });
const call = async <Details>(operation: string, params: object, { origin, session }: Opened): Promise<Details> => {
  const answer = await fetch(`${origin}${API.call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [PASS_HEADER]: await passAt(origin, session) },
    body: JSON.stringify({ operation, params, requestId: crypto.randomUUID() }),
  });
  return ((await answer.json()) as { readonly details: Details }).details;
};
const feed = async ({ origin, session }: Opened, after: number | null): Promise<FeedClient> => {
  const socket = new FeedClient(`${origin.replace('http', 'ws')}${API.feed}`, { origin });
  sockets.push(socket);
  await socket.opened;
  socket.send(helloOf(await passAt(origin, session), { after }));
  return socket;
};

test('a link is for a terminal: a pipe, a run and a program below a run get none', async () => {
  const facts = await start();
  expect(facts.inspector).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(await linkFor(facts)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#link=[\w-]{43}$/);
  expect(await codeOf(linkFor(facts, { tty: false }))).toBe('not_permitted');
  // The client of this test has no terminal either.
  expect(await codeOf(client.inspectorLink(true))).toBe('not_permitted');
  const run = `echo $$ > ${join(root, 'pid')}; while [ ! -e ${join(root, 'go')} ]; do sleep 0.05; done`;
  const plan = { objective: 'One', tasks: [{ id: 'one', run, completion: 'exit-code' }] };
  await client.call('conductor_run_plan', { plan });
  await waitUntil('the agent runs', () => statSync(join(root, 'pid'), { throwIfNoEntry: false })?.size !== undefined);
  await waitUntil('it has said who it is', () => statSync(join(root, 'pid')).size > 1);
  const pid = Number(execFileSync('cat', [join(root, 'pid')], { encoding: 'utf8' }));
  expect(await codeOf(linkFor(facts, { pid }))).toBe('not_permitted');
  writeFileSync(join(root, 'go'), '');
});

test('a run is seen while it works: feed, log, and the answer to its question', async () => {
  const facts = await start();
  const page = await openPage(facts);
  const live = await feed(page, null);
  const { overview } = await live.first('snapshot');
  const ask = 'conductor child gate --type needs_input --ask "Which one?" --wait';
  const run = `echo hello from the run; answer=$(${ask}); echo "it is $answer"`;
  const plan = { objective: 'One', tasks: [{ id: 'one', run, completion: 'exit-code' }] };
  const made = await client.call('conductor_run_plan', { plan });
  const { tasks } = made.details as { readonly tasks: { readonly one: string } };
  const items = () => live.messages.flatMap((message) => (message.type === 'changes' ? [message.items] : []));
  const gates = () => items().flatMap((each) => each.gates);
  await waitUntil('the question', () => gates().some(({ state }) => state === 'open'));
  const { gateId, runId } = gates()[0]!;
  const log = await get(`${API.log}?runId=${String(runId)}`, page);
  expect(await log.text()).toBe('hello from the run\n');
  expect(log.headers.get(LOG_HEADERS.size)).toBe('19');
  const params = { gateId, status: 'approved', resolutionReason: 'asked', answer: 'the second' };
  expect(await call('conductor_resolve_gate', params, page)).toMatchObject({ state: 'approved' });
  await waitUntil('it is completed', () =>
    items().some((each) => each.tasks.some(({ taskId, state }) => taskId === tasks.one && state === 'completed')),
  );
  const tail = await get(`${API.log}?runId=${String(runId)}&from=-18`, page);
  expect(await tail.text()).toBe('it is the second\n'.padStart(18, '\n'));
  expect(live.seqs).toEqual(range(overview.seq + 1, live.seqs.at(-1)!));
});

test('what a run uses is that of all it has started, told to pages and lists alike', async () => {
  const facts = await start();
  const live = await feed(await openPage(facts), null);
  const busy = `node -e 'const kept = Buffer.alloc(2 ** 27, 1); for (;;) kept[0] += 1;'`;
  const plan = { objective: 'One', tasks: [{ id: 'one', run: `sh -c "${busy.replaceAll('"', '\\"')} & wait"` }] };
  await client.call('conductor_run_plan', { plan });
  const usage = () =>
    live.messages.flatMap((message) => (message.type === 'pulse' ? message.runs : [])).filter((run) => run.cpuPercent);
  // The runner sleeps, and its shell; what is busy and large is their grandchild.
  // Two looks, eight seconds apart, the later one after the grandchild was met.
  await expect.poll(() => usage().some(({ cpuPercent }) => cpuPercent! > 5), { timeout: 40_000 }).toBe(true);
  expect(usage().at(-1)!.memoryBytes).toBeGreaterThan(2 ** 27);
  const { details } = await client.call('conductor_list_runs', {});
  const { items } = details as { readonly items: readonly RunItem[] };
  expect(items[0]!.live!.memoryBytes).toBeGreaterThan(2 ** 27);
  const services = (await client.call('conductor_get_services', {})).details as Services;
  expect(services.runners[0]!.cpuPercent).toBeGreaterThan(5);
});

test('a supervisor that is killed comes back at the same address; the page goes on without gap or repeat', async () => {
  const first = await start();
  const page = await openPage(first);
  const live = await feed(page, null);
  const { overview } = await live.first('snapshot');
  await client.call('conductor_create_objective', { title: 'one' });
  await waitUntil('it is told', () => live.seqs.length > 0);
  table.signal(first.identity, 'SIGKILL');
  await live.closed;
  await client.close();
  const second = await start();
  expect(second.identity.pid).not.toBe(first.identity.pid);
  expect(second.inspector).toBe(first.inspector);
  expect(statSync(inspectorFilePath(join(root, 'home', 'projects', first.project.key))).mode & 0o777).toBe(0o600);
  await client.call('conductor_create_objective', { title: 'two' });
  const again = await feed(page, live.seqs.at(-1)!);
  const { seq } = (await client.call('conductor_get_overview', {})).details as { readonly seq: number };
  await waitUntil('all is told', () => (again.seqs.at(-1) ?? 0) >= seq);
  const all = [...live.seqs, ...again.seqs];
  expect(all).toEqual(range(overview.seq + 1, all.at(-1)!));
});

test('without the inspector nothing listens, and whoever asks is told how to turn it on', async () => {
  const facts = await start(false);
  expect(facts.inspector).toBeNull();
  const { details } = await client.call('conductor_get_project', {});
  expect(details).toMatchObject({ supervisor: { inspector: null } });
  expect(await codeOf(linkFor(facts))).toBe('invalid_state');
  await expect(linkFor(facts)).rejects.toThrow('conductor start');
});
