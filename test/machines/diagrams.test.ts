/**
 * Goal: the pictures are those of the charts, and a chart that changed without its picture is noticed.
 * Method: run the script as CI does, on the real folder, and look at what it drew.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { graphOf } from '../../src/machines/transition-graph.ts';
import { subjects } from './cases/subjects.ts';

test('the diagrams are up to date', () => {
  execFileSync(process.execPath, ['scripts/diagrams.ts', '--check'], { stdio: ['ignore', 'pipe', 'pipe'] });
});

test.each(subjects)(
  '$name: every state and every event that leads somewhere is in the picture',
  ({ machine, name }) => {
    const drawn = readFileSync(`visualizations/machines/${name}.mmd`, 'utf8');
    const { states, edges } = graphOf(machine);
    for (const { key, parent } of states) if (parent !== null) expect(drawn).toContain(`"${key}`);
    for (const { event, targets } of edges) if (targets.length > 0) expect(drawn).toContain(event);
  },
);
