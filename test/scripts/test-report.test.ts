/**
 * Goal: the last line of CI says what happened, and the exit code says the same; nothing that went wrong counts as nothing.
 * Method: the real script over small reports in the shape that Vitest writes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

type Status = 'passed' | 'failed' | 'pending' | 'todo';

const script = fileURLToPath(new URL('../../scripts/test-report.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reportOf = (statuses: readonly Status[], fileStatus: 'passed' | 'failed') => {
  const count = (status: Status): number => statuses.filter((each) => each === status).length;
  const assertionResults = statuses.map((status, index) => ({ fullName: `case ${index}`, status }));
  return {
    success: fileStatus === 'passed',
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    testResults: [{ name: 'a.test.ts', status: fileStatus, assertionResults }],
  };
};

const say = (content: string | null) => {
  const path = join(folder, 'tests.json');
  rmSync(path, { force: true });
  if (content !== null) writeFileSync(path, content);
  const { status, stdout } = spawnSync(process.execPath, [script, path], { encoding: 'utf8' });
  const lines = stdout.trimEnd().split('\n');
  return { status, last: lines.at(-1), before: lines.slice(0, -1) };
};
const sayReport = (...args: Parameters<typeof reportOf>) => say(JSON.stringify(reportOf(...args)));

test('passing tests are counted, skipped ones named', () => {
  const { status, last, before } = sayReport(['passed', 'passed', 'pending', 'todo'], 'passed');
  expect({ status, last }).toEqual({ status: 0, last: '2 passed, 0 failed, 2 skipped' });
  expect(before).toEqual(['skipped: case 2 (a.test.ts)', 'skipped: case 3 (a.test.ts)']);
});

test('a test that needed a second try is named with what it said', () => {
  const report = reportOf(['passed', 'passed'], 'passed');
  Object.assign(report.testResults[0]!.assertionResults[1]!, { failureMessages: ['Error: too late\n    at a.ts:1'] });
  const { status, last, before } = say(JSON.stringify(report));
  expect({ status, last }).toEqual({ status: 0, last: '2 passed, 0 failed, 0 skipped' });
  expect(before).toEqual(['passed at the second try: case 1 (a.test.ts): Error: too late']);
});

test('a failed test fails the run', () => {
  const { status, last } = sayReport(['passed', 'failed'], 'failed');
  expect({ status, last }).toEqual({ status: 1, last: '1 passed, 1 failed, 0 skipped' });
});

test('a file that did not load counts as one failure', () => {
  const { status, last } = sayReport([], 'failed');
  expect({ status, last }).toEqual({ status: 1, last: '0 passed, 1 failed, 0 skipped' });
});

test('a file whose tests were all skipped by a broken hook counts as one failure', () => {
  const { status, last } = sayReport(['pending', 'pending'], 'failed');
  expect({ status, last }).toEqual({ status: 1, last: '0 passed, 1 failed, 2 skipped' });
});

test('no test at all is a failure', () => {
  expect(sayReport([], 'passed')).toMatchObject({ status: 1, last: '0 passed, 0 failed, 0 skipped' });
  expect(say(null)).toMatchObject({ status: 1, last: '0 passed, 0 failed, 0 skipped' });
});

test('a report that is half written is a failure with its count', () => {
  expect(say('{"success": true, "numPa')).toMatchObject({ status: 1, last: '0 passed, 0 failed, 0 skipped' });
});
