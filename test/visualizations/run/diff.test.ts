/**
 * Goal: a patch is shown as git meant it, and colours never change a character.
 * Method: patches as git writes them, and one property over lines.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tokensOf } from '../../../visualizations/src/views/run/diff/code-tokens.ts';
import { parseDiff } from '../../../visualizations/src/views/run/diff/unified-diff.ts';

const PATCH = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,4 @@ head
 one
-two
+2
+--- not a header
 three
@@ -10 +11 @@
-x
+y
\\ No newline at end of file
diff --git a/old name.md b/new name.md
similarity index 100%
rename from old name.md
rename to new name.md
diff --git a/logo.png b/logo.png
new file mode 100644
index 0..1
Binary files /dev/null and b/logo.png differ
diff --git "a/gr\\303\\274n.txt" "b/gr\\303\\274n.txt"
deleted file mode 100644
--- "a/gr\\303\\274n.txt"
+++ /dev/null
@@ -1 +0,0 @@
-bye
`;

describe('a patch', () => {
  const files = parseDiff(PATCH);
  test('has its files with what happened to them', () => {
    expect(
      files.map(({ path, oldPath, change, isBinary, added, removed }) => [
        path,
        oldPath,
        change,
        isBinary,
        added,
        removed,
      ]),
    ).toEqual([
      ['src/a.ts', null, 'changed', false, 3, 2],
      ['new name.md', 'old name.md', 'renamed', false, 0, 0],
      ['logo.png', null, 'added', true, 0, 0],
      ['grün.txt', null, 'deleted', false, 0, 1],
    ]);
  });

  test('D1: lines carry the numbers they have on each side', () => {
    const [first, second] = files[0]!.hunks;
    expect(first!.lines.map(({ kind, text, before, after }) => [kind, text, before, after])).toEqual([
      ['same', 'one', 1, 1],
      ['removed', 'two', 2, null],
      ['added', '2', null, 2],
      ['added', '--- not a header', null, 3],
      ['same', 'three', 3, 4],
    ]);
    expect(second!.lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['removed', 10, null],
      ['added', null, 11],
      ['note', null, null],
    ]);
  });

  test('that is empty or cut anywhere is still shown', () => {
    expect(parseDiff('')).toEqual([]);
    for (let end = 0; end < PATCH.length; end += 7) expect(() => parseDiff(PATCH.slice(0, end))).not.toThrow();
  });
});

describe('tokens', () => {
  test('know the common kinds', () => {
    expect(tokensOf('const n = 0xff; // "why"', 'a.ts')).toEqual([
      { kind: 'keyword', text: 'const' },
      { kind: 'plain', text: ' n = ' },
      { kind: 'number', text: '0xff' },
      { kind: 'plain', text: '; ' },
      { kind: 'comment', text: '// "why"' },
    ]);
    expect(tokensOf('name: "a # b" # c', 'x.yaml').map(({ kind }) => kind)).toEqual([
      'plain',
      'string',
      'plain',
      'comment',
    ]);
    expect(tokensOf('const', 'README')).toEqual([{ kind: 'plain', text: 'const' }]);
  });

  test('K1: put together they are the line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('a.ts', 'b.py', 'c.json', 'd.sql', 'e'),
        (line, path) => {
          expect(
            tokensOf(line, path)
              .map(({ text }) => text)
              .join(''),
          ).toBe(line);
        },
      ),
    );
  });
});
