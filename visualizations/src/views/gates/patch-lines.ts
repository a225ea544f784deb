/** A patch as one list of lines, for reading it from top to bottom. Pure. */
import { parseDiff, type DiffFile, type DiffLine } from '../run/diff/unified-diff.ts';

export type PatchLine = {
  readonly kind: 'file' | 'meta' | 'hunk' | 'added' | 'removed' | 'same';
  readonly text: string;
};

/** Files that are named, and lines that came and went. */
export type PatchSize = { readonly files: number; readonly added: number; readonly removed: number };

const SIGNS: Readonly<Record<DiffLine['kind'], string>> = { added: '+', removed: '-', same: ' ', note: '\\ ' };

const linesOf = ({ head, hunks }: DiffFile): readonly PatchLine[] => [
  ...head.map((text, index): PatchLine => ({ kind: index === 0 ? 'file' : 'meta', text })),
  ...hunks.flatMap(({ header, lines }): PatchLine[] => [
    { kind: 'hunk', text: header },
    ...lines.map(({ kind, text }): PatchLine => ({ kind: kind === 'note' ? 'meta' : kind, text: SIGNS[kind] + text })),
  ]),
];

export const patchLines = (patch: string): { readonly lines: readonly PatchLine[]; readonly size: PatchSize } => {
  const files = parseDiff(patch);
  const sum = (count: 'added' | 'removed'): number => files.reduce((total, file) => total + file[count], 0);
  return {
    lines: files.flatMap(linesOf),
    size: { files: files.length, added: sum('added'), removed: sum('removed') },
  };
};
