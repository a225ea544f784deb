/**
 * Goal: a patch is shown as git meant it, and colours never change a character.
 * Method: patches as git writes them, and one property over lines.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tokensOf } from '../../../visualizations/src/views/diff/code-tokens.ts';
import { parseDiff } from '../../../visualizations/src/views/diff/unified-diff.ts';

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
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/data b/data
index 1..2 100644
GIT binary patch
literal 3
KcmZQ%;+Fsb00000

literal 2
JcmZQ@;Nky5

`;

describe('a patch', () => {
  const files = parseDiff(PATCH);
  test('has its files with what happened to them', () => {
    expect(files.map(({ path, oldPath, change, added, removed }) => [path, oldPath, change, added, removed])).toEqual([
      ['src/a.ts', null, 'changed', 3, 2],
      ['new name.md', 'old name.md', 'renamed', 0, 0],
      ['logo.png', null, 'added', 0, 0],
      ['grün.txt', null, 'deleted', 0, 1],
      ['run.sh', null, 'changed', 0, 0],
      ['data', null, 'changed', 0, 0],
    ]);
  });

  test('D2: modes are kept, bytes are left out and that is said', () => {
    expect(files.map(({ notes }) => notes)).toEqual([
      [],
      ['similarity index 100%'],
      ['new file mode 100644', 'Binary files /dev/null and b/logo.png differ'],
      ['deleted file mode 100644'],
      ['old mode 100644', 'new mode 100755'],
      ['not a text: its bytes are not shown'],
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
