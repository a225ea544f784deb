/** The patch between two commits with a summary, from one git process; the configuration's diff programs do not run. */
import { textOfPath, type PathBytes } from './path-bytes.ts';
import type { Repository } from './repository.ts';
import type { DiffRequest, DiffResult } from './workspace-port.ts';
import { registeredPlace } from './worktree-registration.ts';

type Line = { readonly added: number | null; readonly deleted: number | null; readonly path: PathBytes };

/** Room for the summary, which comes before the patch: 20,000 files with names of 200 bytes. */
const summaryBytesMax = 4 * 1024 * 1024;

const nothing: DiffResult = { patch: '', patchBytes: new Uint8Array(), stat: '', files: [], truncated: false };

export async function diffCommits(repository: Repository, request: DiffRequest): Promise<DiffResult> {
  if (request.from === request.to) return nothing;
  const place = registeredPlace(repository.commonGitDir, request.worktreePath) ?? repository.place;
  const format = ['--numstat', '--patch', '--binary', '--full-index', '--no-color', '-z', '--no-renames'];
  const args = ['diff-tree', '-r', ...format, '--no-ext-diff', '--no-textconv', request.from, request.to, '--'];
  const { stdout, truncated } = await repository.git.read(place, args, {
    bytesMax: summaryBytesMax + request.bytesMax,
  });
  const { lines, patchAt } = summaryOf(stdout);
  const whole = stdout.subarray(patchAt);
  const patchBytes = whole.subarray(0, request.bytesMax);
  return {
    patch: patchBytes.toString('utf8'),
    patchBytes,
    stat: statText(lines),
    files: lines.map(({ path }) => textOfPath(path)),
    truncated: truncated || whole.length > request.bytesMax,
  };
}

/** `added TAB deleted TAB path NUL`…, then one more NUL, then the patch. */
function summaryOf(output: Buffer): { readonly lines: readonly Line[]; readonly patchAt: number } {
  const lines: Line[] = [];
  let at = 0;
  while (at < output.length && output[at] !== 0) {
    const end = output.indexOf(0, at);
    if (end === -1) break;
    const [added = '', deleted = '', ...path] = output.toString('latin1', at, end).split('\t');
    lines.push({ added: countOf(added), deleted: countOf(deleted), path: path.join('\t') as PathBytes });
    at = end + 1;
  }
  return { lines, patchAt: Math.min(at + 1, output.length) };
}

/** `-` stands for a binary file. */
const countOf = (text: string): number | null => (text === '-' ? null : Number(text));

function statText(lines: readonly Line[]): string {
  const sum = (pick: (line: Line) => number | null): number =>
    lines.reduce((total, line) => total + (pick(line) ?? 0), 0);
  const rows = lines.map(({ added, deleted, path }) => {
    const counts = added === null ? 'binary' : `+${added} -${deleted ?? 0}`;
    return ` ${textOfPath(path).replaceAll('\n', '\\n')} | ${counts}`;
  });
  const noun = lines.length === 1 ? 'file' : 'files';
  const total = `${sum((line) => line.added)} insertions, ${sum((line) => line.deleted)} deletions`;
  return `${rows.join('\n')}\n ${lines.length} ${noun} changed, ${total}\n`;
}
