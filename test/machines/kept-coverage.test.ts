/**
 * Goal: what a package shows of the generated tests is of the machines in it.
 * Method: read the file that the build copies, and hold its versions and transitions against the machines of the sources.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listTransitions } from '../../src/machines/transition-graph.ts';
import { coverageIn } from '../../src/operations/read-models/machine-coverage.ts';
import { subjects } from './cases/subjects.ts';

const kept = readFileSync(
  fileURLToPath(new URL('../../visualizations/machine-coverage.json', import.meta.url)),
  'utf8',
);

test.each(subjects)('$name: kept of this version, for every transition', ({ name, machine }) => {
  const coverage = coverageIn(kept, { machine: name, version: machine.version ?? '' });
  expect(coverage, 'run `npm run coverage` after `npm test`').not.toBeNull();
  expect(Object.keys(coverage?.transitions ?? {}).toSorted()).toEqual(
    [...listTransitions(machine).values()].toSorted(),
  );
});
