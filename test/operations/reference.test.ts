/**
 * Goal: the reference says what the catalogue says, and nobody forgets to write it anew.
 * Method: the text of every operation is looked for; the script checks the file as CI does.
 */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { OPERATIONS } from '../../src/operations/catalogue.ts';
import { referenceMarkdown } from '../../src/operations/reference.ts';

test('every operation and every parameter has its line', () => {
  const [operations] = referenceMarkdown().split('\n# Items');
  const sections = operations!.split('\n## ').slice(1);
  expect(sections.map((section) => section.split('\n')[0])).toEqual(OPERATIONS.map(({ name }) => name));
  OPERATIONS.forEach(({ params, description }, index) => {
    expect(sections[index]).toContain(description);
    for (const key of Object.keys(params.properties)) expect(sections[index]).toContain(`| \`${key}\``);
  });
  expect(sections.find((section) => section.startsWith('conductor_list_tasks'))).toContain(
    '| `limit`? | integer 1..100 |',
  );
});

test('docs/operations.md is up to date', () => {
  execFileSync(process.execPath, ['scripts/reference.ts', '--check'], { stdio: 'pipe' });
});
