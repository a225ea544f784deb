/**
 * What stands in a worktree now against a commit, for people who watch: committed, staged, changed and new files in one patch.
 *
 * L1. Nothing is written: no index, no object, no lock. What an agent changes meanwhile may be in it or not.
 * L2. No program of the configuration runs (W3); links are shown as links and never followed.
 */
import { constants } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { locate, textOfPath, type PathBytes } from './path-bytes.ts';
import type { Repository } from './repository.ts';
import type { LiveDiffRequest, LiveDiffResult } from './workspace-port.ts';
import { requirePlace } from './worktree-registration.ts';
import { readStatus } from './worktree-status.ts';

/** A file shows itself as binary within these bytes, as git judges it. */
const PROBE_BYTES = 8_000;
/** New files that are looked at; more of them are a build's, not an agent's. */
const NEW_FILES_MAX = 200;

const DIFF = [
  '--no-optional-locks',
  'diff',
  '--patch',
  '--no-color',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--no-relative',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '--submodule=short',
  '--ignore-submodules=dirty',
] as const;

/** @throws refused when it is no registered worktree; git_failed */
export async function diffLive(repository: Repository, request: LiveDiffRequest): Promise<LiveDiffResult> {
  const { git, commonGitDir } = repository;
  const place = requirePlace(commonGitDir, request.worktreePath);
  const tracked = await git.read(place, [...DIFF, request.from, '--'], { bytesMax: request.bytesMax });
  const parts = [tracked.stdout.toString('utf8')];
  let room = request.bytesMax - tracked.stdout.length;
  let { truncated } = tracked;
  const { entries } = await readStatus(git, place);
  const added = entries.filter(({ kind, directory }) => kind === 'untracked' && !directory);
  for (const { path } of added.slice(0, NEW_FILES_MAX)) {
    if (room <= 0) break;
    const patch = await newFilePatch(request.worktreePath, path, room);
    room -= Buffer.byteLength(patch);
    parts.push(patch);
  }
  truncated ||= room < 0 || added.length > NEW_FILES_MAX || (room === 0 && added.length > 0);
  const patch = parts.join('');
  // A cut in the middle of a line would show a line that nobody wrote.
  return { patch: truncated ? wholeLines(Buffer.from(patch).toString('utf8', 0, request.bytesMax)) : patch, truncated };
}

const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1);

/** As git prints a file that was added; empty when it is gone again. */
async function newFilePatch(root: string, path: PathBytes, bytesMax: number): Promise<string> {
  const location = locate(root, path);
  const content = await contentOf(location, bytesMax).catch(() => null);
  if (content === null) return '';
  const name = quoted(path);
  const head = `diff --git ${name('a/')} ${name('b/')}\nnew file mode ${content.mode}\n`;
  const { data } = content;
  if (data.length === 0) return head;
  if (data.subarray(0, PROBE_BYTES).includes(0)) return `${head}Binary files /dev/null and ${name('b/')} differ\n`;
  const text = data.toString('utf8');
  const lines = text.split('\n');
  const isWhole = text.endsWith('\n');
  if (isWhole) lines.pop();
  const added = lines.map((line) => `+${line}\n`).join('');
  return (
    `${head}--- /dev/null\n+++ ${name('b/')}\n@@ -0,0 +1,${String(lines.length)} @@\n${added}` +
    (isWhole ? '' : '\\ No newline at end of file\n')
  );
}

/** L2. One byte more than there is room for: what is longer is found to be cut. */
async function contentOf(location: Buffer, bytesMax: number): Promise<{ mode: string; data: Buffer } | null> {
  const stat = await lstat(location);
  if (stat.isSymbolicLink()) return { mode: '120000', data: await readlink(location, { encoding: 'buffer' }) };
  if (!stat.isFile()) return null;
  await using file = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const size = Math.min(stat.size, bytesMax + 1);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(size), 0, size, 0);
  return { mode: stat.mode & 0o100 ? '100755' : '100644', data: buffer.subarray(0, bytesRead) };
}

/** Git's C-style quoting of a name that is more than plain characters. */
const quoted =
  (path: PathBytes) =>
  (prefix: string): string => {
    const isPlain = /^[ !#-[\]-~]*$/.test(path);
    if (isPlain) return `${prefix}${textOfPath(path)}`;
    const escaped = path.replaceAll(
      /["\\]|[^ -~]/g,
      (character) =>
        ({ '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t' } as Record<string, string>)[character] ??
        `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
    );
    return `"${prefix}${escaped}"`;
  };
