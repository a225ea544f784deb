/**
 * Goal: the comparison of kernel and machine would notice a machine with one fault: guard removed, target swapped, effect dropped,
 * number off by one, identity check blind.
 * Method: of every kind of fault and every machine some are loaded into the real kernel, which is then driven along a path of the
 * sound machine; the drive must end with a difference.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { persistedSubjects } from '../machines/cases/subjects.ts';
import { coverPaths, type Path } from '../machines/graph/cover.ts';
import { explore } from '../machines/graph/explore.ts';
import { difference, mutantsOf, type Mutant, type MutantKind } from '../machines/graph/mutate.ts';
import { drive } from './path-driver.ts';

/** Faults of one kind in one machine that are tried here; the machines' own suite tries them all without a kernel. */
const perKind = 4;
/** Paths of the sound machine that a mutant departs from, tried before it counts as unnoticed. */
const pathsPerMutant = 5;
const timeoutMs = 120_000;
/** Faults that the pure machine shows and the kernel cannot, each with its reason. */
const invisible: Readonly<Record<string, string>> = {
  'task.draft entry: drops tell#0':
    'a new draft tells nobody: its bucket did not change, and a tell to null is nothing',
};
const noticed = new Set<MutantKind>();
const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
let files = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Some of a list, spread over all of it. */
const sample = <Item>(items: readonly Item[]): Item[] =>
  items.filter((_, index) => index % Math.max(1, Math.ceil(items.length / perKind)) === 0);

describe.each(persistedSubjects)('$name', (subject) => {
  const paths = coverPaths(explore(subject), { depth: 'state' });
  const inputOf = (path: Path): Readonly<Record<string, unknown>> => ({ ...subject.inputs[path.input] });
  const telling = ({ machine }: Mutant): Path[] => {
    const found: Path[] = [];
    for (const path of paths) {
      if (found.length < pathsPerMutant && difference(machine, path, inputOf(path)) !== null) found.push(path);
    }
    return found;
  };
  const isNoticed = async (mutant: Mutant, tried: readonly Path[]): Promise<boolean> => {
    for (const path of tried) {
      files += 1;
      const file = join(directory, `${String(files)}.db`);
      const open = () => openSqliteStore({ path: file, writer: 'in-place' });
      if ((await drive({ subject, path, input: inputOf(path), machine: mutant.machine, open })) !== null) return true;
    }
    return false;
  };

  test(
    'the kernel with a faulty machine is told from the kernel with a sound one',
    async () => {
      const byKind = Map.groupBy(mutantsOf(subject, paths), ({ kind }) => kind);
      const unnoticed: string[] = [];
      for (const mutant of [...byKind.values()].flatMap(sample)) {
        // Those that behave like the machine, or differ only deeper than these paths go, are the machines' suite's.
        const tried = telling(mutant);
        if (tried.length === 0) continue;
        if (await isNoticed(mutant, tried)) noticed.add(mutant.kind);
        else if (!(mutant.id in invisible)) unnoticed.push(mutant.id);
      }
      expect(unnoticed).toEqual([]);
    },
    timeoutMs,
  );
});

test('faults of every kind were noticed', () => {
  expect([...noticed].toSorted()).toEqual(
    ['action dropped', 'check blinded', 'guard removed', 'number shifted', 'target swapped'].toSorted(),
  );
});
