/**
 * Goal: every run finds a pair of pipes of its own, made many at a time, and none when they cannot be made.
 * Method: real mkfifo(1), counted.
 */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProgram, type ProgramRunner } from '../../../src/supervisor/processes/program-run.ts';
import { RUN_FILES } from '../../../src/supervisor/runners/contract.ts';
import { openPipeStock } from '../../../src/supervisor/runs/pipe-stock.ts';

let directory: string;
let started = 0;
const counted: ProgramRunner = (call) => {
  started += 1;
  return runProgram(call);
};
const missing: ProgramRunner = (call) => runProgram({ ...call, file: 'no-such-program' });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  started = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function runDirectory(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}
const inodesIn = (run: string): readonly number[] =>
  RUN_FILES.pipes.map((name) => {
    const stats = lstatSync(join(run, name));
    expect([stats.isFIFO(), stats.mode & 0o777]).toEqual([true, 0o600]);
    return stats.ino;
  });

it('F1: forty runs at once get eighty different pipes out of few processes', async () => {
  const stock = openPipeStock(join(directory, 'pipes'), counted);
  const runs = Array.from({ length: 40 }, (_, index) => runDirectory(`run-${String(index)}`));
  await Promise.all(runs.map((run) => stock.giveTo(run)));
  const given = runs.filter((run) => readdirSync(run).length === 2);
  // Those that asked in the moment in which the first batch ran out make their own.
  expect(given.length).toBeGreaterThanOrEqual(32);
  await stock.giveTo(runDirectory('later'));
  expect(new Set(given.flatMap(inodesIn)).size).toBe(given.length * 2);
  expect(inodesIn(join(directory, 'later'))).toHaveLength(2);
  expect(started).toBe(2);
});

it('F1: what an earlier supervisor left is not given away', async () => {
  const pipes = join(directory, 'pipes');
  mkdirSync(pipes);
  writeFileSync(join(pipes, '64'), 'no pipe');
  const run = runDirectory('run');
  await openPipeStock(pipes, counted).giveTo(run);
  expect(inodesIn(run)).toHaveLength(2);
});

it('F2: without mkfifo, or without a place, there are none', async () => {
  const run = runDirectory('run');
  await openPipeStock(join(directory, 'pipes'), missing).giveTo(run);
  writeFileSync(join(directory, 'file'), '');
  await openPipeStock(join(directory, 'file', 'pipes'), counted).giveTo(run);
  expect(readdirSync(run)).toEqual([]);
});
