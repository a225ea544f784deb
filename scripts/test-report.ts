/**
 * The result of the tests in one line, read from Vitest's own JSON report: `N passed, N failed, N skipped`, the last line of CI.
 *
 * A file that failed without a failed test in it (it did not load, a hook threw) counts as one failure; `todo` counts as skipped.
 * A test that passed only when it was tried again is named with what it said the first time.
 * Exit code 1 when anything failed, when no test ran, and when there is no whole report.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Report = {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      /** Of every try, also of a test that passed in the end. */
      readonly failureMessages?: readonly string[];
    }[];
  }[];
};

const path = process.argv[2] ?? fileURLToPath(new URL('../coverage/tests.json', import.meta.url));
const nothing: Report = {
  success: false,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};
const read = (): Report => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch (error) {
    console.log(`no test ran: ${error instanceof Error ? error.message : String(error)}`);
    return nothing;
  }
};
const report = read();

const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
);
for (const { name } of brokenFiles) console.log(`failed as a whole: ${name}`);
for (const { name, assertionResults } of report.testResults) {
  for (const test of assertionResults) {
    if (test.status === 'failed') console.log(`failed: ${test.fullName} (${name})`);
    else if (test.status !== 'passed') console.log(`skipped: ${test.fullName} (${name})`);
    else if (test.failureMessages?.[0] !== undefined) {
      const [said = ''] = test.failureMessages[0].split('\n');
      console.log(`passed at the second try: ${test.fullName} (${name}): ${said}`);
    }
  }
}

const failed = report.numFailedTests + brokenFiles.length;
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = report.success && failed === 0 && report.numPassedTests > 0 ? 0 : 1;
