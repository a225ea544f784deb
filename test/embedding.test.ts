/**
 * Goal: a program gets the same Conductor, whether it owns the project or another process does.
 * Method: real repositories, the built programs, real runs of a shell command.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSupervisor } from '../src/hosts/rpc/daemon-start.ts';
import { ConductorError, createConductor, type Conductor, type ConductorOptions } from '../src/index.ts';
import { openProcessTable } from '../src/supervisor/processes/open-process-table.ts';
import { waitUntil } from './supervisor/processes/started-programs.ts';

const table = openProcessTable();
let root = '';
let repo = '';
let home = '';
let opened: Conductor[] = [];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-')));
  repo = join(root, 'repo');
  home = join(root, 'home');
  for (const folder of [repo, home]) mkdirSync(folder);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args]);
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
});
afterEach(async () => {
  for (const conductor of opened.toReversed()) await conductor.stop({ runs: 'now' });
  opened = [];
  const left = table.list().filter(({ identity }) => commandLine(identity.pid).includes(root));
  for (const { identity } of left) table.signal(identity, 'SIGKILL');
  await waitUntil('nothing runs', () => left.every(({ identity }) => table.liveness(identity) !== 'alive'));
  rmSync(root, { recursive: true });
});

const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // Ended meanwhile.
  }
};
const open = async (mode: NonNullable<ConductorOptions['mode']>): Promise<Conductor> => {
  const conductor = await createConductor({ repo, home, mode });
  opened.push(conductor);
  return conductor;
};
const codeOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act;
    return 'done';
  } catch (error) {
    if (error instanceof ConductorError) return error.code;
    throw error;
  }
};
const supervisorFiles = (): string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('supervisor.json'));

test('connect without a supervisor says so and creates nothing', async () => {
  expect(await codeOf(createConductor({ repo, home, mode: 'connect' }))).toBe('supervisor_unreachable');
  expect(readdirSync(home)).toEqual([]);
});

test('an owner has an inspector when it is asked for, and none by itself', async () => {
  const owner = await open('embedded');
  expect(owner.facts.inspector).toBeNull();
  await owner.stop();
  const shown = await createConductor({ repo, home, mode: 'embedded', inspector: true });
  opened.push(shown);
  const { details } = await shown.call('conductor_get_project', {});
  const url = details.supervisor?.inspector ?? '';
  expect(shown.facts.inspector).toBe(url);
  const answer = await fetch(`${url}api/call`, { method: 'POST' });
  expect(answer.status).toBe(401);
});

test('auto owns the project when nobody does, and connects when somebody does', async () => {
  const owner = await open('auto');
  const other = await open('auto');
  expect([owner.embedded, other.embedded]).toEqual([true, false]);
  expect(owner.facts.identity.pid).toBe(process.pid);
  const { details } = await other.call('conductor_create_objective', { title: 'One' });
  const shown = await owner.call('conductor_get_objective', { objectiveId: details.objectiveId });
  expect(JSON.stringify(shown.details)).toContain(details.objectiveId);
  expect(await other.stop()).toEqual({ kind: 'left', pid: process.pid });
  expect(await codeOf(other.call('conductor_list_objectives', {}))).toBe('canceled');
  expect(await codeOf(owner.call('conductor_list_objectives', {}))).toBe('done');
  expect(await owner.stop()).toEqual({ kind: 'stopped' });
  expect(supervisorFiles()).toEqual([]);
  opened = [];
});

test('E1: two at once get one owner', async () => {
  const both = await Promise.all([open('auto'), open('auto')]);
  expect(both.filter(({ embedded }) => embedded)).toHaveLength(1);
  expect(both[0].facts.epoch).toBe(both[1].facts.epoch);
});

test('embedded beside an owner is refused, and what one owner stored the next one has', async () => {
  const first = await open('embedded');
  const { details } = await first.call('conductor_create_objective', { title: 'One' });
  expect(await codeOf(createConductor({ repo, home, mode: 'embedded' }))).toBe('owned_elsewhere');
  await first.stop();
  opened = [];
  const second = await open('embedded');
  expect(second.facts.epoch).toBeGreaterThan(first.facts.epoch);
  const shown = await second.call('conductor_get_objective', { objectiveId: details.objectiveId });
  expect(JSON.stringify(shown.details)).toContain('One');
});

test('a plan runs in this process to its end, and the journal tells of it', async () => {
  const conductor = await open('embedded');
  const { details } = await conductor.call('conductor_run_plan', {
    plan: { objective: 'One', tasks: [{ id: 'a', run: 'echo done > a.txt', completion: 'exit-code' }] },
  });
  const states: (string | null)[] = [];
  for await (const { actor, from, to } of conductor.subscribe({ after: 0 })) {
    if (actor === details.tasks['a'] && from !== to) states.push(to);
    if (actor === details.objectiveId && to === 'completed') break;
  }
  expect(states.at(-1)).toBe('completed');
  expect(states).toContain('running');
});

test('connect reaches a supervisor of its own, and leaves it running', async () => {
  const { client } = await ensureSupervisor({ repo, home, stay: false });
  const conductor = await open('connect');
  const { pid } = client.facts.identity;
  expect(conductor.facts.identity).toEqual(client.facts.identity);
  expect(await conductor.stop({ runs: 'now' })).toEqual({ kind: 'left', pid });
  expect((await client.call('conductor_list_objectives', {})).content).toHaveLength(1);
  await client.stop('keep');
  expect(table.liveness(client.facts.identity)).not.toBe('alive');
  opened = [];
});

test('the example runs', async () => {
  const example = fileURLToPath(new URL('../examples/embed.ts', import.meta.url));
  if (!existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url))))
    throw new Error('run `npm run build` first');
  const program = spawn(process.execPath, [example, repo], {
    env: { ...process.env, CONDUCTOR_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: program.stdout }).on('line', (line) => lines.push(line));
  await once(program, 'close');
  expect({ code: program.exitCode, first: lines[0], last: lines.at(-1) }).toEqual({
    code: 0,
    first: 'this process owns the project',
    last: 'objective: active → completed',
  });
  expect(supervisorFiles()).toEqual([]);
});
