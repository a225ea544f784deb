/**
 * Goal: the kernel with a real store does with every machine exactly what the machine says, transition by transition, and ignores
 * what the machine ignores.
 * Method: the paths that cover each machine's graph are driven through the kernel on a real file; both are closed after every step,
 * and snapshot, effects, tells, timers and journal are compared as they are found when the file is opened again.
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
        const open = () => openSqliteStore({ path: file, writer: 'in-place' });
        for (const [index, path] of paths.slice(first, first + pathsPerFile).entries()) {
          const input = renumberedInput(subject.inputs[path.input], first + index);
          const renamed = renumbered(path, first + index);
          expect(await drive({ subject, path: renamed, input, machine: subject.machine, open })).toBeNull();
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
