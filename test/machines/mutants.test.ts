/**
 * Goal: the generated paths notice every fault that one wrong line in a chart or guard can make.
 * Method: make each such fault, and let the mutant do each thing that the real machine does on its paths until it departs from it.
 */
import { describe, expect, test } from 'vitest';
import { subjects } from './cases/subjects.ts';
import { coverPaths } from './graph/cover.ts';
import { explore } from './graph/explore.ts';
import { departs, difference, mutantsOf, trialsOf, type MutantKind } from './graph/mutate.ts';

const kinds: readonly MutantKind[] = [
  'guard removed',
  'target swapped',
  'action dropped',
  'number shifted',
  'check blinded',
];
/** Hundreds of machines walk tens of thousands of steps; most stop early. */
const mutantsTimeoutMs = 240_000;
const seen = new Set<MutantKind>();

describe.each(subjects)('$name', (subject) => {
  const paths = coverPaths(explore(subject));
  const mutants = mutantsOf(subject, paths);
  const inputOf = (name: string): object => subject.inputs[name] ?? {};

  test('the machine itself walks its paths', () => {
    expect(
      paths.map((path) => difference(subject.machine, path, inputOf(path.input))).filter((where) => where !== null),
    ).toEqual([]);
  });

  test(
    'every mutant is noticed, or has a line that says why it is none',
    () => {
      const trials = trialsOf(paths);
      const survivors = mutants
        .filter(({ id, machine }) => !departs(machine, trials, { place: id.split(': ')[0]!, inputOf }))
        .map(({ id }) => id);
      for (const { kind } of mutants) seen.add(kind);
      process.stdout.write(
        `${subject.name}: ${String(mutants.length - survivors.length)}/${String(mutants.length)} mutants noticed\n`,
      );
      expect(survivors.toSorted()).toEqual(Object.keys(subject.equivalentMutants).toSorted());
    },
    mutantsTimeoutMs,
  );

  test('mutants have names of their own', () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
  });
});

test('faults of every kind were made', () => {
  expect([...seen].toSorted()).toEqual(kinds.toSorted());
});
