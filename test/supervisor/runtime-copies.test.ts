/**
 * Goal: V1 to V3 of runtime-copies.ts: a copy that somebody uses stays, one that nobody uses goes after two looks a day apart, and
 * whoever is about to use it always wins or gets another name.
 * Method: folders as copies, a process table and command lines that a test writes; removals that are cut short by hand.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandLines } from '../../src/supervisor/processes/command-lines.ts';
import { openProcessTable } from '../../src/supervisor/processes/open-process-table.ts';
import type { Liveness, ProcessIdentity } from '../../src/supervisor/processes/process-identity.ts';
import { holdCopy, removeUnusedCopies, takeCopy, UNUSED_MS } from '../../src/supervisor/runtime-copies.ts';

const [OLD, NEW] = ['1.0.0-0123456789ab', '1.1.0-ba9876543210'];
const dayMs = UNUSED_MS;

let runtime: string;
let now: number;
let lines: string[];
let living: Record<number, Liveness>;
beforeEach(() => {
  runtime = join(mkdtempSync(join(tmpdir(), 'conductor-')), 'runtime');
  for (const name of [OLD, NEW]) makeCopy(name);
  now = Date.now();
  lines = [];
  living = {};
});
afterEach(() => rmSync(join(runtime, '..'), { recursive: true }));

const makeCopy = (name: string): void => {
  mkdirSync(join(runtime, name, 'chunks'), { recursive: true });
  writeFileSync(join(runtime, name, 'supervisor.cjs'), '');
};
const identity = (pid: number, bootId = 'boot'): ProcessIdentity => ({ hostId: 'host', bootId, pid, startTicks: '1' });
const bootedAt = Date.now() - dayMs;
const table = { bootId: 'boot', liveness: ({ pid }: ProcessIdentity): Liveness => living[pid] ?? 'gone' };
const look = (): readonly string[] => removeUnusedCopies({ runtime, now, bootedAt, commandLines: () => lines, table });
const later = (ms: number): void => {
  now += ms;
};
const lookTwice = (): readonly string[] => {
  look();
  later(2 * dayMs);
  return look();
};
const copies = (): readonly string[] =>
  readdirSync(runtime)
    .filter((name) => name !== 'users')
    .toSorted();

test('V2: what nobody uses goes at the second look, a day after the first', () => {
  lines = [`/usr/bin/node /home/a/.local/runtime/${NEW}/supervisor.cjs --repo /r`];
  expect(look()).toEqual([]);
  later(dayMs - 60_000);
  expect(look()).toEqual([]);
  later(120_000);
  expect(look()).toEqual([OLD]);
  expect(copies()).toEqual([NEW]);
});

test('V1: a living old runner keeps its copy for as long as it lives, and a day longer', () => {
  lines = [`node /elsewhere/runtime/${OLD}/runner.cjs`, `node ${runtime}/${NEW}/supervisor.cjs`];
  for (let day = 0; day < 5; day += 1) {
    expect(look()).toEqual([]);
    later(2 * dayMs);
  }
  lines.shift();
  expect(look()).toEqual([]);
  later(2 * dayMs);
  expect(look()).toEqual([OLD]);
});

test('V1: a note holds a copy while its process lives or is not ours to judge; another boot has ended', () => {
  for (const pid of [1, 2, 3]) holdCopy(runtime, join(runtime, OLD), identity(pid));
  holdCopy(runtime, '/package/dist/programs', identity(4));
  expect(readdirSync(join(runtime, 'users'))).toHaveLength(3);
  lines = [`node ${runtime}/${NEW}/supervisor.cjs`];
  living = { 1: 'alive', 2: 'foreign', 3: 'zombie' };
  expect(lookTwice()).toEqual([]);
  expect(readdirSync(join(runtime, 'users'))).toHaveLength(2);
  living = { 2: 'foreign' };
  expect(lookTwice()).toEqual([]);
  living = {};
  expect(lookTwice()).toEqual([OLD]);
});

test('V1: a note of another boot counts when this machine was up before it was written', () => {
  holdCopy(runtime, join(runtime, OLD), identity(1, 'another world'));
  const [note] = readdirSync(join(runtime, 'users'));
  lines = [`node ${runtime}/${NEW}/supervisor.cjs`];
  expect(lookTwice()).toEqual([]);
  utimesSync(join(runtime, 'users', note!), new Date(bootedAt - dayMs), new Date(bootedAt - dayMs));
  expect(lookTwice()).toEqual([OLD]);
});

test('V2: whoever takes a copy between two looks keeps it, and begins the time anew', () => {
  look();
  later(2 * dayMs);
  expect(takeCopy(join(runtime, OLD))).toBe(true);
  expect(look()).toEqual([NEW]);
  later(2 * dayMs);
  expect(look()).toEqual([OLD]);
});

test('V3: a removal that was cut short is finished, and until then its name is nobody’s', () => {
  writeFileSync(join(runtime, `${OLD}.going`), '');
  expect(takeCopy(join(runtime, OLD))).toBe(false);
  lines = [`node ${runtime}/${NEW}/supervisor.cjs`];
  expect(look()).toEqual([OLD]);
  expect(copies()).toEqual([NEW]);
  expect(takeCopy(join(runtime, OLD))).toBe(true);

  // Cut short after the copy had another name, and after it was gone.
  makeCopy(`${OLD}.0a1b2c3d`);
  writeFileSync(join(runtime, `${OLD}.going`), '');
  makeCopy(`${NEW}-2.0a1b2c3d.damaged`);
  expect(look()).toEqual([]);
  expect(takeCopy(join(runtime, OLD))).toBe(true);
  expect(copies()).toEqual([`${OLD}.0a1b2c3d`, NEW, `${NEW}-2.0a1b2c3d.damaged`]);
  later(2 * dayMs);
  look();
  expect(copies()).toEqual([NEW]);
});

test('what is no copy is left alone, and without a home there is nothing to do', () => {
  writeFileSync(join(runtime, 'README'), '');
  mkdirSync(join(runtime, 'my-own'));
  for (let round = 0; round < 3; round += 1) {
    look();
    later(2 * dayMs);
  }
  expect(copies()).toEqual(['README', 'my-own']);
  rmSync(runtime, { recursive: true });
  expect(look()).toEqual([]);
  mkdirSync(runtime);
});

test('the command line of a living process is found, and that of an ended one is not', async () => {
  const script = join(runtime, OLD, 'runner.cjs');
  writeFileSync(script, 'process.stdin.resume(); console.log("ready")');
  const runner = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(runner.stdout, 'data');
  const real = (): readonly string[] =>
    removeUnusedCopies({ runtime, now, bootedAt, commandLines, table: openProcessTable() });
  real();
  later(2 * dayMs);
  expect(real()).toEqual([NEW]);
  expect(existsSync(script)).toBe(true);
  runner.stdin.end();
  await once(runner, 'exit');
  real();
  later(2 * dayMs);
  expect(real()).toEqual([OLD]);
});
