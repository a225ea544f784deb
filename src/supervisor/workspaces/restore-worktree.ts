/**
 * Brings back what `cleanup` or a new run took away: the worktree at its commit, and over it, byte for byte, the files
 * of the rescue commit and the copied ones of the quarantine.
 *
 * T1. Contents come from the objects as they are, without smudge filters or line-ending conversion.
 * T2. Nothing that is there is overwritten: a path that exists and is not empty is a conflict.
 * T3. The rescue ref and the quarantine stay.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { GitPlace } from './git-environment.ts';
import { readRef } from './git-refs.ts';
import { bufferOfPath, locate, splitNul, type PathBytes } from './path-bytes.ts';
import { copyTree, quarantineDir, readManifest, type QuarantineManifest } from './quarantine.ts';
import { isCheckedOut } from './prepare-worktree.ts';
import { rescueRefs } from './rescue-commit.ts';
import { branchRef, type Repository } from './repository.ts';
import type { RestoreRequest, RestoreResult } from './workspace-port.ts';
import { registeredPlace, requirePlace } from './worktree-registration.ts';

/** Blobs asked for in one git process. */
const batchSize = 64;
/** Bytes of one batch kept in memory. */
const batchBytesMax = 1024 * 1024 * 1024;
/** In the worktree's git directory while files are being written: a repeat may go on where this one was killed. */
const markerName = 'conductor-restoring';

export async function restoreWorktree(repository: Repository, request: RestoreRequest): Promise<RestoreResult> {
  const { ref, manifest, directory } = await findRescue(repository, request);
  const { worktreePath } = manifest;
  const resumed = registeredPlace(repository.commonGitDir, worktreePath);
  const again = resumed !== null && markerOf(resumed) === ref;
  if (!again && existsSync(worktreePath) && readdirSync(worktreePath).length > 0) {
    throw new ConductorError('conflict', `${worktreePath} exists and is not empty. Move it away and restore again.`, {
      details: { worktreePath, ref },
    });
  }
  const place = again ? resumed : await addAgain(repository, manifest, ref);
  const written = await writeRescued(repository, { place, head: manifest.head, ref, worktreePath });
  for (const { path, mode } of manifest.modes) {
    const location = locate(worktreePath, path);
    if (lstatSync(location, { throwIfNoEntry: false })?.isFile()) chmodSync(location, mode);
  }
  const copied = await copyTree(join(directory, 'files'), worktreePath, manifest.copied);
  rmSync(join(place.gitDir, markerName), { force: true });
  const head = readFileSync(join(place.gitDir, 'HEAD'), 'utf8').trim();
  return { worktreePath, branch: head.replace(/^ref: refs\/heads\//, ''), files: written + copied };
}

type Found = { readonly ref: string; readonly manifest: QuarantineManifest; readonly directory: string };

async function findRescue({ git, place, home }: Repository, { workerId, ref }: RestoreRequest): Promise<Found> {
  const prefix = rescueRefs(workerId);
  const args = ['for-each-ref', '--sort=-refname', '--format=%(refname)', prefix];
  const known = (await git.read(place, args)).stdout.toString('utf8').split('\n').filter(Boolean);
  for (const candidate of ref === undefined ? known : known.filter((name) => name === ref)) {
    const directory = quarantineDir(home, workerId, candidate.slice(prefix.length));
    const manifest = readManifest(directory);
    if (manifest !== null) return { ref: candidate, manifest, directory };
  }
  const byHand = known[0] === undefined ? '' : ` \`git worktree add <path> ${ref ?? known[0]}\` shows what git has.`;
  throw new ConductorError('not_found', `There is no quarantine of ${ref ?? workerId} to restore.${byHand}`, {
    details: { workerId, ref: ref ?? null, rescueRefs: known.slice(0, 20) },
  });
}

const markerOf = (place: GitPlace): string | null => {
  const path = join(place.gitDir, markerName);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
};

/** On its branch when that still stands where it was left, else on a new branch beside it. */
async function addAgain(repository: Repository, manifest: QuarantineManifest, ref: string): Promise<GitPlace> {
  const { git, place } = repository;
  const { worktreePath, branch, head } = manifest;
  const free = (await readRef(git, place, branchRef(branch))) === head && !(await isCheckedOut(repository, branch));
  const beside = `${branch}-restored-${ref.split('/').at(-1)!.toLowerCase()}`;
  mkdirSync(dirname(worktreePath), { recursive: true });
  const target = free ? ['--', worktreePath, branch] : ['-B', beside, '--', worktreePath, head];
  // `-f`: git may still have a record of the directory that was removed by hand.
  await git.change(place, ['worktree', 'add', '-f', ...target]);
  const added = requirePlace(repository.commonGitDir, worktreePath);
  writeFileSync(join(added.gitDir, markerName), `${ref}\n`, { mode: 0o600 });
  return added;
}

type Change = { readonly mode: string; readonly id: string; readonly path: PathBytes };
type WriteInput = {
  readonly place: GitPlace;
  readonly head: string;
  readonly ref: string;
  readonly worktreePath: string;
};

async function writeRescued(repository: Repository, input: WriteInput): Promise<number> {
  const changes = await changesOf(repository, input);
  for (const { mode, path } of changes) {
    if (mode === '000000') rmSync(locate(input.worktreePath, path), { force: true, recursive: true });
  }
  const present = changes.filter(({ mode }) => /^1[02]/.test(mode));
  for (let at = 0; at < present.length; at += batchSize) {
    const batch = present.slice(at, at + batchSize);
    const contents = await blobsOf(repository, input.place, batch);
    for (const [index, change] of batch.entries()) writeFile(input.worktreePath, change, contents[index]!);
  }
  return changes.length;
}

async function changesOf({ git }: Repository, { place, head, ref }: WriteInput): Promise<readonly Change[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', head, ref, '--'];
  const records = splitNul((await git.read(place, args)).stdout);
  const changes: Change[] = [];
  for (let index = 0; index + 1 < records.length; index += 2) {
    const [, mode = '', , id = ''] = records[index]!.split(' ');
    changes.push({ mode, id, path: records[index + 1]! });
  }
  return changes;
}

async function blobsOf({ git }: Repository, place: GitPlace, batch: readonly Change[]): Promise<readonly Buffer[]> {
  const input = Buffer.from(batch.map(({ id }) => `${id}\n`).join(''));
  const { stdout, truncated } = await git.read(place, ['cat-file', '--batch'], { input, bytesMax: batchBytesMax });
  if (truncated) {
    throw new ConductorError('too_large', `${batchSize} rescued files have more than ${batchBytesMax} bytes.`);
  }
  const blobs: Buffer[] = [];
  for (let at = 0; at < stdout.length;) {
    const headerEnd = stdout.indexOf(10, at);
    const size = Number(stdout.toString('latin1', at, headerEnd).split(' ')[2]);
    blobs.push(stdout.subarray(headerEnd + 1, headerEnd + 1 + size));
    at = headerEnd + 1 + size + 1;
  }
  return blobs;
}

function writeFile(root: string, { mode, path }: Change, content: Buffer): void {
  const location = locate(root, path);
  const parent = path.includes('/') ? bufferOfPath(path.slice(0, path.lastIndexOf('/')) as PathBytes) : null;
  if (parent !== null) mkdirSync(Buffer.concat([Buffer.from(`${root}/`), parent]), { recursive: true });
  const there = lstatSync(location, { throwIfNoEntry: false });
  if (there?.isDirectory()) rmdirSync(location);
  else if (there !== undefined) rmSync(location);
  if (mode === '120000') symlinkSync(content, location);
  else writeFileSync(location, content, { mode: mode === '100755' ? 0o755 : 0o644 });
}
