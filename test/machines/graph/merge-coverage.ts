/** Puts together what the suites of a run of the tests exercised, once all of them have ended. */
import { subjects } from '../cases/subjects.ts';
import { mergeCoverage } from './coverage-file.ts';

const versions = new Map(subjects.map(({ name, machine }) => [name, machine.version]));

export function teardown(): void {
  mergeCoverage((machine) => versions.get(machine));
}
