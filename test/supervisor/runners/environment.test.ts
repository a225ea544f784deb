/**
 * Goal: a run sees what it was granted and nothing else.
 * Method: compose from environments full of temptations.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunnerContract } from '../../../src/supervisor/runners/contract.ts';
import { childShim, composeRunEnvironment, SECRET_ALLOWED_NAMES } from '../../../src/supervisor/runners/environment.ts';

const contract = {
  home: '/home/x',
  runId: 'run-1',
  taskId: 'task-1',
  epoch: 2,
  runDirectory: '/home/x/run-1',
  socketPath: '/run/r.sock',
  repoRoot: '/repo',
  artifactsDirectory: '/home/x/run-1/artifacts',
  cookie: 'p/run-1/2',
  promptFile: null,
  dependenciesFile: '/home/x/run-1/dependencies.json',
} as RunnerContract;

const compose = (request: Partial<Parameters<typeof composeRunEnvironment>[0]>) =>
  composeRunEnvironment({ contract, own: {}, sent: {}, grantedNames: [], taskEnv: {}, ...request });

test('E1: denied by default', () => {
  const own = {
    HOME: '/h',
    LANG: 'C',
    XDG_CACHE_HOME: '/c',
    DATABASE_URL: 'secret',
    EDITOR: 'vi',
    ANTHROPIC_API_KEY: 'k',
  };
  const { env } = compose({ own });
  expect(env).toMatchObject({ HOME: '/h', LANG: 'C', XDG_CACHE_HOME: '/c', ANTHROPIC_API_KEY: 'k' });
  expect(Object.keys(env)).not.toContain('DATABASE_URL');
  expect(Object.keys(env)).not.toContain('EDITOR');
});

test('E2: what changes loading or git’s repository never passes, not even granted or from the task', () => {
  const bad = {
    NODE_OPTIONS: 'x',
    LD_PRELOAD: 'x',
    DYLD_X: 'x',
    GIT_DIR: 'x',
    npm_config_x: 'x',
    CONDUCTOR_RUN_ID: 'x',
    NODE_PATH: 'x',
  };
  const { env, missing } = compose({ own: bad, sent: bad, grantedNames: Object.keys(bad), taskEnv: bad });
  for (const name of Object.keys(bad)) expect(env[name]).not.toBe('x');
  expect(missing).toEqual([]);
  expect(compose({ own: { GIT_ASKPASS: '/a', GIT_SSH_COMMAND: 'ssh' } }).env).toMatchObject({ GIT_ASKPASS: '/a' });
});

test('E3: granted names take the client’s value, then the supervisor’s, else they are missing', () => {
  const request = { own: { A: 'own', B: 'own' }, sent: { A: 'sent' }, grantedNames: ['C', 'A', 'B'] };
  const { env, missing } = compose(request);
  expect([env['A'], env['B'], missing]).toEqual(['sent', 'own', ['C']]);
});

test('Conductor’s own names come from the contract, PATH begins with the run’s bin', () => {
  const { env } = compose({ own: { PATH: '/usr/bin' }, taskEnv: { CONDUCTOR_COOKIE: 'forged', MINE: '1' } });
  expect(env).toMatchObject({
    PATH: '/home/x/run-1/bin:/usr/bin',
    MINE: '1',
    CONDUCTOR_COOKIE: 'p/run-1/2',
    CONDUCTOR_EPOCH: '2',
    CONDUCTOR_CONTRACT: '/home/x/run-1/contract.2.json',
    CONDUCTOR_SOCKET: '/run/r.sock',
    CONDUCTOR_DEPENDENCIES: '/home/x/run-1/dependencies.json',
  });
  expect(env).not.toHaveProperty('CONDUCTOR_PROMPT_FILE');
});

test('git in a run keeps house no more', () => {
  const { env } = compose({});
  const git = (name: string) =>
    execFileSync('git', ['config', '--get', name], { encoding: 'utf8', env: { ...env, HOME: '/' } });
  expect([git('gc.auto'), git('maintenance.auto')]).toEqual(['0\n', 'false\n']);
});

test('API keys that pass by themselves are secrets all the same', () => {
  expect(SECRET_ALLOWED_NAMES).toEqual(
    expect.arrayContaining(['ANTHROPIC_API_KEY', 'GH_TOKEN', 'AWS_SECRET_ACCESS_KEY']),
  );
  expect(SECRET_ALLOWED_NAMES).not.toContain('PATH');
});

test('the shim starts exactly its Node and its programs, whatever stands in their paths', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'conductor-')), "it's $here");
  execFileSync('mkdir', ['-p', folder]);
  for (const name of ['child.cjs', 'conductor.mjs']) {
    writeFileSync(join(folder, name), `console.log('${name.slice(0, -4)}', JSON.stringify(process.argv.slice(2)))`);
  }
  const shim = join(folder, 'conductor');
  writeFileSync(shim, childShim(process.execPath, join(folder, 'conductor.mjs')));
  chmodSync(shim, 0o700);
  const run = (...args: string[]) => execFileSync(shim, args, { encoding: 'utf8', env: {} }).trim();
  expect(run('child', 'progress', 'a b', '$x')).toBe('child ["progress","a b","$x"]');
  expect(run('status')).toBe('conductor ["status"]');
  rmSync(join(folder, '..'), { recursive: true });
});
