/**
 * Puts everything that differs from HEAD in a worktree into a commit under `refs/conductor/rescue/<worker>/<time>`, in
 * one `git fast-import`.
 *
 * R1. Contents are taken raw: no clean filter, no line-ending or encoding conversion, so that `restore` gives back the
 *     same bytes. (`git add` into a temporary index converts, and would run the programs of a hostile configuration.)
 * R2. Neither index, HEAD nor files of the worktree are touched.
 * R3. The ref appears only with its whole commit, in one step.
 */
import { createReadStream, lstatSync, readlinkSync } from 'node:fs';
import { fallbackIdentity } from './git-environment.ts';
import { readRef } from './git-refs.ts';
import { bufferOfPath, locate, type PathBytes } from './path-bytes.ts';
import { timeStamp, type Repository } from './repository.ts';
import type { StatusEntry } from './worktree-status.ts';

export type RescueInput = {
  readonly workerId: string;
  readonly workTree: string;
  readonly head: string;
  readonly entries: readonly StatusEntry[];
  readonly message: string;
};
export type RescuedFile = { readonly path: PathBytes; readonly mode: number };
export type Rescue = { readonly ref: string; readonly stamp: string; readonly files: readonly RescuedFile[] };

export const rescueRefs = (workerId: string): string => `refs/conductor/rescue/${workerId}/`;

/** A rescue ref of this worker that does not exist yet, and its time. */
export async function newRescueRef(
  { git, place, now }: Repository,
  workerId: string,
): Promise<{ readonly ref: string; readonly stamp: string }> {
  for (let time = now(); ; time += 1) {
    const stamp = timeStamp(time);
    const ref = `${rescueRefs(workerId)}${stamp}`;
    if ((await readRef(git, place, ref)) === null) return { ref, stamp };
  }
}

export async function makeRescueCommit(repository: Repository, input: RescueInput): Promise<Rescue> {
  const { ref, stamp } = await newRescueRef(repository, input.workerId);
  const files: RescuedFile[] = [];
  const stream = importStream({ ...input, ref, at: repository.now(), onFile: (file) => files.push(file) });
  await repository.git.changeBytes(repository.place, ['fast-import', '--quiet', '--done'], { input: stream });
  return { ref, stamp, files };
}

/** Points a rescue ref at a commit that a branch is about to leave behind. */
export async function keepCommit(repository: Repository, workerId: string, commit: string): Promise<string> {
  const { ref } = await newRescueRef(repository, workerId);
  await repository.git.changeBytes(repository.place, ['update-ref', ref, commit, '']);
  return ref;
}

type ImportInput = RescueInput & {
  readonly ref: string;
  readonly at: number;
  readonly onFile: (file: RescuedFile) => void;
};

async function* importStream(input: ImportInput): AsyncGenerator<Buffer> {
  const message = Buffer.from(input.message, 'utf8');
  const { name, email } = fallbackIdentity;
  yield Buffer.from(`commit ${input.ref}\ncommitter ${name} <${email}> ${Math.floor(input.at / 1000)} +0000\n`);
  yield Buffer.from(`data ${message.length}\n`);
  yield message;
  yield Buffer.from(`\nfrom ${input.head}\n`);
  // Deletions first: a file may have become a folder of the same name.
  for (const entry of input.entries) {
    if (entry.deleted) yield Buffer.concat([Buffer.from('D '), quoted(entry.path), Buffer.from('\n')]);
  }
  for (const entry of input.entries) {
    if (!entry.deleted && !entry.submodule && !entry.directory) yield* fileStream(input, entry.path);
  }
  yield Buffer.from('\ndone\n');
}

async function* fileStream({ workTree, onFile }: ImportInput, path: PathBytes): AsyncGenerator<Buffer> {
  const location = locate(workTree, path);
  const stat = lstatSync(location);
  const command = (mode: string, size: number): Buffer =>
    Buffer.concat([Buffer.from(`M ${mode} inline `), quoted(path), Buffer.from(`\ndata ${size}\n`)]);
  if (stat.isSymbolicLink()) {
    const target = readlinkSync(location, { encoding: 'buffer' });
    yield Buffer.concat([command('120000', target.length), target, Buffer.from('\n')]);
    onFile({ path, mode: stat.mode & 0o7777 });
  } else if (stat.isFile()) {
    yield command(stat.mode & 0o100 ? '100755' : '100644', stat.size);
    let size = 0;
    if (stat.size > 0) {
      for await (const chunk of createReadStream(location, { end: stat.size - 1 })) {
        size += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    }
    if (size !== stat.size) throw new Error(`A file shrank while it was rescued, at ${size} of ${stat.size} bytes.`);
    yield Buffer.from('\n');
    onFile({ path, mode: stat.mode & 0o7777 });
  }
}

/** Git's C-style quoting; only these three characters need it inside quotes. */
function quoted(path: PathBytes): Buffer {
  const escaped = path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n') as PathBytes;
  return Buffer.concat([Buffer.from('"'), bufferOfPath(escaped), Buffer.from('"')]);
}
