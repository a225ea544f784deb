/**
 * Goal: a patch is read as git wrote it, also where its lines look like something else, and no line of it is lost.
 * Method: patches with every kind of line.
 */
import { expect, test } from 'vitest';
import { patchLines } from '../../../visualizations/src/views/gates/patch-lines.ts';

const kinds = (patch: string): string =>
  patchLines(patch)
    .lines.map(({ kind }) => kind)
    .join(' ');

const HEAD = 'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n';

test('heads, hunks and lines are told apart, and stand as git wrote them', () => {
  const patch = `${HEAD}@@ -1,2 +1,2 @@ f()\n same\n-old\n+new\n`;
  const { lines, size } = patchLines(patch);
  expect(kinds(patch)).toBe('file meta meta meta hunk same removed added');
  expect(lines.map(({ text }) => `${text}\n`).join('')).toBe(patch);
  expect(size).toEqual({ files: 1, added: 1, removed: 1 });
});

test('a removed line that begins with two dashes is no head of a file', () => {
  const patch = `${HEAD}@@ -1,2 +1,1 @@\n--- a comment\n+++ another\n-last\ndiff --git a/y b/y\n`;
  expect(kinds(patch)).toBe('file meta meta meta hunk removed added removed file');
});

test('a hunk of one line has no count, and a missing last line end is said', () => {
  const patch = `${HEAD}@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n`;
  expect(kinds(patch)).toBe('file meta meta meta hunk removed meta added meta');
  expect(patchLines(patch).lines.at(-1)?.text).toBe('\\ No newline at end of file');
});

test('new, deleted, renamed and binary files are heads without hunks', () => {
  expect(kinds('diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\nBinary files differ\n')).toBe(
    'file meta meta meta meta',
  );
});
