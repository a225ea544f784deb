/**
 * Goal: the kernel with a real store does with every machine exactly what the machine says, transition by transition, and ignores
 * what the machine ignores.
 * Method: the paths that cover each machine's graph are driven through a kernel that is opened anew for every step, on a real
 * file that is closed and opened again between paths. Snapshot, effects, tells, timers and journal are compared after each step.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { persistedSubjects } from '../machines/cases/subjects.ts';
import { coverPaths } from '../machines/graph/cover.ts';
import { coverageOf, writeCoverage, type MachineCoverage } from '../machines/graph/coverage-file.ts';
import { explore } from '../machines/graph/explore.ts';
import { drive, renumbered, renumberedInput } from './path-driver.ts';

const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
const written: MachineCoverage[] = [];
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
  writeCoverage('kernel', written);
});

/** Rows of paths that are over wait in the outbox for ever: a fresh file now and then keeps each step cheap. */
const pathsPerFile = 40;

/** Thousands of commits, each fsynced, on disks and cores that others use too. */
const timeoutMs = 180_000;

describe.each(persistedSubjects)('$name', (subject) => {
  const graph = explore(subject);
  const paths = coverPaths(graph, { depth: 'state' });

  test(
    'the kernel does what the machine says on every path',
    async () => {
      for (let first = 0; first < paths.length; first += pathsPerFile) {
        const file = join(directory, `${subject.name}-${String(first)}.db`);
        for (const half of [0, 1]) {
          const store = await openSqliteStore({ path: file });
          const page = paths.slice(first, first + pathsPerFile).filter((_, index) => index % 2 === half);
          for (const path of page) {
            const number = paths.indexOf(path);
            const input = renumberedInput(subject.inputs[path.input], number);
            const renamed = renumbered(path, number);
            expect(await drive({ subject, path: renamed, input, machine: subject.machine, store })).toBeNull();
          }
          await store.close();
        }
      }
      const coverage = coverageOf(graph, paths);
      written.push(coverage);
      const taken = Object.values(coverage.transitions).filter((count) => count > 0).length;
      process.stdout.write(`${subject.name}: ${String(taken)}/${String(graph.all.length)} transitions\n`);
      const missed = Object.keys(coverage.transitions).filter((id) => coverage.transitions[id] === 0);
      expect(missed.filter((id) => !(id in subject.unreachable))).toEqual([]);
    },
    timeoutMs,
  );
});
