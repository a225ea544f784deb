/**
 * Goal: `upgrade` replaces a supervisor of another version, also one whose protocol nobody speaks any more, and no run notices.
 * Method: a real supervisor of another version, with a run in it; a small program that refuses every hello.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalProject } from '../../src/hosts/cli/local-project.ts';
import { supervisorFilePath } from '../../src/hosts/rpc/supervisor-file.ts';
import { commandLines } from '../../src/supervisor/processes/command-lines.ts';
import { openProcessTable } from '../../src/supervisor/processes/open-process-table.ts';
import { removeUnusedCopies, UNUSED_MS } from '../../src/supervisor/runtime-copies.ts';
import { ProjectFixture, until } from './project-fixture.ts';

/** Of the fixture's supervisor. */
const OTHER_VERSION = '0.0.0-test';
const CONDUCTOR = new URL('../../dist/programs/conductor.mjs', import.meta.url).pathname;

let project: ProjectFixture;
beforeEach(async () => {
  project = await ProjectFixture.make();
});
afterEach(() => project.close());

const environment = () => ({
  ...process.env,
  CONDUCTOR_HOME: project.home,
  XDG_CONFIG_HOME: join(project.directory, 'no-config'),
});

async function conductor<Answer>(...words: readonly string[]): Promise<Answer> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [CONDUCTOR, ...words, '--json'], {
    cwd: project.repo,
    env: environment(),
  });
  return JSON.parse(stdout) as Answer;
}

type Status = { readonly supervisor: { readonly pid: number; readonly version: string } | null };

test('a supervisor of another version makes room; its run goes on and completes', async () => {
  const pid = await project.start();
  const one = { id: 'one', run: `${project.tells('began')}; ${project.waits('go')}`, completion: 'exit-code' };
  const { objectiveId } = await project.plan({ objective: 'Upgrade', tasks: [one] });
  try {
    const upgraded = await conductor<{ readonly to: string }>('upgrade');
    expect(upgraded).toEqual({ changed: true, from: OTHER_VERSION, to: expect.any(String) });
    expect(await conductor('upgrade')).toEqual({ changed: false, from: upgraded.to, to: upgraded.to });
    await project.ended();
    const after = (await conductor<Status>('status')).supervisor!;
    expect(after.pid).not.toBe(pid);
    project.say('go');
    await project.adopt();
    await project.taskIs((await project.tasks())[0]!.taskId, 'completed');
    expect(project.said('began')).toHaveLength(1);
    const { objective } = await project.details<{ objective: { state: string } }>('conductor_get_objective', {
      objectiveId,
    });
    expect(objective.state).toBe('completed');
  } finally {
    await conductor('stop', '--now');
  }
});

test('a runner of the old version keeps the programs it runs from until it ends', async () => {
  await project.close();
  project = await ProjectFixture.make({ inspector: true });
  await project.start();
  const { runtime } = project.paths;
  const copies = (): readonly string[] => readdirSync(runtime).filter((name) => /-[0-9a-f]{12}$/.test(name));
  const [old] = copies();
  let now = Date.now();
  /** What two looks with two days between them take away. */
  const removed = (): readonly string[] => {
    const look = { runtime, bootedAt: 0, commandLines, table: openProcessTable() };
    removeUnusedCopies({ ...look, now });
    now += 2 * UNUSED_MS;
    return removeUnusedCopies({ ...look, now });
  };
  const one = { id: 'one', run: `${project.tells('began')}; ${project.waits('go')}`, completion: 'exit-code' };
  await project.plan({ objective: 'Long', tasks: [one] });
  await until('the agent', () => project.said('began').length === 1);
  try {
    await conductor('upgrade');
    await project.ended();
    expect(copies()).toHaveLength(2);
    expect(removed()).toEqual([]);
    project.say('go');
    await project.adopt();
    await project.taskIs((await project.tasks())[0]!.taskId, 'completed');
    await until('the runner to end', () => project.processes().length === 0);
    expect(removed()).toEqual([old]);
    expect(await conductor<Status>('status')).toMatchObject({ supervisor: expect.any(Object) });
  } finally {
    await conductor('stop', '--now');
  }
});

test('none is running: nothing is done and nothing is started', async () => {
  expect(await conductor('upgrade')).toMatchObject({ changed: false, from: null });
  expect((await conductor<Status>('status')).supervisor).toBeNull();
});

/** Refuses every request as a supervisor of another protocol does, until SIGTERM. */
const STRANGER = String.raw`
  const server = require('node:net').createServer((socket) => socket.on('data', (data) => {
    const id = /"id":(\d+)/.exec(String(data))?.[1];
    if (id === undefined) return;
    const data_ = { code: 'protocol_mismatch', retryable: false, details: {} };
    const error = { code: -32000, message: 'This client speaks another protocol.', data: data_ };
    const body = JSON.stringify({ jsonrpc: '2.0', id: Number(id), error });
    socket.write('Content-Length: ' + Buffer.byteLength(body) + '\r\n\r\n' + body);
  }));
  process.on('SIGTERM', () => process.exit(0));
  server.listen(process.argv[1], () => process.stdout.write('ready'));
`;

test('one whose protocol is not spoken is asked to leave by SIGTERM', async () => {
  const socket = project.at('s.sock');
  const stranger = spawn(process.execPath, ['-e', STRANGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(stranger.stdout, 'data');
  await project.start();
  await project.client.stop('keep');
  await project.ended();
  const identity = openProcessTable().identify(stranger.pid!)!;
  const facts = {
    socket,
    version: '9.0.0',
    protocol: 9,
    epoch: 9,
    startedAt: 1,
    home: project.home,
    repoRoot: project.repo,
  };
  writeFileSync(
    supervisorFilePath(project.paths.root),
    JSON.stringify({ ...facts, identity, projectKey: project.paths.key }),
  );
  const local = createLocalProject({ env: environment(), child: async () => 0 });
  const left = once(stranger, 'exit');
  const request = { onProgress: () => undefined, signal: new AbortController().signal };
  await expect(local.stop(project.repo, { runs: 'now', ...request })).rejects.toMatchObject({
    code: 'protocol_mismatch',
  });
  expect(await local.stop(project.repo, { runs: 'keep', ...request })).toEqual({ stopped: true, pid: stranger.pid });
  expect(await left).toEqual([0, null]);
});
