/**
 * Goal: whoever reads supervisor.json gets a whole truth or nothing, and nobody removes another's.
 * Method: real files, written by others in every broken shape.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  readSupervisorFile,
  removeSupervisorFile,
  supervisorFilePath,
  writeSupervisorFile,
} from '../../../src/hosts/rpc/supervisor-file.ts';
import type { SupervisorFile } from '../../../src/supervisor/runners/protocol.ts';

const home = mkdtempSync(join(tmpdir(), 'conductor-'));
afterEach(() => rmSync(supervisorFilePath(home), { force: true }));
afterAll(() => rmSync(home, { recursive: true }));

const file: SupervisorFile = {
  identity: { hostId: 'h', bootId: 'b', pid: 4_242, startTicks: '17' },
  socket: '/run/x.1.sock',
  version: '1.0.0',
  protocol: 1,
  epoch: 1,
  startedAt: 1_700_000_000_000,
  home: '/home',
  repoRoot: '/repo',
  projectKey: 'x-1',
};

test('what was written is read, for this user alone, and nothing is left beside it', () => {
  writeSupervisorFile(home, file);
  expect(readSupervisorFile(home)).toEqual(file);
  expect(statSync(supervisorFilePath(home)).mode & 0o777).toBe(0o600);
  expect(readdirSync(home)).toEqual(['supervisor.json']);
});

test('S1: no file, half a file and another shape are nothing', () => {
  expect(readSupervisorFile(home)).toBeNull();
  const { identity, ...rest } = file;
  const broken = [
    '',
    '{"identity":',
    'null',
    '[]',
    JSON.stringify(rest),
    JSON.stringify({ ...file, identity: { ...identity, pid: 0 } }),
    JSON.stringify({ ...file, socket: 7 }),
    JSON.stringify({ ...file, epoch: '1' }),
    JSON.stringify({ ...file, version: 'x'.repeat(70_000) }),
  ];
  for (const text of broken) {
    writeFileSync(supervisorFilePath(home), text);
    expect(readSupervisorFile(home), text.slice(0, 80)).toBeNull();
  }
});

test('S2: only the process it names removes it, and only in that life', () => {
  writeSupervisorFile(home, file);
  expect(removeSupervisorFile(home, { ...file.identity, startTicks: '18' })).toBe(false);
  expect(readSupervisorFile(home)).toEqual(file);
  expect(removeSupervisorFile(home, file.identity)).toBe(true);
  expect(readSupervisorFile(home)).toBeNull();
  expect(removeSupervisorFile(home, file.identity)).toBe(false);
});
