/**
 * Goal: whoever asks for a supervisor gets the one there is, or one that answers, or the reason why there is none.
 * Method: real repositories and a program that is started, locks, and serves as the real one does, but has no kernel.
 */
import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSupervisor, type EnsuredSupervisor } from '../../../src/hosts/rpc/daemon-start.ts';
import { readSupervisorFile } from '../../../src/hosts/rpc/supervisor-file.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { projectHome, type ProjectHome } from '../../../src/persistence/project-home.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { COOKIE_VARIABLE } from '../../../src/supervisor/processes/process-table.ts';
import { findProject } from '../../../src/supervisor/workspaces/project-identity.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/rpc/${name}`, import.meta.url));
const table = openProcessTable();
let root = '';
let repo = '';
let home = '';
let programs = '';
let paths: ProjectHome;
let projectKey = '';
let ensured: EnsuredSupervisor[] = [];

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-')));
  repo = join(root, 'repo');
  home = join(root, 'home');
  programs = join(root, 'programs');
  for (const folder of [repo, home, programs]) mkdirSync(folder);
  writeFileSync(join(programs, 'supervisor.cjs'), `import(${JSON.stringify(fixture('supervisor.ts'))});\n`);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args]);
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  ({ projectKey } = await findProject(repo));
  paths = projectHome(home, projectKey);
});
afterEach(async () => {
  const file = readSupervisorFile(paths.root);
  await Promise.all(ensured.map(({ client }) => client.close()));
  ensured = [];
  if (file !== null && table.liveness(file.identity) === 'alive') {
    process.kill(file.identity.pid, 'SIGKILL');
    await waitUntil('the supervisor is gone', () => table.liveness(file.identity) !== 'alive');
  }
  const left = () => table.list().filter(({ identity }) => commandLine(identity.pid).includes(root));
  try {
    // One that has just said why it does not start needs a moment to end.
    await waitUntil('nothing of the test runs any more', () => left().length === 0);
  } finally {
    for (const { identity } of left()) table.signal(identity, 'SIGKILL');
    rmSync(root, { recursive: true });
  }
});

const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // Ended meanwhile.
  }
};
type Changes = Partial<Parameters<typeof ensureSupervisor>[0]>;
const ensure = async (changes: Changes = {}): Promise<EnsuredSupervisor> => {
  const made = await ensureSupervisor({
    repo,
    home,
    stay: false,
    programs,
    inPlace: true,
    timeoutMs: 2_000,
    ...changes,
  });
  ensured.push(made);
  return made;
};
const failure = async (act: Promise<unknown>): Promise<ConductorError> => {
  try {
    await act;
  } catch (error) {
    if (error instanceof ConductorError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

test('one is started when none runs, and found when one does', async () => {
  const first = await ensure();
  expect(first.started).toBe(true);
  expect(first.client.facts.project.key).toContain('small');
  const second = await ensure();
  expect(second.started).toBe(false);
  expect(second.client.facts.identity).toEqual(first.client.facts.identity);
  expect((await second.client.call('echo', { a: 1 })).details).toMatchObject({ params: { a: 1 } });
});

test('it is a daemon: its own session, its home, its log, files for this user alone, and nothing of its starter', async () => {
  const dump = join(root, 'dump.json');
  const environment = {
    ...process.env,
    FIXTURE_DUMP: dump,
    [COOKIE_VARIABLE]: 'other-000000000000/run-a/1',
    CONDUCTOR_RUN_ID: 'run-a',
    NODE_OPTIONS: '--no-deprecation',
  };
  const { client } = await ensure({ environment, stay: true });
  const { pid } = client.facts.identity;
  const row = table.list().find(({ identity }) => identity.pid === pid)!;
  expect({ pgid: row.pgid, sid: row.sid }).toEqual({ pgid: pid, sid: pid });
  const seen = JSON.parse(readFileSync(dump, 'utf8')) as {
    cwd: string;
    umask: number;
    env: Record<string, string>;
    request: object;
  };
  expect(seen).toMatchObject({ cwd: home, umask: 0o077, request: { repo, home, stay: true, readyFd: 3 } });
  expect(seen.env['CONDUCTOR_HOME']).toBe(home);
  for (const name of [COOKIE_VARIABLE, 'CONDUCTOR_RUN_ID', 'NODE_OPTIONS']) expect(seen.env).not.toHaveProperty(name);
  expect(statSync(paths.supervisorLog).mode & 0o777).toBe(0o600);
  expect(readlinkSync(`/proc/${String(pid)}/fd/2`)).toBe(paths.supervisorLog);
  expect(readlinkSync(`/proc/${String(pid)}/fd/0`)).toBe('/dev/null');
});

test('D1: ten callers at once get one supervisor', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => ensure()));
  const pids = new Set(all.map(({ client }) => client.facts.identity.pid));
  expect(pids.size).toBe(1);
  expect(all.filter(({ started }) => started)).toHaveLength(1);
  await waitUntil(
    'the losers have ended',
    () => table.list().filter(({ identity }) => commandLine(identity.pid).includes(programs)).length === 1,
  );
});

test('D2: what keeps it from starting is told by itself', async () => {
  const environment = { ...process.env, FIXTURE_FAIL: 'typed' };
  const error = await failure(ensure({ environment }));
  expect(error.toJSON()).toMatchObject({
    code: 'home_on_network_fs',
    message: 'the home is far away',
    details: { home },
  });
  const untyped = await failure(ensure({ environment: { ...process.env, FIXTURE_FAIL: 'untyped' } }));
  expect(untyped.code).toBe('internal');
  expect(untyped.message).not.toContain('secret');
});

test('D2: one that breaks before it can say anything is told by its end and its log', async () => {
  const error = await failure(ensure({ environment: { ...process.env, FIXTURE_FAIL: 'silent' } }));
  expect(error).toMatchObject({ code: 'supervisor_unreachable', details: { state: 'gone', log: paths.supervisorLog } });
  expect(error.message).toMatch(/exit code 1\).*it broke before it could say so/);
});

test('a repository that another home owns is refused, and the other home is named', async () => {
  const first = await ensure();
  const other = join(root, 'other-home');
  mkdirSync(other);
  const error = await failure(ensure({ home: other }));
  expect(error.code).toBe('owned_elsewhere');
  expect(error.details).toMatchObject({ pid: first.client.facts.identity.pid, home: paths.root });
});

test('a stopped owner is not replaced', async () => {
  const { client } = await ensure();
  const { pid } = client.facts.identity;
  process.kill(pid, 'SIGSTOP');
  const error = await failure(ensure({ timeoutMs: 200 }));
  expect(error).toMatchObject({ code: 'supervisor_unreachable', details: { state: 'stopped', pid } });
  process.kill(pid, 'SIGCONT');
});

test('the next one is started after a killed one, and takes over at a later epoch', async () => {
  const first = await ensure();
  const { pid } = first.client.facts.identity;
  const epoch = readSupervisorFile(paths.root)!.epoch;
  process.kill(pid, 'SIGKILL');
  await waitUntil('it is gone', () => table.liveness(first.client.facts.identity) !== 'alive');
  const second = await ensure();
  expect(second.started).toBe(true);
  expect(second.client.facts.identity.pid).not.toBe(pid);
  expect(readSupervisorFile(paths.root)!.epoch).toBe(epoch + 1);
});

test('whoever wants it to stay tells a running one so', async () => {
  await ensure();
  expect(existsSync(join(paths.root, 'stays'))).toBe(false);
  await ensure({ stay: true });
  expect(existsSync(join(paths.root, 'stays'))).toBe(true);
});

test('D3: a process of a run starts no supervisor of its own project, but uses one', async () => {
  const environment = { ...process.env, [COOKIE_VARIABLE]: `${projectKey}/run-a/1` };
  const error = await failure(ensure({ environment }));
  expect(error).toMatchObject({ code: 'refused', details: { runId: 'run-a', projectKey } });
  expect(existsSync(paths.root)).toBe(false);
  await ensure();
  expect((await ensure({ environment })).started).toBe(false);
});

test('D3: nor does a descendant of one that has cleared its environment', async () => {
  const starter = spawn(
    '/bin/sh',
    [
      '-c',
      'env -i PATH="$PATH" "$0" "$1" "$2" "$3" "$4"; exit 0',
      process.execPath,
      fixture('ensure.ts'),
      repo,
      home,
      programs,
    ],
    {
      env: { PATH: process.env['PATH'] ?? '', [COOKIE_VARIABLE]: `${projectKey}/run-b/2` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const line = await new Promise<string>((resolve) => createInterface({ input: starter.stdout }).once('line', resolve));
  expect(line).toBe('refused run-b');
  await waitUntil('the starter has ended', () => starter.exitCode !== null);
});

test('it runs from a copy in the home, which outlives the package', async () => {
  const first = await ensure({ inPlace: false });
  const line = commandLine(first.client.facts.identity.pid);
  expect(line).toContain(join(home, 'runtime'));
  rmSync(programs, { recursive: true });
  expect((await first.client.call('echo', { a: 1 })).details).toMatchObject({ params: { a: 1 } });
});
