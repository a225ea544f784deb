/**
 * Goal: what a killed process leaves of its socket is found and can be removed; what listens, or may be about to, is left alone.
 * Method: real sockets, one of them of a process that is killed; the time that has passed is given.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { homeChecks } from '../../../src/hosts/cli/doctor/home-checks.ts';
import { listDeadSockets } from '../../../src/supervisor/processes/dead-sockets.ts';

const HOUR_MS = 3_600_000;
let parent = '';
let directory = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'conductor-'));
  directory = join(parent, 'conductor');
  mkdirSync(directory, { mode: 0o700 });
});
afterEach(() => rmSync(parent, { recursive: true }));

/** A process that listens there, and is killed. */
const killedListener = async (path: string): Promise<void> => {
  const program = `require('node:net').createServer().listen(process.argv[1], () => process.stdout.write('ready'))`;
  const listener = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(listener.stdout, 'data');
  listener.kill('SIGKILL');
  await once(listener, 'exit');
};

const look = async (fix: boolean) => {
  const options = { env: { XDG_RUNTIME_DIR: parent }, now: Date.now() + HOUR_MS, fix };
  return (await homeChecks({ home: parent }, options)).find(({ what }) => what === 'sockets');
};

test('D1: only a socket that refuses is dead, and not before a minute', async () => {
  const [dead, living, file] = ['p.1.sock', 'p.2.sock', 'p.3.sock'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await killedListener(dead);
  writeFileSync(file, '');
  const server = createServer().listen(living);
  await once(server, 'listening');
  try {
    expect(await listDeadSockets(directory, Date.now())).toEqual([]);
    expect(await listDeadSockets(directory, Date.now() + HOUR_MS)).toEqual([dead]);
  } finally {
    server.close();
  }
});

test('doctor lists dead sockets, and removes them when it is asked to', async () => {
  const dead = join(directory, 'p.1.sock');
  await killedListener(dead);
  expect(await look(false)).toMatchObject({ state: 'warn', fact: '1 socket of killed processes' });
  expect(existsSync(dead)).toBe(true);
  expect(await look(true)).toMatchObject({ state: 'ok', fact: 'removed 1 socket of killed processes' });
  expect(existsSync(dead)).toBe(false);
  expect(await look(false)).toMatchObject({ state: 'ok' });
});
