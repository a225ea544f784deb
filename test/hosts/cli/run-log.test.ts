/**
 * Goal: what a run printed is read whole and in order, while it is written and rotated, with time and stream of each line.
 * Method: logs written by the runner's own writer, also during the reading; the command on top of them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OutputLog } from '../../../src/hosts/runner/output-log.ts';
import { systemFiles } from '../../../src/hosts/runner/file-port.ts';
import { readRunLog, type LogPiece } from '../../../src/hosts/cli/run-log.ts';
import { conductor, fakeIo, type FakeProject, type IoOptions } from './surroundings.ts';
import { idOf } from './journal.ts';

const runId = idOf('run', 'a');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const writer = (bytesMax = 1_000_000): OutputLog => new OutputLog({ directory, bytesMax, files: systemFiles });

const textOf = async (pause: (() => Promise<boolean>) | null = null): Promise<string> => {
  let text = '';
  for await (const { bytes } of readRunLog(directory, pause)) text += bytes.toString('utf8');
  return text;
};

test('a log that is not there yet is empty', async () => {
  expect(await textOf()).toBe('');
});

test('pieces carry time and stream', async () => {
  const log = writer();
  log.write('out', Buffer.from('one\n'));
  log.write('err', Buffer.from('two\n'));
  log.close();
  const pieces: LogPiece[] = [];
  for await (const piece of readRunLog(directory, null)) pieces.push(piece);
  expect(pieces.map(({ stream, bytes }) => [stream, bytes.toString()])).toEqual([
    ['out', 'one\n'],
    ['err', 'two\n'],
  ]);
  expect(pieces.every(({ at }) => Math.abs(at - Date.now()) < 60_000)).toBe(true);
});

test('G1: rotated files are read oldest first, without the lines that only join them', async () => {
  const log = writer(400);
  const lines = Array.from({ length: 40 }, (_, index) => `line ${String(index)} of many\n`);
  for (const line of lines) log.write('out', Buffer.from(line));
  log.close();
  expect(await textOf()).toBe(lines.join(''));
});

test('G2: a marker stands where bytes were dropped', async () => {
  const log = writer(400);
  for (let index = 0; index < 400; index += 1) log.write('out', Buffer.from(`line ${String(index)}\n`));
  log.close();
  const text = await textOf();
  expect(text).toMatch(/^\[conductor: \d+ bytes before this one were dropped\]/);
  expect(text.endsWith('line 399\n')).toBe(true);
});

test('G1: following reads what is written and rotated meanwhile, nothing twice', async () => {
  const log = writer(2_000);
  let written = '';
  let index = 0;
  const pause = async (): Promise<boolean> => {
    for (let line = 0; line < 60; line += 1) {
      const text = `line ${String(index++)}\n`;
      written += text;
      log.write('out', Buffer.from(text));
    }
    return index < 900;
  };
  expect(await textOf(pause)).toBe(written);
  log.close();
});

const project = (status: string, endedAt: number | null): FakeProject => ({
  answers: {
    conductor_show: { kind: 'run', item: { runId, status, endedAt } },
    conductor_get_run: { run: { runId, status: 'succeeded', endedAt: 1 } },
  },
});

const logs = async (argv: readonly string[], options: IoOptions = {}) => {
  const place = join(directory, 'runs', runId);
  mkdirSync(place, { recursive: true });
  const log = new OutputLog({ directory: place, bytesMax: 1_000_000, files: systemFiles });
  log.write('pty', Buffer.from('\u001b[31mred\u001b[0m\u001b[2J\r\n'));
  log.write('err', Buffer.from('half'));
  log.close();
  writeFileSync(join(place, 'recording.cast'), '{"version":2}\n');
  const follows = argv.includes('-f');
  const given = project(follows ? 'running' : 'succeeded', follows ? null : 1);
  return conductor(['logs', 'run-0', ...argv], { ...given, home: directory }, fakeIo(options));
};

describe('logs', () => {
  test('a pipe gets the bytes', async () => {
    expect(await logs([])).toMatchObject({ exitCode: 0, out: '\u001b[31mred\u001b[0m\u001b[2J\r\nhalf' });
  });

  test('a terminal gets colours only, and none that stays', async () => {
    expect((await logs([], { terminal: true })).out).toBe('\u001b[31mred\u001b[0m\nhalf\u001b[0m');
  });

  test('--raw gives a terminal everything', async () => {
    expect((await logs(['--raw'], { terminal: true })).out).toContain('\u001b[2J');
  });

  test('--json prints a line per line', async () => {
    const { out } = await logs(['--json']);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { at: expect.any(Number) as number, stream: 'pty', text: '\u001b[31mred\u001b[0m\u001b[2J' },
      { at: expect.any(Number) as number, stream: 'err', text: 'half' },
    ]);
  });

  test('--cast prints the recording', async () => {
    expect((await logs(['--cast'])).out).toBe('{"version":2}\n');
  });

  test('-f ends with 0 when the run is final', async () => {
    const { exitCode, out } = await logs(['-f']);
    expect(exitCode).toBe(0);
    expect(out).toContain('half');
  });
});
