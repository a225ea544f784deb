/**
 * Goal: whatever Node the launcher meets, the command line runs under one that satisfies `engines`, or one sentence says why not.
 * Method: the real bundle beside a command line that reports what it sees; an old Node is a real one that says another version,
 * another Node is a wrapper script that leaves its name in the environment.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bundleProgram } from '../../../scripts/bundle.ts';
import { programs } from '../../../scripts/programs.ts';

type Facts = {
  readonly version: string;
  readonly args: readonly string[];
  readonly wrapper: string | null;
  readonly mark: string | null;
  readonly pid: number;
  readonly parent: number;
};
type Start = { readonly old?: boolean; readonly env?: Record<string, string>; readonly args?: readonly string[] };

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/launcher/${name}`, import.meta.url));
const pretendOld = ['--import', fixture('old-node.mjs')];
const home = mkdtempSync(join(tmpdir(), 'conductor-'));
const launcher = join(home, 'dist', 'programs', 'conductor.mjs');
const emptyFolder = join(home, 'empty');

/** A Node by another name. */
const wrapperScript = (path: string, name: string, ...nodeArgs: string[]): string => {
  const command = [process.execPath, ...nodeArgs].map((part) => `'${part}'`).join(' ');
  writeFileSync(path, `#!/bin/sh\nFIXTURE_WRAPPER=${name} exec ${command} "$@"\n`, { mode: 0o755 });
  return path;
};

const withPackagedNode = (): (() => void) => {
  const bin = join(home, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  const target = wrapperScript(join(home, 'packaged-node'), 'packaged');
  symlinkSync(target, join(bin, 'node'));
  return () => rmSync(join(home, 'node_modules'), { recursive: true });
};

const commandOf = ({ old = false, args = [] }: Start): string[] => [...(old ? pretendOld : []), launcher, ...args];
const environmentOf = ({ env = {} }: Start): Record<string, string> => ({ PATH: emptyFolder, ...env });
const start = (options: Start) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, commandOf(options), {
    encoding: 'utf8',
    env: environmentOf(options),
  });
  return { status, stdout, stderr, facts: (): Facts => JSON.parse(stdout) as Facts };
};

/** After a failed test only: both have ended by then. */
const killLeft = (...pids: (number | undefined)[]): void => {
  for (const pid of pids) {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
};

beforeAll(async () => {
  mkdirSync(emptyFolder);
  await bundleProgram(
    programs.find(({ name }) => name === 'conductor')!,
    join(home, 'dist', 'programs'),
  );
  copyFileSync(fixture('cli.mjs'), join(home, 'dist', 'programs', 'cli.mjs'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('a Node that satisfies engines runs the command line itself, with its arguments and exit code', () => {
  const { status, stderr, facts } = start({ args: ['exit', '3', '--', 'a b'] });
  expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
  expect(facts()).toMatchObject({ args: ['exit', '3', '--', 'a b'], wrapper: null, parent: process.pid });
});

test('CONDUCTOR_NODE comes before the current Node', () => {
  const other = wrapperScript(join(home, 'chosen-node'), 'chosen');
  const { status, facts } = start({ args: ['exit', '7'], env: { CONDUCTOR_NODE: other } });
  expect(status).toBe(7);
  expect(facts()).toMatchObject({ args: ['exit', '7'], wrapper: 'chosen' });
});

test('CONDUCTOR_NODE that names the current Node starts no second process', () => {
  expect(start({ env: { CONDUCTOR_NODE: process.execPath } }).facts().parent).toBe(process.pid);
});

test('an old Node gives way to the packaged one, and that comes before PATH', () => {
  const remove = withPackagedNode();
  const bin = join(home, 'bin-behind');
  mkdirSync(bin);
  wrapperScript(join(bin, 'node'), 'path');
  try {
    expect(start({ old: true, env: { PATH: bin } }).facts().wrapper).toBe('packaged');
  } finally {
    remove();
  }
});

test('without a packaged Node an old one gives way to the one on PATH', () => {
  const bin = join(home, 'bin');
  mkdirSync(bin);
  wrapperScript(join(bin, 'node'), 'path');
  expect(start({ old: true, env: { PATH: bin } }).facts()).toMatchObject({ wrapper: 'path', version: process.version });
});

test('an old Node alone gets one sentence and exit code 4', () => {
  const { status, stdout, stderr } = start({ old: true });
  expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/needs Node \^22.*found v18\.19\.0.*CONDUCTOR_NODE/);
});

test('with --json the sentence is the error of the command line', () => {
  const { status, stdout, stderr } = start({ old: true, args: ['status', '--json'] });
  expect({ status, stderr }).toEqual({ status: 4, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'node_too_old', retryable: false, details: { wanted: expect.stringContaining('>=26') } },
  });
});

test('a CONDUCTOR_NODE that is not there is named, not passed over', () => {
  const { status, stderr } = start({ env: { CONDUCTOR_NODE: join(emptyFolder, 'node') } });
  expect(status).toBe(4);
  expect(stderr).toMatch(/found CONDUCTOR_NODE=\S+empty\/node, which does not start \(.*ENOENT\)/);
});

test('L1: a chosen Node that is too old is refused, not replaced again', () => {
  const other = wrapperScript(join(home, 'old-chosen-node'), 'old', ...pretendOld);
  const { status, stdout, stderr } = start({ env: { CONDUCTOR_NODE: other } });
  expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
  expect(stderr).toContain('found v18.19.0');
});

test('L1: the mark of the choice does not reach the command line', () => {
  const other = wrapperScript(join(home, 'marked-node'), 'marked');
  expect(start({ env: { CONDUCTOR_NODE: other } }).facts().mark).toBeNull();
});

test('L2: only the warning about node:sqlite is hidden', () => {
  const { stderr } = start({ args: ['warn'] });
  expect(stderr).toContain('something else is experimental');
  expect(stderr).not.toContain('SQLite');
});

test.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
  'N1, N2: %s reaches the other Node, and both end by it',
  async (signal) => {
    const other = wrapperScript(join(home, `node-for-${signal}`), 'relayed');
    const options = { args: ['wait'], env: { CONDUCTOR_NODE: other } };
    const parent = spawn(process.execPath, commandOf(options), {
      env: environmentOf(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(parent, 'exit');
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const facts = JSON.parse(String(line)) as Facts;
    onTestFinished(() => killLeft(parent.pid, facts.pid));
    expect(facts.parent).toBe(parent.pid);
    parent.kill(signal);
    // The exit follows the other Node's: had the signal not reached it, this would wait until the test's deadline.
    expect(await ended).toEqual([null, signal]);
  },
);
