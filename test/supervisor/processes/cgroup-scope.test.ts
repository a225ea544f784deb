/**
 * Goal: containment says `cgroup` only after it was tried, and otherwise why not.
 * Method: a folder that looks like /sys and /proc, and a played `systemd-run`; then this machine, whatever it has.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeCensus } from '../../../src/supervisor/processes/census.ts';
import {
  containment,
  openScope,
  ownScopePath,
  unitOfRun,
  wrapInScope,
  type CgroupSystem,
} from '../../../src/supervisor/processes/cgroup-scope.ts';
import { ScriptedProcessTable } from './scripted-process-table.ts';

const SLICE = '/user.slice/user-1000.slice/app.slice';
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text: string) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};
const pureHierarchy = () => {
  write('/sys/fs/cgroup/cgroup.controllers', 'cpu memory pids\n');
  write(`/sys/fs/cgroup${SLICE}/cgroup.kill`, '');
  write('/var/lib/systemd/linger/me', '');
};
/** Answers as `systemd-run --user --scope … cat /proc/self/cgroup` does. */
const played = (answer: (unit: string) => { code: number | null; out: string }): CgroupSystem => ({
  platform: 'linux',
  root,
  userName: 'me',
  run: async (_file, args) => answer(args.find((arg) => arg.startsWith('--unit='))!.slice('--unit='.length)),
});
const working = () => played((unit) => ({ code: 0, out: `0::${SLICE}/${unit}.scope\n` }));

const reasonOf = async (answer: { code: number | null; out: string }) => {
  const found = await containment(played(() => answer));
  expect(found.kind).toBe('census');
  return found.why;
};

test('G1: a scope that was made around the program means cgroup', async () => {
  pureHierarchy();
  expect(await containment(working())).toEqual({
    kind: 'cgroup',
    why: `systemd-run --user --scope works, below ${SLICE}`,
  });
});

test('G1: without one of its conditions it is a census, and says which', async () => {
  expect(await containment({ ...working(), platform: 'darwin' })).toEqual({
    kind: 'census',
    why: 'darwin has no cgroups',
  });
  expect((await containment(working())).why).toBe('/sys/fs/cgroup is not a pure cgroup v2 hierarchy');
  pureHierarchy();
  expect(await reasonOf({ code: 1, out: 'Failed to connect to bus: No medium found\n' })).toBe(
    'systemd-run --user --scope ended with 1: Failed to connect to bus: No medium found',
  );
  expect(await reasonOf({ code: null, out: '' })).toBe('systemd-run --user --scope cannot be run');
  expect(await reasonOf({ code: 0, out: '0::/user.slice\n' })).toMatch(/not around the program/);
  rmSync(join(root, '/sys/fs/cgroup', SLICE, 'cgroup.kill'));
  expect((await containment(working())).why).toMatch(/offers no cgroup.kill/);
  rmSync(join(root, '/var/lib/systemd/linger/me'));
  expect((await containment(working())).why).toMatch(/loginctl enable-linger/);
});

test('G2: the wrapped command keeps its arguments', () => {
  expect(wrapInScope('conductor-run-1', ['prog', '--scope', 'a b'])).toEqual([
    'systemd-run',
    '--user',
    '--scope',
    '--quiet',
    '--collect',
    '--unit=conductor-run-1',
    '--',
    'prog',
    '--scope',
    'a b',
  ]);
});

test('G3: a process finds the scope it is in by its name; the scope lists what is below too, and is killed by one write', () => {
  const path = `${SLICE}/conductor-run-1-2.scope`;
  write('/proc/self/cgroup', `0::${path}\n`);
  write(`/sys/fs/cgroup${path}/cgroup.procs`, '41\n43\n');
  write(`/sys/fs/cgroup${path}/inner/cgroup.procs`, '44\n');
  write(`/sys/fs/cgroup${path}/cgroup.kill`, '');
  expect(ownScopePath(unitOfRun('run-1', 2), { root })).toBe(path);
  expect(ownScopePath(unitOfRun('run-1', 1), { root })).toBeNull();
  const scope = openScope(path, { root });
  expect(scope.pids()).toEqual([41, 43, 44]);
  expect(scope.kill()).toBe(true);
  expect(readFileSync(join(root, '/sys/fs/cgroup', path, 'cgroup.kill'), 'utf8')).toBe('1');
});

test('a scope that is gone is empty and cannot be killed', () => {
  const scope = openScope(`${SLICE}/gone.scope`, { root });
  expect(scope.pids()).toEqual([]);
  expect(scope.kill()).toBe(false);
});

test('C1: in a cgroup the census counts what would escape it otherwise', () => {
  const table = new ScriptedProcessTable([{ pid: 44 }, { pid: 45 }]);
  const subject = { cookie: 'p/r/1', recorded: [], groups: [], sessions: [], spare: [] };
  expect(takeCensus(table, subject).members).toEqual([]);
  const { members } = takeCensus(table, { ...subject, cgroupPids: () => [44, 99] });
  expect(members.map(({ identity, why }) => [identity.pid, why])).toEqual([[44, 'cgroup']]);
});

test('this machine gives one of the two answers, with a reason', async () => {
  const found = await containment();
  expect(['cgroup', 'census']).toContain(found.kind);
  expect(found.why).not.toBe('');
});
