/**
 * Goal: a place in a run's log means the same bytes for ever, and no request reads anything but the files of a run.
 * Method: files written by the runner's own `OutputLog` with small limits; then requests with every wrong id and a planted link.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { API, LOG_HEADERS, PIECE_BYTES_MAX, PASS_HEADER } from '../../../src/hosts/inspector/protocol.ts';
import { readLogPiece } from '../../../src/hosts/inspector/run-files.ts';
import { OutputLog } from '../../../src/hosts/runner/output-log.ts';
import { systemFiles } from '../../../src/hosts/runner/file-port.ts';
import { InspectorBench, refusalOf, RUN } from './inspector-bench.ts';

let bench: InspectorBench;
let directory = '';
let headers: Record<string, string> = {};
beforeEach(async () => {
  bench = await InspectorBench.open();
  directory = bench.paths.runDirectory(RUN);
  mkdirSync(directory, { recursive: true });
  headers = { [PASS_HEADER]: await bench.pass() };
});
afterEach(async () => {
  await bench.close();
});

const get = async (path: string, query: string) => {
  const got = await bench.request(`${path}?${query}`, { headers });
  const place = Object.values(LOG_HEADERS).map((name) => Number(got.headers[name]));
  return {
    status: got.status,
    text: got.bytes.toString(),
    bytes: got.bytes.length,
    place,
    type: got.headers['content-type'],
  };
};

/** Every byte says where it is: 8 digits and a line end. */
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `${String(from + index).padStart(8, '0')}\n`).join('');

describe('the log', () => {
  test('is read from any place, from the end, and to the end', async () => {
    writeFileSync(join(directory, 'output.log'), 'hello world');
    expect(await get(API.log, `runId=${RUN}`)).toMatchObject({ status: 200, text: 'hello world', place: [0, 11, 11] });
    expect(await get(API.log, `runId=${RUN}&from=6&max=3`)).toMatchObject({ text: 'wor', place: [6, 9, 11] });
    expect(await get(API.log, `runId=${RUN}&from=-5`)).toMatchObject({ text: 'world', place: [6, 11, 11] });
    expect(await get(API.log, `runId=${RUN}&from=11`)).toMatchObject({ text: '', place: [11, 11, 11] });
    expect(await get(API.log, `runId=${RUN}&from=999&max=-1`)).toMatchObject({ text: '', place: [11, 11, 11] });
    expect(await get(API.log, `runId=${RUN}`)).toMatchObject({ type: 'application/octet-stream' });
  });

  test('of a run that printed nothing yet is empty', async () => {
    expect(await get(API.log, `runId=${RUN}`)).toMatchObject({ status: 200, text: '', place: [0, 0, 0] });
  });

  test('comes in bounded pieces', async () => {
    writeFileSync(join(directory, 'output.log'), Buffer.alloc(PIECE_BYTES_MAX + 5, 'x'));
    const first = await get(API.log, `runId=${RUN}&max=99999999`);
    expect(first).toMatchObject({ bytes: PIECE_BYTES_MAX, place: [0, PIECE_BYTES_MAX, PIECE_BYTES_MAX + 5] });
    expect(await get(API.log, `runId=${RUN}&from=${String(PIECE_BYTES_MAX)}`)).toMatchObject({ bytes: 5 });
  });

  test('keeps its places over rotations, also when the oldest output is gone', async () => {
    const log = new OutputLog({ directory, bytesMax: 900, files: systemFiles });
    let written = 0;
    for (let round = 0; round < 40; round += 1) {
      log.write('out', Buffer.from(lines(written / 9, 20)));
      written += 180;
      const { from, size, bytes } = await readLogPiece(directory, { from: 0, max: PIECE_BYTES_MAX });
      expect(size).toBe(written);
      expect(from + bytes.length).toBe(written);
      const whole = lines(0, written / 9);
      expect(bytes.toString()).toBe(whole.slice(from));
      const middle = await readLogPiece(directory, { from: written - 100, max: 50 });
      expect(middle.bytes.toString()).toBe(whole.slice(written - 100, written - 50));
    }
    log.close();
    const { from } = await readLogPiece(directory, { from: 0, max: 1 });
    expect(from).toBeGreaterThan(0);
  });

  test('F3: is one stretch also while files are rotated', async () => {
    const log = new OutputLog({ directory, bytesMax: 20_000, files: systemFiles });
    let written = 0;
    const over = new AbortController();
    const write = (): void => {
      log.write('out', Buffer.from(lines(written / 9, 10)));
      written += 90;
    };
    write();
    const writing = (async () => {
      while (!over.signal.aborted) {
        write();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let read = 0; read < 100; read += 1) {
      const { from, bytes } = await readLogPiece(directory, { from: -300, max: 300 });
      const first = Math.floor(from / 9);
      expect(bytes.toString()).toBe(lines(first, 50).slice(from - first * 9, from - first * 9 + bytes.length));
      expect(bytes).toHaveLength(Math.min(300, from + bytes.length));
    }
    over.abort();
    await writing;
    log.close();
  });
});

test('the recording is served as it is, and a run without a terminal has none', async () => {
  expect(refusalOf(await bench.request(`${API.recording}?runId=${RUN}`, { headers }))).toEqual({
    status: 404,
    code: 'not_found',
  });
  writeFileSync(join(directory, 'recording.cast'), '{"version":2}\n');
  expect(await get(API.recording, `runId=${RUN}`)).toMatchObject({ text: '{"version":2}\n', place: [0, 14, 14] });
  expect(await get(API.recording, `runId=${RUN}&from=2&max=7`)).toMatchObject({ text: 'version' });
});

test.each([API.log, API.recording])('%s takes a run id and nothing that leads elsewhere', async (path) => {
  for (const runId of [
    '',
    '..',
    '../..',
    `../runs/${RUN}`,
    `${RUN}/..`,
    `${RUN}%00`,
    RUN.toUpperCase(),
    'run-1',
    `task-${RUN.slice(4)}`,
  ]) {
    const got = await bench.request(`${path}?runId=${runId}`, { headers });
    expect({ runId, ...refusalOf(got) }).toEqual({ runId, status: 400, code: 'invalid_params' });
  }
  const twice = await bench.request(`${path}?runId=${RUN}&runId=${RUN}`, { headers });
  expect(refusalOf(twice)).toEqual({ status: 400, code: 'invalid_params' });
  const unknown = await bench.request(`${path}?runId=run-${'9'.repeat(20)}`, { headers });
  expect(refusalOf(unknown)).toEqual({ status: 404, code: 'not_found' });
  for (const query of ['from=x', 'from=1.5', 'max=1e9', 'from=99999999999999999999']) {
    const got = await bench.request(`${path}?runId=${RUN}&${query}`, { headers });
    expect(refusalOf(got)).toEqual({ status: 400, code: 'invalid_params' });
  }
});

test.each(['output.log', 'output.log.1', 'recording.cast'])(
  'a link that a run puts in the place of %s is not followed out',
  async (name) => {
    writeFileSync(join(bench.directory, 'secret'), 'secret');
    symlinkSync(join(bench.directory, 'secret'), join(directory, name));
    const path = name === 'recording.cast' ? API.recording : API.log;
    const got = await bench.request(`${path}?runId=${RUN}`, { headers });
    expect(refusalOf(got)).toEqual({ status: 400, code: 'invalid_params' });
  },
);
