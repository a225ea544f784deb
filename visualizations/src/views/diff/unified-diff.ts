/**
 * A patch of git as files, hunks and lines: the one reader of patches that the page has. Pure.
 *
 * D1. Every line of a hunk is in exactly one row; what is not understood is shown as it stands.
 * D2. What git says of a file beside its names is kept: a mode that changed is a change. Bytes alone are left out, and that is said.
 */
export type DiffLine = {
  readonly kind: 'added' | 'removed' | 'same' | 'note';
  readonly text: string;
  /** Null where the line is not. */
  readonly before: number | null;
  readonly after: number | null;
};
export type DiffHunk = { readonly header: string; readonly lines: readonly DiffLine[] };
export type DiffFile = {
  readonly path: string;
  /** Before a rename; null otherwise. */
  readonly oldPath: string | null;
  readonly change: 'added' | 'deleted' | 'renamed' | 'changed';
  /** What git says of the file beside its names: modes, that its bytes are not shown, whatever else stands before its first hunk. */
  readonly notes: readonly string[];
  readonly hunks: readonly DiffHunk[];
  readonly added: number;
  readonly removed: number;
};

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

export function parseDiff(patch: string): readonly DiffFile[] {
  const lines = patch.split('\n');
  const starts = lines.flatMap((line, index) => (line.startsWith('diff --git ') ? [index] : []));
  return starts.map((start, index) => parseFile(lines.slice(start, starts[index + 1] ?? lines.length)));
}

function parseFile(lines: readonly string[]): DiffFile {
  const firstHunk = lines.findIndex((line) => HUNK.test(line));
  const head = lines.slice(0, firstHunk === -1 ? lines.length : firstHunk);
  const hunks = firstHunk === -1 ? [] : parseHunks(lines.slice(firstHunk));
  const all = hunks.flatMap((hunk) => hunk.lines);
  return {
    ...namesOf(head),
    notes: notesOf(head),
    hunks,
    added: all.filter(({ kind }) => kind === 'added').length,
    removed: all.filter(({ kind }) => kind === 'removed').length,
  };
}

/** Said by the names and the numbers already. */
const NAMES = /^(?:diff --git|index|---|\+\+\+|rename from|rename to) /;
const BYTES = 'GIT binary patch';

const notesOf = (head: readonly string[]): readonly string[] => {
  const bytes = head.indexOf(BYTES);
  const texts = (bytes === -1 ? head : head.slice(0, bytes)).filter((line) => line !== '' && !NAMES.test(line));
  return bytes === -1 ? texts : [...texts, 'not a text: its bytes are not shown'];
};

const after = (head: readonly string[], prefix: string): string | null => {
  const line = head.find((one) => one.startsWith(prefix));
  return line === undefined ? null : unquoted(line.slice(prefix.length));
};

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

/** Git quotes names with unusual characters, bytes as octal numbers. */
function unquoted(name: string): string {
  const text = name.replace(/\t$/, '');
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part] of text.slice(1, -1).matchAll(/\\[0-7]{3}|\\.|[^\\]+/g)) {
    if (/^\\[0-7]{3}$/.test(part)) bytes.push(Number.parseInt(part.slice(1), 8));
    else bytes.push(...encoder.encode(part.startsWith('\\') ? (ESCAPES[part[1] ?? ''] ?? part.slice(1)) : part));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const withoutSide = (name: string | null): string | null =>
  name === null || name === '/dev/null' ? null : name.replace(/^[ab]\//, '');

function namesOf(head: readonly string[]): Pick<DiffFile, 'path' | 'oldPath' | 'change'> {
  const from = after(head, 'rename from ');
  const to = after(head, 'rename to ');
  if (from !== null && to !== null) return { path: to, oldPath: from, change: 'renamed' };
  const title = head[0] ?? '';
  const titled = unquoted(/ ("?b\/.*)$/.exec(title)?.[1] ?? title).replace(/^b\//, '');
  const path = withoutSide(after(head, '+++ ')) ?? withoutSide(after(head, '--- ')) ?? titled;
  if (head.some((line) => line.startsWith('new file mode'))) return { path, oldPath: null, change: 'added' };
  if (head.some((line) => line.startsWith('deleted file mode'))) return { path, oldPath: null, change: 'deleted' };
  return { path, oldPath: null, change: 'changed' };
}

function parseHunks(lines: readonly string[]): readonly DiffHunk[] {
  const hunks: { header: string; lines: DiffLine[] }[] = [];
  let before = 0;
  let now = 0;
  for (const [index, line] of lines.entries()) {
    const start = HUNK.exec(line);
    if (start !== null) {
      before = Number(start[1]);
      now = Number(start[2]);
      hunks.push({ header: line, lines: [] });
      continue;
    }
    // The patch ends with a line end, which is no line.
    if (line === '' && index === lines.length - 1) break;
    const parsed = lineOf(line, before, now);
    if (parsed.before !== null) before += 1;
    if (parsed.after !== null) now += 1;
    hunks.at(-1)?.lines.push(parsed);
  }
  return hunks;
}

function lineOf(line: string, before: number, now: number): DiffLine {
  const text = line.slice(1);
  if (line.startsWith('+')) return { kind: 'added', text, before: null, after: now };
  if (line.startsWith('-')) return { kind: 'removed', text, before, after: null };
  if (line.startsWith(' ') || line === '') return { kind: 'same', text, before, after: now };
  return { kind: 'note', text: line.replace(/^\\ /, ''), before: null, after: null };
}
