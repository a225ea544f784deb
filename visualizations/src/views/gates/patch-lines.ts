/** A unified patch, line by line: what each line is. Pure. */

export type PatchLine = {
  readonly kind: 'file' | 'meta' | 'hunk' | 'added' | 'removed' | 'same';
  readonly text: string;
};

/** Files that are named, and lines that came and went. */
export type PatchSize = { readonly files: number; readonly added: number; readonly removed: number };

const META = /^(?:index |--- |\+\+\+ |old mode|new mode|new file|deleted file|similarity|rename |copy |Binary )/;

const inHunk = (text: string): PatchLine => {
  if (text.startsWith('+')) return { kind: 'added', text };
  return { kind: text.startsWith('-') ? 'removed' : 'same', text };
};

/** Inside a hunk a line that begins with `--- ` is one that was removed: the counts of the hunk's head decide. */
export const patchLines = (patch: string): readonly PatchLine[] => {
  const lines = (patch.endsWith('\n') ? patch.slice(0, -1) : patch).split('\n');
  let [oldLeft, newLeft] = [0, 0];
  return lines.map((text): PatchLine => {
    if (oldLeft > 0 || newLeft > 0) {
      const line = inHunk(text);
      if (text.startsWith('\\')) return { kind: 'meta', text };
      if (line.kind !== 'added') oldLeft -= 1;
      if (line.kind !== 'removed') newLeft -= 1;
      return line;
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(text);
    if (hunk !== null) {
      oldLeft = Number(hunk[1] ?? 1);
      newLeft = Number(hunk[2] ?? 1);
      return { kind: 'hunk', text };
    }
    if (text.startsWith('diff --git ')) return { kind: 'file', text };
    return { kind: META.test(text) || text.startsWith('\\') ? 'meta' : 'same', text };
  });
};

export const patchSize = (lines: readonly PatchLine[]): PatchSize => {
  const count = (kind: PatchLine['kind']): number => lines.filter((line) => line.kind === kind).length;
  return { files: count('file'), added: count('added'), removed: count('removed') };
};
